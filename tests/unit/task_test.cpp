// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// task: what it awaits, and who can start it.

#include "testing.hpp"

#include <weft/task.hpp>

#include <asio/as_tuple.hpp>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <variant>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;

static_assert(std::is_same_v<task<int>, asio::awaitable<int, weft::executor>>);

namespace {

constexpr asio::use_awaitable_t<weft::executor> use_task;

task<int> depth(int n)
{
    if (n == 0) co_return 0;
    const int below = co_await depth(n - 1);
    co_return below + 1;
}

task<int> fail_below(int n)
{
    if (n == 0) throw std::runtime_error("at the bottom");
    co_return co_await fail_below(n - 1);
}

task<int> sleep_and_return(std::chrono::milliseconds d, int n)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, d);
    co_await timer.async_wait(asio::deferred);
    co_return n;
}

/// A coroutine of plain Asio, which knows nothing of weft.
asio::awaitable<int> plain(int n)
{
    asio::steady_timer timer(co_await asio::this_coro::executor, 1ms);
    co_await timer.async_wait(asio::use_awaitable);
    if (n < 0) throw std::runtime_error("plain and negative");
    co_return n;
}

asio::awaitable<std::unique_ptr<int>> plain_owner()
{
    co_return std::make_unique<int>(6);
}

} // namespace

TEST_CASE("a task awaits child tasks, to any depth, values and exceptions")
{
    on_procs([]() -> task<> {
        const int n = co_await depth(1000);
        CHECK(n == 1000);
        std::string what;
        try {
            co_await fail_below(100);
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "at the bottom");
        const auto owner = []() -> task<std::unique_ptr<int>> {
            co_return std::make_unique<int>(2);
        };
        const auto p = co_await owner();
        CHECK(*p == 2);
        task<int> named = depth(3); // starts when awaited
        const int three = co_await std::move(named);
        CHECK(three == 3);
    });
}

TEST_CASE("a task awaits Asio's operations with whatever token Asio's own coroutines take")
{
    on_procs([]() -> task<> {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        const auto again = [&]() -> asio::steady_timer& {
            timer.expires_after(1ms);
            return timer;
        };
        co_await again().async_wait(asio::deferred);
        co_await again().async_wait(use_task);
        auto [same] = co_await again().async_wait(asio::as_tuple(use_task));
        CHECK(!same);
#if ASIO_VERSION >= 103200 // tokens have a default
        co_await again().async_wait();
        auto [code] = co_await again().async_wait(asio::as_tuple);
        CHECK(!code);
        std::error_code ec = asio::error::eof;
        co_await again().async_wait(asio::redirect_error(ec));
        CHECK(!ec);
#endif
    });
}

TEST_CASE("an Asio operation's error is thrown as asio::system_error")
{
    on_procs([]() -> task<> {
        asio::steady_timer timer(co_await asio::this_coro::executor, 1h);
        weft_test::team canceller;
        canceller.go([&]() -> task<> {
            co_await weft_test::until_parked(1, "asio operation");
            timer.cancel();
        });
        std::error_code code;
        try {
            co_await timer.async_wait(asio::deferred);
        } catch (const asio::system_error& e) {
            code = e.code();
        }
        CHECK(code == asio::error::operation_aborted);
        co_await canceller.join();
    });
}

TEST_CASE("the coroutine's executor is the runtime's")
{
    on_procs([]() -> task<> {
        const weft::executor ex = co_await asio::this_coro::executor;
        CHECK(ex == weft::this_goroutine::get_executor());
    });
}

TEST_CASE("a goroutine is where it was after an Asio operation")
{
    on_procs([]() -> task<> {
        weft_test::team all;
        for (int i = 0; i < 20; ++i) {
            all.go([]() -> task<> {
                const auto id = weft::this_goroutine::get_id();
                for (int n = 0; n < 5; ++n) {
                    co_await weft_test::sleep_ms(1);
                    CHECK(weft::this_goroutine::get_id() == id);
                    co_await weft::this_goroutine::yield();
                    CHECK(weft::this_goroutine::get_id() == id);
                }
            });
        }
        co_await all.join();
    });
}

TEST_CASE("a task awaits plain Asio coroutines on its own runtime")
{
    on_procs([]() -> task<> {
        const int n = co_await plain(5);
        CHECK(n == 5);
        const auto p = co_await plain_owner();
        CHECK(*p == 6);
        std::string what;
        try {
            co_await plain(-1);
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "plain and negative");
        const auto where = []() -> asio::awaitable<bool> {
            const asio::any_io_executor ex = co_await asio::this_coro::executor;
            const auto* ours = ex.target<weft::executor>();
            co_return ours != nullptr;
        };
        const bool ours = co_await where();
        CHECK(ours);
    });
}

TEST_CASE("a task awaits a coroutine spawned on another context")
{
    asio::io_context elsewhere;
    auto guard = asio::make_work_guard(elsewhere);
    std::thread runner([&] { elsewhere.run(); });
    on_procs([&]() -> task<> {
        const auto worker = weft::this_goroutine::get_executor();
        const int n = co_await asio::co_spawn(elsewhere, plain(7), asio::deferred);
        CHECK(n == 7);
        CHECK(weft::this_goroutine::get_executor() == worker);
        CHECK(std::this_thread::get_id() != runner.get_id());
    });
    guard.reset();
    runner.join();
}

TEST_CASE("co_spawn starts a task on weft's executor from a plain thread")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft::runtime rt({.procs = procs});
        const auto ex = rt.get_executor();
        CHECK(asio::co_spawn(ex, depth(10), asio::use_future).get() == 10);
        CHECK(asio::co_spawn(
                  ex, [] { return sleep_and_return(1ms, 4); }, asio::use_future)
                  .get() == 4);
        auto failing = asio::co_spawn(ex, fail_below(3), asio::use_future);
        CHECK_THROWS_WITH_AS(failing.get(), "at the bottom", std::runtime_error);

        // It is a goroutine from its first await on.
        auto gate = make_channel<int>();
        auto receives = asio::co_spawn(
            ex,
            [gate]() -> task<int> {
                co_await weft::this_goroutine::yield();
                weft::this_goroutine::set_name("spawned by Asio");
                auto v = co_await gate.receive();
                co_return *v;
            },
            asio::use_future);
        while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
        const auto all = weft::debug::goroutines();
        REQUIRE(all.size() == 1);
        CHECK(all[0].name == "spawned by Asio");
        weft::sync_wait(ex, gate.send(8));
        CHECK(receives.get() == 8);

        // With a handler, its exception is the handler's business and no panic.
        std::promise<std::string> told;
        asio::co_spawn(ex, fail_below(0), [&](std::exception_ptr e, int) {
            try {
                std::rethrow_exception(e);
            } catch (const std::runtime_error& x) {
                told.set_value(x.what());
            }
        });
        CHECK(told.get_future().get() == "at the bottom");
        rt.join();
    }
}

TEST_CASE("a goroutine spawns tasks with co_spawn and awaits them")
{
    on_procs([]() -> task<> {
        const auto ex = weft::this_goroutine::get_executor();
        const int n = co_await asio::co_spawn(ex, depth(5), asio::deferred);
        CHECK(n == 5);
        const int m = co_await asio::co_spawn(ex, depth(6), use_task);
        CHECK(m == 6);
        std::string what;
        try {
            co_await asio::co_spawn(ex, fail_below(5), use_task);
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "at the bottom");
    });
}

TEST_CASE("Asio's awaitable operators combine tasks")
{
    using namespace asio::experimental::awaitable_operators;
    on_procs([]() -> task<> {
        const auto [a, b] = co_await (depth(3) && sleep_and_return(1ms, 4));
        CHECK(a == 3);
        CHECK(b == 4);
        const auto first = co_await (sleep_and_return(1h, 1) || sleep_and_return(1ms, 2));
        REQUIRE(first.index() == 1);
        CHECK(std::get<1>(first) == 2);
        const auto mixed =
            co_await (sleep_and_return(1h, 1) || depth(2) || sleep_and_return(1h, 3));
        CHECK(mixed.index() == 1);
        std::string what;
        try {
            co_await (fail_below(2) && sleep_and_return(1h, 1));
        } catch (const asio::multiple_exceptions& e) { // the cancelled sibling's is the other
            try {
                std::rethrow_exception(e.first_exception());
            } catch (const std::runtime_error& inner) {
                what = inner.what();
            }
        }
        CHECK(what == "at the bottom");
    });
}

TEST_CASE("a task that is never awaited does nothing and leaks nothing")
{
    auto value = std::make_shared<int>(1);
    {
        bool ran = false;
        auto body = [&ran](std::shared_ptr<int>) -> task<> {
            ran = true;
            co_return;
        };
        const task<> unused = body(value);
        CHECK(value.use_count() == 2);
        CHECK(!ran);
    }
    CHECK(value.use_count() == 1);
}
