// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// `job`: what is to be delivered, and how far it has come.

namespace relay {

/// Wall time: it outlives the process, and other machines share it.
using timestamp = std::chrono::sys_time<std::chrono::milliseconds>;

[[nodiscard]] inline timestamp now()
{
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

enum class job_state : std::uint8_t {
    ready,     ///< may be reserved
    delayed,   ///< becomes ready at `due`
    in_flight, ///< reserved; its lease ends at `due`
    done,      ///< delivered, at `due`
    dead       ///< given up, at `due`; `kick` makes it ready again
};

/// "ready", "delayed", "in_flight", "done", "dead".
[[nodiscard]] std::string_view name_of(job_state s) noexcept;
/// @throws std::invalid_argument  it is none.
[[nodiscard]] job_state state_of(std::string_view name);

/// In the order they were given.
using header_list = std::vector<std::pair<std::string, std::string>>;

/// What is to be delivered where.
struct delivery {
    std::string target;    ///< a URL
    std::string host;      ///< its host and port: what limits go by
    header_list headers{}; ///< to send with it
    std::string body{};    ///< any bytes
};

/// What `queue::put` takes.
struct new_job {
    delivery what;
    std::chrono::milliseconds delay{0};
    int max_attempts = 10;
    /// A second put with the same key is the first one's job; empty: no key.
    std::string idempotency_key{};
};

/// How an attempt went.
struct attempt_result {
    int status = 0;      ///< of the response; 0: there was none
    std::string error{}; ///< why it failed, for people; nothing secret
};

struct job {
    std::string id;
    delivery
        what; ///< once it is done, or in a list: without body and headers' values, or without headers
    job_state state = job_state::ready;
    int attempts = 0; ///< begun so far
    int max_attempts = 0;
    timestamp created{};
    timestamp due{}; ///< see job_state
    attempt_result last{};
};

} // namespace relay
