// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

/// `watchdog`: tells of goroutines that keep a worker for too long, and of those that wait too long.

namespace weft::inline v0_1::debug {

struct watchdog_options {
    /// A slice that lasts longer is reported, once for each place. Zero or less: none is.
    duration slice_limit = std::chrono::milliseconds(10);
    /// Goroutines that wait for longer for something that only others can bring are listed, by place: once, and again when
    /// there are twice as many. Zero or less: none are.
    duration blocked_limit{};
    /// So many of one place are named.
    std::size_t most_listed = 10;
};

/// While it lives, the monitor threads of all runtimes look after the limits, and report through weft's log (log.hpp). There
/// may be one.
///
/// A slice that is over is reported with its length, from where it went on to where it waited; one that still lasts
/// with what it has taken so far. It costs a look at the clock at each end of a slice. To find those who wait, the world
/// is stopped for a moment each half of `blocked_limit`, at most once a second.
///
/// @par Thread safety  safe.
class WEFT_EXPORT watchdog {
public:
    /// @throws misuse_error  there is one already.
    explicit watchdog(watchdog_options o = {});
    ~watchdog();
    watchdog(const watchdog&) = delete;
    watchdog& operator=(const watchdog&) = delete;

    /// Whether there is one. @par Thread safety  safe.
    [[nodiscard]] static bool is_enabled();
};

/// What a watchdog has reported.
struct watchdog_finding {
    std::chrono::system_clock::time_point at;
    std::string text; ///< as in the log
};

/// The latest reports of all watchdogs so far, a hundred at most, the oldest first.
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT std::vector<watchdog_finding> watchdog_findings();

} // namespace weft::inline v0_1::debug
