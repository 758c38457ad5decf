// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "console.hpp"
#include "options.hpp"

#include <weft/channel.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>

namespace wordcount {

/// What the goroutines of the pipeline share. It outlives the runtime they run on.
///
///     walk --files--> readers --blocks--> counters --tables--> main
///
/// Each arrow is a channel, closed by its sender when no more will come. `stop` is closed by a
/// signal: whoever produces ends then, which closes one channel after the other, and what is under
/// way is still counted.
struct job {
    explicit job(options o) : chosen(std::move(o)) {}

    const options chosen;
    const weft::channel<void> stop = weft::make_channel<void>();
    std::atomic<int> signal{0}; ///< the one that stopped it

    std::atomic<std::uint64_t> files{0}; ///< read to their end
    std::atomic<std::uint64_t> bytes{0};
    std::atomic<std::uint64_t> unreadable{0}; ///< files and directories

    const std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now();
    console screen;

    [[nodiscard]] double seconds() const
    {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    }
};

} // namespace wordcount
