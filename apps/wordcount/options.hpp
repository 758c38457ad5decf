// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <chrono>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string_view>

namespace wordcount {

/// A command line that makes no sense; what() says why.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The command line.
struct options {
    std::filesystem::path root = "/usr/include";
    unsigned top = 20;    ///< how many words to print
    unsigned readers = 0; ///< files open at the same time; 0: four for each processor
    unsigned procs = 0;   ///< worker threads; 0: as many as there are processors
    std::optional<std::chrono::milliseconds> timeout; ///< stop then
    bool help = false;
};

/// Throws usage_error.
options parse_options(int argc, char** argv);

std::string_view usage();

} // namespace wordcount
