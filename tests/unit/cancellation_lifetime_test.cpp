// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Cancellation and what goes meanwhile: handlers, runtimes, hosts.

#include "testing.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/deferred.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using asio::ip::tcp;
using weft::background;
using weft::task;
using weft::with_cancel;
using weft_test::count;

TEST_CASE("a goroutine whose handler is dropped goes with it, and its context does not mind")
{
    std::atomic<int> gone{0};
    for (int round = 0; round < 200; ++round) {
        auto [ctx, cancel] = with_cancel(background());
        weft::runtime rt({.procs = 2});
        std::function<void()> drop;
        std::atomic<bool> begun{false};
        weft::go(rt.get_executor(), ctx, [&]() -> task<void> {
            const weft::defer note([&gone] { ++gone; });
            const auto kept =
                asio::async_initiate<decltype(asio::deferred), void(asio::error_code)>(
                    [&](auto handler) {
                        auto slot = asio::get_associated_cancellation_slot(handler);
                        if (slot.is_connected()) slot.assign([](asio::cancellation_type) {});
                        auto h = std::make_shared<decltype(handler)>(std::move(handler));
                        drop = [h]() mutable { h.reset(); };
                        begun = true;
                    },
                    asio::deferred);
            co_await kept;
        });
        while (!begun) std::this_thread::yield();
        std::this_thread::sleep_for(50us); // let the initiation return
        std::thread one([&end = cancel] { end(); });
        std::thread two([d = std::move(drop)]() mutable {
            d();
            d = nullptr;
        });
        one.join();
        two.join();
        rt.join();
    }
    CHECK(gone == 200);
}

TEST_CASE("runtimes end while other threads cancel, Asio's operations in flight")
{
    auto random = weft_test::make_random();
    const std::size_t rounds = count(3'000);
    for (std::size_t round = 0; round < rounds; ++round) {
        weft_test::watchdog guard;
        std::vector<weft::cancellable<weft::cancel_function>> contexts;
        for (int i = 0; i < 8; ++i) contexts.push_back(with_cancel(background()));
        std::vector<std::thread> others;
        std::atomic<int> begun{0};
        {
            weft::runtime rt({.procs = 1 + static_cast<unsigned>(random() % 2)});
            const auto ex = rt.get_executor();
            for (auto& c : contexts) {
                weft::go(ex, c.ctx, [&begun]() -> task<void> {
                    asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                    ++begun;
                    co_await t.async_wait(asio::deferred);
                });
                weft::go(ex, c.ctx, [&begun, parent = c.ctx]() -> task<void> {
                    tcp::acceptor a(weft::this_goroutine::get_executor(),
                                    tcp::endpoint(asio::ip::address_v4::loopback(), 0));
                    ++begun;
                    co_await weft::bind(parent, a.async_accept(asio::deferred));
                });
                weft::go(ex, c.ctx, [&begun]() -> task<void> {
                    const weft::defer note([] {});
                    ++begun;
                    auto s = co_await weft::select{weft::channel<int>().receive()};
                    static_cast<void>(s);
                });
            }
            if (round % 2) {
                while (begun != 24) std::this_thread::yield();
            }
            for (unsigned k = 0; k < 2; ++k) {
                others.emplace_back([&contexts, k] {
                    for (std::size_t i = k; i < contexts.size(); i += 2) contexts[i].cancel();
                });
            }
            for (auto spin = random() % 50'000; spin != 0; --spin)
                std::atomic_signal_fence(std::memory_order_seq_cst);
        }
        for (auto& t : others) t.join();
    }
}

TEST_CASE("a host goes with its goroutines, their contexts end later")
{
    auto [ctx, cancel] = with_cancel(background());
    std::atomic<int> gone{0};
    {
        asio::io_context host;
        weft::runtime rt(host.get_executor());
        for (int i = 0; i < 5; ++i) {
            weft::go(rt.get_executor(), ctx, [&gone]() -> task<void> {
                const weft::defer note([&gone] { ++gone; });
                asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                co_await t.async_wait(asio::deferred);
            });
        }
        host.run_for(5ms);
    }
    CHECK(gone == 5);
    cancel();
}

TEST_CASE("on a host whose runtime has ended, the end of the context frees its goroutines")
{
    auto [ctx, cancel] = with_cancel(background());
    std::atomic<int> gone{0};
    asio::io_context host;
    {
        weft::runtime rt(host.get_executor());
        weft::go(rt.get_executor(), ctx, [&gone]() -> task<void> {
            const weft::defer note([&gone] { ++gone; });
            asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
            co_await t.async_wait(asio::deferred);
        });
        host.run_for(5ms);
    }
    cancel();
    host.restart();
    host.run_for(1s);
    CHECK(gone == 1);
}

TEST_CASE("a wait that was given up at once stands nowhere when its runtime ends")
{
    for (int round = 0; round < 20; ++round) {
        weft_test::watchdog guard;
        std::atomic<bool> ready{false};
        auto a = weft::make_channel<int>(), b = weft::make_channel<int>();
        {
            auto made = with_cancel(background());
            weft::runtime rt({.procs = 1});
            weft::go(rt.get_executor(), made.ctx, [&]() -> task<void> {
                made.cancel();
                ready = true;
                std::this_thread::sleep_for(5ms); // the end of the runtime has begun
                auto s = co_await weft::select{a.receive(), b.receive(), weft::after(1h)};
                static_cast<void>(s);
            });
            while (!ready) std::this_thread::yield();
        }
        CHECK_FALSE(a.try_send(1)); // nobody waits
        CHECK_FALSE(b.try_send(1));
    }
}

TEST_CASE("who has been given what it waited for is not looked for there by a cancellation")
{
    for (int round = 0; round < 20; ++round) {
        weft::runtime rt({.procs = 1});
        auto [ctx, cancel] = with_cancel(background());
        auto c = std::make_unique<weft::channel<int>>(weft::make_channel<int>());
        std::atomic<int> got{0};
        std::atomic<bool> busy{false}, over{false};
        auto receive = [&got](weft::channel<int>* from) -> task<> {
            got = (co_await from->receive()).value_or(-1);
        };
        weft::go(rt.get_executor(), ctx, receive, c.get());
        weft_test::wait_until_parked(1, "chan receive");
        weft::go(rt.get_executor(), [&] {
            busy = true;
            while (!over) std::this_thread::yield();
        });
        while (!busy) std::this_thread::yield();
        REQUIRE(c->try_send(1));
        c.reset(); // a sanitizer sees who still looks
        cancel();
        over = true;
        rt.join();
        CHECK(got == 1);
    }
}
