// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <source_location>

/// Where a test is, and how it takes its time.

namespace weft_test {

/// The line that this is called on.
[[nodiscard]] constexpr unsigned
here(std::source_location at = std::source_location::current()) noexcept
{
    return at.line();
}

/// Keeps its worker busy.
inline void spin_for(std::chrono::nanoseconds d)
{
    const auto until = std::chrono::steady_clock::now() + d;
    while (std::chrono::steady_clock::now() < until) {}
}

} // namespace weft_test
