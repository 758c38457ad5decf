// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `heartbeat`: pulses for beats, silence without them, and its end.

#include "testing.hpp"

#include <weft/heartbeat.hpp>

#include <atomic>
#include <chrono>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using weft::heartbeat;
using weft::make_channel;
using weft::task;
using weft::time_point;
using weft_test::on_procs;
using weft_test::sleep_ms;

namespace {

/// Beats until `ctx` ends.
task<> busy(weft::context ctx, heartbeat life)
{
    while (!ctx.err()) {
        life.beat();
        co_await sleep_ms(1);
    }
}

} // namespace

TEST_CASE("arguments without a sense are misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        CHECK_MISUSE(heartbeat(ctx, 0s), "non-positive interval for heartbeat");
        CHECK_MISUSE(heartbeat(ctx, -1s), "non-positive interval for heartbeat");
        CHECK_MISUSE(heartbeat(ctx, 1s, 0s), "non-positive patience for heartbeat");
        CHECK_MISUSE(heartbeat(weft::context(), 1s), "cannot create context from nil parent");
        co_return;
    });
    CHECK_MISUSE(heartbeat(weft::background(), 1s),
                 "heartbeat: not on a weft runtime; pass its executor");
}

TEST_CASE("no heartbeat: nil channels, and beating does nothing")
{
    const heartbeat none;
    CHECK_FALSE(static_cast<bool>(none));
    none.beat();
    CHECK_FALSE(static_cast<bool>(none.pulses()));
    CHECK_FALSE(static_cast<bool>(none.silence()));
    CHECK_FALSE(none.alive());
}

TEST_CASE("a pulse each period while there are beats, with the moment of the latest")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 5ms, 1h);
        CHECK(life.alive());
        const time_point begin = weft::clock::now();
        weft::go(busy, ctx, life);
        time_point before = time_point::min();
        for (int i = 1; i <= 4; ++i) {
            auto pulse = co_await life.pulses().receive();
            CHECK(weft::clock::now() - begin >= i * 5ms - 1ms);
            REQUIRE(pulse.has_value());
            CHECK(*pulse > before);
            CHECK(*pulse <= weft::clock::now());
            before = *pulse;
        }
        CHECK(life.last_beat() >= before);
        cancel();
    });
}

TEST_CASE("no beat, no pulse; whoever comes late finds the newest alone")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 2ms, 1h);
        auto first = co_await life.pulses().receive(); // the beat it begins with
        REQUIRE(first.has_value());
        auto s = co_await weft::select{life.pulses().receive(), weft::after(10ms)};
        CHECK(s.index() == 1);
        for (int i = 0; i < 5; ++i) {
            life.beat();
            co_await sleep_ms(4);
        }
        const time_point last = life.last_beat();
        co_await weft_test::yield_until([&] { return life.pulses().size() == 1; });
        auto newest = co_await life.pulses().receive();
        REQUIRE(newest.has_value());
        CHECK(*newest > *first);
        if (*newest != last) { // the last tick was late
            newest = co_await life.pulses().receive();
            CHECK(newest == last);
        }
        CHECK(life.pulses().size() == 0);
        cancel();
    });
}

TEST_CASE("silence is told once, with the moment of the last beat, and not early")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 2ms, 10ms);
        life.beat();
        const time_point last = life.last_beat();
        auto quiet = co_await life.silence().receive();
        CHECK(quiet == last);
        CHECK(weft::clock::now() - last >= 10ms);
        CHECK_FALSE(life.alive());
        auto s = co_await weft::select{life.silence().receive(), weft::after(20ms)};
        CHECK(s.index() == 1);
        life.beat(); // another silence after it
        const time_point again = life.last_beat();
        quiet = co_await life.silence().receive();
        CHECK(quiet == again);
        cancel();
    });
}

TEST_CASE("silence comes at its moment, also with a long period")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 1h, 5ms);
        auto quiet = co_await life.silence().receive();
        CHECK(quiet == life.last_beat());
        cancel();
    });
}

TEST_CASE("silence that nobody received is taken back by a beat")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 2ms, 200ms);
        co_await weft_test::yield_until([&] { return life.silence().size() == 1; });
        life.beat();
        const time_point beat = life.last_beat();
        while (life.silence().size() == 1 && weft::clock::now() - beat < 150ms)
            co_await sleep_ms(1);
        if (weft::clock::now() - beat < 150ms) CHECK(life.silence().size() == 0);
        cancel();
    });
}

TEST_CASE("a worker that is stuck is noticed; one that goes on is not")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat good(ctx, 10ms, 2s), stuck(ctx, 10ms, 20ms);
        weft::go(busy, ctx, good);
        auto never = make_channel<void>();
        auto hangs = [never, stuck, ctx = ctx]() -> task<> {
            stuck.beat();
            co_await weft::select{never.receive(), ctx.done()};
        };
        weft::go(std::move(hangs));
        auto s = co_await weft::select{good.silence().receive(), stuck.silence().receive()};
        CHECK(s.index() == 1);
        CHECK(good.alive());
        cancel();
    });
}

TEST_CASE("the context's end closes both channels")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 1h);
        auto pulses = life.pulses();
        auto watcher = weft::spawn([life]() -> task<bool> {
            auto silence = co_await life.silence().receive();
            co_return silence.has_value();
        });
        cancel();
        const bool silent = co_await watcher.join();
        CHECK_FALSE(silent);
        auto pulse = co_await pulses.receive();
        CHECK_FALSE(pulse.has_value());
        life.beat(); // nothing to say any more

        const heartbeat late(ctx, 1h);
        auto none = co_await late.pulses().receive();
        CHECK_FALSE(none.has_value());
    });
}

TEST_CASE("the last handle's end closes both channels and ends the goroutine")
{
    on_procs([]() -> task<> {
        weft::receive_channel<time_point> pulses;
        {
            heartbeat a(weft::background(), 1h);
            heartbeat b = a;
            pulses = a.pulses();
            a = heartbeat();
            CHECK(b.alive());
            CHECK_FALSE(pulses.closed());
        }
        auto pulse = co_await pulses.receive();
        CHECK_FALSE(pulse.has_value());
        co_await weft_test::until_alone();
    });
}

TEST_CASE("beats come from any thread")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const heartbeat life(ctx, 1ms, 1h);
        std::atomic<bool> stop = false;
        std::thread outside([&] {
            while (!stop) {
                life.beat();
                std::this_thread::yield();
            }
        });
        for (int i = 0; i < 10; ++i) {
            auto pulse = co_await life.pulses().receive();
            CHECK(pulse.has_value());
        }
        stop = true;
        auto join = [&] { outside.join(); };
        co_await weft::blocking(join);
        cancel();
    });
}

TEST_CASE("unwound with its runtime")
{
    on_procs(
        []() -> task<> {
            static heartbeat* kept = nullptr;
            kept = new heartbeat(weft::background(), 1h);
            co_await weft_test::until_parked(1);
            weft::go([]() -> task<> {
                const std::unique_ptr<heartbeat> mine(kept);
                auto never = make_channel<void>();
                co_await never.receive();
            });
            co_await weft_test::until_parked(2);
        },
        weft_test::leftovers::parked);
}
