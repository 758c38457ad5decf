// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Functions that run at a moment.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using weft::after_func;
using weft::make_channel;
using weft::task;
using weft::timer;
using weft_test::on_procs;
using weft_test::yield_until;

namespace {

/// Starts the next generation, then sleeps for a second. What it sees lives as long as the test.
struct generations {
    std::atomic<int> left{10};
    weft::channel<void> last = make_channel<void>();

    task<> call()
    {
        if (left-- == 0) {
            last.close();
            co_return;
        }
        after_func(0ms, [this] { return call(); });
        co_await weft::sleep(1s);
    }
};

} // namespace

TEST_CASE("TIME-06 functions do not wait for one another")
{
    on_procs([]() -> task<> {
        generations g;
        const auto before = weft::clock::now();
        after_func(0ms, [&g] { return g.call(); });
        co_await g.last.receive();
        CHECK(weft::clock::now() - before < 3s);
        co_await weft_test::until_alone(); // all of them sleep in `g`
    });
}

TEST_CASE("TIME-07 stopped at once, neither value nor call is seen")
{
    on_procs([]() -> task<> {
        bool good = false;
        for (int attempt = 0; attempt < 5 && !good; ++attempt) {
            after_func(100ms, [] {}); // keeps the clock busy
            timer t0(50ms);
            std::atomic<bool> called{false};
            auto t1 = after_func(150ms, [&] { called = true; });
            if (!t0.stop() || !t1.stop()) continue; // a slow machine
            co_await weft::sleep(200ms);
            CHECK_FALSE(t0.channel().try_receive().has_value());
            CHECK_FALSE(called.load());
            CHECK_FALSE(t1.stop());
            good = true;
        }
        CHECK(good);
    });
}

TEST_CASE("TIME-09 a hundred functions that are stopped in time never run")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0};
        std::vector<timer> timers;
        for (int i = 0; i < 100; ++i) timers.push_back(after_func(2s, [&] { ++ran; }));
        co_await weft::sleep(1s);
        for (auto& t : timers) CHECK(t.stop());
        co_await weft::sleep(2s);
        CHECK(ran == 0);
    });
}

TEST_CASE("TIME-23 stop while the function runs is false and does not wait; before, it never runs")
{
    on_procs([]() -> task<> {
        auto begun = make_channel<void>(), gate = make_channel<void>();
        auto running = after_func(0ms, [=]() -> task<> {
            begun.close();
            co_await gate.receive();
        });
        co_await begun.receive();
        CHECK_FALSE(running.stop());
        gate.close();

        std::atomic<bool> called{false};
        auto later = after_func(200ms, [&] { called = true; });
        CHECK(later.stop());
        co_await weft::sleep(250ms);
        CHECK_FALSE(called.load());
    });
}

TEST_CASE("TIME-23 a function may stop and reset its own timer")
{
    on_procs([]() -> task<> {
        std::optional<timer> own;
        auto ready = make_channel<void>(), done = make_channel<void>();
        std::atomic<int> calls{0};
        own = after_func(0ms, [&]() -> task<> {
            co_await ready.receive();
            CHECK_FALSE(own->stop());
            CHECK_FALSE(own->reset(1h));
            CHECK(own->stop());
            if (++calls < 3) {
                CHECK_FALSE(own->reset(1ms));
            } else {
                done.close();
            }
        });
        ready.close();
        co_await done.receive();
        co_await weft_test::until_alone();
        CHECK(calls == 3);
    });
}
