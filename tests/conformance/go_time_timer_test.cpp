// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Timers: stop, reset, and what lies in the channel; by the rules of Go 1.23.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <vector>

using namespace std::chrono_literals;
using weft::task;
using weft::ticker;
using weft::timer;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;

namespace {

enum class verdict { good, too_slow, wrong };

/// Go's TestReset, with a machine that may be too slow for `d`.
task<verdict> reset_with(std::chrono::milliseconds d)
{
    const auto start = weft::clock::now();
    timer t(2 * d);
    co_await weft::sleep(d);
    if (!t.reset(3 * d)) {
        co_return weft::clock::now() - start > 2 * d ? verdict::too_slow : verdict::wrong;
    }
    co_await weft::sleep(2 * d);
    if (t.channel().try_receive()) {
        co_return weft::clock::now() - start > 4 * d ? verdict::too_slow : verdict::wrong;
    }
    co_await weft::sleep(2 * d);
    if (!t.channel().try_receive()) co_return verdict::wrong;
    if (t.reset(50ms)) co_return verdict::wrong;
    co_return verdict::good;
}

} // namespace

TEST_CASE("TIME-08 reset: nothing at the old moment, the value at the new one")
{
    on_procs([]() -> task<> {
        auto got = verdict::too_slow;
        for (auto d = 1ms; d < 2s && got == verdict::too_slow; d *= 2) {
            got = co_await reset_with(d);
        }
        CHECK(got == verdict::good);
    });
}

TEST_CASE("TIME-10 a timer that is due looks empty, and its value comes once")
{
    on_procs([]() -> task<> {
        timer t(1ms);
        co_await sleep_ms(20);
        CHECK(t.channel().size() == 0);
        CHECK(t.channel().capacity() == 0);
        CHECK(t.channel().try_receive().has_value());
        CHECK(t.channel().size() == 0);
        CHECK_FALSE(t.channel().try_receive().has_value());
        co_await sleep_ms(5);
        CHECK_FALSE(t.channel().try_receive().has_value());
    });
}

TEST_CASE("TIME-11 stop of a timer that is due is true, and takes the value away")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 20; ++i) {
            timer t(i % 2 ? 1ms : 0ms);
            co_await sleep_ms(3);
            CHECK(t.stop());
            CHECK_FALSE(t.channel().try_receive().has_value());
        }
    });
}

TEST_CASE("TIME-12 reset of a timer that is due is true, and takes the value away")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 20; ++i) {
            timer t(i % 2 ? 1ms : 0ms);
            co_await sleep_ms(3);
            CHECK(t.reset(1h));
            CHECK_FALSE(t.channel().try_receive().has_value());
            CHECK(t.stop());
        }
    });
}

TEST_CASE("TIME-14 durations of zero and less are due at once, a thousand as one")
{
    on_procs([]() -> task<> {
        for (const auto d : {weft::duration::zero(), weft::duration(-1), weft::duration::min()}) {
            auto took = weft::duration::max();
            for (int attempt = 0; attempt < 5 && took >= 100ms; ++attempt) { // it may be busy
                const auto before = weft::clock::now();
                timer t(d);
                co_await t.channel().receive();
                took = weft::clock::now() - before;
            }
            CHECK(took < 100ms);
        }
        std::vector<timer> timers;
        for (int i = 0; i < 1000; ++i) timers.emplace_back(0ms);
        for (auto& t : timers) {
            auto s = co_await weft::select{t.channel().receive(), weft::after(2s)};
            CHECK(s.index() == 0);
        }
    });
}

TEST_CASE("TIME-15 what is dropped leaves nothing behind, running or stopped")
{
    on_procs([]() -> task<> {
        const auto kinds = {+[] { static_cast<void>(weft::after(1h)); },
                            +[] { static_cast<void>(weft::tick(1h)); },
                            +[] { static_cast<void>(timer(1h)); },
                            +[] { static_cast<void>(ticker(1h)); },
                            +[] { timer(1h).stop(); },
                            +[] { ticker(1h).stop(); },
                            +[] { weft::after_func(1h, [] {}).stop(); }};
        constexpr int n = 10'000;
        for (const auto& make : kinds) {
            make(); // what is kept to be used again
            const std::size_t before = weft_test::live_heap();
            for (int i = 0; i < n; ++i) make();
            // Not a byte of each; what remains, a thread that woke meanwhile may keep for itself.
            CHECK(weft_test::live_heap() < before + n);
        }
        // All at the same time, and then none.
        const std::size_t before = weft_test::live_heap();
        {
            std::vector<timer> timers;
            std::vector<weft::receive_channel<weft::time_point>> ticks;
            for (int i = 0; i < n; ++i) {
                timers.emplace_back(1h);
                ticks.push_back(weft::tick(1h));
            }
        }
        // 64 or so are kept to be used again.
        CHECK(weft_test::live_heap() <= before + 100 * 1024);
        co_return;
    });
}

TEST_CASE("TIME-22 a timer for later that is set to the past fires at once")
{
    on_procs([]() -> task<> {
        const auto rounds = weft_test::count(1000);
        for (std::size_t i = 0; i < rounds; ++i) {
            timer t(1h);
            for (int j = 0; j < 10; ++j) {
                t.stop();
                t.reset(-1s);
            }
            auto s = co_await weft::select{t.channel().receive(), weft::after(1s)};
            CHECK(s.index() == 0);
        }
    });
}

TEST_CASE("TIME-24 stop and reset of no timer are misuse")
{
    on_procs([]() -> task<> {
        timer none;
        CHECK_MISUSE(none.stop(), "time: Stop called on uninitialized Timer");
        CHECK_MISUSE(none.reset(1s), "time: Reset called on uninitialized Timer");
        ticker no_ticker;
        CHECK_MISUSE(no_ticker.stop(), "time: Stop called on uninitialized Ticker");
        CHECK_MISUSE(no_ticker.reset(1s), "time: Reset called on uninitialized Ticker");
        co_return;
    });
}

TEST_CASE("TIME-24 a running ticker may be destroyed while an exception unwinds")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 20; ++i) {
            auto h = weft::spawn([i]() -> task<> {
                ticker t(std::chrono::microseconds(1 + 20 * i));
                timer other(1h);
                co_await t.channel().receive();
                throw std::runtime_error("on its way");
            });
            std::string text;
            try {
                co_await h.join();
            } catch (const std::runtime_error& e) {
                text = e.what();
            }
            CHECK(text == "on its way");
        }
    });
}

TEST_CASE("TIME-11 of those who race to stop a timer and to receive from it one succeeds")
{
    on_procs([]() -> task<> {
        const int rounds = static_cast<int>(weft_test::count(1000));
        timer t(1h);
        auto ch = t.channel();
        for (int i = 0; i < rounds; ++i) {
            t.reset(std::chrono::microseconds(i % 50));
            std::atomic<int> taken{0};
            team racers;
            for (int k = 0; k < 3; ++k) {
                racers.go([&]() -> task<> {
                    if (t.stop()) ++taken;
                    co_return;
                });
                racers.go([&]() -> task<> {
                    if (ch.try_receive()) ++taken;
                    co_return;
                });
            }
            co_await racers.join();
            CHECK(taken == 1); // one of them stopped it, or had its value; the others neither
        }
    });
}
