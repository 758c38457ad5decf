// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Time: sleeps and moments, alone and in selects.

#include "testing.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("TIME-01 a sleep is never shorter than asked for")
{
    on_procs([]() -> task<> {
        const auto before = weft::clock::now();
        co_await weft::sleep(100ms);
        const auto took = weft::clock::now() - before;
        CHECK(took >= 100ms);
        CHECK(took <= 600ms);
    });
}

TEST_CASE("TIME-02 sleeps of zero and less end at once and starve nobody")
{
    on_procs([]() -> task<> {
        std::atomic<bool> stop{false};
        team busy;
        busy.go([&]() -> task<> {
            while (!stop) co_await weft::this_goroutine::yield();
        });
        for (int i = 0; i < 100; ++i) {
            co_await weft::sleep(0ms);
            auto ch = make_channel<int>(1);
            co_await ch.send(i);
            auto v = co_await ch.receive();
            CHECK(v == i);
        }
        const auto before = weft::clock::now();
        co_await weft::sleep(-1s);
        co_await weft::sleep(weft::duration::min());
        CHECK(weft::clock::now() - before < 1s);
        stop = true;
        co_await busy.join();
    });
}

TEST_CASE("TIME-03 the longest sleep never ends and delays nothing; the shortest ends at once")
{
    on_procs(
        []() -> task<> {
            std::atomic<bool> ended{false};
            weft::go([&]() -> task<> {
                co_await weft::sleep(weft::duration::max());
                ended = true;
            });
            co_await weft_test::until_parked(1, "sleep");
            const auto before = weft::clock::now();
            auto s = co_await weft::select{weft::after(weft::duration::max()), weft::after(25ms)};
            const auto took = weft::clock::now() - before;
            CHECK(s.index() == 1);
            CHECK(took >= 25ms);
            CHECK(took < 1s);
            CHECK_FALSE(ended.load());
            auto least = co_await weft::select{weft::after(weft::duration::min()), weft::after(1s)};
            CHECK(least.index() == 0);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("TIME-04 a moment brings the time it was due, and is never early")
{
    on_procs([]() -> task<> {
        const auto start = weft::clock::now();
        const auto due = co_await weft::after(100ms);
        CHECK(due >= start + 100ms);
        CHECK(weft::clock::now() - start >= 100ms);
    });
}

namespace {

/// Starts a goroutine for each slot; whether they arrive in order and in time.
task<bool> queue_up(const std::vector<int>& slots, std::chrono::milliseconds delta)
{
    auto arrivals = make_channel<std::pair<int, weft::time_point>>(slots.size());
    const auto start = weft::clock::now();
    for (const int slot : slots) {
        weft::go([=]() -> task<> {
            co_await weft::after(slot * delta);
            const std::pair arrival{slot, weft::clock::now()};
            co_await arrivals.send(arrival);
        });
    }
    int last = 0;
    bool good = true;
    for (std::size_t i = 0; i < slots.size(); ++i) {
        const auto arrival = *co_await arrivals.receive();
        const auto target = start + arrival.first * delta;
        good = good && arrival.first >= last && arrival.second >= target - delta / 2 &&
               arrival.second <= target + 10 * delta;
        last = arrival.first;
    }
    co_return good;
}

} // namespace

TEST_CASE("TIME-05 moments come in their order")
{
    on_procs([]() -> task<> {
        const std::vector slots{5, 3, 6, 6, 6, 1, 1, 2, 7, 9, 4, 8, 0};
        bool good = false;
        auto delta = 20ms;
        for (int attempt = 0; attempt < 5 && !good; ++attempt, delta += 50ms) {
            good = co_await queue_up(slots, delta);
        }
        CHECK(good);
    });
}

TEST_CASE("TIME-13 what is received is when it was due, not when it was read")
{
    on_procs([]() -> task<> {
        bool good = false;
        for (int attempt = 0; attempt < 10 && !good; ++attempt) {
            const auto start = weft::clock::now();
            auto moment = weft::after(10ms);
            weft::timer timer(10ms);
            weft::ticker ticker(10ms);
            co_await weft::sleep(500ms);
            const auto of_moment = co_await moment;
            const auto of_timer = *co_await timer.channel().receive();
            const auto of_ticker = *co_await ticker.channel().receive();
            good = true;
            for (const auto t : {of_moment, of_timer, of_ticker}) {
                CHECK(t >= start + 10ms);
                good = good && t < start + 400ms;
            }
        }
        CHECK(good);
    });
}

TEST_CASE("TIME-21 a moment is taken although two goroutines never stop talking")
{
    on_procs([]() -> task<> {
        auto c = make_channel<int>();
        auto done = make_channel<void>();
        team talkers;
        for (int i = 0; i < 2; ++i) {
            talkers.go([=]() -> task<> {
                for (;;) {
                    auto s = co_await weft::select{done.receive(), c.send(i)};
                    if (s.index() == 0) co_return;
                }
            });
        }
        const auto start = weft::clock::now();
        auto timeout = weft::after(20ms); // one for all, as in Go's test
        std::size_t received = 0;
        for (;;) {
            auto moment = timeout;
            auto s = co_await weft::select{c.receive(), moment};
            if (s.index() == 1) break;
            ++received;
            if (weft::clock::now() - start >= 5s) break;
        }
        CHECK(weft::clock::now() - start < 1s);
        CHECK(received > 0);

        const auto again = weft::clock::now();
        weft::timer timer(20ms); // and by a channel
        auto expired = timer.channel();
        for (;;) {
            auto s = co_await weft::select{c.receive(), expired.receive()};
            if (s.index() == 1 || weft::clock::now() - again >= 5s) break;
        }
        CHECK(weft::clock::now() - again < 1s);
        done.close();
        co_await talkers.join();
    });
}

TEST_CASE("SELECT-19 a select with a moment: it comes in time, or the channel comes first")
{
    on_procs([]() -> task<> {
        auto idle = make_channel<int>();
        auto before = weft::clock::now();
        auto timed_out = co_await weft::select{idle.receive(), weft::after(100ms)};
        auto took = weft::clock::now() - before;
        CHECK(timed_out.index() == 1);
        CHECK(took >= 100ms);
        CHECK(took <= 600ms);

        auto ready = make_channel<int>(1);
        for (int attempt = 0; attempt < 5; ++attempt) { // the machine may be busy
            co_await ready.send(7);
            before = weft::clock::now();
            auto received = co_await weft::select{ready.receive(), weft::after(100ms)};
            took = weft::clock::now() - before;
            CHECK(received.index() == 0);
            CHECK(received.get<0>() == 7);
            if (took < 50ms) break;
        }
        CHECK(took < 50ms);
    });
}

TEST_CASE("SELECT-30 a biased select with a moment takes the channels in the order written")
{
    on_procs([]() -> task<> {
        const std::size_t n = weft_test::count(10'000);
        auto first = make_channel<int>(n), second = make_channel<int>(n);
        auto third = make_channel<int>(1);
        for (std::size_t i = 0; i < n; ++i) {
            co_await first.send(1);
            co_await second.send(2);
        }
        co_await third.send(3);
        std::size_t counts[4] = {};
        const auto draw = [&](std::size_t times) -> task<> {
            for (std::size_t i = 0; i < times; ++i) {
                auto s = co_await weft::select_biased{first.receive(), second.receive(),
                                                      third.receive(), weft::after(1h)};
                ++counts[s.index()];
            }
        };
        co_await draw(n);
        CHECK(counts[0] == n);
        CHECK(counts[1] == 0);
        co_await draw(n);
        CHECK(counts[1] == n);
        CHECK(counts[2] == 0);
        co_await draw(1);
        CHECK(counts[2] == 1);
        // Then only the moment is left; one that has come takes its place in the order, too.
        auto last = co_await weft::select_biased{first.receive(), weft::after(10ms)};
        CHECK(last.index() == 1);
        co_await first.send(1);
        auto behind = co_await weft::select_biased{first.receive(), weft::after(0ms)};
        CHECK(behind.index() == 0);
        co_await first.send(1);
        auto before = co_await weft::select_biased{weft::after(0ms), first.receive()};
        CHECK(before.index() == 0);
    });
}
