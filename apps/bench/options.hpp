// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <chrono>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

/// A command line that makes no sense; what() says why.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The command line.
struct options {
    std::vector<unsigned> procs{1, 2};
    std::regex filter{".*"};
    std::vector<std::string> impls{"weft", "go", "asio"};
    unsigned best = 5;
    unsigned rounds = 1;
    double scale = 1;
    std::chrono::seconds limit{120}; ///< for one child process
    std::string go_twin;             ///< empty: beside this program, if it is there
    bool json = false;
    bool list = false;
    bool help = false;
    std::string worker; ///< not empty: measure this implementation in this process
};

/// Throws usage_error.
options parse_options(int argc, char** argv);

std::string_view usage();

} // namespace bench
