// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `after_func`: a goroutine at a moment.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/timer.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using weft::after_func;
using weft::make_channel;
using weft::task;
using weft::timer;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::witness;
using weft_test::yield_until;

TEST_CASE("plain functions and tasks run as goroutines, and not early")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0};
        const auto due = weft::clock::now() + 2ms;
        auto plain = after_func(2ms, [&] {
            CHECK(weft::clock::now() >= due);
            CHECK(weft::this_goroutine::get_id() != 0);
            ++ran;
        });
        auto waits = after_func(2ms, [&]() -> task<> {
            CHECK(weft::clock::now() >= due);
            co_await weft::sleep(1ms);
            ++ran;
        });
        co_await yield_until([&] { return ran == 2; });
        CHECK_FALSE(plain.stop());
        CHECK_FALSE(waits.stop());
        CHECK_FALSE(static_cast<bool>(plain.channel()));
        CHECK(static_cast<bool>(plain));
    });
}

TEST_CASE("the handle need not be kept")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0}, destroyed{0};
        for (int i = 0; i < 100; ++i) {
            after_func(std::chrono::microseconds(10 * i), [&, w = witness(destroyed)] { ++ran; });
        }
        co_await yield_until([&] { return destroyed == 100; });
        CHECK(ran == 100);
    });
}

TEST_CASE("stopped in time it never runs; the function goes with the last handle")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0}, destroyed{0};
        {
            auto own = std::make_unique<int>(1); // may be moved only
            auto t =
                after_func(50ms, [&, o = std::move(own), w = witness(destroyed)] { ran += *o; });
            CHECK(t.stop());
            CHECK_FALSE(t.stop());
            co_await sleep_ms(60);
            CHECK(ran == 0);
            CHECK(destroyed == 0);
            CHECK_FALSE(t.reset(1ms)); // it can be set again
            co_await yield_until([&] { return ran == 1; });
        }
        co_await weft_test::until_alone();
        CHECK(destroyed == 1);
    });
}

TEST_CASE("reset runs it again, as often as it was set")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0};
        auto t = after_func(1h, [&]() -> task<> {
            ++ran;
            co_await weft::this_goroutine::yield();
        });
        CHECK(t.reset(2h));
        for (int i = 1; i <= 20; ++i) {
            CHECK(t.reset(0ms) == (i == 1));
            co_await yield_until([&] { return ran == i; });
        }
        CHECK_FALSE(t.stop());
    });
}

TEST_CASE("the function stops and resets its own timer")
{
    on_procs([]() -> task<> {
        std::optional<timer> t;
        std::atomic<int> ran{0};
        auto set = make_channel<void>();
        t = after_func(1ms, [&]() -> task<> {
            co_await set.receive(); // until `t` is there
            CHECK_FALSE(t->stop());
            if (++ran < 5) CHECK_FALSE(t->reset(ran % 2 ? 0ms : 1ms));
        });
        set.close();
        co_await yield_until([&] { return ran == 5; });
        co_await weft_test::until_alone();
        CHECK_FALSE(t->stop());
    });
}

TEST_CASE("set anew while it runs, it runs twice at the same time")
{
    on_procs([]() -> task<> {
        std::atomic<int> inside{0};
        auto gate = make_channel<void>();
        auto t = after_func(0ms, [&]() -> task<> {
            ++inside;
            co_await gate.receive();
            --inside;
        });
        co_await yield_until([&] { return inside == 1; });
        CHECK_FALSE(t.reset(0ms));
        co_await yield_until([&] { return inside == 2; });
        gate.close();
        co_await yield_until([&] { return inside == 0; });
    });
}

TEST_CASE("stop after the start is false and does not wait")
{
    on_procs([]() -> task<> {
        auto started = make_channel<void>(), gate = make_channel<void>();
        auto t = after_func(0ms, [=]() -> task<> {
            started.close();
            co_await gate.receive();
        });
        co_await started.receive();
        CHECK_FALSE(t.stop());
        gate.close();
        co_await weft_test::until_alone();
    });
}

TEST_CASE("an exception out of the function is a panic of its goroutine")
{
    std::atomic<int> panics{0};
    on_procs(
        []() -> task<> {
            after_func(0ms, [] { throw std::runtime_error("plain"); });
            after_func(1ms, []() -> task<> {
                co_await weft::sleep(1ms);
                throw std::runtime_error("task");
            });
            std::atomic<bool> ran{false};
            after_func(5ms, [&] { ran = true; }); // the clock goes on
            co_await yield_until([&] { return ran.load(); });
            co_await sleep_ms(2);
        },
        weft_test::leftovers::none, weft::panic_policy([&](const weft::panic_info& info) {
            CHECK(info.report.find("after_func_test.cpp") != info.report.npos);
            ++panics;
        }));
    CHECK(panics == 2 * 3);
}

TEST_CASE("a function whose timer is dropped while it runs lives until it returns")
{
    on_procs([]() -> task<> {
        std::atomic<int> destroyed{0}, ran{0};
        auto gate = make_channel<void>();
        {
            auto t = after_func(0ms, [&, w = witness(destroyed)]() -> task<> {
                ++ran;
                co_await gate.receive();
                CHECK(destroyed == 0);
                ++ran;
            });
            co_await yield_until([&] { return ran == 1; });
        }
        CHECK(destroyed == 0);
        gate.close();
        co_await yield_until([&] { return destroyed == 1; });
        CHECK(ran == 2);
    });
}

TEST_CASE("any thread may call it with an executor; without, it must be on a runtime")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 1});
    auto done = make_channel<void>();
    after_func(rt.get_executor(), 2ms, [done] { done.close(); });
    weft::sync_wait(rt.get_executor(), done.receive());

    std::atomic<int> ran{0};
    auto t = after_func(rt.get_executor(), 1h, [&] { ++ran; });
    CHECK(t.reset(0ms));
    while (ran == 0) std::this_thread::yield();
    CHECK_FALSE(t.stop());
    CHECK_MISUSE(after_func(1ms, [] {}), "after_func: not on a weft runtime; pass its executor");
}
