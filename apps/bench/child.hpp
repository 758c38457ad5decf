// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <chrono>
#include <string>
#include <vector>

namespace bench {

/// How a child process ended, and what it wrote to its standard output.
struct child_result {
    bool ok = false; ///< it ran and exited with status 0
    std::string output;
    std::string failure; ///< why not ok, in words
};

/// Runs `command` (program path first) and waits for it. A child that takes longer than `limit` is
/// killed. Standard error is shared with this process.
child_result run_child(const std::vector<std::string>& command, std::chrono::seconds limit);

/// The path of the running program.
std::string own_path(const char* argv0);

} // namespace bench
