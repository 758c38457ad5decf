// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "deliverer.hpp"
#include "hosts.hpp"
#include "job_json.hpp"
#include "worker.hpp"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

/// The command line, and the file with the same names in it.

namespace relay {

enum class role : std::uint8_t { serve, work, all, submit, list, show, retry, stats };

struct options {
    relay::role role = role::all;
    unsigned procs = 0;
    bool quiet = false;

    // serve
    std::string listen = "127.0.0.1:8080"; ///< empty: no HTTP, with `work`
    std::string certificate, key;          ///< both or none: TLS
    std::string tokens_file;
    double token_rate = 0;
    bool open = false; ///< listen to the world without tokens
    job_limits limits;
    std::size_t max_connections = 10'000;
    std::string debug; ///< address of the program's inside; empty: not shown

    // queue
    std::string queue; ///< a file, or redis://...; empty: the default file
    std::chrono::milliseconds keep_done = std::chrono::hours(1);

    // work
    std::string signing_keys_file;
    deliverer_options deliver;
    host_options host;
    worker_options work;

    // submit, list, show, retry, stats
    std::string server = "http://127.0.0.1:8080";
    std::string token_file; ///< of one token
    std::string target;
    std::vector<std::string> headers; ///< "Name: value"
    std::string body, body_file, content_type, delay, idempotency_key;
    int max_attempts = 0;
    std::string id;
    std::string state, after;
    std::size_t limit = 100;
};

/// Reads the command line. If there is nothing to do (--help, --version, a mistake), `exit_status` is set and what is to be said
/// has been printed.
struct command_line {
    options chosen;
    std::optional<int> exit_status;
};
[[nodiscard]] command_line read_options(int argc, char** argv);

} // namespace relay
