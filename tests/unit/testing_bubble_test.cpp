// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/testing/bubble.hpp>

#include "captured_log.hpp"
#include "testing.hpp"

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <atomic>
#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
namespace testing = weft::testing;

namespace {

/// What a bubble failed with.
template <class F>
std::optional<testing::failure> failure_of(F f, testing::bubble_options o = {})
{
    try {
        testing::bubble(std::move(f), o);
    } catch (const testing::failure& e) {
        return e;
    }
    return std::nullopt;
}

task<> receive_from(channel<int> c)
{
    co_await c.receive();
}

} // namespace

TEST_CASE("a bubble runs goroutines and returns what main returns")
{
    const int sum = testing::bubble([]() -> task<int> {
        auto c = make_channel<int>();
        for (int i = 1; i <= 100; ++i) {
            weft::go([c, i]() mutable -> task<> { co_await c.send(i); });
        }
        int total = 0;
        for (int i = 0; i < 100; ++i) total += *co_await c.receive();
        co_return total;
    });
    CHECK(sum == 5050);
    CHECK(testing::bubble([] { return 7; }) == 7);
}

TEST_CASE("an hour takes no time, and moments are exact")
{
    const auto real = std::chrono::steady_clock::now();
    testing::bubble([]() -> task<> {
        const auto start = weft::clock::now();
        co_await weft::sleep(1h);
        CHECK(weft::clock::now() - start == 1h);
        weft::ticker every(10min);
        for (int i = 1; i <= 6; ++i) {
            const auto at = co_await every.channel().receive();
            CHECK(*at - start == 1h + i * 10min);
        }
        auto s = co_await weft::select{weft::after(3s), weft::after(2s)};
        CHECK(s.index() == 1);
        CHECK(weft::clock::now() - start == 2h + 2s);
    });
    CHECK(std::chrono::steady_clock::now() - real < 10s);
}

TEST_CASE("time stands still while anything can run")
{
    testing::bubble([]() -> task<> {
        const auto start = weft::clock::now();
        bool late = false;
        weft::go([&]() -> task<> {
            co_await weft::sleep(1ns);
            late = true;
        });
        for (int i = 0; i < 1000; ++i) co_await weft::this_goroutine::yield();
        CHECK_FALSE(late);
        CHECK(weft::clock::now() == start);
        co_await weft::sleep(1ns);
        co_await testing::settle();
        CHECK(late);
    });
}

TEST_CASE("settle waits until the others are durably blocked")
{
    testing::bubble([]() -> task<> {
        auto c = make_channel<int>();
        int steps = 0;
        for (int i = 0; i < 10; ++i) {
            weft::go([&, c]() mutable -> task<> {
                for (int k = 0; k < 5; ++k) {
                    co_await weft::this_goroutine::yield();
                    ++steps;
                }
                co_await c.receive();
            });
        }
        co_await testing::settle();
        CHECK(steps == 50);
        c.close();
        co_await testing::settle();
        CHECK(weft::debug::goroutines().size() == 1);
    });
}

TEST_CASE("a deadlock fails the bubble, with a dump, and unwinds")
{
    bool unwound = false;
    const auto f = failure_of([&]() -> task<> {
        const weft::defer note([&] { unwound = true; });
        auto c = make_channel<int>();
        weft::go(receive_from, c);
        co_await c.receive();
    });
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::deadlock);
    CHECK(f->goroutines().size() == 2);
    CHECK(f->goroutines()[0].name == "main");
    CHECK(
        std::string(f->what()).starts_with("all goroutines in the bubble are asleep - deadlock!"));
    CHECK(std::string(f->what()).find("receive_from") != std::string::npos);
    CHECK(std::string(f->what()).find("[chan receive]") != std::string::npos);
    CHECK(unwound);
}

TEST_CASE("DEAD-05 goroutines left when main has returned are a leak, no deadlock")
{
    const auto f = failure_of([]() -> task<> {
        weft::go(receive_from, make_channel<int>());
        co_return;
    });
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::leak);
    CHECK(f->goroutines().size() == 1);

    // Time has ended with main: who sleeps now sleeps for ever.
    const auto sleeper = failure_of([]() -> task<> {
        weft::go([]() -> task<> { co_await weft::sleep(1s); });
        co_return;
    });
    REQUIRE(sleeper);
    CHECK(sleeper->kind() == testing::failure_kind::leak);
}

TEST_CASE("goroutines that can run go on when main has returned")
{
    int ran = 0;
    testing::bubble([&]() -> task<> {
        for (int i = 0; i < 5; ++i) {
            weft::go([&]() -> task<> {
                co_await weft::this_goroutine::yield();
                ++ran;
            });
        }
        co_return;
    });
    CHECK(ran == 5);
}

TEST_CASE("exceptions of main and panics of others end the bubble")
{
    CHECK_THROWS_WITH(testing::bubble([]() -> task<> {
                          weft::go([]() -> task<> { co_await weft::sleep(1h); });
                          throw std::runtime_error("main's");
                          co_return;
                      }),
                      "main's");
    CHECK_THROWS_WITH(testing::bubble([]() -> task<> {
                          weft::go([] { throw std::runtime_error("another's"); });
                          co_await weft::sleep(1h);
                      }),
                      "another's");
}

TEST_CASE("a failure that a handle tells of when the bubble is over is logged")
{
    weft_test::captured_log log;
    std::optional<weft::join_handle<int>> kept;
    const auto fails = []() -> task<int> {
        throw std::runtime_error("nobody has seen it");
        co_return 1;
    };
    testing::bubble([&] { kept = weft::spawn(fails); });
    CHECK(log.with("") == 0);
    kept.reset(); // there was no machine any more that it could be told to
    CHECK(log.with(weft::log_level::critical, "nobody has seen it") == 1);

    // The same handle in time.
    CHECK_THROWS_WITH(testing::bubble([&]() -> task<> {
                          kept = weft::spawn(fails);
                          co_await testing::settle();
                          kept.reset();
                          co_await weft::sleep(1h);
                      }),
                      "nobody has seen it");
    CHECK(log.with("") == 1);
}

TEST_CASE("a bubble's channel is refused outside of it")
{
    const auto in_other = failure_of([]() -> task<> {
        std::thread([c = make_channel<int>(1)]() mutable {
            // Another thread, another bubble.
            CHECK_THROWS_AS(testing::bubble([&] { static_cast<void>(c.try_send(1)); }),
                            testing::failure);
        }).join();
        co_return;
    });
    REQUIRE(in_other);
    CHECK(in_other->kind() == testing::failure_kind::visit);

    const auto from_waiting_sender = failure_of([]() -> task<> {
        auto c = make_channel<int>();
        weft::go([c]() -> task<> { co_await c.send(1); });
        co_await testing::settle();
        std::thread([c] { static_cast<void>(c.try_receive()); }).join();
    });
    REQUIRE(from_waiting_sender);
    CHECK(from_waiting_sender->kind() == testing::failure_kind::visit);

    const auto from_thread = failure_of([]() -> task<> {
        auto c = make_channel<int>(1);
        std::thread([c]() mutable { static_cast<void>(c.try_receive()); }).join();
        co_return;
    });
    REQUIRE(from_thread);
    CHECK(from_thread->kind() == testing::failure_kind::visit);
}

TEST_CASE("who waits for a channel from outside is not durably blocked")
{
    auto outside = make_channel<int>();
    std::thread sender;
    testing::bubble([&]() -> task<> {
        const auto start = weft::clock::now();
        weft::go([]() -> task<> {
            auto s = co_await weft::select{weft::after(0s)};
            static_cast<void>(s);
        });
        sender = std::thread([c = outside]() mutable {
            std::this_thread::sleep_for(20ms);
            static_cast<void>(c.try_send(42));
        });
        weft::timer in_bubble(1h);
        // Real time passes, none here; so the timer does not win.
        auto s = co_await weft::select{outside.receive(), in_bubble.channel().receive()};
        CHECK(s.index() == 0);
        CHECK(weft::clock::now() == start);
    });
    sender.join();
}

TEST_CASE("what does not come from outside is not waited for for ever")
{
    auto outside = make_channel<int>();
    const auto f = failure_of([&]() -> task<> { co_await outside.receive(); }, {.patience = 50ms});
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::stuck);

    // More milliseconds than a clock has nanoseconds.
    testing::bubble([]() -> task<> { co_await weft_test::sleep_ms(20); },
                    {.patience = std::chrono::milliseconds::max()});
}

TEST_CASE("Asio operations run in real time")
{
    testing::bubble([]() -> task<> {
        const auto start = weft::clock::now();
        co_await weft_test::sleep_ms(20);
        CHECK(weft::clock::now() == start);
    });
}

TEST_CASE("time stands still, too, while one that asio::co_spawn began waits outside")
{
    testing::bubble([]() -> task<> {
        const auto start = weft::clock::now();
        const auto ex = weft::this_goroutine::get_executor();
        std::optional<weft::time_point> ended;
        const auto waits = [&]() -> task<> {
            co_await weft_test::sleep_ms(20);
            ended = weft::clock::now();
        };
        asio::co_spawn(ex, waits(), asio::detached);
        co_await weft::sleep(1h);
        CHECK(ended == start);
        ended.reset();
        asio::post(ex, [&] { asio::co_spawn(ex, waits(), asio::detached); });
        co_await testing::settle();
        CHECK(ended == start + 1h);
    });
}

TEST_CASE("time stands still, too, while one runs on another context's thread")
{
    asio::io_context elsewhere;
    auto work = asio::make_work_guard(elsewhere);
    std::thread thread([&] { elsewhere.run(); });
    const weft::defer end([&] {
        work.reset();
        thread.join();
    });
    for (const bool timed : {false, true}) {
        CAPTURE(timed);
        testing::bubble([&]() -> task<> {
            std::atomic<bool> over = false;
            auto visit = [&]() -> task<> {
                asio::steady_timer soon(elsewhere, 5ms);
                co_await soon.async_wait(
                    asio::bind_executor(elsewhere.get_executor(), asio::deferred));
                std::this_thread::sleep_for(50ms); // it runs all that time
                over = true;
            };
            auto visitor = weft::spawn(visit);
            if (timed) co_await weft::sleep(1h);
            else co_await visitor.join();
            CHECK(over);
        });
    }
}

TEST_CASE("goroutines that Asio still holds are destroyed with the bubble")
{
    bool unwound = false;
    const auto f = failure_of(
        [&]() -> task<> {
            weft::go([&]() -> task<> {
                const weft::defer note([&] { unwound = true; });
                co_await weft_test::sleep_ms(1'000'000);
            });
            co_return;
        },
        {.patience = 50ms});
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::stuck);
    CHECK(unwound);
}

TEST_CASE("only tickers go on: that is a deadlock, too; what never comes is no timer")
{
    const auto ticking = failure_of(
        []() -> task<> {
            const weft::ticker every(1s);
            co_await make_channel<int>().receive();
        },
        {.most_slices = 1000});
    REQUIRE(ticking);
    CHECK(ticking->kind() == testing::failure_kind::deadlock);

    const auto never = failure_of([]() -> task<> {
        auto c = make_channel<int>();
        co_await weft::select{c.receive(), weft::after(weft::duration::max())};
    });
    REQUIRE(never);
    CHECK(never->kind() == testing::failure_kind::deadlock);
}

TEST_CASE("ticks that nobody receives pass by, and those that somebody does are where they were")
{
    testing::bubble([]() -> task<> {
        const auto start = weft::clock::now();
        weft::ticker often(1ms), seldom(7min), read(10min);
        std::vector<weft::time_point> seen;
        weft::go([&]() -> task<> {
            for (int i = 0; i < 5; ++i) seen.push_back(*co_await read.channel().receive());
        });
        // Far more ticks than `most_slices`.
        co_await weft::sleep(1000h + 500us);
        for (std::size_t i = 0; i < seen.size(); ++i)
            CHECK(seen[i] - start == static_cast<int>(i + 1) * 10min);
        CHECK(seen.size() == 5);
        auto at = co_await often.channel().receive();
        CHECK(*at - start == 1ms); // the oldest one lies there
        CHECK(weft::clock::now() - start == 1000h + 500us);
        at = co_await often.channel().receive();
        CHECK(*at - start == 1000h + 1ms);
        CHECK(weft::clock::now() == *at);
        at = co_await seldom.channel().receive();
        CHECK(*at - start == 7min);
        at = co_await seldom.channel().receive();
        CHECK(*at - start == 60'004min);
        CHECK(weft::clock::now() == *at);
    });

    const auto none = failure_of([]() -> task<> {
        const weft::ticker every(1ms);
        const weft::timer once(1h);
        auto c = make_channel<int>();
        co_await weft::select{c.receive(), weft::after(weft::duration::max())};
    });
    REQUIRE(none);
    CHECK(none->kind() == testing::failure_kind::deadlock);
}

TEST_CASE("handlers that post themselves for ever end the bubble")
{
    struct again {
        weft::executor ex;
        void operator()() const { asio::post(ex, again{ex}); }
    };
    const auto f = failure_of(
        []() -> task<> {
            const again handler{weft::this_goroutine::get_executor()};
            asio::post(handler.ex, handler);
            co_await make_channel<int>().receive();
        },
        {.most_slices = 1000});
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::deadlock);
}

TEST_CASE("work outside that no goroutine waits for does not stop time")
{
    testing::bubble([]() -> task<> {
        auto c = make_channel<int>();
        const auto ex = weft::this_goroutine::get_executor();
        bool got = false;
        c.receive()(asio::bind_executor(
            ex, [&](std::exception_ptr, std::optional<int> v) { got = v == 7; }));
        co_await weft::sleep(1h);
        co_await c.send(7);
        co_await testing::settle();
        CHECK(got);
    });
    // But it is waited for before a deadlock is reported.
    testing::bubble([]() -> task<> {
        auto c = make_channel<int>();
        asio::steady_timer real(weft::this_goroutine::get_executor(), 20ms);
        real.async_wait([c](auto) { static_cast<void>(c.try_send(1)); });
        co_await c.receive();
    });
}

TEST_CASE("a context from outside may end what waits in the bubble")
{
    auto outer = weft::with_cancel(weft::background());
    std::thread canceller;
    testing::bubble([&]() -> task<> {
        auto below = weft::with_cancel(outer.ctx);
        weft::go(outer.ctx, []() -> task<> { co_await make_channel<int>().receive(); });
        canceller = std::thread([&] {
            std::this_thread::sleep_for(20ms);
            outer.cancel();
        });
        co_await below.ctx.done();
    });
    canceller.join();
}

TEST_CASE("one who was made to leave a settle does not take another one's place")
{
    testing::bubble([]() -> task<> {
        auto life = weft::with_cancel(weft::background());
        bool settled = false;
        weft::go(life.ctx, []() -> task<> { co_await testing::settle(); });
        co_await weft::this_goroutine::yield();
        weft::go([&]() -> task<> {
            try {
                co_await testing::settle();
            } catch (const weft::misuse_error&) { // the first one was still there
            }
            settled = true;
        });
        weft::go([&] { life.cancel(); });
        co_await weft::sleep(1s);
        CHECK(settled);
    });
}

TEST_CASE("a livelock ends")
{
    const auto f = failure_of(
        []() -> task<> {
            for (;;) co_await weft::this_goroutine::yield();
        },
        {.most_slices = 1000});
    REQUIRE(f);
    CHECK(f->kind() == testing::failure_kind::livelock);
}

TEST_CASE("bad use is refused with a clear error")
{
    CHECK_MISUSE(testing::settle(), "testing::settle: outside a bubble");
    testing::bubble([]() -> task<> {
        CHECK_MISUSE(testing::bubble([] {}), "testing: a bubble inside another bubble");
        CHECK_MISUSE(co_await weft::blocking([] {}),
                     "blocking: in a testing::bubble, which runs on one thread");
        co_return;
    });
    weft::run([] {
        CHECK_MISUSE(testing::bubble([] {}),
                     "testing: a bubble in a goroutine would block its thread until it is over");
    });
    int refused = 0;
    testing::bubble([&]() -> task<> {
        const auto settle = [&]() -> task<> {
            try {
                co_await testing::settle();
            } catch (const weft::misuse_error&) {
                ++refused;
            }
        };
        weft::go(settle);
        co_await settle();
    });
    CHECK(refused == 1);
    ::setenv("WEFT_SEED", "12monkeys", 1);
    CHECK_MISUSE(testing::bubble([] {}), "WEFT_SEED=12monkeys is not a 64-bit number");
    ::unsetenv("WEFT_SEED");
}

TEST_CASE("the same seed is the same schedule")
{
    const auto order = [](std::uint64_t seed) {
        std::string letters;
        testing::bubble(
            [&]() -> task<> {
                auto c = make_channel<char>(2);
                for (char name = 'a'; name <= 'e'; ++name) {
                    weft::go([c, name]() mutable -> task<> {
                        for (int i = 0; i < 4; ++i) co_await c.send(name);
                    });
                }
                for (int i = 0; i < 20; ++i) letters += *co_await c.receive();
            },
            {.seed = seed});
        return letters;
    };
    std::vector<std::string> seen;
    for (std::uint64_t seed = 0; seed < 20; ++seed) {
        seen.push_back(order(seed));
        for (int again = 0; again < 5; ++again) CHECK(order(seed) == seen.back());
    }
    std::sort(seen.begin(), seen.end());
    CHECK(std::unique(seen.begin(), seen.end()) - seen.begin() >= 15);
}
