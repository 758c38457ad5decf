// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The weighted semaphore, by Go's x/sync rules.

#include "testing.hpp"
#include "ways_out.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::semaphore;
using weft::task;
using weft_test::on_every_way_out;
using weft_test::on_procs;

namespace {

constexpr const char* acquiring = "semaphore acquire";

/// Whether `n` could be had within 10 ms.
task<bool> acquired_in_time(semaphore& s, std::int64_t n)
{
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 10ms);
    bool ok = true;
    try {
        co_await s.acquire(ctx, n);
    } catch (const weft::error& e) {
        CHECK(e.code() == weft::errc::deadline_exceeded);
        ok = false;
    }
    co_return ok;
}

int collatz_steps(int n)
{
    int steps = 0;
    for (; n > 1; ++steps) n = n % 2 ? 3 * n + 1 : n / 2;
    return steps;
}

} // namespace

TEST_CASE("SEM-01 acquire and try_acquire of a semaphore of two")
{
    on_procs([]() -> task<> {
        semaphore s(2);
        co_await s.acquire(1);
        CHECK(s.try_acquire(1));
        CHECK(!s.try_acquire(1));
        s.release(2);
        CHECK(s.try_acquire(1));
        co_await s.acquire(1);
        CHECK(!s.try_acquire(1));
    });
}

TEST_CASE("SEM-02 acquire under a timeout: success, timeout, success, timeout")
{
    on_procs([]() -> task<> {
        semaphore s(2);
        co_await s.acquire(1);
        const bool first = co_await acquired_in_time(s, 1);
        const bool second = co_await acquired_in_time(s, 1);
        s.release(2);
        const bool third = co_await acquired_in_time(s, 1);
        co_await s.acquire(1);
        const bool fourth = co_await acquired_in_time(s, 1);
        CHECK(first);
        CHECK(!second);
        CHECK(third);
        CHECK(!fourth);
    });
}

TEST_CASE("SEM-03 release without holding, and of more than is held")
{
    on_procs([]() -> task<> {
        semaphore s(1);
        CHECK_MISUSE(s.release(1), "semaphore: released more than held");
        co_await s.acquire(1);
        CHECK_MISUSE(s.release(2), "semaphore: released more than held");
        s.release(1);
        CHECK_MISUSE(s.release(1), "semaphore: released more than held");
        CHECK(s.available() == 1);
    });
}

TEST_CASE("SEM-04 weights 0 to 3 of four, again and again: all end, never more than four in use")
{
    on_procs([]() -> task<> {
        semaphore s(4);
        std::atomic<std::int64_t> in_use{0};
        weft_test::team all;
        for (std::int64_t weight = 0; weight < 4; ++weight) {
            all.go([&, weight]() -> task<> {
                const auto loops = weft_test::count(2'500);
                for (std::size_t i = 0; i < loops; ++i) {
                    co_await s.acquire(weight);
                    CHECK(in_use.fetch_add(weight) + weight <= 4);
                    if (i % 50 == 0) co_await weft::sleep(std::chrono::microseconds(i % 200));
                    in_use -= weight;
                    s.release(weight);
                }
            });
        }
        co_await all.join();
        CHECK(in_use == 0);
        CHECK(s.available() == 4);
    });
}

TEST_CASE("SEM-05 a request for more than there are holds up nobody, and ends with its context")
{
    on_procs([]() -> task<> {
        semaphore s(2);
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        std::atomic<bool> returned{false};
        auto never = weft::spawn([&, own = ctx]() -> task<std::error_code> {
            std::error_code code;
            try {
                co_await s.acquire(own, 3);
            } catch (const weft::error& e) {
                code = e.code();
            }
            returned = true;
            co_return code;
        });
        co_await weft_test::until_parked(1, acquiring);
        weft_test::team six;
        for (int i = 0; i < 6; ++i) {
            six.go([&s]() -> task<> {
                co_await s.acquire(1);
                co_await weft::sleep(1ms);
                s.release(1);
            });
        }
        co_await six.join();
        CHECK(!returned);
        cancel();
        const auto code = co_await never.join();
        CHECK(code == weft::errc::canceled);
        CHECK(s.available() == 2);
    });
}

TEST_CASE("SEM-06 releases serve those who wait in the order in which they came")
{
    on_procs([]() -> task<> {
        semaphore s(1);
        std::string order;
        co_await s.acquire();
        weft_test::team all;
        for (const char name : {'a', 'b'}) {
            all.go([&, name]() -> task<> {
                co_await s.acquire();
                order += name;
                s.release();
            });
            co_await weft_test::until_parked(name == 'a' ? 1 : 2, acquiring);
        }
        s.release();
        co_await all.join();
        CHECK(order == "ab");
    });
}

TEST_CASE("SEM-07 a thousand goroutines over five permits: all pass, and five are left")
{
    on_procs([]() -> task<> {
        semaphore s(5);
        std::atomic<int> passed{0};
        weft_test::team all;
        for (int i = 0; i < 1'000; ++i) {
            all.go([&]() -> task<> {
                const auto p = co_await s.hold();
                co_await weft::this_goroutine::yield();
                ++passed;
            });
        }
        co_await all.join();
        CHECK(passed == 1'000);
        for (int i = 0; i < 5; ++i) CHECK(s.try_acquire());
        CHECK(!s.try_acquire());
    });
}

TEST_CASE("SEM-08 a pool of workers: 32 Collatz step counts, then acquire of all")
{
    on_procs([](unsigned procs) -> task<> {
        semaphore s(procs);
        std::vector<int> out(32);
        for (int i = 0; i < 32; ++i) {
            co_await s.acquire(1);
            weft::go([&s, &out, i] {
                out[static_cast<std::size_t>(i)] = collatz_steps(i + 1);
                s.release(1);
            });
        }
        co_await s.acquire(procs);
        CHECK(out == std::vector<int>{0,  1,  7,  2,  5,   8,  16, 3,  19,  6, 14,
                                      9,  9,  17, 17, 4,   12, 20, 20, 7,   7, 15,
                                      15, 10, 23, 10, 111, 18, 18, 18, 106, 5});
        s.release(procs);
    });
}

TEST_CASE(
    "SEM-09 two goroutines take 4, 10 and 8 of ten in turn: never more than ten, ten at the end")
{
    on_procs([]() -> task<> {
        semaphore s(10);
        std::atomic<std::int64_t> in_use{0};
        weft_test::team both;
        for (int i = 0; i < 2; ++i) {
            both.go([&]() -> task<> {
                for (const std::int64_t n : {4, 10, 8}) {
                    co_await s.acquire(n);
                    CHECK(in_use.fetch_add(n) + n <= 10);
                    co_await weft::this_goroutine::yield();
                    in_use -= n;
                    s.release(n);
                }
            });
        }
        co_await both.join();
        CHECK(s.available() == 10);
        CHECK(s.try_acquire(10));
    });
}

TEST_CASE("SEM-10 a permit goes back on a normal exit, an exception and an early return")
{
    on_procs([]() -> task<> {
        semaphore s(3);
        co_await on_every_way_out([&s] { return s.hold(2); }, [&s] { return s.available() == 1; },
                                  [&s] { return s.available() == 3; });
    });
}

TEST_CASE("SEM-11 one that waits and is cancelled changes nothing, and wakes nobody")
{
    on_procs([]() -> task<> {
        semaphore s(1);
        co_await s.acquire();
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto given_up = weft::spawn(ctx, [&s]() -> task<> { co_await s.acquire(); });
        co_await weft_test::until_parked(1, acquiring);
        std::atomic<bool> woken{false};
        auto other = weft::spawn([&]() -> task<> {
            co_await s.acquire();
            woken = true;
            s.release();
        });
        co_await weft_test::until_parked(2, acquiring);
        cancel();
        bool ended = false;
        try {
            co_await given_up.join();
        } catch (const weft::error&) {
            ended = true;
        }
        CHECK(ended);
        CHECK(s.available() == 0);
        CHECK(weft_test::parked(acquiring) == 1);
        CHECK(!woken);
        s.release();
        co_await other.join();
        CHECK(s.available() == 1);
    });
}

TEST_CASE("SEM-12 a context that has ended fails although permits are free, and takes nothing")
{
    on_procs([]() -> task<> {
        semaphore s(1);
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        cancel();
        std::error_code code;
        try {
            co_await s.acquire(ctx, 1);
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::canceled);
        CHECK(s.available() == 1);
        CHECK(s.try_acquire(1));
    });
}
