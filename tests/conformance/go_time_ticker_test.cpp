// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Tickers: the grid, slow readers, stop and reset.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <cmath>

using namespace std::chrono_literals;
using weft::task;
using weft::ticker;
using weft_test::on_procs;
using weft_test::team;

namespace {

/// Go's TestTicker: whether `n` and `n` ticks took as long as they should, and none came after.
task<bool> keeps_time(int n, std::chrono::milliseconds first, std::chrono::milliseconds second)
{
    const auto before = weft::clock::now();
    ticker t(first);
    for (int i = 0; i < n; ++i) co_await t.channel().receive();
    t.reset(second);
    for (int i = 0; i < n; ++i) co_await t.channel().receive();
    t.stop();
    const auto took = weft::clock::now() - before;
    const auto target = n * (first + second);
    CHECK(took >= target - first); // never too fast
    co_await weft::sleep(2 * second);
    CHECK_FALSE(t.channel().try_receive().has_value());
    co_return took >= target * 7 / 10 && took <= target * 13 / 10;
}

} // namespace

TEST_CASE("TIME-16 ticks keep time, a reset changes the period, a stop ends them")
{
    on_procs([]() -> task<> {
        bool good = false;
        for (int attempt = 0; attempt < 3 && !good; ++attempt) {
            good = co_await keeps_time(5, 20ms, 40ms);
        }
        if (!good) good = co_await keeps_time(4, 1s, 1s);
        CHECK(good);
    });
}

TEST_CASE("TIME-17 a period must be positive")
{
    on_procs([]() -> task<> {
        for (const auto d : {weft::duration::zero(), weft::duration(-1), weft::duration::min()}) {
            CHECK_MISUSE(ticker(d), "non-positive interval for NewTicker");
            ticker t(1h);
            CHECK_MISUSE(t.reset(d), "non-positive interval for Ticker.Reset");
            CHECK_FALSE(static_cast<bool>(weft::tick(d)));
        }
        co_return;
    });
}

TEST_CASE("TIME-18 make, take one, stop, three times; a stop does not close")
{
    on_procs(
        []() -> task<> {
            for (int i = 0; i < 3; ++i) {
                ticker t(20ms);
                auto tick = co_await t.channel().receive();
                CHECK(tick.has_value());
                t.stop();
            }
            ticker t(20ms);
            t.stop();
            weft::go([ch = t.channel()]() -> task<> { co_await ch.receive(); });
            co_await weft_test::until_parked(1, "chan receive");
            co_await weft::sleep(60ms);
            CHECK(weft_test::parked("chan receive") == 1);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("TIME-19 a slow reader finds the oldest tick, then is on the grid again")
{
    on_procs([]() -> task<> {
        bool good = false;
        for (int attempt = 0; attempt < 5 && !good; ++attempt) {
            const auto start = weft::clock::now();
            ticker t(50ms);
            const auto since = [&](auto tick) { return *tick - start; };
            const auto first = since(co_await t.channel().receive());
            co_await weft::sleep_until(start + 375ms);
            const auto late = weft::clock::now() - start;
            auto second = t.channel().try_receive();
            REQUIRE(second.has_value());
            const auto empty = t.channel().try_receive();
            const auto third = since(co_await t.channel().receive());
            if (late >= 395ms) continue; // the machine was too slow
            good = true;
            CHECK(first >= 50ms);
            CHECK(first < 100ms);
            CHECK(since(second) >= 100ms);
            CHECK(since(second) < 150ms);
            CHECK_FALSE(empty.has_value());
            CHECK(third >= 400ms);
            CHECK(third < 450ms);
            CHECK(t.missed() == 5);
        }
        CHECK(good);
    });
}

TEST_CASE("TIME-20 a ticker of one nanosecond feeds one goroutine, and ten")
{
    on_procs([]() -> task<> {
        ticker t(1ns);
        for (int i = 0; i < 100; ++i) co_await t.channel().receive();
        std::atomic<int> got{0};
        team receivers;
        for (int i = 0; i < 10; ++i) {
            receivers.go([&, ch = t.channel()]() -> task<> {
                for (int n = 0; n < 100; ++n) {
                    auto tick = co_await ch.receive();
                    got += tick.has_value();
                }
            });
        }
        co_await receivers.join();
        CHECK(got == 1000);
    });
}
