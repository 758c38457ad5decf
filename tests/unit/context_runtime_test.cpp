// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Contexts and runtimes: signals, run(main(context)), the root, and contexts that outlive it.

#include "child_process.hpp"
#include "testing.hpp"

#include <asio/deferred.hpp>
#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <csignal>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::errc;
using weft::task;
using weft::with_cancel;
using weft_test::on_procs;

namespace {

int signal_of(const context& c)
{
    try {
        std::rethrow_exception(c.cause());
    } catch (const weft::signal_error& e) {
        CHECK(e.code() == make_error_code(errc::canceled));
        return e.signal();
    } catch (...) {
        return 0;
    }
}

} // namespace

TEST_CASE("a signal ends a context and names itself")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = weft::with_signals(background(), {SIGUSR1, SIGUSR2});
        auto [below, cancel_below] = weft::with_timeout(ctx, 1h);
        std::raise(SIGUSR2);
        co_await below.done();
        CHECK(ctx.err() == make_error_code(errc::canceled));
        CHECK(signal_of(ctx) == SIGUSR2);
        CHECK(signal_of(below) == SIGUSR2);
    });
}

TEST_CASE("contexts for signals outlive their runtime, and end all the same")
{
    for (int round = 0; round < 20; ++round) {
        auto root = with_cancel(background());
        std::vector<weft::cancellable<weft::cancel_function>> kept;
        std::thread other;
        {
            weft::runtime rt({.procs = 2});
            for (int i = 0; i < 4; ++i)
                kept.push_back(weft::with_signals(rt.get_executor(), root.ctx, {SIGUSR1}));
            kept.pop_back(); // one goes before
            if (round % 2) other = std::thread([&root] { root.cancel(); });
        }
        if (other.joinable()) other.join();
        root.cancel();
        for (const auto& c : kept) CHECK(c.ctx.err() == make_error_code(errc::canceled));
    }
}

TEST_CASE("a context for signals on a host that goes with its runtime, or after")
{
    std::optional<weft::cancellable<weft::cancel_function>> kept;
    {
        asio::io_context host;
        {
            weft::runtime rt(host.get_executor());
            kept = weft::with_signals(rt.get_executor(), background(), {SIGUSR1});
            host.poll();
        }
        host.poll();
    }
    CHECK_FALSE(kept->ctx.err());
    kept->cancel();
    CHECK(kept->ctx.err() == make_error_code(errc::canceled));
}

#if defined(WEFT_TEST_CAN_FORK)

TEST_CASE("main's context ends with the first SIGTERM, the second one kills")
{
    const auto in_order = weft_test::in_child([] {
        const int result = weft::run([](context ctx) -> task<int> {
            std::raise(SIGTERM);
            co_await ctx.done();
            co_return signal_of(ctx) == SIGTERM ? 0 : 3;
        });
        ::_exit(result);
    });
    CHECK(in_order.status == 0);
    const auto killed = weft_test::in_child([] {
        weft::run([](context ctx) -> task<void> {
            std::raise(SIGINT);
            co_await ctx.done();
            std::raise(SIGINT);
            co_await weft::sleep(10s);
        });
    });
    CHECK(killed.signal == SIGINT);
    const auto after_cancel = weft_test::in_child([] {
        weft::run([]() -> task<void> {
            auto [ctx, cancel] = weft::with_signals(background(), {SIGTERM});
            cancel();
            std::raise(SIGTERM);
            co_await weft::sleep(10s);
        });
    });
    CHECK(after_cancel.signal == SIGTERM);
}

#endif

TEST_CASE("run gives main a context, whatever main is")
{
    CHECK(weft::run([](context ctx) -> task<int> { co_return ctx.err() ? 1 : 2; }) == 2);
    CHECK(weft::run([](const context& ctx) { return ctx.err() ? 1 : 3; }) == 3);
    context kept;
    weft::run([&kept](context ctx) { kept = ctx; });
    CHECK(kept.err() == make_error_code(errc::canceled)); // main has returned
    CHECK_THROWS_AS(weft::run([](context) -> task<void> {
                        throw std::runtime_error("main's");
                        co_return;
                    }),
                    std::runtime_error);
}

TEST_CASE("the root context: shutdown and the destructor end it")
{
    context root;
    std::atomic<int> begun{0}, ended{0};
    {
        weft::runtime rt({.procs = 2});
        root = rt.root();
        CHECK(root == rt.root());
        for (int i = 0; i < 10; ++i) {
            weft::go(rt.get_executor(), root, [&begun, &ended]() -> task<void> {
                try {
                    ++begun;
                    co_await weft::sleep(1h);
                } catch (const weft::error&) {
                    ++ended;
                    throw;
                }
            });
        }
        CHECK_FALSE(root.err());
        while (begun != 10) std::this_thread::yield();
        const auto report = rt.shutdown(10s);
        CHECK(report.clean());
        CHECK(ended == 10);
        CHECK(root.err() == make_error_code(errc::canceled));
        auto stays = weft::make_channel<void>();
        weft::go(rt.get_executor(), [stays]() -> task<void> { co_await stays.receive(); });
        const auto second = rt.shutdown(2ms);
        CHECK(second.remaining.size() == 1);
    }
    {
        weft::runtime rt;
        root = rt.root();
    }
    CHECK(root.err() == make_error_code(errc::canceled));
}

TEST_CASE("deadlines and functions of a runtime that has ended")
{
    std::atomic<int> ran{0};
    std::vector<weft::cancellable<weft::cancel_function>> kept;
    std::optional<weft::after_func_stop> stop;
    auto base = with_cancel(background());
    {
        weft::runtime rt({.procs = 2});
        for (int i = 0; i < 100; ++i)
            kept.push_back(weft::with_timeout(rt.get_executor(), base.ctx, 1ms * (i % 5)));
        for (const auto& c : kept) weft::after_func(rt.get_executor(), c.ctx, [&ran] { ++ran; });
        stop = weft::after_func(rt.get_executor(), base.ctx, [&ran] { ran += 1000; });
    }
    std::this_thread::sleep_for(10ms);
    const int before = ran;
    CHECK(before <= 100);
    base.cancel();
    for (const auto& c : kept) CHECK(c.ctx.err());
    CHECK(ran == before);
    CHECK_FALSE((*stop)());
    auto below = with_cancel(kept.front().ctx);
    CHECK(below.ctx.err());
}

TEST_CASE("functions run for what ends while their runtime ends")
{
    for (int round = 0; round < 100; ++round) {
        auto base = with_cancel(background());
        std::atomic<int> ran{0};
        std::thread other;
        {
            weft::runtime rt({.procs = 2});
            for (int i = 0; i < 50; ++i) {
                weft::after_func(rt.get_executor(), base.ctx, [&ran]() -> task<void> {
                    ++ran;
                    co_await weft::sleep(1h);
                });
            }
            other = std::thread([&base] { base.cancel(); });
            if (round % 2) std::this_thread::yield();
        }
        other.join();
        CHECK(ran <= 50);
    }
}

TEST_CASE("a stop_callback that lasts holds up no timer of its runtime")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    std::atomic<bool> rang{false};
    std::optional<std::stop_callback<std::function<void()>>>
        note; // its destructor waits for the call
    weft::sync_wait(rt.get_executor(), [&]() -> task<> {
        auto [ctx, cancel] = weft::with_timeout(background(), 5ms);
        weft::go([&]() -> task<> { // its timer is the same worker's
            co_await weft::sleep(20ms);
            rang = true;
        });
        note.emplace(ctx.stop_token(), [&] {
            while (!rang) std::this_thread::yield();
        });
        co_await ctx.done();
    });
    rt.join();
    CHECK(rang);
}

TEST_CASE("a deadline whose runtime ends first ends with it, for those of other runtimes")
{
    weft::runtime stays({.procs = 1});
    std::optional<weft::runtime> goes(std::in_place, weft::runtime_options{.procs = 1});
    const auto far = weft::with_timeout(goes->get_executor(), background(), 1h);
    auto waiting = weft::spawn(stays.get_executor(), [ctx = far.ctx]() -> task<errc> {
        co_await ctx.done();
        co_return static_cast<errc>(ctx.err().value());
    });
    weft_test::wait_until_parked(1, "context done");
    const auto ex = goes->get_executor();
    goes.reset();
    const errc why = weft::sync_wait(stays.get_executor(), waiting.join());
    CHECK(why == errc::canceled);
    CHECK_THROWS_WITH(std::rethrow_exception(far.ctx.cause()),
                      doctest::Contains(make_error_code(errc::stopped).message().c_str()));
}
