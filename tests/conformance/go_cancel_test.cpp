// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A cancelled or timed-out wait has no effect; what is torn down is destroyed once.

#include "cancel_after.hpp"
#include "testing.hpp"

#include "../stress/counted.hpp"

#include <asio/deferred.hpp>
#include <asio/error.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using stress::counted;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;

TEST_CASE("CANCEL-01 a receive that timed out reserved nothing")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>();
        auto s = co_await weft::select{ch.receive(), weft::after(10ms)};
        CHECK(s.index() == 1);
        auto later = weft::spawn([ch]() -> task<int> { co_return *co_await ch.receive(); });
        co_await ch.send(7);
        CHECK(co_await later.join() == 7);
    });
}

TEST_CASE("CANCEL-02 a cancelled send never appears, and its value is destroyed once")
{
    on_procs([]() -> task<void> {
        const auto before = counted::alive().load();
        {
            auto ch = make_channel<counted>(1);
            co_await ch.send(counted(1));
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto bound = weft::spawn(ctx, [ch]() -> task<void> { co_await ch.send(counted(2)); });
            auto explicitly = weft::spawn(
                [ch](weft::context c) -> task<void> { co_await ch.send(c, counted(3)); }, ctx);
            co_await weft_test::until_parked(2, "chan send");
            cancel();
            CHECK_THROWS_AS(co_await bound.join(), weft::error);
            CHECK_THROWS_AS(co_await explicitly.join(), weft::error);
            CHECK(counted::alive().load() == before + 1);
            auto got = co_await ch.receive();
            CHECK(got->value() == 1);
            CHECK_FALSE(ch.try_receive().has_value());
        }
        CHECK(counted::alive().load() == before);
    });
}

TEST_CASE("CANCEL-03 timed sends and receives: the value comes back, later ones arrive")
{
    on_procs([]() -> task<void> {
        constexpr auto limit = 50ms;
        auto full = make_channel<std::unique_ptr<int>>(5);
        for (int i = 0; i < 5; ++i) co_await full.send(std::make_unique<int>(i));
        auto start = weft::clock::now();
        auto late = co_await weft::select{full.send(std::make_unique<int>(6)), weft::after(limit)};
        CHECK(late.index() == 1);
        CHECK(weft::clock::now() - start >= limit);
        CHECK(*late.unsent<0>() == 6);
        CHECK(full.size() == 5);

        auto ch = make_channel<int>();
        weft::go([ch]() -> task<void> {
            co_await weft::sleep(75ms);
            co_await ch.send(7);
            ch.close();
        });
        start = weft::clock::now();
        auto first = co_await weft::select{ch.receive(), weft::after(limit)};
        CHECK(first.index() == 1);
        CHECK(weft::clock::now() - start >= limit);
        auto second = co_await weft::select{ch.receive(), weft::after(10s)};
        CHECK(second.index() == 0);
        CHECK(*second.get<0>() == 7);
        auto third = co_await weft::select{ch.receive(), weft::after(10s)};
        CHECK(third.index() == 0);
        CHECK_FALSE(third.get<0>().has_value());
    });
}

TEST_CASE("CANCEL-04 timed-out receives leave no waiter and no memory")
{
    on_procs([]() -> task<void> {
        auto idle = make_channel<int>();
        const auto many = [idle](std::size_t n) -> task<void> {
            for (std::size_t i = 0; i < n; ++i) {
                auto s = co_await weft::select{idle.receive(), weft::after(1us)};
                CHECK(s.index() == 1);
            }
        };
        co_await many(100);
        const std::size_t before = weft_test::live_heap();
        co_await many(weft_test::count(10'000));
        CHECK(weft_test::live_heap() < before + 100 * 1024);
        CHECK_FALSE(idle.try_send(1)); // nobody waits
    });
}

TEST_CASE("CANCEL-05 a runtime that ends destroys every parked frame once")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::watchdog guard;
        const auto before = counted::alive().load();
        std::atomic<int> parked{0};
        weft::time_point start;
        {
            auto ch = make_channel<int>();
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            weft::runtime rt({.procs = procs});
            constexpr int n = 1000;
            for (int i = 0; i < n; ++i) {
                auto waits = [&parked, ch, i]() -> task<void> {
                    const counted local(i);
                    ++parked;
                    switch (i % 4) {
                    case 0: (void)co_await ch.receive(); break;
                    case 1: co_await weft::sleep(1h); break;
                    case 2: {
                        auto s = co_await weft::select{ch.receive(), weft::after(1h)};
                        static_cast<void>(s);
                        break;
                    }
                    default: {
                        asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                        co_await t.async_wait(asio::deferred);
                    }
                    }
                };
                if (i % 2) weft::go(rt.get_executor(), ctx, waits);
                else weft::go(rt.get_executor(), waits);
            }
            while (parked != n) std::this_thread::yield();
            start = weft::clock::now();
        }
        CHECK(weft::clock::now() - start < 5s);
        CHECK(counted::alive().load() == before);
    }
}

TEST_CASE("CANCEL-06 a channel that only parked goroutines hold goes with them")
{
    const auto before = counted::alive().load();
    on_procs(
        [](unsigned) -> task<void> {
            auto ch = make_channel<counted>(3);
            auto block = make_channel<int>();
            co_await ch.send(counted(1));
            co_await ch.send(counted(2));
            weft::go([ch, block]() -> task<void> { (void)co_await block.receive(); });
            co_await weft_test::until_parked(1, "chan receive");
        },
        weft_test::leftovers::parked);
    CHECK(counted::alive().load() == before);
}

TEST_CASE("CANCEL-07 cancelled before its first instruction, a goroutine does not run")
{
    on_procs([]() -> task<void> {
        auto [ended, end] = weft::with_cancel(weft::background());
        end();
        std::atomic<int> ran{0};
        auto body = [&ran]() -> task<int> { co_return ++ran; };
        auto plain = [&ran] { ++ran; };
        weft::go(ended, body);
        weft::go(ended, plain);
        auto handle = weft::spawn(ended, body);
        std::error_code code;
        try {
            co_await handle.join();
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == make_error_code(weft::errc::canceled));

        auto [soon, end_soon] = weft::with_cancel(weft::background());
        auto queued = weft::spawn(soon, body); // on one worker it has not begun yet
        end_soon();
        try {
            const int result = co_await queued.join(); // on several it may have
            CHECK(result == 1);
        } catch (const weft::error& e) {
            CHECK(e.code() == make_error_code(weft::errc::canceled));
            CHECK(ran == 0);
        }
        co_await weft_test::until_alone();
        CHECK(ran <= 1);
    });
}

TEST_CASE("SCHED-08 a limit for an operation: in time, too late, and the shorter of two")
{
    on_procs([]() -> task<void> {
        {
            auto ch = make_channel<int>();
            weft::go([ch]() -> task<void> {
                co_await weft::sleep(20ms);
                co_await ch.send(1);
            });
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 5s);
            CHECK(*co_await ch.receive(ctx) == 1);
        }
        {
            const auto start = weft::clock::now();
            auto [outer, cancel_outer] = weft::with_timeout(weft::background(), 5s);
            auto [inner, cancel_inner] = weft::with_timeout(outer, 20ms);
            auto nap = weft::spawn(
                [](weft::context c) -> task<void> { co_await weft::sleep(c, 5s); }, inner);
            std::error_code code;
            try {
                co_await nap.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == make_error_code(weft::errc::deadline_exceeded));
            CHECK(weft::clock::now() - start >= 20ms);
            CHECK(weft::clock::now() - start < 2s);
            CHECK_FALSE(outer.err());
        }
    });
}

#if defined(WEFT_TEST_CANCEL_AFTER)
TEST_CASE(
    "SCHED-08 Asio's cancel_after limits an operation of weft's, on one thread as Asio wants it")
{
    weft_test::watchdog guard;
    auto ch = make_channel<int>();
    const auto limited = [ch]() -> task<void> {
        asio::steady_timer timer(weft::this_goroutine::get_executor());
        (void)co_await ch.receive()(asio::cancel_after(timer, 20ms, asio::deferred));
    };
    std::error_code code;
    try {
        weft::run(limited, {.procs = 1});
    } catch (const std::system_error& e) {
        code = e.code();
    }
    CHECK(code == asio::error::operation_aborted);
    CHECK_FALSE(ch.try_send(1));
}
#endif
