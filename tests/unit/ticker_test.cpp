// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `ticker`: the grid, what becomes of late ticks, and the handle.

#include "testing.hpp"

#include <weft/ticker.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::duration;
using weft::late_ticks;
using weft::task;
using weft::ticker;
using weft::time_point;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;

namespace {

/// A ticker whose first tick, `first`, was received in time: none was missed.
task<ticker> started(duration period, late_ticks late, time_point& first)
{
    for (;;) {
        ticker t(period, late);
        first = *co_await t.channel().receive();
        const bool in_time = weft::clock::now() < first + period && t.missed() == 0;
        if (in_time) co_return t;
    }
}

} // namespace

TEST_CASE("ticks are moments of one grid, each is delivered when it is due")
{
    on_procs([]() -> task<> {
        const auto before = weft::clock::now();
        ticker t(2ms);
        const auto after = weft::clock::now();
        auto first = co_await t.channel().receive();
        CHECK(*first >= before + 2ms);
        CHECK(*first <= after + 2ms);
        auto last = *first;
        for (int i = 0; i < 10; ++i) {
            auto tick = co_await t.channel().receive();
            CHECK(*tick <= weft::clock::now());
            CHECK(*tick > last);
            CHECK((*tick - *first) % 2ms == 0ns);
            last = *tick;
        }
        t.stop();
    });
}

TEST_CASE("received plus missed is all there were")
{
    on_procs([]() -> task<> {
        for (const auto late : {late_ticks::drop, late_ticks::skip}) {
            ticker t(1ms, late);
            auto random = weft_test::make_random();
            const auto first = co_await t.channel().receive();
            const std::uint64_t at_first = t.missed();
            std::uint64_t before_last = 0;
            time_point last;
            constexpr int n = 10;
            for (int i = 0; i < n; ++i) {
                co_await sleep_ms(static_cast<int>(random() % 4));
                before_last = t.missed();
                last = *co_await t.channel().receive();
            }
            CHECK((last - *first) % 1ms == 0ns);
            // `drop` brings the oldest late tick and then counts those after it; `skip` counts
            // those before the one that it brings.
            const auto missed = late == late_ticks::drop ? before_last : t.missed() - at_first;
            CHECK(static_cast<std::uint64_t>((last - *first) / 1ms) == n + missed);
            t.stop();
        }
    });
}

TEST_CASE("drop: the oldest late tick waits, those after it are missed, the next is on the grid")
{
    on_procs([]() -> task<> {
        const auto p = 20ms;
        time_point first;
        auto t = co_await started(p, late_ticks::drop, first);
        co_await weft::sleep_until(first + 3 * p + p / 2);
        auto oldest = t.channel().try_receive();
        const auto now = weft::clock::now();
        REQUIRE(oldest.has_value());
        CHECK(*oldest == first + p);
        CHECK(t.missed() >= 2);
        CHECK(first + p * static_cast<int>(t.missed() + 1) <= now);
        const auto due = *oldest + p * static_cast<int>(t.missed() + 1);
        const auto next = *co_await t.channel().receive();
        CHECK(next == due);
        CHECK(weft::clock::now() >= due);
    });
}

TEST_CASE("skip: the newest late tick waits")
{
    on_procs([]() -> task<> {
        const auto p = 20ms;
        time_point first;
        auto t = co_await started(p, late_ticks::skip, first);
        co_await weft::sleep_until(first + 3 * p + p / 2);
        auto newest = t.channel().try_receive();
        REQUIRE(newest.has_value());
        CHECK(*newest >= first + 3 * p);
        CHECK(*newest == first + p * static_cast<int>(t.missed() + 1));
        const auto next = *co_await t.channel().receive();
        CHECK((next - first) % p == 0ns);
        CHECK(next > *newest);
    });
}

TEST_CASE("delay: the grid begins anew with a late receive")
{
    on_procs([]() -> task<> {
        const auto p = 20ms;
        time_point first;
        auto t = co_await started(p, late_ticks::delay, first);
        co_await weft::sleep_until(first + 3 * p + p / 2);
        const auto before = weft::clock::now();
        auto late = t.channel().try_receive();
        const auto after = weft::clock::now();
        REQUIRE(late.has_value());
        CHECK(*late == first + p);
        CHECK(t.missed() >= 2);
        const auto next = *co_await t.channel().receive();
        CHECK(next >= before + p);
        CHECK(next <= after + p);
    });
}

TEST_CASE("burst: all late ticks come, one after the other")
{
    on_procs([]() -> task<> {
        const auto p = 5ms;
        time_point first;
        auto t = co_await started(p, late_ticks::burst, first);
        co_await weft::sleep_until(first + 4 * p + p / 2);
        for (int i = 1; i <= 4; ++i) CHECK(t.channel().try_receive() == first + i * p);
        for (int i = 5; i <= 8; ++i) CHECK((co_await t.channel().receive()) == first + i * p);
        CHECK(t.missed() == 0);
    });
}

TEST_CASE("burst: several receivers that wait get one tick each")
{
    on_procs([]() -> task<> {
        ticker t(1ms, late_ticks::burst);
        std::atomic<int> got{0};
        team receivers;
        for (int i = 0; i < 20; ++i) {
            receivers.go([&, ch = t.channel()]() -> task<> {
                for (int n = 0; n < 5; ++n) co_await ch.receive();
                got += 5;
            });
        }
        co_await receivers.join();
        CHECK(got == 100);
        CHECK(t.missed() == 0);
    });
}

TEST_CASE("stop ends the ticks without closing; reset begins anew with another period")
{
    on_procs([]() -> task<> {
        ticker t(1ms);
        co_await t.channel().receive();
        co_await sleep_ms(3); // one lies there
        t.stop();
        CHECK_FALSE(t.channel().try_receive().has_value());
        team waiter;
        waiter.go([ch = t.channel()]() -> task<> {
            auto tick = co_await ch.receive();
            CHECK(tick.has_value());
        });
        co_await weft_test::until_parked(1, "chan receive");
        co_await sleep_ms(5);
        CHECK(weft_test::parked("chan receive") == 1);
        t.stop(); // again
        const auto before = weft::clock::now();
        t.reset(3ms);
        co_await waiter.join();
        CHECK(weft::clock::now() - before >= 3ms);
        t.reset(1h);
        co_await sleep_ms(5);
        CHECK_FALSE(t.channel().try_receive().has_value());
    });
}

TEST_CASE("a select among tickers takes what is due")
{
    on_procs([]() -> task<> {
        ticker fast(1ms), slow(1h);
        int ticks = 0;
        while (ticks < 10) {
            auto s = co_await weft::select{fast.channel().receive(), slow.channel().receive(),
                                           weft::after(1h)};
            CHECK(s.index() == 0);
            ++ticks;
        }
    });
}

TEST_CASE("tick: a ticker that goes with its channel; nil for no period")
{
    on_procs([]() -> task<> {
        CHECK_FALSE(static_cast<bool>(weft::tick(0ms)));
        CHECK_FALSE(static_cast<bool>(weft::tick(-1ms)));
        auto ch = weft::tick(1ms);
        for (int i = 0; i < 3; ++i) {
            auto tick = co_await ch.receive();
            CHECK(tick.has_value());
        }
    });
}

TEST_CASE("misuse: no period, and no ticker")
{
    const char* not_positive = "non-positive interval for NewTicker";
    on_procs([&]() -> task<> {
        CHECK_MISUSE(ticker(0ms), not_positive);
        CHECK_MISUSE(ticker(-1ns), not_positive);
        ticker t(1h);
        CHECK_MISUSE(t.reset(0ms), "non-positive interval for Ticker.Reset");
        CHECK_MISUSE(t.reset(-1h), "non-positive interval for Ticker.Reset");
        ticker moved(std::move(t));
        CHECK_MISUSE(t.stop(), "time: Stop called on uninitialized Ticker");
        CHECK_MISUSE(t.reset(1h), "time: Reset called on uninitialized Ticker");
        CHECK(moved.missed() == 0);
        co_return;
    });
    ticker none;
    CHECK_FALSE(static_cast<bool>(none));
    CHECK_FALSE(static_cast<bool>(none.channel()));
    CHECK_MISUSE(none.missed(), "time: missed called on uninitialized Ticker");
    CHECK_MISUSE(ticker(1ms), "ticker: not on a weft runtime; pass its executor");
}

TEST_CASE("a running ticker goes while an exception unwinds")
{
    on_procs([]() -> task<> {
        bool caught = false;
        try {
            ticker t(100us);
            co_await t.channel().receive();
            throw std::runtime_error("on its way");
        } catch (const std::runtime_error&) {
            caught = true;
        }
        CHECK(caught);
    });
}

TEST_CASE("the longest period, and a moment that never comes")
{
    on_procs([]() -> task<> {
        ticker t(duration::max());
        CHECK_FALSE(t.channel().try_receive().has_value());
        t.reset(1ms);
        auto tick = co_await t.channel().receive();
        CHECK(tick.has_value());
        t.reset(duration::max());
        co_await sleep_ms(3);
        CHECK_FALSE(t.channel().try_receive().has_value());
    });
}
