// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// When a program is dead, and when it only seems to be.

#include "testing.hpp"

#include "../unit/child_process.hpp"

#include <asio/io_context.hpp>
#include <asio/ip/udp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <thread>

#if defined(WEFT_TEST_CAN_FORK) && defined(__linux__) && !defined(WEFT_TSAN)

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::deadlock_verdict;
using weft_test::in_child;

namespace {

/// How `main` ends as a program of its own, on 1 and on 4 workers.
template <class Main, class Check>
void as_program(Main main, Check check)
{
    for (const unsigned procs : {1u, 4u}) {
        CAPTURE(procs);
        const auto before = std::chrono::steady_clock::now();
        const auto child = in_child([&] { weft::run(main, {.procs = procs}); });
        check(child, std::chrono::steady_clock::now() - before);
    }
}

std::size_t goroutines_in(const std::string& dump)
{
    std::size_t n = 0;
    for (auto at = dump.find("goroutine "); at != dump.npos; at = dump.find("goroutine ", at + 1)) {
        if (at == 0 || dump[at - 1] == '\n') ++n;
    }
    return n;
}

/// How a report names a line of this file.
std::string place(unsigned line)
{
    return "go_dead_test.cpp:" + std::to_string(line);
}

const auto ends_well = [](const weft_test::child_result& child, auto) {
    CHECK(child.status == 0);
    CHECK(child.errors == "");
};

} // namespace

TEST_CASE("DEAD-01 main parked for ever is reported with its wait reason, soon")
{
    as_program([]() -> task<> { co_await make_channel<int>().receive(); },
               [](const auto& child, auto took) {
                   CHECK(child.status == 2);
                   CHECK(child.errors.starts_with(deadlock_verdict));
                   CHECK(child.wrote("\"main\" [chan receive]:"));
                   CHECK(took < 2s);
               });
}

TEST_CASE("DEAD-02 helpers that have finished are not in the report")
{
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            for (int i = 0; i < 2; ++i) {
                weft::go([c]() -> task<> { co_await c.send(1); });
            }
            for (int i = 0; i < 3; ++i) co_await c.receive();
        },
        [](const auto& child, auto) {
            CHECK(child.status == 2);
            CHECK(goroutines_in(child.errors) == 1);
        });
}

TEST_CASE("DEAD-03 no report while a timer or a sleep is pending, and the program goes on")
{
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            auto wake = weft::after_func(1s, [c]() -> task<> { co_await c.send(1); });
            co_await c.receive();
        },
        ends_well);
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            weft::go([c]() -> task<> {
                co_await weft::sleep(1s);
                co_await c.send(1);
            });
            co_await c.receive();
        },
        ends_well);
}

TEST_CASE("DEAD-04 no report while Asio or a blocking call is at work")
{
    const auto with = [](auto helper) {
        as_program(
            [helper]() -> task<> {
                auto c = make_channel<int>();
                weft::go([helper, c]() -> task<> {
                    co_await helper();
                    co_await c.send(1);
                });
                co_await c.receive();
            },
            ends_well);
    };
    with([]() -> task<> { co_await weft_test::sleep_ms(300); });
    with([]() -> task<> { co_await weft::blocking([] { std::this_thread::sleep_for(300ms); }); });
    with([]() -> task<> { // a socket, on which something comes late
        using asio::ip::udp;
        const auto ex = weft::this_goroutine::get_executor();
        udp::socket in(ex, udp::endpoint(asio::ip::address_v4::loopback(), 0));
        const auto where = in.local_endpoint();
        std::thread([where] {
            std::this_thread::sleep_for(300ms);
            asio::io_context io;
            udp::socket out(io, udp::v4());
            out.send_to(asio::buffer("x", 1), where);
        }).detach();
        char byte;
        udp::endpoint from;
        co_await in.async_receive_from(asio::buffer(&byte, 1), from, asio::deferred);
    });
    // A work guard, and a handler that comes by it.
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            auto guard = asio::require(weft::this_goroutine::get_executor(),
                                       asio::execution::outstanding_work.tracked);
            std::thread([c, guard] {
                std::this_thread::sleep_for(300ms);
                asio::post(guard, [c] { static_cast<void>(c.try_send(1)); });
            }).detach();
            co_await c.receive();
        },
        ends_well);
}

TEST_CASE("DEAD-05 a main that ends while others are parked is no deadlock")
{
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            for (int i = 0; i < 5; ++i) {
                weft::go([c]() -> task<> { co_await c.receive(); });
            }
            co_await weft_test::sleep_ms(100);
        },
        ends_well);
}

TEST_CASE("DEAD-06 a thousand goroutines that park and wake all the time are never reported")
{
    as_program(
        []() -> task<> {
            auto c = make_channel<int>();
            const auto until = weft::clock::now() + (std::getenv("WEFT_TEST_FULL") ? 5s : 1s);
            weft_test::team pairs;
            for (int i = 0; i < 500; ++i) {
                auto there = make_channel<int>();
                pairs.go([there, until]() -> task<> {
                    while (weft::clock::now() < until) {
                        co_await there.send(1);
                        co_await weft::sleep(100us); // idle instants in between
                    }
                    there.close();
                });
                pairs.go([there]() -> task<> {
                    while (co_await there.receive()) {}
                });
            }
            co_await pairs.join();
        },
        ends_well);
}

TEST_CASE("DEAD-07 who locks its own mutex twice is reported, with the place where it took it")
{
    [[maybe_unused]] static constexpr auto taken = __LINE__ + 4;
    as_program(
        []() -> task<> {
            weft::mutex m;
            const auto first = co_await m.lock();
            const auto second = co_await m.lock();
        },
        [](const auto& child, auto) {
            CHECK(child.status == 2);
            CHECK(child.errors.starts_with(deadlock_verdict));
            CHECK(child.wrote("\"main\" [sync.Mutex.Lock]:"));
            CHECK(child.wrote("lock cycle:\ngoroutine 1 \"main\" waits at "));
            CHECK(child.wrote("for a lock that it took itself at "));
            CHECK(child.wrote(place(taken)));
            CHECK(goroutines_in(child.errors) == 2); // in the dump, and in the cycle
        });
}

TEST_CASE("DEAD-08 two goroutines, two mutexes in opposite order, main waits for them: all listed")
{
    [[maybe_unused]] static constexpr auto first_of_one = __LINE__ + 10,
                                           first_of_two = first_of_one + 5;
    as_program(
        []() -> task<> {
            weft::mutex a, b;
            weft::latch both(2);
            weft::wait_group all;
            // clang-format off
            all.go([&]() -> task<> {
                weft::this_goroutine::set_name("one");
                const auto g = co_await a.lock();
                co_await both.arrive_and_wait(); const auto h = co_await b.lock();
            });
            all.go([&]() -> task<> {
                weft::this_goroutine::set_name("two");
                const auto g = co_await b.lock();
                co_await both.arrive_and_wait(); const auto h = co_await a.lock();
            });
            // clang-format on
            co_await all.wait();
        },
        [](const auto& child, auto) {
            CHECK(child.status == 2);
            CHECK(child.errors.starts_with(deadlock_verdict));
            CHECK(child.wrote("\"main\" [sync.WaitGroup.Wait]:"));
            CHECK(child.wrote("\"one\" [sync.Mutex.Lock]:"));
            CHECK(child.wrote("\"two\" [sync.Mutex.Lock]:"));
            CHECK(child.wrote("lock cycle:\n"));
            CHECK(child.wrote(place(first_of_one) + '\n'));
            CHECK(child.wrote(place(first_of_two) + '\n'));
            CHECK(goroutines_in(child.errors) == 5);
        });
}

TEST_CASE("DEAD-08 a writer and a reader that wait for each other are named, too")
{
    as_program(
        []() -> task<> {
            weft::rw_mutex a;
            weft::mutex b;
            weft::latch both(2);
            weft::wait_group all;
            all.go([&]() -> task<> {
                const auto g = co_await a.lock();
                co_await both.arrive_and_wait();
                const auto h = co_await b.lock();
            });
            all.go([&]() -> task<> {
                const auto g = co_await b.lock();
                co_await both.arrive_and_wait();
                const auto h = co_await a.lock_shared();
            });
            co_await all.wait();
        },
        [](const auto& child, auto) {
            CHECK(child.status == 2);
            CHECK(child.wrote("[sync.Mutex.Lock]:"));
            CHECK(child.wrote("[sync.RWMutex.RLock]:"));
            CHECK(child.wrote("lock cycle:\n"));
        });
}

#endif
