// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Where the runtime's own messages go.

#include "child_process.hpp"
#include "testing.hpp"

#include <weft/log.hpp>

#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using weft::log_level;

namespace {

/// A sink that keeps what it gets, for as long as the object lives.
class captured_log {
public:
    captured_log()
    {
        weft::set_log_sink([this](log_level level, std::string_view message) {
            lines.emplace_back(level, std::string(message)); // one call at a time
        });
    }
    ~captured_log() { weft::set_log_sink({}); }

    std::vector<std::pair<log_level, std::string>> lines;
};

} // namespace

TEST_CASE("a sink gets level and message as they are")
{
    captured_log log;
    weft::log(log_level::info, "one");
    weft::log(log_level::warning, "two {} %s");
    weft::log(log_level::error, "");
    weft::log(log_level::critical, "several\nlines\n");
    REQUIRE(log.lines.size() == 4);
    CHECK(log.lines[0] == std::pair{log_level::info, std::string("one")});
    CHECK(log.lines[1] == std::pair{log_level::warning, std::string("two {} %s")});
    CHECK(log.lines[2] == std::pair{log_level::error, std::string()});
    CHECK(log.lines[3] == std::pair{log_level::critical, std::string("several\nlines\n")});
}

TEST_CASE("the sink is called from many threads, one call at a time")
{
    captured_log log; // its vector has no lock
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([] {
            for (int n = 0; n < 250; ++n) weft::log(log_level::info, "busy");
        });
    }
    for (auto& t : threads) t.join();
    CHECK(log.lines.size() == 1000);
}

TEST_CASE("a sink that throws takes nothing down")
{
    weft::set_log_sink([](log_level, std::string_view) { throw std::runtime_error("disk full"); });
    weft::log(log_level::error, "not written");
    weft::set_log_sink({});
}

#if defined(WEFT_TEST_CAN_FORK)
TEST_CASE("without a sink messages go to stderr")
{
    const auto child = weft_test::in_child([] {
        weft::set_log_sink([](log_level, std::string_view) {});
        weft::log(log_level::error, "to nobody");
        weft::set_log_sink({}); // the default again
        weft::log(log_level::info, "a piece of information");
        weft::log(log_level::critical, "the end of it {}");
    });
    CHECK(child.status == 0);
    CHECK(child.wrote("[weft] [info] a piece of information\n"));
    CHECK(child.wrote("[weft] [critical] the end of it {}\n"));
    CHECK(!child.wrote("to nobody"));
}
#endif
