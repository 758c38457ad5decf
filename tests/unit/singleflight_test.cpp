// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `singleflight`: whose function runs, who gets what came of it, and what contexts do to both.

#include "ending.hpp"
#include "testing.hpp"
#include "witness.hpp"

#include <weft/singleflight.hpp>
#include <weft/testing.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::make_channel;
using weft::singleflight;
using weft::task;
using weft_test::ending_of;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_alone;
using weft_test::until_parked;
using weft_test::witness;
namespace testing = weft::testing;

namespace {

const std::string canceled = weft::error(weft::errc::canceled).what();

} // namespace

TEST_CASE("the function may be plain code or a task, with or without the context of the call")
{
    on_procs([]() -> task<> {
        singleflight<std::string, int> flights;
        auto plain = [] { return 1; };
        auto slow = []() -> task<int> {
            co_await weft::this_goroutine::yield();
            co_return 2;
        };
        auto with_context = [](const context& ctx) -> task<int> {
            CHECK(weft::this_goroutine::get_context() == ctx);
            CHECK(!ctx.err());
            co_await weft::this_goroutine::yield();
            co_return 3;
        };
        auto plain_with_context = [](context ctx) { return ctx.err() ? 0 : 4; };
        auto by_move = [p = std::make_unique<int>(5)] { return *p; };
        const auto one = co_await flights.call("k", plain);
        CHECK(one.value == 1);
        CHECK(!one.shared);
        const auto two = co_await flights.call("k", slow);
        CHECK(two.value == 2);
        const auto three = co_await flights.call("k", with_context);
        CHECK(three.value == 3);
        const auto four = co_await flights.call(weft::background(), "k", plain_with_context);
        CHECK(four.value == 4);
        const auto [value, shared] = co_await flights.call("k", std::move(by_move));
        CHECK(value == 5);
        CHECK(!shared);
    });
}

TEST_CASE("a value that is not moved without a throw can be had, also by channel")
{
    struct clumsy {
        explicit clumsy(int x) : n(x) {}
        clumsy(const clumsy& o) : n(o.n) {}
        clumsy& operator=(const clumsy&) = default;
        int n;
    };
    on_procs([]() -> task<> {
        singleflight<int, clumsy> flights;
        auto f = [] { return clumsy(3); };
        const auto r = co_await flights.call(1, f);
        CHECK(r.value.n == 3);
        const auto c = flights.call_channel(1, f);
        const auto o = co_await c.receive();
        CHECK(o->value().n == 3);
        CHECK(!o->failure());
        CHECK(!o->shared());
    });
}

TEST_CASE("the function is gone when its callers go on")
{
    on_procs([]() -> task<> {
        singleflight<int, int> flights;
        std::atomic<int> gone = 0;
        auto f = [w = witness(gone)]() -> task<int> {
            co_await weft::this_goroutine::yield();
            co_return 1;
        };
        const auto r = co_await flights.call(1, std::move(f));
        CHECK(r.value == 1);
        CHECK(gone == 1);

        weft::receive_channel<singleflight<int, int>::outcome> answer;
        int any = 0;
        bool too_late = false;
        std::unique_ptr<int, std::function<void(int*)>> held(
            &any, [&](int*) { too_late = answer.size() != 0; });
        auto keep = [h = std::move(held)]() -> task<int> {
            co_await weft::this_goroutine::yield();
            co_return *h;
        };
        auto never = [] { return 1; };
        auto gate = make_channel<void>();
        auto slow = [gate, k = std::move(keep)]() mutable -> task<int> {
            co_await gate.receive();
            co_return co_await k();
        };
        answer = flights.call_channel(1, std::move(slow));
        co_await gate.send();
        static_cast<void>(co_await flights.call(1, never));
        static_cast<void>(co_await answer.receive());
        CHECK(!too_late);
    });
}

TEST_CASE("a caller that leaves by its context leaves the others waiting")
{
    on_procs([]() -> task<> {
        singleflight<int, int> flights;
        auto gate = make_channel<int>();
        int calls = 0;
        auto f = [&](const context& ctx) -> task<int> {
            ++calls;
            const auto v = co_await gate.receive(ctx);
            co_return *v;
        };
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto leaving = [&, c = ctx]() -> task<> {
            CHECK(co_await ending_of(flights.call(c, 1, f)) == canceled);
        };
        auto staying = [&]() -> task<> {
            const auto r = co_await flights.call(1, f);
            CHECK(r.value == 7);
            CHECK(r.shared);
        };
        team all;
        all.go(leaving); // the first one, as it happens
        co_await until_parked(1, "event");
        all.go(staying);
        all.go(staying);
        co_await until_parked(3, "event");
        cancel();
        co_await until_parked(2, "event");
        co_await gate.send(7);
        co_await all.join();
        CHECK(calls == 1);
    });
}

TEST_CASE("when the last one has left the call is cancelled and its key forgotten")
{
    on_procs([]() -> task<> {
        singleflight<int, int> flights;
        auto gate = make_channel<void>();
        std::atomic<int> cancelled = 0;
        auto endless = [&](const context& ctx) -> task<int> {
            co_await ctx.done();
            ++cancelled;
            co_await weft::shield(gate.receive()); // it takes its time
            co_return 0;
        };
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto caller = [&, c = ctx]() -> task<> {
            CHECK(co_await ending_of(flights.call(c, 1, endless)) == canceled);
        };
        auto bound = [&]() -> task<> { static_cast<void>(co_await flights.call(1, endless)); };
        team all;
        all.go(caller);
        co_await until_parked(1, "event");
        weft::go(ctx, bound);
        co_await until_parked(2, "event");
        co_await until_parked(1, "context done"); // a call that has not begun would not be made
        CHECK(cancelled == 0);
        cancel();
        co_await all.join();
        co_await until_parked(1, "chan receive");
        CHECK(cancelled == 1);
        auto fresh = [] { return 5; };
        const auto r = co_await flights.call(1, fresh);
        CHECK(r.value == 5);
        CHECK(!r.shared);
        co_await gate.send();
        CHECK(co_await ending_of(flights.call(ctx, 1, fresh)) == canceled);
    });
}

TEST_CASE(
    "the call's context has the values of the first caller's, and neither its end nor its deadline")
{
    struct user {
        using type = std::string;
    };
    on_procs([]() -> task<> {
        singleflight<int, int> flights;
        std::optional<context> seen;
        auto f = [&seen](const context& ctx) {
            CHECK(*ctx.value<user>() == "ada");
            CHECK(!ctx.deadline());
            seen = ctx;
            return 1;
        };
        auto [limited, cancel] = weft::with_timeout(weft::background(), 1h);
        const auto r = co_await flights.call(weft::with_value<user>(limited, "ada"), 1, f);
        CHECK(r.value == 1);
        co_await until_alone();
        CHECK(seen->err() == weft::errc::canceled); // it is over
    });
}

TEST_CASE("what a call throws when nobody waits any more is logged, but for its cancellation")
{
    std::mutex mutex;
    std::vector<std::string> lines;
    weft::set_log_sink([&](weft::log_level, std::string_view line) {
        const std::lock_guard one(mutex);
        lines.emplace_back(line);
    });
    on_procs([]() -> task<> {
        singleflight<int, int> flights;
        auto rude = [](const context& ctx) -> task<int> {
            co_await ctx.done();
            throw std::runtime_error("disk full");
        };
        auto obedient = [](const context& ctx) -> task<int> {
            co_await weft::sleep(ctx, 1h);
            co_return 1;
        };
        auto bound = []() -> task<int> {
            co_await weft::sleep(1h);
            co_return 1;
        };
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto one = [&, c = ctx]() -> task<> {
            CHECK(co_await ending_of(flights.call(c, 1, rude)) == canceled);
        };
        auto two = [&, c = ctx]() -> task<> {
            CHECK(co_await ending_of(flights.call(c, 2, obedient)) == canceled);
        };
        auto three = [&, c = ctx]() -> task<> {
            CHECK(co_await ending_of(flights.call(c, 3, bound)) == canceled);
        };
        team callers;
        callers.go(one);
        callers.go(two);
        callers.go(three);
        co_await until_parked(3, "event");
        co_await until_parked(1, "context done");
        cancel();
        co_await callers.join();
        co_await until_alone();
    });
    weft::set_log_sink({});
    CHECK(lines ==
          std::vector<std::string>(
              3, "singleflight: a call that nobody waited for any more failed: disk full"));
}

TEST_CASE("it may go while calls are in flight")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<int>();
        auto f = [gate]() -> task<int> {
            const auto v = co_await gate.receive();
            co_return *v;
        };
        std::optional<singleflight<int, int>> flights;
        flights.emplace();
        const auto c = flights->call_channel(1, f);
        auto caller = [](task<singleflight<int, int>::result> t) -> task<> {
            const auto r = co_await std::move(t);
            CHECK(r.value == 9);
        };
        team all;
        all.go(caller, flights->call(1, f));
        co_await until_parked(1, "event");
        flights.reset();
        co_await gate.send(9);
        co_await all.join();
        const auto o = co_await c.receive();
        CHECK(o->value() == 9);
        CHECK(o->shared());
    });
}

TEST_CASE("a runtime that ends takes a call and those that wait for it")
{
    std::atomic<int> gone = 0;
    on_procs(
        [&gone]() -> task<> {
            gone = 0;
            auto job = [&gone]() -> task<> {
                singleflight<int, int> flights;
                auto f = [w = witness(gone), never = make_channel<int>()]() -> task<int> {
                    co_return *co_await never.receive();
                };
                static_cast<void>(co_await flights.call(1, std::move(f)));
            };
            weft::go(job);
            co_await until_parked(1, "chan receive");
            co_await until_parked(1, "event");
            CHECK(gone == 0);
        },
        weft_test::leftovers::parked);
    CHECK(gone == 1);
    testing::leak_check();
}

TEST_CASE("a call of another runtime that ends throws errc::stopped")
{
    std::optional<weft::runtime> other;
    other.emplace(weft::runtime_options{.procs = 1});
    auto flights = std::make_shared<singleflight<int, int>>();
    auto never = make_channel<int>();
    auto start = [flights, never] {
        auto f = [never]() -> task<int> { co_return *co_await never.receive(); };
        static_cast<void>(flights->call_channel(1, f));
    };
    weft::sync_wait(other->get_executor(), start);
    std::string text;
    weft::runtime mine({.procs = 1});
    auto call = [&]() -> task<> {
        auto f = [] { return 1; };
        text = co_await ending_of(flights->call(1, f));
    };
    weft::go(mine.get_executor(), call);
    while (weft_test::parked("event") != 1) std::this_thread::yield();
    other.reset();
    mine.join();
    CHECK(text == weft::error(weft::errc::stopped).what());
    CHECK_MISUSE(flights->call_channel(1, [] { return 1; }),
                 "singleflight::call_channel: not on a weft runtime; pass its executor");
}

TEST_CASE("the context of the callers may end at every moment, and nothing is left")
{
    int left = 0;
    const auto none_left = [&left] {
        if (left != 0) throw std::runtime_error("something is left: " + std::to_string(left));
    };
    const auto program = [&left](context ctx) -> task<> {
        singleflight<int, int> flights;
        auto f = [&left](const context& inner) -> task<int> {
            ++left;
            const weft::defer end([&left] { --left; });
            co_await weft::sleep(inner, 1ms);
            co_return 3;
        };
        auto call = [&]() -> task<> {
            const auto r = co_await flights.call(1, f);
            if (r.value != 3) throw std::runtime_error("another value");
        };
        auto one = weft::spawn(ctx, call);
        auto two = weft::spawn(ctx, call);
        static_cast<void>(co_await flights.call(ctx, 1, f));
        co_await one.join();
        co_await two.join();
    };
    const auto report = testing::cancel_everywhere(program, {.check = none_left, .schedules = 20});
    CHECK(report.places > 5);
    testing::leak_check();
}

TEST_CASE("on every schedule all get the value of the one call that they waited for")
{
    const auto program = []() -> task<> {
        singleflight<int, int> flights;
        int calls = 0, flying = 0, lone = 0, got = 0;
        auto f = [&]() -> task<int> {
            if (++flying > 1) throw std::runtime_error("two at a time");
            const int n = ++calls;
            co_await weft::this_goroutine::yield();
            --flying;
            co_return n;
        };
        auto call = [&]() -> task<> {
            const auto r = co_await flights.call(1, f);
            if (r.value < 1 || r.value > calls) throw std::runtime_error("no call's value");
            lone += r.shared ? 0 : 1;
            ++got;
        };
        team all;
        for (int i = 0; i < 3; ++i) all.go(call);
        co_await all.join();
        if (got != 3 || calls > 3 || lone > calls) throw std::runtime_error("a call was lost");
        if (calls == 1 && lone != 0) throw std::runtime_error("it does not know that it is shared");
        if (calls == 3 && lone != 3) throw std::runtime_error("it was not shared");
    };
    testing::explore(program, {.schedules = 2'000});
    CHECK(testing::exhaustive(program, 1, {.schedules = 20'000}).schedules > 10);
}
