// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "options.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>

namespace bench {
namespace {

template <class Number>
Number positive(std::string_view flag, const std::string& text)
{
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || !(value > 0)) {
        throw usage_error(std::string(flag) + " needs a positive number, not \"" + text + '"');
    }
    return value;
}

std::vector<std::string> split(const std::string& text)
{
    std::vector<std::string> parts;
    for (std::size_t from = 0; from <= text.size();) {
        const auto to = std::min(text.find(',', from), text.size());
        parts.push_back(text.substr(from, to - from));
        from = to + 1;
    }
    return parts;
}

} // namespace

options parse_options(int argc, char** argv)
{
    options chosen;
    for (int i = 1; i < argc; ++i) {
        const std::string_view flag = argv[i];
        const auto value = [&]() -> std::string {
            if (i + 1 == argc) { throw usage_error(std::string(flag) + " needs a value"); }
            return argv[++i];
        };
        if (flag == "--procs") {
            chosen.procs.clear();
            for (const std::string& text : split(value())) {
                chosen.procs.push_back(positive<unsigned>(flag, text));
            }
        } else if (flag == "--filter") {
            const std::string pattern = value();
            try {
                chosen.filter = std::regex(pattern);
            } catch (const std::regex_error&) {
                throw usage_error("--filter: not a regular expression: \"" + pattern + '"');
            }
        } else if (flag == "--impl") {
            chosen.impls = split(value());
            for (const std::string& impl : chosen.impls) {
                if (impl != "weft" && impl != "go" && impl != "asio") {
                    throw usage_error("--impl: weft, go or asio, not \"" + impl + '"');
                }
            }
        } else if (flag == "--best") {
            chosen.best = positive<unsigned>(flag, value());
        } else if (flag == "--rounds") {
            chosen.rounds = positive<unsigned>(flag, value());
        } else if (flag == "--scale") {
            chosen.scale = positive<double>(flag, value());
        } else if (flag == "--limit") {
            chosen.limit = std::chrono::seconds(positive<unsigned>(flag, value()));
        } else if (flag == "--go") {
            chosen.go_twin = value();
        } else if (flag == "--json") {
            chosen.json = true;
        } else if (flag == "--list") {
            chosen.list = true;
        } else if (flag == "--worker") { // how the driver starts itself as a child
            chosen.worker = value();
        } else if (flag == "--help" || flag == "-h") {
            chosen.help = true;
        } else {
            throw usage_error("unknown option \"" + std::string(flag) + '"');
        }
    }
    return chosen;
}

std::string_view usage()
{
    return R"(weft_bench: weft beside Go and raw Asio, scenario by scenario

  --procs 1,2            worker threads (GOMAXPROCS for Go)
  --filter REGEX         scenarios whose name contains a match
  --impl weft,go,asio    who takes part
  --best 5               runs per process; the fastest counts
  --rounds 1             repeat everybody in turn this often; the fastest counts
  --scale 1              multiply every operation count
  --go PATH              the Go twin (default: weft_bench_go beside this program)
  --limit 120            seconds until a child process is given up
  --json                 one object per line instead of the table
  --list                 print the names of the scenarios
)";
}

} // namespace bench
