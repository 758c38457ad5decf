// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/debug/profile.hpp>

#include <cstdint>
#include <vector>

/// Where goroutines wait for each other, and how long: the block profile, the mutex profile, and the time from
/// runnable to running. All are off until they are turned on, and cost then what reading the clock costs.

namespace weft::inline v0_1::debug {

/// Turns the block profile on: a wait is counted if it lasted for `rate`, a shorter one with the likelihood that its length
/// bears to that, and then for as many as it stands for. 1 ns: every one. Zero: off; what was counted stays.
///
/// @par Thread safety  safe.
/// @par Source         Go runtime.SetBlockProfileRate.
WEFT_EXPORT void set_block_profile_rate(duration rate);

/// Waits on channels, selects, locks, joins and their kind, by await chain: "contentions" in "count" and "delay" in
/// "nanoseconds". A sample's label "reason" has Go's word for what it waited for. A wait counts when it is over.
///
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT profile block_profile();

/// Turns the mutex profile on: one in so many waits for a `mutex` or an `rw_mutex` is counted. 0: off.
/// @returns what it was before.
/// @par Thread safety  safe.
/// @par Source         Go runtime.SetMutexProfileFraction.
WEFT_EXPORT unsigned set_mutex_profile_fraction(unsigned one_in);

/// How long locks kept others waiting, by the place where the one that held it had taken it (Go's has the place
/// where it is let go). Values as in the block profile.
///
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT profile mutex_profile();

/// How long goroutines were runnable before they ran.
struct WEFT_EXPORT latency_histogram {
    struct bucket {
        duration below; ///< and not below the bucket before
        std::uint64_t count;
    };
    std::vector<bucket> buckets; ///< each twice as wide as the one before
    std::uint64_t count = 0;
    duration sum{};

    /// What a share `q` of all lay below, to the bucket's width; `quantile(0.99)`. Zero: nothing was measured.
    [[nodiscard]] duration quantile(double q) const noexcept;
};

/// Measures one in so many; 0: none.
/// @par Thread safety  safe.
WEFT_EXPORT void set_latency_sampling(unsigned one_in) noexcept;
/// All that was measured so far.
/// @par Thread safety  safe.
/// @par Source         Go runtime/metrics "/sched/latencies:seconds".
[[nodiscard]] WEFT_EXPORT latency_histogram scheduling_latency();

/// What is turned on.
struct contention_settings {
    duration block_rate{};       ///< zero: off
    unsigned mutex_fraction = 0; ///< 0: off
    unsigned latency_one_in = 0; ///< 0: off
};
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT contention_settings current_contention_settings() noexcept;

/// Forgets what the profiles and the histogram have counted.
/// @par Thread safety  safe.
WEFT_EXPORT void reset_contention() noexcept;

} // namespace weft::inline v0_1::debug
