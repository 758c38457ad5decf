// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// WaitGroup, Cond and Once, by Go's rules.

#include "testing.hpp"

#include <atomic>
#include <exception>
#include <numeric>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <vector>

using weft::cond;
using weft::mutex;
using weft::once;
using weft::once_value;
using weft::task;
using weft::wait_group;
using weft_test::on_procs;

TEST_CASE("SYNC-01 two wait groups as a barrier for sixteen, eight times over")
{
    on_procs([]() -> task<> {
        wait_group wg1, wg2;
        constexpr int n = 16;
        for (int round = 0; round < 8; ++round) {
            wg1.add(n);
            wg2.add(n);
            std::atomic<bool> early{false};
            std::atomic<int> passed{0}, released{0};
            weft_test::team all;
            for (int i = 0; i < n; ++i) {
                all.go([&]() -> task<> {
                    wg1.done();
                    co_await wg2.wait();
                    if (released != n) early = true;
                    ++passed;
                });
            }
            co_await wg1.wait();
            for (int i = 0; i < n; ++i) {
                CHECK(passed == 0);
                ++released;
                wg2.done();
            }
            co_await all.join();
            CHECK(!early);
            CHECK(passed == n);
        }
    });
}

TEST_CASE("SYNC-02 a counter below zero is misuse, and a wait at zero does not suspend")
{
    on_procs([]() -> task<> {
        wait_group g;
        g.add(1);
        g.done();
        CHECK_MISUSE(g.done(), "negative WaitGroup counter");
        CHECK_MISUSE(g.add(-1'000'000), "negative WaitGroup counter");
        const auto s = weft::try_select{g.wait()};
        CHECK(s.index() == 0);
        co_await g.wait();
        g.add(1); // as good as new
        g.done();
        co_await g.wait();
    });
}

TEST_CASE("SYNC-03 a thousand rounds: nobody is released early")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 1'000; ++i) {
            wait_group g;
            std::atomic<int> n{0};
            g.add(2);
            for (int k = 0; k < 2; ++k) {
                weft::go([&] {
                    ++n;
                    g.done();
                });
            }
            co_await g.wait();
            CHECK(n == 2);
        }
    });
}

TEST_CASE("SYNC-04 go counts before the goroutine runs, until it returns or throws")
{
    std::atomic<int> panics{0};
    on_procs(
        [&]() -> task<> {
            wait_group g;
            std::vector<int> written(100); // plain
            for (auto& w : written) {
                g.go([&w]() -> task<> {
                    co_await weft::this_goroutine::yield();
                    w = 1;
                });
                const auto s = weft::try_select{g.wait()};
                const bool counted = s.index() == s.npos;
                CHECK((counted || w == 1)); // it may be over already
            }
            co_await g.wait();
            CHECK(std::accumulate(written.begin(), written.end(), 0) == 100);
            g.go([] { throw std::runtime_error("broken"); });
            co_await g.wait();
        },
        weft_test::leftovers::none, weft::panic_policy([&](const weft::panic_info&) { ++panics; }));
    CHECK(panics == 3);
}

TEST_CASE("SYNC-18 each signal wakes one of those who wait, and none if nobody does")
{
    on_procs([]() -> task<> {
        mutex m;
        cond c(m);
        auto running = weft::make_channel<void>(2), awake = weft::make_channel<void>(2);
        c.signal();
        weft_test::team all;
        for (int i = 0; i < 2; ++i) {
            all.go([&, running, awake]() -> task<> {
                auto g = co_await m.lock();
                co_await running.send();
                co_await c.wait(g);
                co_await awake.send();
            });
        }
        for (int i = 0; i < 2; ++i) co_await running.receive();
        for (int n = 2; n > 0; --n) {
            CHECK(!awake.try_receive());
            {
                const auto g = co_await m.lock();
                c.signal();
            }
            co_await awake.receive();
            CHECK(!awake.try_receive());
        }
        c.signal();
        co_await all.join();
    });
}

TEST_CASE("SYNC-19 wait lets go of the lock and has it again: a value handed on by three")
{
    on_procs([]() -> task<> {
        mutex m;
        cond c(m);
        int x = 0; // plain
        const auto until = [&](int value) { return [&x, value] { return x == value; }; };
        weft_test::team all;
        all.go([&]() -> task<> {
            auto g = co_await m.lock();
            x = 1;
            co_await c.wait(g, until(2));
            CHECK(!m.try_lock());
            x = 3;
            c.broadcast();
        });
        all.go([&]() -> task<> {
            auto g = co_await m.lock();
            while (x != 1) {
                g.unlock();
                co_await weft::this_goroutine::yield();
                g = co_await m.lock();
            }
            x = 2;
            c.broadcast();
            co_await c.wait(g, until(3));
            CHECK(x == 3);
        });
        all.go([&]() -> task<> {
            auto g = co_await m.lock();
            co_await c.wait(g, until(3));
            CHECK(x == 3);
        });
        co_await all.join();
        CHECK(x == 3);
    });
}

TEST_CASE("SYNC-20 a condition can be neither copied nor moved")
{
    static_assert(!std::is_copy_constructible_v<cond> && !std::is_move_constructible_v<cond>);
    static_assert(!std::is_copy_assignable_v<cond> && !std::is_move_assignable_v<cond>);
}

TEST_CASE("SYNC-21 ten call it at once: it runs once, and nobody returns before it has ended")
{
    on_procs([]() -> task<> {
        once o;
        int runs = 0; // plain
        bool ended = false;
        weft_test::team all;
        for (int i = 0; i < 10; ++i) {
            all.go([&]() -> task<> {
                const auto body = [&]() -> task<> {
                    ++runs;
                    for (int k = 0; k < 5; ++k) co_await weft::this_goroutine::yield();
                    ended = true;
                };
                co_await o.call(body);
                CHECK(ended);
            });
        }
        co_await all.join();
        CHECK(runs == 1);
    });
}

TEST_CASE("SYNC-22 a body that throws: that caller gets it, later calls neither run nor throw")
{
    on_procs([]() -> task<> {
        once o;
        int runs = 0;
        const auto body = [&runs] {
            ++runs;
            throw std::runtime_error("failed");
        };
        std::string text;
        try {
            co_await o.call(body);
        } catch (const std::runtime_error& e) {
            text = e.what();
        }
        CHECK(text == "failed");
        co_await o.call(body);
        CHECK(runs == 1);
    });
}

TEST_CASE(
    "SYNC-23 a value made once: eleven calls, one run, the same each time, or the same failure")
{
    on_procs([]() -> task<> {
        int runs = 0;
        once_value nothing([&runs] { ++runs; });
        once_value value([&runs] { return ++runs; });
        once_value values([&runs] { return std::tuple(++runs, std::string("two")); });
        once_value fails([&runs]() -> int {
            ++runs;
            throw std::runtime_error("failed");
        });
        std::exception_ptr first;
        for (int i = 0; i < 11; ++i) {
            co_await nothing.get();
            const int& v = co_await value.get();
            CHECK(v == 2);
            const auto& both = co_await values.get();
            CHECK(both == std::tuple(3, std::string("two")));
            std::exception_ptr failure;
            std::string text;
            try {
                (void)co_await fails.get();
            } catch (const std::runtime_error& e) {
                text = e.what();
                failure = std::current_exception();
            }
            CHECK(text == "failed");
            if (!first) first = failure;
            CHECK(failure == first);
        }
        CHECK(runs == 4);
    });
}
