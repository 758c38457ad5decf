// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/faults.hpp>
#include <weft/testing/operator_new.hpp>

#include "testing.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/debug/trace.hpp>

#include <memory>
#include <new>
#include <sstream>

using namespace std::chrono_literals;
using weft::channel;
using weft::context;
using weft::make_channel;
using weft::task;
namespace testing = weft::testing;

namespace {

/// What is alive of a kind that is counted.
int alive = 0;
struct witness {
    witness() { ++alive; }
    witness(witness&&) noexcept { ++alive; }
    witness& operator=(witness&&) noexcept = default;
    ~witness() { --alive; }
};

const auto none_alive = [] {
    if (alive != 0) throw std::runtime_error("a witness was lost: " + std::to_string(alive));
};

/// Goroutines that hand witnesses on and end with the context.
task<> pipeline(context ctx)
{
    auto there = make_channel<witness>(1), back = make_channel<witness>();
    weft::go(ctx, [there, back]() -> task<> {
        while (auto w = co_await there.receive()) {
            co_await weft::sleep(1s);
            co_await back.send(std::move(*w));
        }
        back.close();
    });
    weft::go(ctx, [there]() -> task<> {
        const weft::defer end([there] { there.close(); });
        for (int i = 0; i < 3; ++i) co_await there.send(witness());
    });
    for (;;) {
        auto s = co_await weft::select{back.receive(), weft::after(1h)};
        if (s.index() == 1 || !s.get<0>()) co_return;
    }
}

} // namespace

TEST_CASE("a program that honours its context survives its end at every moment")
{
    const auto report =
        testing::cancel_everywhere(pipeline, {.check = none_alive, .schedules = 10});
    CHECK(report.places > 20);
    CHECK(report.runs == 10 * (report.places + 1));
}

TEST_CASE("a goroutine that does not hear the context is found")
{
    CHECK_THROWS_AS(testing::cancel_everywhere([](context) -> task<> {
                        auto c = make_channel<int>();
                        weft::go([c]() -> task<> { co_await c.receive(); }); // not bound
                        co_await c.send(1);
                    }),
                    testing::failure);
}

TEST_CASE("a value that only a certain moment loses is found")
{
    int held = 0;
    const auto leaky = [&](context) -> task<> {
        auto c = make_channel<int>(1);
        for (int i = 0; i < 5; ++i) co_await c.send(i), co_await c.receive();
        ++held;
        co_await c.send(1);
        co_await c.receive();
        co_await weft::sleep(1s); // if the context ends here, what follows does not happen
        --held;
    };
    CHECK_THROWS_WITH(testing::cancel_everywhere(leaky, {.check =
                                                             [&] {
                                                                 if (std::exchange(held, 0) != 0)
                                                                     throw std::runtime_error(
                                                                         "lost");
                                                             }}),
                      "lost");
}

TEST_CASE("every allocation may fail, and nothing is lost")
{
    const auto program = []() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        co_await pipeline(ctx);
        weft::timer t(1s);
        co_await t.channel().receive();
        auto h = weft::spawn([] { return witness(); });
        static_cast<void>(co_await h.join());
        cancel();
    };
    const auto report = testing::fail_allocations(program, {.check = none_alive, .schedules = 4});
    CHECK(report.places > 10);
}

TEST_CASE("a trace that is stopped without memory has ended all the same")
{
    {
        weft::debug::trace first; // what is made once is there
        std::ostringstream out;
        first.stop(out);
    }
    const auto program = []() -> task<> {
        weft::debug::trace t({.records_per_worker = 1});
        std::ostringstream out;
        try {
            t.stop(out);
        } catch (const std::bad_alloc&) {
            CHECK_FALSE(weft::debug::trace::is_enabled());
            throw;
        }
        co_return;
    };
    const auto report = testing::fail_allocations(
        program, {.check = [] { CHECK_FALSE(weft::debug::trace::is_enabled()); }, .places = 60});
    CHECK(report.places > 5);
}

TEST_CASE("a look at all goroutines that finds no memory lets them go on")
{
    int refused = 0;
    const auto report = testing::fail_allocations([&]() -> task<> {
        for (int i = 0; i < 2; ++i) { // the second one would find the world stopped
            try {
                static_cast<void>(weft::debug::goroutines());
            } catch (const std::bad_alloc&) {
                ++refused;
            }
        }
        co_await weft::this_goroutine::yield();
    });
    CHECK(refused >= 1);
    CHECK(report.places > 3);
}

TEST_CASE("a program that goes on without memory is not over")
{
    int refused = 0;
    const auto report = testing::fail_allocations([&]() -> task<> {
        try {
            auto c = make_channel<int>(1);
            co_await c.send(1);
        } catch (const std::bad_alloc&) {
            ++refused;
        }
        co_await weft::sleep(1s);
    });
    CHECK(refused >= 1);
    CHECK(report.places >= 3); // frames, and the channel
}

TEST_CASE("a program that runs until it is cancelled has as many places as are wanted")
{
    const auto report = testing::cancel_everywhere(
        [](context ctx) -> task<> {
            const weft::ticker every(1s);
            for (;;) co_await every.channel().receive(ctx);
        },
        {.places = 100});
    CHECK(report.places == 100);
}
