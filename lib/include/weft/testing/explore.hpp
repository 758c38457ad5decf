// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/testing/bubble.hpp>

#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <source_location>
#include <string>

/// `explore`: the same program on many schedules.

namespace weft::inline v0_1::testing {

struct explore_options {
    /// How many are run. `exhaustive`: at most so many; 0: all there are.
    std::uint64_t schedules = 1'000;
    /// The first one's; the others follow from it. Empty: a new one each time. WEFT_SEED, if set, is
    /// the seed of the only schedule that is run.
    std::optional<std::uint64_t> seed{};
    /// Asked after each schedule: true counts it as failed. For test frameworks whose checks do not
    /// throw.
    std::function<bool()> failed{};
    /// As in `bubble_options`.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    std::uint64_t most_slices = 1'000'000;
};

/// What was explored.
struct exploration {
    std::uint64_t schedules = 0;
    std::uint64_t slices = 0; ///< of all schedules together
    bool complete = false;    ///< `exhaustive`: there are no others
};

/// A schedule on which a program fails.
struct failed_schedule {
    std::uint64_t seed = 0;      ///< replays it; 0: of `exhaustive`, which finds it again
    std::uint64_t schedules = 0; ///< how many were run, with this one
    std::exception_ptr why;      ///< a `failure`, or what the program threw
};

namespace detail {

WEFT_EXPORT exploration explore(const program& main, const explore_options& o,
                                const std::source_location& at,
                                std::optional<failed_schedule>* found);
WEFT_EXPORT exploration exhaust(const program& main, unsigned bound, const explore_options& o,
                                const std::source_location& at,
                                std::optional<failed_schedule>* found);

} // namespace detail

/// Runs `f()` as in a `bubble`, on one schedule after the other, until one fails: it throws what that
/// one threw, after `WEFT_SEED=...` on stderr. With that in the environment the same program runs the
/// same schedule again, and no other.
///
/// Half of the schedules choose uniformly at random at each step; the others by priorities that change
/// at one to four random steps (PCT: Burckhardt et al., ASPLOS 2010), which finds faults that need a
/// goroutine to be held back for long.
///
/// `f` is called once for each schedule and must begin anew each time: what it decides must depend
/// on nothing but the schedule and `clock::now`.
///
/// @throws  as `bubble`.
template <class F>
    requires weft::detail::goroutine_function<F>
exploration explore(F f, const explore_options& options = {},
                    std::source_location at = std::source_location::current())
{
    return detail::explore([&f] { return detail::call(f); }, options, at, nullptr);
}

/// As `explore`, but returns the first schedule that fails instead of throwing; empty: none did.
template <class F>
    requires weft::detail::goroutine_function<F>
[[nodiscard]] std::optional<failed_schedule>
find_failure(F f, const explore_options& options = {},
             std::source_location at = std::source_location::current())
{
    std::optional<failed_schedule> found;
    detail::explore([&f] { return detail::call(f); }, options, at, &found);
    return found;
}

/// Runs `f()` on every schedule in which at most `preemption_bound` times a goroutine that could go
/// on is held up for another one (a bound of 2 finds most faults), with every choice of every select.
/// For small programs: the number grows with the number of steps to the power of the bound.
///
/// @throws  as `bubble`; a `misuse_error`, too, when `f` does not do the same on the same schedule.
template <class F>
    requires weft::detail::goroutine_function<F>
exploration exhaustive(F f, unsigned preemption_bound, explore_options options = {.schedules = 0},
                       std::source_location at = std::source_location::current())
{
    return detail::exhaust([&f] { return detail::call(f); }, preemption_bound, options, at,
                           nullptr);
}

} // namespace weft::inline v0_1::testing
