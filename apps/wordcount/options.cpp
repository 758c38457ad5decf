// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "options.hpp"

#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

namespace wordcount {
namespace {

constexpr unsigned most_threads = 1024;

unsigned number(const std::string& flag, std::string_view text, unsigned most)
{
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > most) {
        throw usage_error(flag + " needs a number from 1 to " + std::to_string(most) + ", not \"" +
                          std::string(text) + '"');
    }
    return value;
}

/// "300ms", "1.5s", "2m"
std::chrono::milliseconds time_span(const std::string& flag, std::string_view text)
{
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
    const double factor = unit == "ms" ? 1 : unit == "s" ? 1e3 : unit == "m" ? 60e3 : 0;
    constexpr double most = 1e12; // some thirty years
    if (error != std::errc{} || !(value * factor >= 1 && value * factor <= most)) {
        throw usage_error(flag + " needs a time like 300ms, 1.5s or 2m, not \"" +
                          std::string(text) + '"');
    }
    return std::chrono::milliseconds(static_cast<std::int64_t>(value * factor));
}

} // namespace

options parse_options(int argc, char** argv)
{
    options chosen;
    bool flags_end = false, root_given = false;
    for (int i = 1; i < argc; ++i) {
        std::string flag = argv[i];
        if (flags_end || flag.size() < 2 || flag[0] != '-') {
            if (root_given) throw usage_error("more than one directory: \"" + flag + '"');
            chosen.root = flag;
            root_given = true;
            continue;
        }
        if (flag == "--") {
            flags_end = true;
            continue;
        }
        if (flag == "--help" || flag == "-h") {
            chosen.help = true;
            continue;
        }

        std::optional<std::string> attached; // of --flag=value
        if (const auto equals = flag.find('='); equals != flag.npos) {
            attached = flag.substr(equals + 1);
            flag.resize(equals);
        }
        const auto value = [&]() -> std::string {
            if (attached) return *attached;
            if (i + 1 == argc) throw usage_error(flag.append(" needs a value"));
            return argv[++i];
        };
        if (flag == "--top") chosen.top = number(flag, value(), 1'000'000);
        else if (flag == "--readers") chosen.readers = number(flag, value(), most_threads);
        else if (flag == "--procs") chosen.procs = number(flag, value(), most_threads);
        else if (flag == "--timeout") chosen.timeout = time_span(flag, value());
        else throw usage_error("unknown option \"" + flag + '"');
    }
    if (chosen.root.empty()) throw usage_error("the directory's name is empty");
    return chosen;
}

std::string_view usage()
{
    return "usage: wordcount [OPTION...] [DIRECTORY]\n"
           "\n"
           "Counts the words in all files under DIRECTORY (/usr/include) and prints the most "
           "frequent.\n"
           "A word is a run of letters, digits and _ that starts with no digit; case does not "
           "matter.\n"
           "Links to files are read, links to directories are not followed.\n"
           "\n"
           "  --top N        print N words (20)\n"
           "  --readers N    read N files at the same time (4 for each processor)\n"
           "  --procs N      count on N threads (one for each processor)\n"
           "  --timeout T    stop after T, for example 300ms, 1.5s, 2m\n"
           "  --help         print this\n"
           "\n"
           "Ctrl-C (SIGINT), SIGTERM or the timeout stops it; it then prints what it has counted "
           "so "
           "far.\n"
           "Exit status: 0 done, 1 the directory cannot be read, 2 wrong usage, 124 stopped by "
           "the\n"
           "timeout, 128 + N stopped by signal N. Files that cannot be read are named and "
           "skipped.\n";
}

} // namespace wordcount
