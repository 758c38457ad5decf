// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <string>
#include <vector>

/// Who waits for a lock that is held by one who waits.

namespace weft::detail {
class scheduler;
}

namespace weft::debug {

/// A goroutine that waits for a lock, and who holds that.
struct lock_wait {
    std::uint64_t goroutine = 0;
    std::string name;              ///< of the goroutine, or empty
    std::source_location waits_at; ///< its innermost frame
    std::uint64_t holder = 0;
    std::source_location locked_at; ///< where the holder took it
};

/// Each holder is the next one's goroutine, and the last one's holder the first goroutine.
using lock_cycle = std::vector<lock_wait>;

/// All cycles of locks, of all runtimes: goroutines that will never go on. One that waits for a lock of its
/// own is a cycle of one. Stops the world for a moment.
/// @par Thread safety  safe, from goroutines and ordinary threads.
[[nodiscard]] std::vector<lock_cycle> lock_cycles();

/// Those of one runtime; for the library's own rooms.
[[nodiscard]] std::vector<lock_cycle> lock_cycles_of(detail::scheduler& s);

/// Prints one cycle:
///
///     lock cycle:
///     goroutine 7 waits at /src/main.cpp:31 for a lock that goroutine 8 took at /src/main.cpp:40
///     goroutine 8 waits at /src/main.cpp:41 for a lock that goroutine 7 took at /src/main.cpp:30
void print(std::ostream& out, const lock_cycle& c);

} // namespace weft::debug
