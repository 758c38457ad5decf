// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "options.hpp"

#include <weft/weft.hpp>

namespace relay {

/// What `relay serve`, `work` and `all` do until `ctx` ends: then no more jobs are taken in, those under way are finished or given
/// back, and the queue is closed.
/// @throws std::exception  it cannot begin; the text says why.
[[nodiscard]] weft::task<> serve(options o, weft::context ctx);

} // namespace relay
