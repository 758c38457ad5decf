// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines that keep a worker for too long, or wait too long, are told of.

#include "captured_log.hpp"
#include "places.hpp"
#include "testing.hpp"

#include <weft/debug/watchdog.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::captured_log;
using weft_test::here;
using weft_test::on_procs;
using weft_test::spin_for;
namespace debug = weft::debug;

namespace {

std::string at_line(unsigned line)
{
    return "debug_watchdog_test.cpp:" + std::to_string(line);
}

task<> until_told(captured_log& log, const std::string& text)
{
    for (int i = 0; i < 5000 && log.with(text) == 0; ++i) co_await weft_test::sleep_ms(1);
    CHECK(log.with(text) == 1);
}

} // namespace

TEST_CASE("a slice that was too long is reported once, from where to where")
{
    on_procs([]() -> task<> {
        captured_log log;
        const debug::watchdog dog({.slice_limit = 20ms});
        unsigned from = 0;
        for (int i = 0; i < 3; ++i) {
            from = here() + 1;
            co_await weft::this_goroutine::yield();
            spin_for(40ms);
        }
        co_await until_told(log, " from " + std::string(__FILE__) + ":" + std::to_string(from));
        CHECK(log.with("without letting others run") == 1);
    });
}

TEST_CASE("a slice that lasts is reported while it lasts")
{
    on_procs([]() -> task<> {
        captured_log log;
        const debug::watchdog dog({.slice_limit = 10ms});
        co_await weft::this_goroutine::yield();
        const auto until = std::chrono::steady_clock::now() + 10s;
        while (log.with("so far") == 0 && std::chrono::steady_clock::now() < until) {}
        CHECK(log.with("so far") == 1);
        co_await weft::this_goroutine::yield();
    });
}

TEST_CASE("no slice is too long for the longest limit")
{
    on_procs([]() -> task<> {
        captured_log log;
        const debug::watchdog dog({.slice_limit = weft::duration::max()});
        for (int i = 0; i < 5; ++i) {
            spin_for(5ms);
            co_await weft_test::sleep_ms(5);
        }
        CHECK(log.with("watchdog") == 0);
    });
}

TEST_CASE("short slices are not reported")
{
    on_procs([]() -> task<> {
        captured_log log;
        const debug::watchdog dog({.slice_limit = 10s});
        for (int i = 0; i < 100; ++i) {
            spin_for(10us);
            co_await weft::this_goroutine::yield();
        }
        co_await weft_test::sleep_ms(5);
        CHECK(log.with("watchdog") == 0);
    });
}

TEST_CASE(
    "goroutines that wait too long are listed by place, and again when there are twice as many")
{
    on_procs([]() -> task<> {
        captured_log log;
        auto gate = make_channel<int>();
        std::atomic<unsigned> line = 0; // by each of them
        auto waits = [&line](weft::channel<int> c) -> task<> {
            line = here() + 1;
            co_await c.receive();
        };
        weft_test::team all;
        for (int i = 0; i < 3; ++i) all.go(waits, gate);
        // All three for long enough at its first look.
        co_await weft_test::until_parked(3, "chan receive");
        co_await weft_test::sleep_ms(30);
        const debug::watchdog dog({.slice_limit = {}, .blocked_limit = 20ms, .most_listed = 2});
        co_await until_told(log, "3 goroutines have waited for more than 20 ms [chan receive] at ");
        CHECK(log.with(at_line(line)) == 1);
        CHECK(log.with(" ...") == 1);
        for (int i = 0; i < 3; ++i) all.go(waits, gate);
        co_await until_told(log, "6 goroutines have waited");
        gate.close();
        co_await all.join();
    });
}

TEST_CASE("there is one watchdog, and its end is the end of reports")
{
    on_procs([]() -> task<> {
        captured_log log;
        {
            const debug::watchdog dog({.slice_limit = 5ms});
            CHECK_THROWS_WITH_AS(debug::watchdog(), "watchdog is already enabled",
                                 weft::misuse_error);
        }
        co_await weft::this_goroutine::yield();
        spin_for(20ms);
        co_await weft::this_goroutine::yield();
        co_await weft_test::sleep_ms(5);
        CHECK(log.with("watchdog") == 0);
    });
}

TEST_CASE("what it found can be read later; the latest hundred are kept")
{
    const auto begin = std::chrono::system_clock::now();
    CHECK_FALSE(debug::watchdog::is_enabled());
    on_procs([&]() -> task<> {
        captured_log log;
        const debug::watchdog dog({.slice_limit = 20ms});
        CHECK(debug::watchdog::is_enabled());
        co_await weft::this_goroutine::yield();
        spin_for(40ms);
        co_await weft::this_goroutine::yield();
        co_await until_told(log, "without letting others run");
        const auto all = debug::watchdog_findings();
        CHECK(!all.empty());
        CHECK(all.size() <= 100);
        CHECK(all.back().text.find("without letting others run") != std::string::npos);
        CHECK(log.with(all.back().text) == 1);
        CHECK(all.back().at >= begin);
    });
    CHECK_FALSE(debug::watchdog::is_enabled());
}
