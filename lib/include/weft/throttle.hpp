// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/debouncer.hpp>
#include <weft/executor.hpp>

#include <source_location>
#include <utility>

/// `throttle`: however often it is called, it runs at most once an interval.

namespace weft::inline v0_1 {

struct throttle_options {
    /// Run the first call at once.
    bool leading = true;
    /// Run the latest call of an interval at its end; with `leading`, if it is not the same call.
    bool trailing = true;
};

namespace detail {
[[nodiscard]] WEFT_EXPORT debouncer::rules rules_of(duration interval, const throttle_options& o);
}

/// Runs a function at most once an interval, with the arguments of the latest call: progress shown
/// while a transfer runs, say.
///
///     throttle show(100ms, [](int percent) { std::cout << percent << "%\n"; });
///     for (int i = 0; i <= 100; ++i) { show(i); ... }   // 0 at once, 100 at most 100 ms late
///
/// All else is as with `debounce`: the function runs as a goroutine, never twice at once; `flush`,
/// `cancel` and `pending`; when the handle goes, the call that waits is forgotten. To let
/// everything through, but not too fast, use a `limiter`.
///
/// @par Thread safety  distinct objects: safe. shared objects: all but moving safe, from any
///                     thread.
/// @par Ordering       a call happens-before the run that has its arguments.
/// @par Lifetime       may outlive its runtime, and then runs nothing.
/// @par Complexity     a call: O(1), one lock, one allocation.
/// @par Source         The rules are those of Lodash's throttle.
template <class F>
class throttle : public detail::debounce_handle<F> {
public:
    /// @throws misuse_error  "non-positive interval for throttle", "throttle: neither leading nor
    ///                       trailing"; not called on a weft runtime: pass its executor.
    throttle(duration interval, F f, throttle_options options = {},
             std::source_location at = std::source_location::current())
        : throttle(executor(detail::current_scheduler("throttle")), interval, std::move(f), options,
                   at)
    {
    }
    throttle(const executor& ex, duration interval, F f, throttle_options options = {},
             std::source_location at = std::source_location::current())
        : detail::debounce_handle<F>(ex.sched(), detail::rules_of(interval, options), std::move(f),
                                     at)
    {
    }
};

} // namespace weft::inline v0_1
