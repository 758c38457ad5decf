// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// chriskohlhoff/asio#1110: an exception that leaves a coroutine started with `detached` is dropped
// without a trace, and the program goes on as if the coroutine had ended well. weft never swallows
// one: what escapes a goroutine goes to the panic policy, also from a spawned goroutine whose
// handle nobody kept.

#include "../unit/child_process.hpp"
#include "testing.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

using weft::make_channel;
using weft::panic_policy;
using weft::task;

namespace {

task<> work_that_fails(int after)
{
    for (int i = 0; i < after; ++i) co_await weft::this_goroutine::yield();
    throw std::runtime_error("failed after " + std::to_string(after));
}

} // namespace

TEST_CASE("asio: the exception of a detached coroutine is gone")
{
    asio::io_context context;
    bool thrown = false;
    auto body = [&]() -> asio::awaitable<void> {
        thrown = true;
        throw std::runtime_error("nobody hears this");
        co_return;
    };
    asio::co_spawn(context, body, asio::detached);
    context.run(); // ends well
    CHECK(thrown);
}

TEST_CASE("weft: every exception that escapes reaches the policy, exactly once")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        std::mutex mutex;
        std::vector<std::string> heard;
        const panic_policy policy([&](const weft::panic_info& info) {
            std::lock_guard lock(mutex);
            try {
                std::rethrow_exception(info.exception);
            } catch (const std::runtime_error& e) {
                heard.push_back(e.what());
            }
        });
        weft::runtime rt({.procs = procs, .on_panic = policy});
        for (int after : {0, 1, 10}) {
            weft::go(rt.get_executor(), work_that_fails, after);
            (void)weft::spawn(rt.get_executor(), work_that_fails, after);
            weft::go(rt.get_executor(), [after]() -> task<> { co_await work_that_fails(after); });
        }
        weft::go(rt.get_executor(), [] { throw std::runtime_error("failed after 0"); });
        rt.join();
        CHECK(heard.size() == 10);
        CHECK(std::count(heard.begin(), heard.end(), "failed after 0") == 4);
        CHECK(std::count(heard.begin(), heard.end(), "failed after 10") == 3);
        weft_test::note_procs(0);
    }
}

TEST_CASE("weft: a handle that goes out of scope during another exception does not hide its own")
{
    std::atomic<int> heard{0};
    const panic_policy policy([&](const weft::panic_info&) { ++heard; });
    weft::run(
        [&]() -> task<> {
            auto failing = [&]() -> task<> {
                auto h = weft::spawn(work_that_fails, 0);
                for (int i = 0; i < 10; ++i)
                    co_await weft::this_goroutine::yield(); // it has failed by now
                throw std::logic_error("first");
            };
            CHECK_THROWS_AS(co_await failing(), std::logic_error);
            const auto told = [&] { return heard == 1; };
            co_await weft_test::yield_until(told);
        },
        {.procs = 1, .on_panic = policy});
    CHECK(heard == 1);
}

#if defined(WEFT_TEST_CAN_FORK)
TEST_CASE("weft: by default the program does not go on")
{
    const auto child = weft_test::in_child([] {
        weft::run(
            []() -> task<> {
                weft::go(work_that_fails, 3);
                co_await weft_test::sleep_ms(10'000);
            },
            {.procs = 2});
    });
    CHECK(child.signal == SIGABRT);
    CHECK(child.wrote("panic: failed after 3\n"));
}
#endif
