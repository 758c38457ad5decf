// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

/// Looking at all goroutines of the process.

namespace weft::inline v0_1::detail {
class scheduler;
}

namespace weft::inline v0_1::debug {

/// One goroutine at one moment.
struct goroutine_info {
    std::uint64_t id = 0;
    std::uint64_t runtime = 0; ///< which runtime's: ids are unique within one
    std::string name;          ///< from this_goroutine::set_name, or empty
    std::vector<std::pair<std::string, std::string>> labels{}; ///< from labels.hpp, by key
    std::string state;               ///< "running", "runnable" or "waiting"
    std::string wait_reason;         ///< Go's words ("chan receive"); the state if it does not wait
    duration waiting{};              ///< since it last ran, to about a millisecond; zero if running
    std::uint64_t parent = 0;        ///< the goroutine that started it; 0: none
    std::source_location spawn_site; ///< line 0: not known
    /// The await chain, innermost first; empty while running.
    std::vector<std::source_location> frames;
    /// The goroutine that took the lock it waits for, or was handed it, and that one's runtime; 0: it waits for none. It may
    /// have given the guard to another one since.
    std::uint64_t lock_holder = 0, lock_holder_runtime = 0;
    std::source_location locked_at; ///< where it took it
};

/// All live goroutines of all runtimes, by id. Stops the world for a moment.
/// @par Thread safety  safe, from goroutines and ordinary threads.
[[nodiscard]] WEFT_EXPORT std::vector<goroutine_info> goroutines();

/// How many there are (Go: runtime.NumGoroutine). Does not stop anything.
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT std::size_t goroutine_count();

/// Those that have waited for at least `d` for something that only other goroutines, or a timer, can
/// bring: on channels, selects, locks, joins, contexts. Not: sleeps, Asio operations, blocking calls. For
/// programs in production, which can log them now and then: a leaked goroutine is among them for
/// ever.
/// @par Thread safety  safe, from goroutines and ordinary threads.
[[nodiscard]] WEFT_EXPORT std::vector<goroutine_info> blocked_longer_than(duration d);

/// Those of one runtime; for the library's own rooms.
[[nodiscard]] WEFT_EXPORT std::vector<goroutine_info> goroutines_of(detail::scheduler& s);

/// Prints them in the manner of Go's traceback. From any thread, but not in a signal handler: see `dump_on_signal`.
///
///     goroutine 7 [chan receive, 2 minutes]:
///     worker(int)
///             /src/main.cpp:31
///     created by goroutine 1 at main()
///             /src/main.cpp:12
WEFT_EXPORT void dump(std::ostream& out);

/// Prints one goroutine.
WEFT_EXPORT void print(std::ostream& out, const goroutine_info& g);
/// Prints several, an empty line between them.
WEFT_EXPORT void print(std::ostream& out, const std::vector<goroutine_info>& all);

} // namespace weft::inline v0_1::debug
