// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/debouncer.hpp>
#include <weft/executor.hpp>

#include <source_location>
#include <utility>

/// `debounce`: many calls in a row become one, when it has become quiet.

namespace weft::inline v0_1 {

struct debounce_options {
    /// Run the first call of a row at once.
    bool leading = false;
    /// Run the latest one at its end; with `leading`, if it is not the same call.
    bool trailing = true;
    /// Run at least this often while calls go on. Not below `wait`.
    duration max_wait = duration::max();
};

namespace detail {
[[nodiscard]] WEFT_EXPORT debouncer::rules rules_of(duration wait, const debounce_options& o);
}

/// Runs a function once no call has come for a while, with the arguments of the latest one: saving
/// while somebody types, reloading while files change.
///
///     debounce save(200ms, [](std::string text) -> task<> { ... });
///     save(a); save(b);      // b is saved, 200 ms later
///
/// The function returns a `task`, or is plain code that never waits. It runs as a goroutine, and
/// never twice at once: what becomes due while it runs waits for its end, and only the latest such
/// call runs. An exception that escapes it is a panic; later calls go on.
///
/// A handle that can be moved. When it goes, the call that waits is forgotten (`flush` it first, if
/// it matters); a run goes on, so the function must own what it uses.
///
/// @par Thread safety  distinct objects: safe. shared objects: all but moving safe, from any
///                     thread.
/// @par Ordering       a call happens-before the run that has its arguments.
/// @par Lifetime       may outlive its runtime, and then runs nothing.
/// @par Complexity     a call: O(1), one lock, one allocation. It does not set the timer, but for
///                     the first in a row.
/// @par Source         The rules are those of Lodash's debounce, with its edges and its maxWait.
template <class F>
class debounce : public detail::debounce_handle<F> {
public:
    /// @param wait  how long it must have been quiet.
    /// @throws misuse_error  "non-positive wait for debounce", "non-positive max_wait for
    ///                       debounce", "debounce: neither leading nor trailing"; not called on a
    ///                       weft runtime: pass its executor.
    debounce(duration wait, F f, debounce_options options = {},
             std::source_location at = std::source_location::current())
        : debounce(executor(detail::current_scheduler("debounce")), wait, std::move(f), options, at)
    {
    }
    debounce(const executor& ex, duration wait, F f, debounce_options options = {},
             std::source_location at = std::source_location::current())
        : detail::debounce_handle<F>(ex.sched(), detail::rules_of(wait, options), std::move(f), at)
    {
    }
};

} // namespace weft::inline v0_1
