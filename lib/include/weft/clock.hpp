// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <chrono>
#include <cstdint>

namespace weft::inline v0_1 {

namespace detail {

/// The time of the bubble that the calling thread runs (weft/testing/bubble.hpp); null: real time.
WEFT_EXPORT extern constinit thread_local const std::chrono::steady_clock::time_point* virtual_time
    WEFT_FAST_THREAD_LOCAL;

/// The number of a bubble; 0: none, that is production.
using bubble_id = std::uint16_t;

} // namespace detail

/// The clock of every duration and deadline in weft: `std::chrono::steady_clock`, whose time points
/// it shares, but virtual inside a `testing::bubble`.
struct clock {
    using rep = std::chrono::steady_clock::rep;
    using period = std::chrono::steady_clock::period;
    using duration = std::chrono::steady_clock::duration;
    using time_point = std::chrono::steady_clock::time_point;
    static constexpr bool is_steady = true;

    /// In a bubble: it stands still until all goroutines wait.
    [[nodiscard]] static bool is_virtual() noexcept { return detail::virtual_time != nullptr; }

    static time_point now() noexcept
    {
        const time_point* pretended = detail::virtual_time;
        return WEFT_UNLIKELY(pretended != nullptr) ? *pretended : std::chrono::steady_clock::now();
    }
};

using duration = clock::duration;
using time_point = clock::time_point;

} // namespace weft::inline v0_1
