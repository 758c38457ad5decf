// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `throttle`: at most one run an interval, and the latest call is not lost. The rest is
// debounce_test.cpp's.

#include "testing.hpp"

#include <weft/testing.hpp>
#include <weft/testing/operator_new.hpp>
#include <weft/throttle.hpp>

#include <atomic>
#include <chrono>
#include <new>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::throttle;
using weft::throttle_options;
using weft::time_point;
using weft_test::on_procs;
using weft_test::sleep_ms;

namespace {

auto record(const weft::channel<int>& to)
{
    return [to](int v) -> task<> { co_await to.send(v); };
}

} // namespace

TEST_CASE("arguments without a sense are misuse")
{
    on_procs([]() -> task<> {
        const auto make = [](weft::duration interval, throttle_options o = {}) {
            return throttle(interval, [] {}, o);
        };
        CHECK_MISUSE(make(0s), "non-positive interval for throttle");
        CHECK_MISUSE(make(-1s), "non-positive interval for throttle");
        CHECK_MISUSE(make(1s, {.leading = false, .trailing = false}),
                     "throttle: neither leading nor trailing");
        co_return;
    });
    CHECK_MISUSE(throttle(1s, [] {}), "throttle: not on a weft runtime; pass its executor");
}

TEST_CASE("the first call runs at once, the latest one at the end of the interval")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const throttle t(10ms, record(ran));
        const time_point begin = weft::clock::now();
        t(1);
        t(2);
        t(3);
        auto v = co_await ran.receive();
        CHECK(v == 1);
        v = co_await ran.receive();
        CHECK(v == 3);
        CHECK(weft::clock::now() - begin >= 10ms);
        co_await sleep_ms(15);
        CHECK(ran.size() == 0);
    });
}

TEST_CASE("a single call runs once")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const throttle t(2ms, record(ran));
        t(1);
        auto v = co_await ran.receive();
        CHECK(v == 1);
        co_await sleep_ms(8);
        CHECK(ran.size() == 0);
        t(2);
        v = co_await ran.receive();
        CHECK(v == 2);
    });
}

TEST_CASE("while calls go on, it runs once an interval, and not more often")
{
    on_procs([]() -> task<> {
        std::atomic<int> runs = 0;
        const throttle t(5ms, [&](int) { ++runs; });
        const time_point begin = weft::clock::now();
        int calls = 0;
        while (weft::clock::now() - begin < 50ms) {
            t(++calls);
            co_await weft::this_goroutine::yield();
        }
        const auto took = weft::clock::now() - begin;
        CHECK(runs >= 2);
        CHECK(runs <= took / 5ms + 2);
        CHECK(calls > runs);
    });
}

TEST_CASE("without the trailing edge, what comes within the interval is lost")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const throttle t(10ms, record(ran), {.trailing = false});
        const time_point begin = weft::clock::now();
        t(1);
        t(2);
        const bool within = weft::clock::now() - begin < 10ms;
        co_await sleep_ms(25);
        auto v = co_await ran.receive();
        CHECK(v == 1);
        if (within) CHECK(ran.size() == 0);
        t(3);
        co_await weft_test::yield_until([&] { return ran.size() != 0; });
    });
}

TEST_CASE("without the leading edge, the first call waits, too")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const throttle t(5ms, record(ran), {.leading = false});
        const time_point begin = weft::clock::now();
        t(1);
        auto v = co_await ran.receive();
        CHECK(weft::clock::now() - begin >= 5ms);
        CHECK(v == 1);
    });
}

TEST_CASE("flush and cancel")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const throttle t(1h, record(ran));
        t(1);
        t(2);
        CHECK(t.pending());
        CHECK(t.flush());
        auto v = co_await ran.receive();
        CHECK(v == 1);
        v = co_await ran.receive();
        CHECK(v == 2);
        t(3);
        CHECK(t.cancel());
        CHECK_FALSE(t.pending());
        t(4); // the first again
        v = co_await ran.receive();
        CHECK(v == 4);
    });
}

#if !defined(WEFT_TSAN) // it brings an operator new of its own
TEST_CASE("a call for which there is no memory was not made, and later ones go on")
{
    int refused = 0;
    const auto program = [&refused]() -> task<> {
        std::atomic<int> runs = 0;
        const throttle t(10ms, [&runs] { ++runs; });
        for (int i = 0; i < 4; ++i) {
            try {
                t();
            } catch (const std::bad_alloc&) {
                ++refused;
            }
            co_await weft::sleep(20ms);
        }
        if (runs < 3) throw std::runtime_error("it has stopped"); // as it used to for ever
    };
    const auto report = weft::testing::fail_allocations(program);
    CHECK(refused >= 4);
    CHECK(report.places > 4);
}
#endif
