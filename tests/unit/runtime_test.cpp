// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// runtime: workers of its own, join, shutdown, several side by side.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/runtime.hpp>

#include <asio/deferred.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;

TEST_CASE("a runtime has as many workers as asked for, or one for each processor")
{
    for (unsigned procs : {1u, 2u, 7u}) CHECK(weft::runtime({.procs = procs}).procs() == procs);
    CHECK(weft::runtime().procs() == weft::default_procs());
}

TEST_CASE("a runtime that does nothing begins and ends")
{
    for (int i = 0; i < 50; ++i) weft::runtime rt({.procs = 4});
}

TEST_CASE("join returns when the last goroutine has ended, those of goroutines included")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft::runtime rt({.procs = procs});
        rt.join(); // none
        std::atomic<int> ended{0};
        for (int i = 0; i < 10; ++i) {
            weft::go(rt.get_executor(), [&]() -> task<> {
                weft::go([&]() -> task<> {
                    for (int n = 0; n < 50; ++n) co_await weft::this_goroutine::yield();
                    ++ended;
                });
                co_await weft_test::sleep_ms(1);
                ++ended;
            });
        }
        rt.join();
        CHECK(ended == 20);
        rt.join();
    }
}

TEST_CASE("goroutines run on the runtime's own threads, as many as it has workers")
{
    weft::runtime rt({.procs = 3});
    std::mutex mutex;
    std::set<std::thread::id> threads;
    for (int i = 0; i < 1000; ++i) {
        weft::go(rt.get_executor(), [&]() -> task<> {
            co_await weft::this_goroutine::yield();
            std::lock_guard lock(mutex);
            threads.insert(std::this_thread::get_id());
        });
    }
    rt.join();
    CHECK(threads.size() >= 1);
    CHECK(threads.size() <= 3);
    CHECK(!threads.contains(std::this_thread::get_id()));
}

TEST_CASE("a join goes on beside a shutdown that ran out of time")
{
    weft::runtime rt({.procs = 1});
    auto gate = make_channel<void>();
    weft::go(rt.get_executor(), [gate]() -> task<> { co_await gate.receive(); });
    while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
    std::atomic<bool> joined = false;
    std::thread joins([&] {
        rt.join();
        joined = true;
    });
    std::this_thread::sleep_for(50ms); // most likely it waits by now
    CHECK(!rt.shutdown(10ms).clean());
    gate.close();
    const auto patience = std::chrono::steady_clock::now() + 10s;
    while (!joined && std::chrono::steady_clock::now() < patience) std::this_thread::sleep_for(1ms);
    CHECK(joined);
    if (!joined) // else this test would hang
        weft::go(rt.get_executor(), []() -> task<> { co_await weft_test::sleep_ms(1); });
    joins.join();
}

TEST_CASE("shutdown names the goroutines that did not end, and they go on")
{
    weft::runtime rt({.procs = 2});
    CHECK(rt.shutdown(0ms).clean());

    auto gate = make_channel<void>();
    for (const char* name : {"slow", "slower"}) {
        weft::go(
            rt.get_executor(),
            [gate](std::string own) -> task<> {
                weft::this_goroutine::set_name(own);
                co_await gate.receive();
            },
            name);
    }
    weft::go(rt.get_executor(), []() -> task<> { co_await weft_test::sleep_ms(5); });
    while (weft_test::parked("chan receive") != 2) std::this_thread::yield();
    while (weft_test::parked("asio") != 0) std::this_thread::yield();

    const auto before = weft::clock::now();
    const auto report = rt.shutdown(10ms);
    CHECK(weft::clock::now() - before >= 10ms);
    CHECK(!report.clean());
    REQUIRE(report.remaining.size() == 2);
    std::set<std::string> names;
    for (const auto& g : report.remaining) {
        CHECK(g.wait_reason == "chan receive");
        names.insert(g.name);
    }
    CHECK(names == std::set<std::string>{"slow", "slower"});

    gate.close();
    CHECK(rt.shutdown(10s).clean());
}

TEST_CASE("shutdown waits for as long as it is told, however long that is")
{
    weft::runtime rt({.procs = 1});
    bool ended = false;
    weft::go(rt.get_executor(), [&ended]() -> weft::task<> {
        co_await weft::sleep(50ms);
        ended = true;
    });
    CHECK(rt.shutdown(weft::duration::max()).clean());
    CHECK(ended);
}

TEST_CASE("join and shutdown on a worker are misuses")
{
    weft::runtime rt({.procs = 1});
    weft::runtime other({.procs = 1});
    weft::sync_wait(rt.get_executor(), [&] {
        CHECK_MISUSE(rt.join(), "runtime::join on a worker thread would wait for itself");
        CHECK_MISUSE(other.join(), "runtime::join on a worker thread would wait for itself");
        CHECK_MISUSE((void)rt.shutdown(1ms),
                     "runtime::shutdown on a worker thread would wait for itself");
    });
}

TEST_CASE("goroutines of two runtimes talk to each other")
{
    for (unsigned procs : {1u, 2u}) {
        weft::runtime left({.procs = procs}), right({.procs = procs});
        auto there = make_channel<int>();
        auto back = make_channel<int>(3);
        weft::go(left.get_executor(), [=]() -> task<> {
            for (int i = 0; i < 500; ++i) co_await there.send(i);
            there.close();
        });
        weft::go(right.get_executor(), [=]() -> task<> {
            while (auto v = co_await there.receive()) co_await back.send(*v);
            back.close();
        });
        const int sum = weft::sync_wait(left.get_executor(), [=]() -> task<int> {
            int n = 0;
            while (auto v = co_await back.receive()) n += *v;
            co_return n;
        });
        CHECK(sum == 499 * 500 / 2);
        left.join();
        right.join();
    }
}

TEST_CASE("a goroutine started by another runtime's goroutine has it as its parent")
{
    weft::runtime left({.procs = 1}), right({.procs = 1});
    auto gate = make_channel<void>();
    const auto parent = weft::sync_wait(left.get_executor(), [&] {
        weft::go(right.get_executor(), [gate]() -> task<> { co_await gate.receive(); });
        return weft::this_goroutine::get_id();
    });
    while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
    const auto report = right.shutdown(0ms);
    REQUIRE(report.remaining.size() == 1);
    CHECK(report.remaining[0].parent == parent);
    gate.close();
}

TEST_CASE("a goroutine behind a long slice runs, though the other worker is busy, too")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    std::atomic<bool> busy{false}, ended{false}, ran{false};
    weft::go(rt.get_executor(),
             [&]() -> task<> { // its worker never comes to an end with what it has
                 while (!ended) {
                     busy = true;
                     co_await weft::this_goroutine::yield();
                 }
             });
    while (!busy) std::this_thread::yield();
    busy = false;
    weft::go(rt.get_executor(), [&] {
        while (!busy) std::this_thread::yield(); // the other one is on another worker
        weft::go([&] { ran = true; });
        while (!ran) std::this_thread::yield();
        ended = true;
    });
    rt.join();
    CHECK(ran);
}

TEST_CASE("a goroutine behind a long slice runs on another worker, however the slice came about")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    const auto ex = rt.get_executor();
    std::atomic<int> passed{0};
    const auto hold_until_the_other_ran = [&] {
        auto other_ran = std::make_shared<std::atomic<bool>>(false);
        weft::go([other_ran] { *other_ran = true; }); // behind this slice, on the same worker
        while (!*other_ran) std::this_thread::yield();
        ++passed;
    };
    // Each time the runtime has been quiet for so long that its monitor sleeps.
    const auto quiet = [] { std::this_thread::sleep_for(std::chrono::milliseconds(60)); };
    quiet();
    asio::steady_timer timer(ex, std::chrono::milliseconds(1));
    timer.async_wait([&](std::error_code) { weft::go(hold_until_the_other_ran); });
    quiet();
    CHECK(passed == 1);
    weft::go(ex, [&]() -> task<> {
        asio::steady_timer own(ex, std::chrono::milliseconds(60));
        co_await own.async_wait(asio::deferred);
        hold_until_the_other_ran();
    });
    while (passed != 2) std::this_thread::yield();
    quiet();
    asio::post(ex, hold_until_the_other_ran); // the handler itself is what lasts
    while (passed != 3) std::this_thread::yield();
    rt.join();
}
