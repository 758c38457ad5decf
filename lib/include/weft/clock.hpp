// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>

namespace weft {

/// The clock of every duration and deadline in weft: steady, never set back.
using clock = std::chrono::steady_clock;
using duration = clock::duration;
using time_point = clock::time_point;

} // namespace weft
