// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Timers and the life of their runtime: in a host, beside another one, at its end and after it.

#include "cancel_after.hpp"
#include "testing.hpp"
#include "witness.hpp"

#include <weft/runtime.hpp>
#include <weft/sleep.hpp>
#include <weft/ticker.hpp>
#include <weft/timer.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::after_func;
using weft::make_channel;
using weft::receive_channel;
using weft::task;
using weft::ticker;
using weft::time_point;
using weft::timer;
using weft_test::witness;

namespace {

/// Whether the context runs out of work by itself, rather than being held by a timer for an hour.
bool runs_out(asio::io_context& context)
{
    context.restart();
    context.run_for(10s);
    return context.stopped();
}

} // namespace

// ---------------------------------------------------------------- embedded

TEST_CASE("embedded: run returns when goroutines and timers are done")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        asio::io_context context;
        weft::runtime rt(context.get_executor(), {.procs = procs});
        std::atomic<int> done{0};
        for (int i = 0; i < 10; ++i) {
            weft::go(rt.get_executor(), [&, i]() -> task<> {
                co_await weft::sleep(std::chrono::milliseconds(i));
                timer t(1ms);
                co_await t.channel().receive();
                auto s = co_await weft::select{weft::channel<int>().receive(), weft::after(1ms)};
                done += s.index() == 1;
            });
        }
        std::vector<std::thread> threads;
        for (int i = 0; i < 2; ++i) threads.emplace_back([&] { context.run(); });
        for (auto& t : threads) t.join();
        CHECK(done == 10);
        CHECK(context.stopped());
        weft_test::note_procs(0);
    }
}

TEST_CASE("embedded: a timer in use holds the host, also one whose handle was dropped")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    int called = 0;
    weft::go(rt.get_executor(), [&] { after_func(5ms, [&] { ++called; }); });
    CHECK(runs_out(context));
    CHECK(called == 1);
    after_func(rt.get_executor(), 5ms, [&] { ++called; }); // by a thread that is none of the host's
    CHECK(runs_out(context));
    CHECK(called == 2);
    timer t(rt.get_executor(), 5ms);
    CHECK(runs_out(context));
    CHECK(t.channel().try_receive().has_value());
}

TEST_CASE("embedded: a timer that was stopped does not hold the host, whoever stopped it")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    std::optional<timer> t;
    weft::go(rt.get_executor(), [&] {
        t.emplace(1h);
        t->stop();
    });
    CHECK(runs_out(context));

    // By another goroutine, when the host waits for the hour already.
    weft::go(rt.get_executor(), [&] { t.emplace(1h); });
    context.restart();
    context.run_for(10ms);
    CHECK_FALSE(context.stopped());
    weft::go(rt.get_executor(), [&] { t->stop(); });
    CHECK(runs_out(context));

    // By a thread that is none of the host's.
    t->reset(1h);
    context.restart();
    context.run_for(10ms);
    CHECK_FALSE(context.stopped());
    CHECK(t->stop());
    CHECK(runs_out(context));
}

TEST_CASE("embedded: a timer that was dropped does not hold the host, whoever dropped it")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    for (const bool foreign : {false, true}) {
        std::optional<timer> t;
        std::optional<ticker> k;
        receive_channel<time_point> ch;
        weft::go(rt.get_executor(), [&] {
            t.emplace(1h);
            k.emplace(1h);
            ch = weft::tick(1h);
        });
        context.restart();
        context.run_for(10ms);
        CHECK_FALSE(context.stopped());
        const auto drop = [&] {
            t.reset();
            k.reset();
            ch = {};
        };
        if (foreign) drop();
        else weft::go(rt.get_executor(), drop);
        CHECK(runs_out(context));
    }
}

TEST_CASE("embedded: a cancelled wait does not hold the host")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    asio::cancellation_signal cancel;
    int aborted = 0;
    weft::go(rt.get_executor(), [&] {
        weft::sleep(1h)(asio::bind_executor(
            context, asio::bind_cancellation_slot(
                         cancel.slot(), [&](std::exception_ptr e) { aborted += e != nullptr; })));
    });
    context.restart();
    context.run_for(10ms);
    CHECK_FALSE(context.stopped());
    cancel.emit(asio::cancellation_type::total);
    CHECK(runs_out(context));
    CHECK(aborted == 1);

    // Another case wins, and a handler of the host's, not of the runtime's, settles the select.
    auto ch = make_channel<int>();
    std::size_t chosen = 99;
    weft::go(rt.get_executor(), [&] {
        weft::select{weft::after(1h), ch.receive()}(
            asio::bind_executor(context, [&](std::exception_ptr, auto s) { chosen = s.index(); }));
    });
    context.restart();
    context.run_for(10ms);
    CHECK_FALSE(context.stopped());
    CHECK(ch.try_send(1));
    CHECK(runs_out(context));
    CHECK(chosen == 1);
}

#if defined(WEFT_TEST_CANCEL_AFTER)
TEST_CASE("embedded: Asio's own time limits end a wait of weft's")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    asio::steady_timer limit(context);
    int aborted = 0;
    weft::go(rt.get_executor(), [&] {
        auto note = asio::bind_executor(context, [&](std::exception_ptr e) { aborted += !!e; });
        weft::sleep(1h)(asio::cancel_after(limit, 5ms, note));
    });
    CHECK(runs_out(context));
    CHECK(aborted == 1);
}
#endif

TEST_CASE("embedded: threads set and stop timers while the host goes idle again and again")
{
    weft_test::watchdog guard;
    auto random = weft_test::make_random();
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    weft::runtime rt(context.get_executor(), {.procs = 2});
    std::thread host([&] { context.run(); });
    // One thread keeps taking the last timer away; the timers of this one must ring all the same.
    std::atomic<bool> over{false};
    std::thread other([&] {
        while (!over) {
            timer t(rt.get_executor(), 100us);
            std::this_thread::sleep_for(50us);
            t.stop();
        }
    });
    const int rounds = static_cast<int>(weft_test::count(5000));
    for (int i = 0; i < rounds; ++i) {
        timer t(rt.get_executor(), std::chrono::microseconds(50 + random() % 200));
        CHECK(t.channel().receive()(asio::use_future).get().has_value());
    }
    over = true;
    other.join();
    work.reset();
    host.join();
    CHECK(context.stopped());
}

// ---------------------------------------------------------------- two runtimes

TEST_CASE("a goroutine of one runtime sets timers of another, which sleeps")
{
    weft_test::watchdog guard;
    weft::runtime first({.procs = 1}), second({.procs = 1});
    const auto wait = [&]() -> task<int> {
        int rung = 0;
        for (int i = 0; i < 20; ++i) {
            timer t(second.get_executor(), 1ms);
            rung += (co_await t.channel().receive()).has_value();
            t.reset(1ms);
            rung += (co_await t.channel().receive()).has_value();
            auto called = make_channel<void>();
            after_func(second.get_executor(), 1ms, [called] { called.close(); });
            rung += !co_await called.receive();
        }
        co_return rung;
    };
    CHECK(weft::sync_wait(first.get_executor(), wait()) == 60);
}

TEST_CASE("a moment of one runtime is awaited in another, which ends in time")
{
    weft_test::watchdog guard;
    weft::runtime first({.procs = 1}), second({.procs = 1});
    for (int i = 0; i < 20; ++i) {
        auto op = weft::sync_wait(second.get_executor(), [] { return weft::after(1ms); });
        weft::sync_wait(first.get_executor(), op);
    }
    timer t(second.get_executor(), 1ms);
    weft::sync_wait(first.get_executor(), [&]() -> task<> {
        auto s = co_await weft::select{t.channel().receive(), weft::after(1h)};
        CHECK(s.index() == 0);
    });
}

// ---------------------------------------------------------------- the end, and after

TEST_CASE("timers outlive their runtime: nothing fires, all may be called")
{
    std::atomic<int> ran{0}, destroyed{0};
    std::optional<timer> t, due, taken, function, function_set;
    std::optional<ticker> k;
    receive_channel<time_point> of_dropped;
    {
        weft::runtime rt({.procs = 2});
        const auto ex = rt.get_executor();
        t.emplace(ex, 1h);
        due.emplace(ex, 0ms);
        taken.emplace(ex, 0ms);
        CHECK(taken->channel().try_receive().has_value());
        k.emplace(ex, 1ms);
        of_dropped = timer(ex, 1h).channel();
        function = after_func(ex, 1h, [&, w = witness(destroyed)] { ++ran; });
        function_set = after_func(ex, 1h, [&, w = witness(destroyed)] { ++ran; });
        CHECK(function_set->stop());
        after_func(ex, 1h, [&, w = witness(destroyed)] { ++ran; });
    }
    CHECK(destroyed == 1);         // the one that nobody holds
    CHECK_FALSE(function->stop()); // it will not be called
    CHECK_FALSE(function_set->reset(1ms));
    CHECK_FALSE(function_set->stop());
    CHECK(t->reset(1ms));
    CHECK(t->stop());
    CHECK(due->channel().try_receive().has_value()); // the clock says so, no runtime is needed
    CHECK_FALSE(due->stop());
    CHECK_FALSE(taken->reset(1h));
    k->reset(1h);
    k->stop();
    CHECK(of_dropped.size() == 0);
    std::this_thread::sleep_for(5ms);
    CHECK(ran == 0);
    t.reset();
    function.reset();
    function_set.reset();
    CHECK(destroyed == 3);
}

TEST_CASE("a function that owns timers is destroyed with the runtime, and they with it")
{
    std::atomic<int> destroyed{0};
    {
        weft::runtime rt({.procs = 1});
        const auto ex = rt.get_executor();
        for (int i = 0; i < 10; ++i) {
            after_func(ex, 1h,
                       [w = witness(destroyed), a = timer(ex, 1h), b = ticker(ex, 1ms),
                        c = after_func(ex, 1h, [v = witness(destroyed)] {})] {});
        }
    }
    CHECK(destroyed == 20);
}

TEST_CASE("goroutines that wait for timers are unwound before these go")
{
    std::atomic<int> destroyed{0};
    std::optional<timer> t;
    {
        weft::runtime rt({.procs = 2});
        t.emplace(rt.get_executor(), 1h);
        for (int i = 0; i < 4; ++i) {
            weft::go(
                rt.get_executor(),
                [&](witness) -> task<> {
                    timer own(1h);
                    co_await weft::select{own.channel().receive(), t->channel().receive(),
                                          weft::after(1h)};
                },
                witness(destroyed));
        }
        while (weft_test::parked("select") != 4) std::this_thread::yield();
    }
    CHECK(destroyed == 4);
    CHECK(t->stop());
}

TEST_CASE("a runtime ends while its timers ring and threads set them")
{
    auto random = weft_test::make_random();
    const int rounds = static_cast<int>(weft_test::count(1000));
    std::atomic<int> made{0}, destroyed{0};
    for (int round = 0; round < rounds; ++round) {
        std::vector<timer> timers;
        std::optional<weft::runtime> rt;
        rt.emplace(weft::runtime_options{.procs = 1 + static_cast<unsigned>(random() % 2)});
        for (int i = 0; i < 8; ++i) {
            timers.emplace_back(rt->get_executor(), weft::duration(random() % 200'000));
            timers.push_back(
                after_func(rt->get_executor(), weft::duration(random() % 200'000),
                           [w = witness(destroyed)]() -> task<> { co_await weft::sleep(50us); }));
            ++made;
        }
        std::atomic<bool> over{false};
        std::thread outside([&, seed = random()] {
            std::minstd_rand choose(static_cast<unsigned>(seed));
            while (!over) {
                timer& t = timers[choose() % timers.size()];
                if (choose() % 3) t.reset(weft::duration(choose() % 100'000));
                else t.stop();
                static_cast<void>(t.channel().try_receive());
            }
        });
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
        rt.reset();
        over = true;
        outside.join();
        timers.clear();
    }
    CHECK(destroyed == made);
}

TEST_CASE("those who wait with a token for a timer's channel keep it, and may cancel")
{
    asio::io_context context;
    {
        weft::runtime rt({.procs = 1});
        auto in_time = timer(rt.get_executor(), 2ms).channel().receive()(asio::use_future);
        CHECK(in_time.get().has_value());
        timer t(rt.get_executor(), 1h);
        asio::cancellation_signal cancel;
        bool aborted = false;
        t.channel().receive()(asio::bind_executor(
            context, asio::bind_cancellation_slot(
                         cancel.slot(), [&](std::exception_ptr e, auto) { aborted = !!e; })));
        cancel.emit(asio::cancellation_type::total);
        context.run();
        CHECK(aborted);
    }
}
