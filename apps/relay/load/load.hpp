// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "counts.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// `load`: clients that give jobs to a relay.

namespace relay {

struct load_options {
    std::string server;               ///< "http://127.0.0.1:8080"
    std::vector<std::string> targets; ///< URLs, one after the other
    std::size_t clients = 64;         ///< each with a connection of its own, and one job at a time
    double rate = 0; ///< jobs per second of all clients; 0: as fast as they are taken
    std::chrono::milliseconds time{5'000};
    std::size_t body_bytes = 200;
    std::size_t most = 0; ///< jobs; 0: any number
};

struct load_result {
    std::vector<std::string> ids; ///< of jobs that were accepted
    std::uint64_t refused = 0;    ///< answered with something else
    std::uint64_t unanswered = 0; ///< no answer: whether they were accepted is not known
    double seconds = 0;
    histogram::reading times{}; ///< of the requests that were accepted
};

/// Gives jobs until the time is over or `ctx` ends. A client whose request fails makes another one after a little while.
[[nodiscard]] weft::task<load_result> give_jobs(weft::context ctx, load_options o);

} // namespace relay
