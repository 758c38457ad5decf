// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace httpd {

struct options {
    std::string listen = "127.0.0.1:8080";
    std::string listen_tls; ///< empty: no TLS
    std::string certificate, key;
    std::string root; ///< of the static files; empty: none
    unsigned procs = 0;
    double rate = 0; ///< requests per second and client; 0: any
    int burst = 20;
    std::chrono::milliseconds handler_timeout{2000};
    std::chrono::milliseconds grace{10000};
    std::chrono::milliseconds linger{250};
    std::size_t max_connections = 20000;
    bool quiet = false; ///< no access log
    bool debug_for_all = false;
};

/// Reads the command line. If there is nothing to serve (--help, --version, a mistake), `exit_status` is set and what is to
/// be said has been printed.
struct command_line {
    options chosen;
    std::optional<int> exit_status;
};
[[nodiscard]] command_line read_options(int argc, char** argv);

} // namespace httpd
