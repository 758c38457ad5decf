// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `sometimes`: which times count, in combination, from several threads; the call form.

#include "testing.hpp"

#include <weft/sometimes.hpp>

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using weft::sometimes;
using weft::task;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("one rule suffices")
{
    sometimes s({.first = 2, .every = 4, .interval = 1s});
    const auto t0 = weft::clock::now();
    std::vector<int> ran;
    for (int i = 0; i < 10; ++i) {
        if (s.due_at(t0)) ran.push_back(i);
    }
    CHECK(ran == std::vector<int>{0, 1, 4, 8});
    CHECK(s.due_at(t0 + 1s));
}

TEST_CASE("the interval counts from the time at which it was done, for whatever rule")
{
    sometimes s({.every = 2, .interval = 100ms});
    const auto t0 = weft::clock::now();
    CHECK(s.due_at(t0));
    CHECK_FALSE(s.due_at(t0 + 50ms));
    CHECK(s.due_at(t0 + 60ms)); // every second time
    CHECK_FALSE(s.due_at(t0 + 150ms));
    CHECK(s.due_at(t0 + 160ms)); // every second time
    CHECK(s.due_at(t0 + 260ms)); // 100 ms later
}

TEST_CASE("time that goes back is not an interval")
{
    sometimes s({.interval = 1s});
    const auto t0 = weft::clock::now();
    CHECK(s.due_at(t0));
    CHECK_FALSE(s.due_at(t0 - 1h));
    CHECK(s.due_at(weft::time_point::max()));
}

TEST_CASE("the call form runs the function, and tells")
{
    sometimes s({.every = 3});
    int ran = 0;
    int told = 0;
    for (int i = 0; i < 7; ++i) told += s([&] { ++ran; }) ? 1 : 0;
    CHECK(ran == 3);
    CHECK(told == 3);
}

TEST_CASE("a function that throws, or calls it again, has had its time")
{
    sometimes s({.first = 2});
    CHECK_THROWS_AS(s([] { throw std::runtime_error("no"); }), std::runtime_error);
    int inner = 0;
    CHECK(s([&] { inner += s([] {}) ? 1 : 2; }));
    CHECK(inner == 2);
}

TEST_CASE("from many goroutines, each time is counted once")
{
    on_procs([]() -> task<> {
        sometimes s({.every = 10});
        std::atomic<int> ran = 0;
        team all;
        for (int i = 0; i < 10; ++i) {
            all.go([&]() -> task<> {
                for (int k = 0; k < 100; ++k) {
                    s([&] { ++ran; });
                    if (k % 10 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        co_await all.join();
        CHECK(ran == 100);
    });
}
