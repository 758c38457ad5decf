// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `timer`: one moment on a channel, and its handle.

#include "testing.hpp"

#include <weft/timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::receive_channel;
using weft::task;
using weft::time_point;
using weft::timer;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;

TEST_CASE("a timer delivers the moment it was set for, once")
{
    on_procs([]() -> task<> {
        const auto before = weft::clock::now();
        timer t(3ms);
        auto due = co_await t.channel().receive();
        CHECK(weft::clock::now() - before >= 3ms);
        CHECK(due >= before + 3ms);
        CHECK(due <= weft::clock::now());
        CHECK_FALSE(t.channel().try_receive().has_value());
        CHECK_FALSE(t.stop());
        co_await sleep_ms(5);
        CHECK_FALSE(t.channel().try_receive().has_value());
    });
}

TEST_CASE("the channel looks unbuffered at all times")
{
    on_procs([]() -> task<> {
        timer t(1ms);
        const auto check = [&] {
            CHECK(t.channel().size() == 0);
            CHECK(t.channel().capacity() == 0);
        };
        check();
        co_await sleep_ms(5);
        check();
        CHECK(t.channel().try_receive().has_value());
        check();
    });
}

TEST_CASE("a default-constructed timer has a nil channel; the rest is misuse")
{
    timer none;
    CHECK_FALSE(static_cast<bool>(none));
    CHECK_FALSE(static_cast<bool>(none.channel()));
    CHECK_MISUSE(none.stop(), "time: Stop called on uninitialized Timer");
    CHECK_MISUSE(none.reset(1s), "time: Reset called on uninitialized Timer");
    CHECK_MISUSE(timer(1s), "timer: not on a weft runtime; pass its executor");
}

TEST_CASE("handles move; the one moved from is empty")
{
    on_procs([]() -> task<> {
        timer a(1h);
        timer b(std::move(a));
        CHECK_MISUSE(a.stop(), "time: Stop called on uninitialized Timer");
        a = timer(2h);
        auto old = a.channel();
        a = std::move(b); // ends the 2 h timer but for its channel
        CHECK_FALSE(static_cast<bool>(b));
        CHECK(a.stop());
        CHECK_FALSE(old.try_receive().has_value());
        co_return;
    });
}

TEST_CASE("stop: true once, and nothing comes any more")
{
    on_procs([]() -> task<> {
        timer t(5ms);
        CHECK(t.stop());
        CHECK_FALSE(t.stop());
        co_await sleep_ms(10);
        CHECK_FALSE(t.channel().try_receive().has_value());
        CHECK_FALSE(t.reset(1ms));
        CHECK((co_await t.channel().receive()).has_value());
    });
}

TEST_CASE("reset: sooner and later than before, also while somebody waits")
{
    on_procs([]() -> task<> {
        timer t(1h);
        team waiter;
        std::atomic<bool> rung{false};
        waiter.go([&]() -> task<> {
            auto ch = t.channel();
            co_await ch.receive();
            rung = true;
        });
        co_await weft_test::until_parked(1, "chan receive");
        CHECK(t.reset(2h));
        CHECK(t.reset(1s));
        CHECK(t.reset(30min));
        co_await sleep_ms(10);
        CHECK_FALSE(rung.load());
        CHECK(t.reset(1ms));
        co_await waiter.join();
        CHECK(rung);
        CHECK_FALSE(t.reset(1h));
        CHECK(t.stop());
    });
}

TEST_CASE("a moment that lies there goes with stop and with reset, which are true")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 3; ++i) {
            timer t(1ms);
            co_await sleep_ms(4);
            const bool pending = i == 0 ? t.stop() : t.reset(i == 1 ? 1h : 1ms);
            CHECK(pending);
            CHECK_FALSE(t.channel().try_receive().has_value());
            if (i != 2) continue;
            const auto due = co_await t.channel().receive();
            CHECK(due > weft::clock::now() - 5s);
        }
    });
}

TEST_CASE("a timeout loop: one timer, set anew for each message")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<int>();
        weft::go([ch]() -> task<> {
            for (int i = 0; i < 50; ++i) co_await ch.send(i);
        });
        timer timeout(1h);
        auto expired = timeout.channel();
        int received = 0, timeouts = 0;
        while (timeouts == 0) {
            auto s = co_await weft::select{ch.receive(), expired.receive()};
            if (s.index() == 0) {
                ++received;
                CHECK(timeout.reset(received == 50 ? 2ms : 1h));
            } else {
                ++timeouts;
            }
        }
        CHECK(received == 50);
    });
}

TEST_CASE("of many receivers one gets the moment; the others wait for the next")
{
    on_procs([]() -> task<> {
        timer t(1ms);
        std::atomic<int> got{0};
        team receivers;
        for (int i = 0; i < 10; ++i) {
            receivers.go([&, ch = t.channel()]() -> task<> {
                auto due = co_await ch.receive();
                CHECK(due.has_value());
                ++got;
            });
        }
        for (int round = 1; round <= 10; ++round) {
            co_await weft_test::yield_until([&] { return got == round; });
            co_await sleep_ms(2);
            CHECK(got == round);
            CHECK_FALSE(t.reset(1ms));
        }
        co_await receivers.join();
        CHECK(t.stop());
    });
}

TEST_CASE("the channel alone keeps the timer; the timer alone keeps the channel")
{
    on_procs([]() -> task<> {
        receive_channel<time_point> ch;
        {
            timer t(2ms);
            ch = t.channel();
        }
        CHECK((co_await ch.receive()).has_value());
        ch = {};
        CHECK((co_await timer(2ms).channel().receive()).has_value()); // temporaries live as long
        team waiter;
        {
            timer t(5ms);
            waiter.go([c = t.channel()]() -> task<> {
                auto due = co_await c.receive();
                CHECK(due.has_value());
            });
            co_await weft_test::until_parked(1, "chan receive");
        }
        co_await waiter.join();
    });
}

TEST_CASE("memory is used again, and nothing of the earlier life with it")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 100; ++i) {
            { // due when it goes
                timer due(0ms);
                if (i % 2) std::this_thread::sleep_for(1us);
            }
            timer later(1h);
            CHECK_FALSE(later.channel().try_receive().has_value());
            timer now(0ms);
            CHECK(now.channel().try_receive().has_value());
            CHECK_FALSE(now.stop());
            CHECK(later.stop());
        }
        co_return;
    });
}

TEST_CASE("any thread makes, sets and stops timers of a runtime")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    timer t(rt.get_executor(), 1h);
    CHECK(t.reset(2ms));
    const auto due = weft::sync_wait(rt.get_executor(), t.channel().receive());
    CHECK(due.has_value());
    CHECK_FALSE(t.stop());
    CHECK_FALSE(t.reset(0ms));
    CHECK(t.channel().try_receive().has_value()); // without any help of the runtime
    for (int i = 0; i < 20; ++i) {                // the runtime sleeps, and is woken in time
        const timer short_one(rt.get_executor(), std::chrono::microseconds(i * 50));
        CHECK(weft::sync_wait(rt.get_executor(), short_one.channel().receive()).has_value());
    }
}

TEST_CASE("a running timer goes while an exception unwinds")
{
    on_procs([]() -> task<> {
        bool caught = false;
        try {
            timer t(1ms);
            timer other(1h);
            co_await t.channel().receive();
            throw std::runtime_error("on its way");
        } catch (const std::runtime_error&) {
            caught = true;
        }
        CHECK(caught);
    });
}
