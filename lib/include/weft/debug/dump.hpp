// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/debug/goroutines.hpp>
#include <weft/debug/profile.hpp>

#include <chrono>
#include <cstddef>
#include <iosfwd>
#include <string>

/// Dumps of all goroutines: forms, signals, and those that a program in trouble can still write.

namespace weft::inline v0_1::debug {

enum class dump_form {
    /// One after another, as `dump(out)` (Go: goroutine?debug=2).
    text,
    /// Those with equal stacks, reasons and labels together, the most first (Go: debug=1):
    ///
    ///     goroutine profile: total 4
    ///     3 @ chan receive
    ///     # labels: {"route": "/users"}
    ///     #   worker(int) /src/main.cpp:31
    ///     #   created by main()   /src/main.cpp:12
    groups,
    /// {"goroutines": [{"id", "runtime", "name", "labels", "state", "wait_reason", "waiting_ns", "parent", "spawned_at",
    /// "frames", "lock_holder", "lock_holder_runtime"}], "total", "matched", "complete"}; a place is {"function", "file",
    /// "line"}.
    json,
    /// The groups: {"groups": [{"count", "ids", "labels", "state", "wait_reason", "waiting_ns", "longest_ns", "spawned_at",
    /// "frames"}], "found", "total", "matched", "complete"}; "waiting_ns" is of all of the group together, "ids" are some of it.
    json_groups
};

struct dump_options {
    dump_form form = dump_form::text;
    /// Also the library's own frames around the program's.
    bool all_frames = false;
    /// Only goroutines that have each of these words, 64 at most, in their name, labels (`route=/users`), state, wait reason, or
    /// a place shown of them, in whatever case; or as their id (`id=7`). Empty: all.
    std::string filter{};
    /// Of what is found, so many are left out before the first, and at most so many shown: goroutines or groups.
    std::size_t skip = 0;
    std::size_t most = static_cast<std::size_t>(-1);
    /// After this time it ends with what it has, and says so.
    duration limit = std::chrono::seconds(10);
};

/// Writes all goroutines of all runtimes. Up to 8,192 of a runtime are shown as they were at one moment. More are looked at in
/// parts, with the goroutines running in between: the world stops for some milliseconds at a time, whatever their number.
///
/// It waits for nobody longer than `limit` says. A runtime that is just being shut down shows nothing. In a child that was forked
/// from a process with runtimes, it shows what `emergency_dump` would (as JSON: nothing).
/// @throws std::invalid_argument  more than 64 words in the filter.
/// @par Thread safety  safe, from goroutines and ordinary threads; not in a signal handler.
WEFT_EXPORT void dump(std::ostream& out, const dump_options& options);

/// Goroutines by their await chains, labels and wait reasons (label "wait_reason"), as a profile: value "goroutine".
/// @par Thread safety  as dump.
[[nodiscard]] WEFT_EXPORT profile goroutine_profile(duration limit = std::chrono::seconds(10));

/// What happens once the dump has been written.
enum class after_dump {
    go_on,
    exit ///< with status 2, at once, as a Go program at SIGQUIT
};

/// From now on the signal writes a dump to stderr: SIGQUIT, as Go programs do, or another one that is free. A thread of the
/// library's writes it, the handler only wakes that. A second call for the same signal changes what happens.
/// @throws std::system_error  no handler can be set for that signal.
/// @par Thread safety  safe.
WEFT_EXPORT void dump_on_signal(int signal, after_dump then = after_dump::go_on,
                                const dump_options& options = {});

/// Writes what can be seen without stopping, locking, or allocating anything: for crash handlers, forked children, and
/// threads that hold nobody knows what. Async-signal-safe. Goroutines that run meanwhile may be missing or shown with half a
/// chain; where memory is not readable, it stops. At most 10,000 are shown of each part of a runtime.
/// @par Thread safety  safe.
WEFT_EXPORT void emergency_dump(int descriptor) noexcept;

/// From now on SIGSEGV, SIGBUS, SIGILL, SIGFPE and SIGABRT write an `emergency_dump` to stderr; then what was there before
/// them happens: a core, or another handler.
/// @par Thread safety  safe. The second call does nothing.
WEFT_EXPORT void dump_on_crash();

} // namespace weft::inline v0_1::debug
