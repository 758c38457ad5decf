// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

/// All of weft::pattern.

#include <weft/pattern/parallel.hpp>
