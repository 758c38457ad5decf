// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// barrier: its own member, round after round.

#include <weft/barrier.hpp>

#include "sync_waits.hpp"

#include <atomic>
#include <future>

using weft::barrier;
using weft::task;
using weft_test::on_procs;

namespace {

constexpr const char* waiting = "barrier wait";

task<bool> arrive(barrier& b)
{
    const bool last = co_await b.arrive_and_wait();
    co_return last;
}
task<bool> arrive_with(barrier& b, weft::context ctx)
{
    const bool last = co_await b.arrive_and_wait(ctx);
    co_return last;
}

} // namespace

TEST_CASE("rounds: all have arrived before one goes on, and one of them is the last")
{
    CHECK_MISUSE(barrier(0), "barrier: count must be positive");
    CHECK_MISUSE(barrier(-1), "barrier: count must be positive");
    on_procs([]() -> task<> {
        constexpr int n = 5, rounds = 200;
        barrier b(n);
        std::atomic<int> arrived{0}, last{0};
        weft_test::team all;
        for (int i = 0; i < n; ++i) {
            all.go([&]() -> task<> {
                for (int r = 1; r <= rounds; ++r) {
                    ++arrived;
                    if (co_await b.arrive_and_wait()) ++last;
                    CHECK(arrived >= r * n);
                    CHECK(arrived <= (r + 1) * n);
                }
            });
        }
        co_await all.join();
        CHECK(last == rounds);
        barrier alone(1);
        const bool mine = co_await alone.arrive_and_wait();
        CHECK(mine);
    });
}

TEST_CASE("who gives up has not arrived")
{
    on_procs([]() -> task<> {
        for (const bool bound : {false, true}) {
            barrier b(3);
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto given_up = bound ? weft::spawn(ctx, arrive, std::ref(b))
                                  : weft::spawn(arrive_with, std::ref(b), ctx);
            auto first = weft::spawn(arrive, std::ref(b));
            co_await weft_test::until_parked(2, waiting);
            cancel();
            std::error_code code;
            try {
                co_await given_up.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            auto ended = arrive_with(b, ctx);
            std::error_code again;
            try {
                co_await std::move(ended);
            } catch (const weft::error& e) {
                again = e.code();
            }
            CHECK(again == weft::errc::canceled);
            auto second = weft::spawn(arrive_with, std::ref(b), weft::background());
            co_await weft_test::until_parked(2, waiting);
            const bool last = co_await b.arrive_and_wait();
            CHECK(last);
            const bool one = co_await first.join(), two = co_await second.join();
            CHECK(!one);
            CHECK(!two);
        }
    });
}

TEST_CASE("as a select case, won and lost; the loser has not arrived")
{
    on_procs([]() -> task<> {
        barrier b(2);
        auto other = weft::make_channel<int>();
        auto h = weft::spawn([&b, other]() -> task<std::size_t> {
            auto s = co_await weft::select{other.receive(), b.arrive_and_wait()};
            co_return s.index();
        });
        co_await weft_test::until_parked(1, "select");
        co_await other.send(1);
        const std::size_t lost = co_await h.join();
        CHECK(lost == 0);
        const auto none = weft::try_select{b.arrive_and_wait()};
        CHECK(none.index() == none.npos);
        auto waits = weft::spawn([&b, other]() -> task<bool> {
            auto s = co_await weft::select{other.receive(), b.arrive_and_wait()};
            CHECK(s.index() == 1);
            co_return s.get<1>();
        });
        co_await weft_test::until_parked(1, "select");
        auto won = weft::try_select{b.arrive_and_wait()};
        CHECK(won.index() == 0);
        CHECK(won.get<0>());
        const bool last = co_await waits.join();
        CHECK(!last);
    });
}

TEST_CASE("tokens, plain coroutines and threads meet at one barrier")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    asio::io_context io;
    for (int round = 0; round < 20; ++round) {
        barrier b(4);
        std::atomic<int> last{0};
        auto future = b.arrive_and_wait()(asio::use_future);
        const auto coroutine = [&]() -> asio::awaitable<void> {
            if (co_await b.arrive_and_wait()(asio::use_awaitable)) ++last;
        };
        asio::co_spawn(io, coroutine(), asio::detached);
        std::thread thread([&] {
            if (weft::sync_wait(rt.get_executor(), b.arrive_and_wait())) ++last;
        });
        std::thread runner([&] {
            io.restart();
            io.run();
        });
        if (weft::sync_wait(rt.get_executor(), [&] { return arrive(b); })) ++last;
        if (future.get()) ++last;
        thread.join();
        runner.join();
        CHECK(last == 1);
    }
}

TEST_CASE("destroyed while goroutines wait; those let go do not need it any more")
{
    for (const bool complete : {false, true}) {
        on_procs(
            [complete]() -> task<> {
                auto [ctx, cancel] = weft::with_cancel(weft::background());
                barrier b(5);
                weft::go([&b]() -> task<> { (void)co_await arrive(b); });
                weft::go(weft_test::code_of, [](barrier& it, weft::context own) -> task<> {
                    (void)co_await it.arrive_and_wait(own);
                }(b, ctx));
                weft::go([&b]() -> task<> { co_await weft::select{b.arrive_and_wait()}; });
                weft::go([&b, own = ctx]() -> task<> {
                    auto bound = weft::spawn(own, arrive, std::ref(b));
                    co_return;
                });
                co_await weft_test::until_parked(4);
                if (complete) {
                    const bool last = co_await b.arrive_and_wait();
                    CHECK(last);
                }
            },
            weft_test::leftovers::parked);
    }
}

TEST_CASE("a runtime ends while some wait: they have not arrived")
{
    weft_test::watchdog guard;
    barrier b(2);
    {
        weft::runtime rt({.procs = 2});
        weft::go(rt.get_executor(), [&b]() -> task<> { (void)co_await arrive(b); });
        while (weft_test::parked(waiting) != 1) std::this_thread::yield();
    }
    auto first = b.arrive_and_wait()(asio::use_future);
    CHECK(first.wait_for(std::chrono::milliseconds(0)) == std::future_status::timeout);
    auto second = b.arrive_and_wait()(asio::use_future);
    CHECK(!first.get());
    CHECK(second.get());
}

TEST_CASE("on many schedules, and cancelled everywhere")
{
    weft::testing::bubble([]() -> task<> {
        barrier b(2);
        auto [ctx, cancel] = weft::with_timeout(weft::background(), std::chrono::hours(1));
        const auto start = weft::clock::now();
        bool ended = false;
        try {
            (void)co_await b.arrive_and_wait(ctx);
        } catch (const weft::error&) {
            ended = true;
        }
        CHECK(ended);
        CHECK(weft::clock::now() - start == std::chrono::hours(1));
    });
    const auto program = [](weft::context ctx) -> task<> {
        barrier b(2);
        std::vector<weft::join_handle<bool>> some;
        some.push_back(weft::spawn(ctx, arrive, std::ref(b)));
        some.push_back(weft::spawn(arrive_with, std::ref(b), ctx));
        int met = 0, last = 0, given_up = 0;
        for (auto& h : some) {
            try {
                if (co_await h.join()) ++last;
                ++met;
            } catch (const weft::error&) {
                ++given_up;
            }
        }
        // The last one may have met one who gave up at that moment.
        CHECK(met + given_up == 2);
        if (met == 2) CHECK(last == 1);
        auto one = weft::spawn(arrive, std::ref(b));
        const bool second = co_await b.arrive_and_wait();
        const bool first = co_await one.join();
        CHECK(first != second);
    };
    weft::testing::explore(
        [program]() -> task<> {
            auto made = weft::with_cancel(weft::background());
            weft::go(made.cancel);
            co_await program(made.ctx);
        },
        {.schedules = weft_test::count(20'000)});
    weft::testing::cancel_everywhere(
        [program](weft::context ctx) -> task<> {
            auto h = weft::spawn(weft::without_cancel(ctx), program, ctx);
            const auto joins = [h]() -> task<> { co_await h.join(); };
            auto joined = joins();
            co_await weft::shield(std::move(joined));
        },
        {.schedules = 3});
}
