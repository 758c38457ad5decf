// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/debug/goroutines.hpp>

#include <iosfwd>
#include <vector>

/// Who waits for a lock that is held by one who waits.

namespace weft::inline v0_1::debug {

/// Goroutines each of which waits for a lock that the next one took and nobody has given back, the last one for one that the
/// first took. One that waits for a lock of its own is a cycle of one. They wait for ever, unless one of them has handed a
/// guard on to a goroutine outside of the cycle, which will let go of it: the lock remembers only who took it.
using lock_cycle = std::vector<goroutine_info>;

/// All cycles of locks, of all runtimes. Stops the world for a moment.
/// @par Thread safety  safe, from goroutines and ordinary threads.
[[nodiscard]] WEFT_EXPORT std::vector<lock_cycle> lock_cycles();

/// Those among goroutines that were looked at already.
[[nodiscard]] WEFT_EXPORT std::vector<lock_cycle>
lock_cycles(const std::vector<goroutine_info>& all);

/// Prints one cycle:
///
///     lock cycle:
///     goroutine 7 waits at /src/main.cpp:31 for a lock that goroutine 8 took at /src/main.cpp:40
///     goroutine 8 waits at /src/main.cpp:41 for a lock that goroutine 7 took at /src/main.cpp:30
WEFT_EXPORT void print_cycle(std::ostream& out, const lock_cycle& c);

} // namespace weft::inline v0_1::debug
