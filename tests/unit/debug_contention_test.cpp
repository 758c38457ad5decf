// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Where goroutines wait for each other, and for how long.

#include "places.hpp"
#include "testing.hpp"

#include <weft/debug/contention.hpp>

#include <algorithm>
#include <chrono>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::here;
using weft_test::on_procs;
using weft_test::spin_for;
namespace debug = weft::debug;

namespace {

/// What is on, and off again.
struct measured {
    measured() { debug::reset_contention(); }
    ~measured()
    {
        debug::set_block_profile_rate(0ns);
        debug::set_mutex_profile_fraction(0);
        debug::set_latency_sampling(0);
    }
    measured(const measured&) = delete;
    measured& operator=(const measured&) = delete;
};

/// The samples whose innermost place is on this line of this file.
std::vector<debug::profile_sample> at_line(const debug::profile& p, unsigned line)
{
    std::vector<debug::profile_sample> found;
    for (const auto& s : p.samples) {
        if (s.stack.front().line == line &&
            s.stack.front().file.ends_with("debug_contention_test.cpp"))
            found.push_back(s);
    }
    return found;
}

unsigned receive_line, call_line, lock_line;

task<> receives(weft::channel<int> c)
{
    for (bool more = true; more;) {
        receive_line = here() + 1;
        const auto v = co_await c.receive();
        more = v.has_value();
    }
}

task<> calls(weft::channel<int> c)
{
    call_line = here() + 1;
    co_await receives(c);
}

} // namespace

TEST_CASE("nothing is counted until it is asked for, and nothing afterwards")
{
    on_procs([]() -> task<> {
        const measured m;
        auto c = make_channel<int>();
        auto h = weft::spawn(receives, c);
        co_await weft_test::until_parked(1, "chan receive");
        co_await c.send(1);
        CHECK(debug::block_profile().samples.empty());
        CHECK(debug::mutex_profile().samples.empty());
        CHECK(debug::scheduling_latency().count == 0);
        co_await weft_test::until_parked(1, "chan receive");
        debug::set_block_profile_rate(1ns); // it has waited since before
        co_await c.send(2);
        CHECK(at_line(debug::block_profile(), receive_line).empty());
        debug::set_block_profile_rate(0ns);
        c.close();
        co_await h.join();
        CHECK(at_line(debug::block_profile(), receive_line).empty());
    });
}

TEST_CASE("what is turned on can be asked")
{
    const auto now = [] { return debug::current_contention_settings(); };
    CHECK(now().block_rate == weft::duration::zero());
    CHECK(now().mutex_fraction == 0);
    CHECK(now().latency_one_in == 0);
    debug::set_block_profile_rate(10us);
    debug::set_mutex_profile_fraction(3);
    debug::set_latency_sampling(16);
    CHECK(now().block_rate == 10us);
    CHECK(now().mutex_fraction == 3);
    CHECK(now().latency_one_in == 16);
    debug::set_block_profile_rate({});
    debug::set_mutex_profile_fraction(0);
    debug::set_latency_sampling(0);
    CHECK(now().block_rate == weft::duration::zero());
    CHECK(now().mutex_fraction == 0);
    CHECK(now().latency_one_in == 0);
}

TEST_CASE("a wait is counted at its place, with the await chain, its reason and its length")
{
    on_procs([]() -> task<> {
        const measured m;
        debug::set_block_profile_rate(1ns);
        auto c = make_channel<int>();
        auto h = weft::spawn(calls, c);
        for (int i = 0; i < 3; ++i) {
            co_await weft_test::until_parked(1, "chan receive");
            co_await weft_test::sleep_ms(10);
            co_await c.send(i);
        }
        co_await weft_test::until_parked(1, "chan receive");
        c.close();
        co_await h.join();
        const debug::profile p = debug::block_profile();
        REQUIRE(p.values.size() == 2);
        CHECK(p.values[0].name == "contentions");
        CHECK(p.values[0].unit == "count");
        CHECK(p.values[1].name == "delay");
        CHECK(p.values[1].unit == "nanoseconds");
        const auto found = at_line(p, receive_line);
        REQUIRE(found.size() == 1);
        CHECK(found[0].values[0] == 4);
        CHECK(found[0].values[1] >= 30'000'000);
        CHECK(found[0].values[1] < 30'000'000'000);
        REQUIRE(found[0].stack.size() >= 2);
        CHECK(found[0].stack[1].line == call_line);
        REQUIRE(found[0].labels.size() == 1);
        CHECK(found[0].labels[0].second == "chan receive");
    });
}

TEST_CASE("no wait counts for the longest rate, and a negative one is none")
{
    on_procs([]() -> task<> {
        const measured m;
        debug::set_block_profile_rate(-1ns);
        CHECK(debug::current_contention_settings().block_rate == weft::duration::zero());
        debug::set_block_profile_rate(weft::duration::max());
        auto c = make_channel<int>();
        auto h = weft::spawn(receives, c);
        for (int i = 0; i < 3; ++i) {
            co_await weft_test::until_parked(1, "chan receive");
            co_await weft_test::sleep_ms(5);
            co_await c.send(i);
        }
        c.close();
        co_await h.join();
        CHECK(at_line(debug::block_profile(), receive_line).empty());
    });
}

TEST_CASE("sleeps and Asio operations are no contention")
{
    on_procs([]() -> task<> {
        const measured m;
        debug::set_block_profile_rate(1ns);
        co_await weft::sleep(2ms);
        co_await weft_test::sleep_ms(2);
        CHECK(debug::block_profile().samples.empty());
    });
}

TEST_CASE("short waits are drawn by lot, and stand for the others")
{
    on_procs([]() -> task<> {
        const measured m;
        debug::set_block_profile_rate(20us);
        auto c = make_channel<int>();
        auto h = weft::spawn(receives, c);
        const int times = 20'000;
        const auto began = weft::clock::now();
        for (int i = 0; i < times; ++i) co_await c.send(i);
        const auto took = weft::clock::now() - began;
        c.close();
        co_await h.join();
        std::int64_t delay = 0;
        for (const auto& s : at_line(debug::block_profile(), receive_line)) delay += s.values[1];
        CHECK(delay < 20 * std::chrono::nanoseconds(took).count() + 10'000'000);
    });
}

TEST_CASE("a lock that is fought for is charged to where its holder took it")
{
    on_procs([]() -> task<> {
        const measured m;
        CHECK(debug::set_mutex_profile_fraction(1) == 0);
        weft::mutex mu;
        auto waits = [](weft::mutex* l) -> task<> { const auto g = co_await l->lock(); };
        weft_test::team all;
        {
            lock_line = here() + 1;
            const auto g = co_await mu.lock();
            for (int i = 0; i < 3; ++i) all.go(waits, &mu);
            co_await weft_test::until_parked(3, "sync.Mutex.Lock");
            co_await weft_test::sleep_ms(10);
        }
        co_await all.join();
        CHECK(debug::set_mutex_profile_fraction(0) == 1);
        const auto found = at_line(debug::mutex_profile(), lock_line);
        REQUIRE(found.size() == 1);
        CHECK(found[0].values[0] >= 1); // the first of the three; the others may be charged to it
        CHECK(found[0].values[1] >= 9'000'000);
    });
}

TEST_CASE("so is one of writers and readers")
{
    on_procs([]() -> task<> {
        const measured m;
        debug::set_mutex_profile_fraction(1);
        weft::rw_mutex mu;
        auto reads = [](weft::rw_mutex* l) -> task<> { const auto g = co_await l->lock_shared(); };
        weft_test::team all;
        unsigned line = 0;
        {
            line = here() + 1;
            const auto g = co_await mu.lock();
            for (int i = 0; i < 3; ++i) all.go(reads, &mu);
            co_await weft_test::until_parked(3, "sync.RWMutex.RLock");
            co_await weft_test::sleep_ms(5);
        }
        co_await all.join();
        const auto found = at_line(debug::mutex_profile(), line);
        REQUIRE(found.size() == 1);
        CHECK(found[0].values[0] == 3);
        CHECK(found[0].values[1] >= 3 * 4'000'000);
    });
}

TEST_CASE("the time from runnable to running is measured")
{
    on_procs([](unsigned procs) -> task<> {
        const measured m;
        debug::set_latency_sampling(1);
        weft_test::team all;
        for (int i = 0; i < 20; ++i) {
            all.go([]() -> task<> {
                co_await weft::this_goroutine::yield();
                spin_for(1ms);
            });
        }
        co_await all.join();
        const debug::latency_histogram h = debug::scheduling_latency();
        CHECK(h.count >= 40);
        CHECK(h.quantile(1) >= 1ms);
        CHECK(h.quantile(1) < 10s);
        CHECK(h.quantile(0.01) <= h.quantile(0.99));
        std::uint64_t sum = 0;
        for (const auto& b : h.buckets) sum += b.count;
        CHECK(sum == h.count);
        static_cast<void>(procs);
        debug::reset_contention();
        debug::set_latency_sampling(10);
        for (int i = 0; i < 10'000; ++i) co_await weft::this_goroutine::yield();
        const auto sampled = debug::scheduling_latency().count;
        CHECK(sampled > 500);
        CHECK(sampled < 2'000);
    });
}
