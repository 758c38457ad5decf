// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/explore.hpp>

#include "captured_log.hpp"
#include "relay_program.hpp"
#include "testing.hpp"

#include <cstdlib>
#include <memory>
#include <set>
#include <string>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
namespace testing = weft::testing;

namespace {

/// A counter that is read and written in two steps, with a switch between them.
task<> lost_update(int goroutines)
{
    int value = 0;
    auto ended = make_channel<void>();
    for (int i = 0; i < goroutines; ++i) {
        weft::go([&, ended]() mutable -> task<> {
            const int seen = value;
            co_await weft::this_goroutine::yield();
            value = seen + 1;
            co_await ended.send();
        });
    }
    for (int i = 0; i < goroutines; ++i) co_await ended.receive();
    if (value != goroutines) throw std::runtime_error("an update was lost");
}

/// Deadlocks only if `b` is held back until `a` has gone through all of its steps.
task<> needs_a_long_delay(int steps)
{
    auto c = make_channel<int>(1);
    bool a_over = false, b_saw = false;
    auto ended = make_channel<void>(2);
    weft::go([&, ended, steps]() mutable -> task<> {
        for (int i = 0; i < steps; ++i) {
            co_await c.send(i);
            co_await c.receive();
        }
        a_over = true;
        co_await ended.send();
    });
    weft::go([&, ended]() mutable -> task<> {
        b_saw = a_over;
        co_await ended.send();
    });
    co_await ended.receive();
    co_await ended.receive();
    if (b_saw) throw std::runtime_error("b was held back");
}

} // namespace

TEST_CASE("explore finds a schedule on which an update is lost, and its seed replays it")
{
    const auto found = testing::find_failure([] { return lost_update(2); });
    REQUIRE(found);
    CHECK(found->schedules < 100);
    CHECK_THROWS_WITH(std::rethrow_exception(found->why), "an update was lost");
    for (int again = 0; again < 100; ++again) {
        CHECK_THROWS_WITH(testing::bubble([] { return lost_update(2); }, {.seed = found->seed}),
                          "an update was lost");
    }
    ::setenv("WEFT_SEED", std::to_string(found->seed).c_str(), 1);
    const auto again = testing::find_failure([] { return lost_update(2); });
    ::unsetenv("WEFT_SEED");
    REQUIRE(again);
    CHECK(again->schedules == 1);
    CHECK(again->seed == found->seed);
}

TEST_CASE("explore throws what the schedule threw")
{
    CHECK_THROWS_WITH(testing::explore([] { return lost_update(3); }), "an update was lost");
}

TEST_CASE("priorities find what needs a goroutine to be held back for long")
{
    const auto found =
        testing::find_failure([] { return needs_a_long_delay(50); }, {.schedules = 2'000});
    REQUIRE(found);
    CHECK((found->seed & 1) == 1); // by chance it would take 2^50
}

TEST_CASE("a right program passes on all schedules")
{
    const auto e = testing::explore(weft_test::three_goroutines_two_channels,
                                    {.schedules = weft_test::count(100'000)});
    CHECK(e.schedules == weft_test::count(100'000));
    MESSAGE(e.slices, " slices");
}

TEST_CASE("deadlocks are found, and every schedule is looked at once")
{
    // Two goroutines take two tokens in opposite order.
    const auto program = []() -> task<> {
        auto a = make_channel<void>(1);
        auto b = make_channel<void>(1);
        auto ended = make_channel<void>();
        const auto take_both = [ended](auto first, auto second) mutable -> task<> {
            co_await first.send();
            co_await second.send();
            static_cast<void>(second.try_receive());
            static_cast<void>(first.try_receive());
            co_await ended.send();
        };
        weft::go(take_both, a, b);
        weft::go(take_both, b, a);
        co_await ended.receive();
        co_await ended.receive();
    };
    const auto found = testing::find_failure(program);
    REQUIRE(found);
    try {
        std::rethrow_exception(found->why);
    } catch (const testing::failure& f) {
        CHECK(f.kind() == testing::failure_kind::deadlock);
        CHECK(f.goroutines().size() == 3);
    }
    CHECK_THROWS_AS(testing::exhaustive(program, 1), testing::failure);
    // Without a pre-emption each takes both.
    CHECK(testing::exhaustive(program, 0).complete);
}

TEST_CASE("exhaustive runs every order once")
{
    std::multiset<std::string> orders;
    const auto program = [&]() -> task<> {
        std::string order;
        auto ended = make_channel<void>(3);
        for (const char name : {'a', 'b', 'c'}) {
            weft::go([&, ended, name]() mutable -> task<> {
                order += name;
                co_await ended.send();
            });
        }
        for (int i = 0; i < 3; ++i) co_await ended.receive();
        orders.insert(order);
    };
    const auto e = testing::exhaustive(program, 0);
    CHECK(e.complete);
    for (const char* order : {"abc", "acb", "bac", "bca", "cab", "cba"}) {
        CHECK(orders.count(order) >= 1);
    }
}

TEST_CASE("exhaustive takes every ready case, and no other")
{
    std::multiset<std::size_t> taken;
    const auto e = testing::exhaustive(
        [&]() -> task<> {
            auto a = make_channel<int>(1), b = make_channel<int>(1), c = make_channel<int>(1);
            static_cast<void>(a.try_send(1));
            static_cast<void>(c.try_send(3));
            auto s = co_await weft::select{a.receive(), b.receive(), c.receive()};
            taken.insert(s.index());
        },
        0);
    CHECK(e.complete);
    CHECK(e.schedules == 2);
    CHECK(taken == std::multiset<std::size_t>{0, 2});
}

TEST_CASE("a program that is not the same on the same schedule is refused")
{
    int runs = 0;
    CHECK_THROWS_AS(testing::exhaustive(
                        [&]() -> task<> {
                            for (int i = 0; i <= 1 + runs % 2; ++i) {
                                weft::go(
                                    []() -> task<> { co_await weft::this_goroutine::yield(); });
                            }
                            ++runs;
                            co_return;
                        },
                        1),
                    weft::misuse_error);
}

TEST_CASE("soft checks can count as failures")
{
    int runs = 0;
    const auto found = testing::find_failure(
        [&] { ++runs; }, {.schedules = 100, .failed = [&] { return runs == 7; }});
    REQUIRE(found);
    CHECK(found->schedules == 7);
}

TEST_CASE("a loop that waits for another goroutine without waiting is no livelock")
{
    const auto program = []() -> task<> {
        auto flag = std::make_shared<bool>(false);
        auto busy = make_channel<int>(1), stop = make_channel<int>();
        weft::go([flag] { *flag = true; });
        while (!*flag) co_await weft::sleep(0s);
        weft::go([stop]() -> task<> {
            co_await weft::this_goroutine::yield();
            stop.close();
        });
        for (;;) {
            auto s = co_await weft::select_biased{stop.receive(), busy.send(1)};
            if (s.index() == 0) co_return;
            s.get<1>();
            co_await busy.receive();
        }
    };
    CHECK(testing::explore(program, {.schedules = 5'000, .most_slices = 20'000}).schedules ==
          5'000);
    CHECK(testing::exhaustive(program, 0, {.schedules = 1'000, .most_slices = 20'000}).schedules >
          0);
}

TEST_CASE("nothing of one schedule reaches into the next")
{
    int fired = 0, alive = 0;
    testing::explore(
        [&]() -> task<> {
            CHECK(alive == 0);
            ++alive;
            const auto later = weft::after_func(1h, [&] { ++fired; });
            --alive;
            co_return;
        },
        {.schedules = 10});
    testing::explore([]() -> task<> { co_await weft::sleep(24h); }, {.schedules = 10});
    CHECK(fired == 0);
}

TEST_CASE("a failure of one schedule, told of in the next, is not that one's")
{
    weft_test::captured_log log;
    std::optional<weft::join_handle<int>> kept;
    const auto fails = []() -> task<int> {
        throw std::runtime_error("nobody has seen it");
        co_return 1;
    };
    const auto done = testing::explore([&] { kept = weft::spawn(fails); }, {.schedules = 3});
    CHECK(done.schedules == 3);
    CHECK(log.with(weft::log_level::critical, "nobody has seen it") == 2);
    kept.reset();
    CHECK(log.with(weft::log_level::critical, "nobody has seen it") == 3);
}

TEST_CASE("a ticker beside a long sleep is no failure, and takes no long time")
{
    CHECK_FALSE(testing::find_failure([]() -> task<> {
        const weft::ticker every(1ms);
        co_await weft::sleep(1h);
    }));
}

TEST_CASE("a program that ends sooner on the same schedule is refused")
{
    int runs = 0;
    CHECK_THROWS_AS(testing::exhaustive(
                        [&]() -> task<> {
                            if (++runs > 1) co_return;
                            for (int i = 0; i < 2; ++i) {
                                weft::go(
                                    []() -> task<> { co_await weft::this_goroutine::yield(); });
                            }
                        },
                        1),
                    weft::misuse_error);
}
