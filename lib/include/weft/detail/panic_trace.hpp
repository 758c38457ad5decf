// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <exception>
#include <source_location>
#include <vector>

namespace weft::inline v0_1::detail {

struct panic_trace {
    std::exception_ptr of;
    std::vector<std::source_location> frames; ///< innermost first
};

} // namespace weft::inline v0_1::detail
