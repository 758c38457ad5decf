// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// shield: what is awaited under it is not interrupted; cancellation_test.cpp has the moments.

#include "testing.hpp"

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::background;
using weft::task;
using weft::with_cancel;
using weft_test::on_procs;

TEST_CASE("a shield returns what it shields, and throws what that throws")
{
    on_procs([]() -> task<void> {
        auto made = with_cancel(background());
        auto other = weft::spawn([]() -> task<int> { co_return 5; });
        auto h = weft::spawn(made.ctx, [&]() -> task<void> {
            made.cancel();
            auto ch = weft::make_channel<std::unique_ptr<int>>(1);
            co_await weft::shield(ch.send(std::make_unique<int>(4)));
            const auto four = co_await weft::shield(ch.receive());
            CHECK(**four == 4);
            CHECK(co_await weft::shield(other.join()) == 5);
            auto choice = weft::select{ch.receive(), weft::after(1ms)};
            const auto chosen = co_await weft::shield(std::move(choice));
            CHECK(chosen.index() == 1);
            asio::steady_timer t(weft::this_goroutine::get_executor(), 1ms);
            auto [ec] = co_await weft::shield(t.async_wait(asio::as_tuple(asio::deferred)));
            CHECK_FALSE(ec);
            const auto owned = []() -> task<std::unique_ptr<int>> {
                co_await weft::sleep(1ms);
                co_return std::make_unique<int>(6);
            };
            const auto six = co_await weft::shield(owned());
            CHECK(*six == 6);
            const auto fails = []() -> task<void> {
                co_await weft::sleep(1ms);
                throw std::runtime_error("its own");
            };
            bool thrown = false;
            try {
                co_await weft::shield(fails());
            } catch (const std::runtime_error&) {
                thrown = true;
            }
            CHECK(thrown);
            auto call = [] { return 8; };
            CHECK(co_await weft::shield(weft::blocking(call)) == 8);
            co_await weft::sleep(1h); // the exception has taken its shield down
        });
        CHECK_THROWS_AS(co_await h.join(), weft::error);
    });
}

TEST_CASE("a shield holds for foreign coroutines, and for contexts that are asked directly not")
{
    on_procs([]() -> task<void> {
        auto made = with_cancel(background());
        bool over = false;
        auto h = weft::spawn(made.ctx, [&]() -> task<void> {
            made.cancel();
            const auto ex = weft::this_goroutine::get_executor();
            auto foreign = [ex]() -> asio::awaitable<int> {
                asio::steady_timer t(ex, 1ms);
                co_await t.async_wait(asio::use_awaitable);
                co_return 7;
            };
            const auto inside = [&foreign]() -> task<int> { co_return co_await foreign(); };
            CHECK(co_await weft::shield(inside()) == 7);
            const auto asks = [&made]() -> task<void> { co_await weft::sleep(made.ctx, 1h); };
            bool ended = false;
            try {
                co_await weft::shield(asks());
            } catch (const weft::error&) {
                ended = true;
            }
            CHECK(ended);
            over = true;
        });
        co_await h.join();
        CHECK(over);
    });
}

TEST_CASE("shielded goroutines are cancelled at any moment, from outside")
{
    on_procs([]() -> task<void> {
        auto random = weft_test::make_random();
        const std::size_t rounds = weft_test::count(20'000);
        for (std::size_t i = 0; i < rounds; ++i) {
            auto [ctx, cancel] = with_cancel(background());
            std::atomic<int> steps{0};
            auto h = weft::spawn(ctx, [&steps, asio_too = i % 4 == 0]() -> task<void> {
                auto ch = weft::make_channel<int>();
                weft::go([ch]() -> task<void> { co_await ch.send(1); });
                const auto one = co_await weft::shield(ch.receive());
                if (one) ++steps;
                if (asio_too) {
                    asio::steady_timer t(weft::this_goroutine::get_executor(), 1us);
                    co_await weft::shield(t.async_wait(asio::deferred));
                }
                ++steps;
                co_await ch.receive();
            });
            for (auto n = random() % 3; n != 0; --n) co_await weft::this_goroutine::yield();
            if (i % 2) {
                auto end = [&c = cancel] { c(); };
                co_await weft::blocking(end);
            } else {
                cancel();
            }
            bool ended = false;
            try {
                co_await h.join();
            } catch (const weft::error&) {
                ended = true;
            }
            CHECK(ended);
            CHECK((steps == 2 || steps == 0)); // 0: it had not begun
        }
    });
}

TEST_CASE("a runtime that ends unwinds what is under a shield")
{
    std::atomic<int> unwound{0};
    for (int round = 0; round < 20; ++round) {
        auto made = with_cancel(background());
        weft::runtime rt({.procs = 2});
        std::atomic<int> inside{0};
        for (int i = 0; i < 10; ++i) {
            weft::go(rt.get_executor(), made.ctx, [&]() -> task<void> {
                const weft::defer note([&unwound] { ++unwound; });
                ++inside;
                co_await weft::shield(weft::sleep(1h));
            });
        }
        while (inside != 10) std::this_thread::yield();
        if (round % 2) made.cancel();
    }
    CHECK(unwound == 200);
}
