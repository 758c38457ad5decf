// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "scratch_directory.hpp"

#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

/// A redis-server of a test's own.

namespace relay_test {

/// Runs on a free port of 127.0.0.1, with its files in a directory that goes with it. It does not survive the test's process.
class redis_server {
public:
    /// With these arguments besides, as on the command line ("--requirepass", "x").
    explicit redis_server(std::vector<std::string> arguments = {});
    redis_server(const redis_server&) = delete;
    redis_server& operator=(const redis_server&) = delete;
    ~redis_server();

    /// Whether there is a redis-server on this machine.
    [[nodiscard]] static bool is_installed();

    [[nodiscard]] std::uint16_t port() const { return port_; }
    /// "redis://127.0.0.1:port/queue".
    [[nodiscard]] std::string url(const std::string& queue = "relay") const;

    /// Where it appends what it is told, with `--appendonly yes`.
    [[nodiscard]] std::string append_file() const;

    /// SIGKILL; it has gone when the call returns.
    void kill();
    /// Again, on the same port, with the same files. `until_it_answers`: waits for that.
    void start(bool until_it_answers = true);
    void stop_running(); ///< SIGSTOP
    void go_on();        ///< SIGCONT

private:
    [[nodiscard]] bool answers() const;

    const std::vector<std::string> arguments_;
    weft_test::scratch_directory directory_;
    std::uint16_t port_ = 0;
    int reservation_ = -1; ///< of the port
    pid_t pid_ = -1;
};

} // namespace relay_test
