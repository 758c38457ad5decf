// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "console.hpp"
#include "options.hpp"

#include <weft/context.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>

namespace wordcount {

/// What the goroutines of the pipeline share. It outlives the runtime they run on.
///
///     walk --files--> readers --blocks--> counters --tables--> main
///
/// Each arrow is a channel, closed by its sender when no more will come. `ctx` ends with a signal or
/// the timeout: whoever produces ends then, which closes one channel after the other, and what is
/// under way is still counted.
struct job {
    explicit job(options o) : chosen(std::move(o)) {}

    const options chosen;
    weft::context ctx = weft::background(); ///< set before the pipeline starts
    std::exception_ptr stopped_by;          ///< set after it has ended: why it ended early

    std::atomic<std::uint64_t> files{0}; ///< read to their end
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> unreadable{0}; ///< files and directories

    const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    console screen;

    /// The signal that stopped it; 0: none.
    [[nodiscard]] int signal() const
    {
        try {
            if (stopped_by) std::rethrow_exception(stopped_by);
        } catch (const weft::signal_error& e) {
            return e.signal();
        } catch (const weft::error&) {
            // the timeout
        }
        return 0;
    }

    [[nodiscard]] double seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    }
};

} // namespace wordcount
