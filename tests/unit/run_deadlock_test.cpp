// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// run() notices that nothing can happen any more, and says nothing as long as something can.

#include "child_process.hpp"
#include "testing.hpp"

#include <weft/debug/cpu_profile.hpp>

#include <asio/bind_executor.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <csignal>
#include <optional>
#include <random>
#include <string>
#include <thread>

#if defined(WEFT_TEST_CAN_FORK) && defined(__linux__)

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::child_result;
using weft_test::deadlock_is_told;
using weft_test::deadlock_verdict;
using weft_test::in_child;

namespace {

task<> wait_for_ever()
{
    co_await channel<int>().receive();
}

/// Runs `main` in a child process on `procs` workers.
template <class Main>
child_result program(unsigned procs, Main main, bool detect = true)
{
    return in_child([&] { weft::run(main, {.procs = procs, .detect_deadlock = detect}); });
}

template <class Main>
void check_deadlock(Main main, const std::string& in_dump)
{
    if (!deadlock_is_told) return;
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        const auto child = program(procs, main);
        CHECK(child.status == 2);
        CHECK(child.errors.starts_with(deadlock_verdict));
        CHECK(child.wrote(in_dump));
    }
    weft_test::note_procs(0);
}

template <class Main>
void check_no_deadlock(Main main)
{
    for (unsigned procs : {1u, 2u}) {
        weft_test::note_procs(procs);
        const auto child = program(procs, main);
        CHECK(child.status == 0);
        CHECK(child.errors == "");
    }
    weft_test::note_procs(0);
}

} // namespace

TEST_CASE("main parked for ever is a deadlock: exit status 2 and a dump")
{
    check_deadlock(wait_for_ever, "\"main\" [chan receive (nil chan)]:\n");
    check_deadlock(
        []() -> task<> {
            auto ch = make_channel<int>();
            co_await ch.send(1);
        },
        "\"main\" [chan send]:\n");
    check_deadlock(
        []() -> task<> {
            auto a = make_channel<int>();
            co_await weft::select{a.receive(), a.receive()};
        },
        "\"main\" [select]:\n");
}

TEST_CASE("goroutines that all wait for one another are a deadlock")
{
    check_deadlock(
        []() -> task<> {
            auto a = make_channel<int>(), b = make_channel<int>();
            for (int i = 0; i < 5; ++i) {
                weft::go([=]() -> task<> {
                    auto v = co_await a.receive();
                    co_await b.send(*v);
                });
            }
            auto h = weft::spawn(wait_for_ever);
            co_await h.join();
        },
        "[join]:\n");
}

TEST_CASE("a deadlock after blocking calls, timers and work is found as well")
{
    check_deadlock(
        []() -> task<> {
            co_await weft_test::sleep_ms(2);
            co_await weft::blocking([] {});
            for (int i = 0; i < 1000; ++i) co_await weft::this_goroutine::yield();
            co_await wait_for_ever();
        },
        "chan receive (nil chan)");
}

TEST_CASE("a deadlock is found when the last thread that might have sent has ended")
{
    check_deadlock(
        []() -> task<> {
            std::thread([] { std::this_thread::sleep_for(30ms); }).detach();
            co_await wait_for_ever();
        },
        "chan receive (nil chan)");
}

TEST_CASE("no deadlock while a timer runs, with or without a goroutine that waits for it")
{
    check_no_deadlock([]() -> task<> {
        auto ch = make_channel<void>();
        weft::go([ch]() -> task<> {
            co_await weft_test::sleep_ms(80);
            ch.close();
        });
        co_await ch.receive();
        asio::steady_timer timer(weft::this_goroutine::get_executor(), 80ms);
        auto rung = make_channel<void>();
        timer.async_wait([rung](std::error_code) { rung.close(); });
        co_await rung.receive();
    });
}

TEST_CASE("no deadlock while a blocking call is under way")
{
    check_no_deadlock([]() -> task<> {
        auto ch = make_channel<int>(1);
        weft::go([ch]() -> task<> {
            auto call = [ch] {
                std::this_thread::sleep_for(80ms);
                return ch.try_send(1);
            };
            co_await weft::blocking(call);
        });
        co_await ch.receive();
    });
}

TEST_CASE("no deadlock while a thread that weft does not know may still send")
{
    check_no_deadlock([]() -> task<> {
        auto ch = make_channel<int>();
        std::thread other([ch] {
            std::this_thread::sleep_for(80ms);
            CHECK(ch.try_send(1));
        });
        co_await ch.receive();
        auto join = [&other] { other.join(); };
        co_await weft::blocking(join);
    });
}

TEST_CASE(
    "no deadlock while helpers of the library's come and go beside a thread that may still send")
{
    check_no_deadlock([]() -> task<> {
        auto c = make_channel<int>(1);
        std::thread other([c]() mutable {
            for (int i = 0; i < 300; ++i) weft::debug::cpu_profile p(100);
            static_cast<void>(c.try_send(1));
        });
        co_await c.receive();
        other.join();
    });
}

TEST_CASE("no deadlock while a handler is under way, in a worker or without one")
{
    check_no_deadlock([]() -> task<> {
        auto ch = make_channel<int>(3);
        const auto ex = weft::this_goroutine::get_executor();
        // More handlers than workers: one of them runs without.
        for (int i = 0; i < 3; ++i) {
            asio::post(ex, [ch] {
                const auto end = weft::clock::now() + 40ms;
                while (weft::clock::now() < end) {}
                CHECK(ch.try_send(1));
            });
        }
        for (int i = 0; i < 3; ++i) co_await ch.receive();
    });
}

TEST_CASE("no deadlock while a token operation is pending, whose handler may send")
{
    check_no_deadlock([]() -> task<> {
        const auto ex = weft::this_goroutine::get_executor();
        auto question = make_channel<int>(), answer = make_channel<int>();
        question.receive()(
            asio::bind_executor(ex, [answer](std::exception_ptr, std::optional<int> v) {
                CHECK(answer.try_send(*v + 1));
            }));
        asio::steady_timer timer(ex, 80ms);
        timer.async_wait([question](std::error_code) { CHECK(question.try_send(1)); });
        const auto v = co_await answer.receive();
        CHECK(v == 2);
    });
    // Its operation stands in a queue that nobody of weft's will ever serve; a signal handler, or
    // whatever holds the other end, might.
    const auto child = in_child([] {
        ::alarm(1);
        auto question = make_channel<int>(), answer = make_channel<int>();
        weft::run(
            [&]() -> task<> {
                question.receive()(
                    asio::bind_executor(weft::this_goroutine::get_executor(), [](auto, auto) {}));
                co_await answer.receive();
            },
            {.procs = 1});
    });
    CHECK(child.signal == SIGALRM);
    CHECK(child.errors == "");
}

TEST_CASE("no deadlock when main has just returned and the others are parked")
{
    const auto child = in_child([] {
        for (int round = 0; round < 300; ++round) {
            weft::run(
                []() -> task<> {
                    for (int i = 0; i < 3; ++i) weft::go(wait_for_ever);
                    co_await weft::this_goroutine::yield();
                    // The monitor takes its look about now.
                    if (std::random_device{}() % 2 == 0) co_await weft_test::sleep_ms(1);
                },
                {.procs = 2});
        }
    });
    CHECK(child.status == 0);
    CHECK(child.errors == "");
}

TEST_CASE("no deadlock in a goroutine that computes, and none where it was switched off")
{
    check_no_deadlock([]() -> task<> {
        auto ch = make_channel<int>();
        weft::go([ch]() -> task<> {
            const auto end = weft::clock::now() + 80ms;
            while (weft::clock::now() < end) {}
            co_await ch.send(1);
        });
        co_await ch.receive();
    });
    const auto child = in_child([] {
        ::alarm(1); // stands for somebody who stops it
        weft::run(wait_for_ever, {.procs = 1, .detect_deadlock = false});
    });
    CHECK(child.signal == SIGALRM);
    CHECK(child.errors == "");
}

TEST_CASE("a runtime that is no whole program is never judged")
{
    const auto child = in_child([] {
        weft::runtime rt({.procs = 1});
        weft::go(rt.get_executor(), wait_for_ever);
        std::this_thread::sleep_for(80ms);
    });
    CHECK(child.status == 0);
    CHECK(child.errors == "");
}

#endif
