// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <chrono>
#include <cstdint>

/// What a user gives as a limit, in ticks.

namespace weft::inline v0_1::detail {

/// Nothing if `d` is negative, and the largest number if it is more: `duration::max()` is no limit.
[[nodiscard]] inline std::uint64_t ticks_in(duration d, double nanos_per_tick) noexcept
{
    constexpr double beyond = 0x1p64;
    const double n = std::chrono::duration<double, std::nano>(d).count() / nanos_per_tick;
    if (!(n > 0)) return 0;
    return n < beyond ? static_cast<std::uint64_t>(n) : UINT64_MAX;
}

} // namespace weft::inline v0_1::detail
