// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <string>

/// The embedded queue: a SQLite file of this process alone.

namespace relay {

struct sqlite_queue_options {
    /// How long jobs that are done can be looked at; zero: not at all. Their idempotency keys hold as long.
    std::chrono::milliseconds keep_done = std::chrono::hours(1);
    /// Calls that share a transaction, and so an fsync, at most.
    std::size_t most_in_a_commit = 1024;
};

/// Opens or makes the file. Calls that come while a commit is under way make the next one together: the more callers, the
/// fewer fsyncs for each.
///
/// What is changed is on disk when a call returns: write-ahead log, synchronous=FULL. Leases end with the process: what it had in
/// flight is ready again when the file is next opened.
///
/// @throws std::runtime_error  it cannot be opened; the text says why.
[[nodiscard]] weft::task<std::unique_ptr<queue>>
open_sqlite_queue(std::string file, sqlite_queue_options options = {});

} // namespace relay
