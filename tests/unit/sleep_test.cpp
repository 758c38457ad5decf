// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `sleep`: never early, in order, whatever else the runtime does.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/sleep.hpp>

#include <asio/bind_executor.hpp>
#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::team;
using weft_test::witness;

TEST_CASE("a sleep is never shorter than asked for")
{
    on_procs([]() -> task<> {
        auto random = weft_test::make_random();
        team sleepers;
        for (int i = 0; i < 200; ++i) {
            sleepers.go([d = weft::duration(random() % 20'000'000)]() -> task<> {
                const auto before = weft::clock::now();
                co_await weft::sleep(d);
                CHECK(weft::clock::now() - before >= d);
                const auto until = weft::clock::now() + d / 4;
                co_await weft::sleep_until(until);
                CHECK(weft::clock::now() >= until);
            });
        }
        co_await sleepers.join();
    });
}

TEST_CASE("the sleep counts from the call, not from the await")
{
    on_procs([]() -> task<> {
        auto nap = weft::sleep(20ms);
        std::this_thread::sleep_for(25ms);
        bool other_ran = false;
        weft::go([&] { other_ran = true; });
        const auto before = weft::clock::now();
        co_await nap;
        CHECK(weft::clock::now() - before < 20ms);
        co_await weft_test::until_alone();
        CHECK(other_ran);
    });
}

TEST_CASE("a sleep of nothing does not suspend")
{
    weft::run(
        []() -> task<> {
            bool other_ran = false;
            weft::go([&] { other_ran = true; });
            co_await weft::sleep(0ms);
            co_await weft::sleep(-1h);
            co_await weft::sleep(weft::duration::min());
            co_await weft::sleep_until({});
            CHECK_FALSE(other_ran);
            co_await weft::sleep(1us);
            CHECK(other_ran);
        },
        {.procs = 1});
}

TEST_CASE("but a loop of them gives others a turn")
{
    weft::run(
        []() -> task<> {
            bool other_ran = false;
            weft::go([&] { other_ran = true; });
            while (!other_ran) co_await weft::sleep(0ms);
        },
        {.procs = 1});
}

TEST_CASE("sleepers of one worker wake in the order of their moments")
{
    weft::run(
        []() -> task<> {
            auto random = weft_test::make_random();
            constexpr int n = 100;
            std::vector<int> order(n);
            for (int i = 0; i < n; ++i) order[i] = i;
            std::shuffle(order.begin(), order.end(), random);
            std::vector<int> woken;
            bool all_slept = false;
            for (auto lead = 5ms; !all_slept && lead < 10s; lead *= 2) { // a slow machine
                woken.clear();
                team sleepers;
                const auto start = weft::clock::now() + lead;
                for (const int i : order) {
                    sleepers.go([&woken, start, i]() -> task<> {
                        co_await weft::sleep_until(start + i * 50us);
                        woken.push_back(i);
                    });
                }
                co_await weft::this_goroutine::yield();
                all_slept = weft::clock::now() < start;
                co_await sleepers.join();
            }
            CHECK(all_slept);
            CHECK(std::is_sorted(woken.begin(), woken.end()));
        },
        {.procs = 1});
}

TEST_CASE("all sleepers wake, however many there are")
{
    on_procs([]() -> task<> {
        const auto n = weft_test::count(200'000);
        std::atomic<std::size_t> awake{0};
        for (std::size_t i = 0; i < n; ++i) {
            weft::go([&]() -> task<> {
                co_await weft::sleep(2ms);
                ++awake;
            });
        }
        co_await weft_test::yield_until([&] { return awake == n; });
    });
}

TEST_CASE("a worker that computes does not keep the others' sleepers waiting")
{
    for (unsigned procs : {2u, 4u}) {
        weft::run(
            []() -> task<> {
                std::atomic<bool> stop{false};
                // Both start on this worker; the one that computes keeps it.
                weft::go([&] {
                    const auto give_up = weft::clock::now() + 10s;
                    while (!stop && weft::clock::now() < give_up) {}
                });
                const auto before = weft::clock::now();
                co_await weft::sleep(5ms);
                const auto took = weft::clock::now() - before;
                stop = true;
                CHECK(took < 5s);
                co_await weft_test::until_alone();
            },
            {.procs = procs});
    }
}

TEST_CASE("sleepers wake although the run queue is never empty")
{
    on_procs([]() -> task<> {
        std::atomic<bool> stop{false};
        team busy;
        for (int i = 0; i < 4; ++i) {
            busy.go([&]() -> task<> {
                while (!stop) co_await weft::this_goroutine::yield();
            });
        }
        const auto before = weft::clock::now();
        for (int i = 0; i < 20; ++i) co_await weft::sleep(1ms);
        CHECK(weft::clock::now() - before < 5s);
        stop = true;
        co_await busy.join();
    });
}

TEST_CASE("the dump says sleep, and sleepers are unwound at the end")
{
    std::atomic<int> destroyed{0};
    on_procs(
        [&]() -> task<> {
            for (int i = 0; i < 3; ++i) {
                weft::go([](witness) -> task<> { co_await weft::sleep(1h); }, witness(destroyed));
            }
            weft::go([](witness) -> task<> { co_await weft::sleep(weft::duration::max()); },
                     witness(destroyed));
            co_await weft_test::until_parked(4, "sleep");
        },
        weft_test::leftovers::parked);
    CHECK(destroyed == 3 * 4);
}

TEST_CASE("goroutines with destructors that wake others end while sleepers ring")
{
    // The end of the runtime meets timers that are due at that very moment.
    auto random = weft_test::make_random();
    std::atomic<int> destroyed{0};
    const int rounds = static_cast<int>(weft_test::count(1000));
    for (int round = 0; round < rounds; ++round) {
        weft::runtime rt({.procs = 1 + static_cast<unsigned>(random() % 3)});
        for (int i = 0; i < 8; ++i) {
            weft::go(
                rt.get_executor(),
                [](witness, weft::duration d) -> task<> {
                    for (;;) co_await weft::sleep(d);
                },
                witness(destroyed), weft::duration(1 + random() % 200'000));
        }
        std::this_thread::sleep_for(std::chrono::microseconds(random() % 300));
    }
    CHECK(destroyed == 8 * rounds);
}

TEST_CASE("with a token: a thread that is none of the runtime's sleeps on its clock")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 1});
    const auto before = weft::clock::now();
    auto nap = weft::sync_wait(rt.get_executor(), [] { return weft::sleep(3ms); });
    std::move(nap)(asio::use_future).get();
    CHECK(weft::clock::now() - before >= 3ms);

    asio::io_context context;
    int called = 0;
    auto other = weft::sync_wait(rt.get_executor(), [] { return weft::sleep(3ms); });
    std::move(other)(asio::bind_executor(context, [&](std::exception_ptr e) { called += !e; }));
    CHECK(called == 0);
    CHECK(context.run() == 1);
    CHECK(called == 1);
    CHECK_MISUSE(weft::sleep(1ms), "after: not on a weft runtime; pass its executor");
}
