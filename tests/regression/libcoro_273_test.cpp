// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// jbaldwin/libcoro#273: a coroutine that awaits ready coroutines in a loop grows the stack with
// each of them in a build without optimisation, until it overflows. Here: a million ready
// operations, and chains of wake-ups a hundred thousand long, in whatever build this is, on a
// thread with a stack of 256 KiB.

#include "testing.hpp"

#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <cstddef>
#include <exception>
#include <functional>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)

#    include <pthread.h>

using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

#    if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#        define WEFT_TEST_BIG_FRAMES 1
#    elif defined(__has_feature)
#        if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#            define WEFT_TEST_BIG_FRAMES 1
#        endif
#    endif

#    if defined(WEFT_TEST_BIG_FRAMES) // sanitizers: larger frames, and slow
constexpr std::size_t stack_size = 1024 * 1024;
constexpr std::size_t million = 100'000, hundred_thousand = 10'000;
#    else
constexpr std::size_t stack_size = 256 * 1024;
constexpr std::size_t million = 1'000'000, hundred_thousand = 100'000;
#    endif

/// Runs the context on a thread with a small stack, until it has nothing left to do.
void run_on_small_stack(asio::io_context& context)
{
    weft_test::watchdog guard;
    pthread_attr_t attributes;
    REQUIRE(::pthread_attr_init(&attributes) == 0);
    REQUIRE(::pthread_attr_setstacksize(&attributes, stack_size) == 0);
    pthread_t thread;
    const auto body = [](void* c) -> void* {
        static_cast<asio::io_context*>(c)->run();
        return nullptr;
    };
    REQUIRE(::pthread_create(&thread, &attributes, body, &context) == 0);
    ::pthread_join(thread, nullptr);
    ::pthread_attr_destroy(&attributes);
}

/// Runs `main` as a goroutine there, and all that it starts.
template <class Main>
void run_goroutine(Main main)
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    bool ended = false;
    weft::go(rt.get_executor(), [&]() -> task<> {
        co_await main();
        ended = true;
    });
    run_on_small_stack(context);
    CHECK(ended);
}

task<> push_to(std::vector<int>& all, int v)
{
    all.push_back(v);
    co_return;
}

/// Calls itself `n` deep, in coroutine frames and not on the stack.
task<std::size_t> depth(std::size_t n)
{
    if (n == 0) co_return 0;
    const std::size_t below = co_await depth(n - 1);
    co_return below + 1;
}

} // namespace

TEST_CASE("a million child tasks awaited one after the other")
{
    run_goroutine([]() -> task<> {
        std::vector<int> all;
        for (std::size_t i = 0; i < million; ++i) co_await push_to(all, static_cast<int>(i));
        CHECK(all.size() == million);
    });
}

TEST_CASE("a million sends and receives that are ready")
{
    run_goroutine([]() -> task<> {
        auto ch = make_channel<std::size_t>(1);
        std::size_t sum = 0;
        for (std::size_t i = 0; i < million / 2; ++i) {
            co_await ch.send(1);
            auto v = co_await ch.receive();
            sum += *v;
        }
        CHECK(sum == million / 2);
        ch.close();
        for (std::size_t i = 0; i < million / 2; ++i) {
            auto v = co_await ch.receive(); // closed: always ready
            sum += v.has_value();
        }
        CHECK(sum == million / 2);
    });
}

TEST_CASE("a million selects that are ready, and yields")
{
    run_goroutine([]() -> task<> {
        auto ch = make_channel<std::size_t>(1);
        std::size_t sum = 0;
        for (std::size_t i = 0; i < million / 4; ++i) {
            co_await weft::select{ch.send(1), channel<int>().receive()};
            auto s = co_await weft::select{channel<int>().receive(), ch.receive()};
            sum += *s.get<1>();
            co_await weft::this_goroutine::yield();
            auto none = weft::try_select{ch.receive()};
            sum += none.index() == 0;
        }
        CHECK(sum == million / 4);
    });
}

TEST_CASE("a value passes through a hundred thousand goroutines, each waking the next")
{
    run_goroutine([]() -> task<> {
        auto first = make_channel<std::size_t>();
        auto in = first;
        for (std::size_t i = 0; i < hundred_thousand; ++i) {
            auto out = make_channel<std::size_t>();
            weft::go([in, out]() -> task<> {
                auto v = co_await in.receive();
                co_await out.send(*v + 1);
            });
            in = out;
        }
        co_await first.send(0);
        auto last = co_await in.receive();
        CHECK(last == hundred_thousand);
    });
}

TEST_CASE("a close wakes a hundred thousand goroutines, and each closes for the next")
{
    run_goroutine([]() -> task<> {
        auto all = make_channel<void>();
        auto first = make_channel<void>();
        auto in = first;
        std::size_t awake = 0;
        for (std::size_t i = 0; i < hundred_thousand; ++i) {
            weft::go([all, &awake]() -> task<> {
                co_await all.receive();
                ++awake;
            });
            auto out = make_channel<void>();
            weft::go([in, out]() -> task<> {
                co_await in.receive();
                out.close();
            });
            in = out;
        }
        all.close();
        first.close();
        co_await in.receive();
        while (awake != hundred_thousand) co_await weft::this_goroutine::yield();
    });
}

TEST_CASE("a chain of a hundred thousand joins")
{
    run_goroutine([]() -> task<> {
        auto gate = make_channel<void>();
        auto last = weft::spawn([gate]() -> task<std::size_t> {
            co_await gate.receive();
            co_return 0;
        });
        for (std::size_t i = 0; i < hundred_thousand; ++i) {
            last = weft::spawn([previous = last]() -> task<std::size_t> {
                const std::size_t n = co_await previous.join();
                co_return n + 1;
            });
        }
        gate.close();
        const std::size_t n = co_await last.join();
        CHECK(n == hundred_thousand);
    });
}

TEST_CASE("a hundred thousand calls deep, and back")
{
    run_goroutine([]() -> task<> {
        const std::size_t n = co_await depth(hundred_thousand);
        CHECK(n == hundred_thousand);
    });
}

TEST_CASE("a plain Asio coroutine does the same: a completion is posted, never called from its "
          "initiation")
{
    asio::io_context context;
    std::size_t sum = 0;
    auto body = [&]() -> asio::awaitable<void> {
        auto ch = make_channel<std::size_t>(1);
        for (std::size_t i = 0; i < hundred_thousand; ++i) {
            co_await ch.send(1)(asio::use_awaitable);
            auto v = co_await ch.receive()(asio::use_awaitable);
            sum += *v;
        }
    };
    asio::co_spawn(context, body, asio::detached);
    run_on_small_stack(context);
    CHECK(sum == hundred_thousand);
}

TEST_CASE("callbacks that start the next operation do not nest")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    auto ch = make_channel<int>(1);
    std::size_t calls = 0;
    std::function<void(std::exception_ptr)> next = [&](std::exception_ptr e) {
        CHECK(!e);
        if (++calls == hundred_thousand) return;
        (void)ch.try_receive();
        ch.send(1)(asio::bind_executor(rt.get_executor(), next));
    };
    ch.send(1)(asio::bind_executor(rt.get_executor(), next));
    run_on_small_stack(context);
    CHECK(calls == hundred_thousand);
}

#endif
