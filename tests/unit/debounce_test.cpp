// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `debounce`: which calls run, with what, and when; one run at a time; its end.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/debounce.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::debounce;
using weft::debounce_options;
using weft::make_channel;
using weft::task;
using weft::time_point;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;

namespace {

/// Sends what it is called with.
auto record(const weft::channel<int>& to)
{
    return [to](int v) -> task<> { co_await to.send(v); };
}

} // namespace

TEST_CASE("arguments without a sense are misuse")
{
    on_procs([]() -> task<> {
        const auto make = [](weft::duration wait, debounce_options o = {}) {
            return debounce(wait, [] {}, o);
        };
        CHECK_MISUSE(make(0s), "non-positive wait for debounce");
        CHECK_MISUSE(make(-1s), "non-positive wait for debounce");
        CHECK_MISUSE(make(1s, {.max_wait = 0s}), "non-positive max_wait for debounce");
        CHECK_MISUSE(make(1s, {.trailing = false}), "debounce: neither leading nor trailing");
        co_return;
    });
    CHECK_MISUSE(debounce(1s, [] {}), "debounce: not on a weft runtime; pass its executor");
}

TEST_CASE("a row of calls runs once, with the latest arguments, when it has become quiet")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(5ms, record(ran));
        time_point last;
        for (int i = 1; i <= 20; ++i) {
            last = weft::clock::now();
            d(i);
            CHECK(d.pending());
            co_await weft::this_goroutine::yield();
        }
        auto v = co_await ran.receive();
        CHECK(weft::clock::now() - last >= 5ms);
        CHECK(v == 20);
        CHECK_FALSE(d.pending());
        co_await sleep_ms(10);
        CHECK(ran.size() == 0);
        d(21); // a new row
        v = co_await ran.receive();
        CHECK(v == 21);
    });
}

TEST_CASE("each call puts the run off; the timer is not early")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(10ms, record(ran));
        const time_point begin = weft::clock::now();
        time_point last = begin;
        int i = 0;
        while (weft::clock::now() - begin < 30ms) {
            const time_point now = weft::clock::now();
            if (ran.size() != 0 && now - last < 10ms) FAIL_CHECK("it ran while calls went on");
            if (ran.size() != 0) co_return; // the machine slept
            last = now;
            d(++i);
            co_await sleep_ms(1);
        }
        auto v = co_await ran.receive();
        CHECK(weft::clock::now() - last >= 10ms);
        CHECK(v == i);
    });
}

TEST_CASE("leading: the first call runs at once, the others do not")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(20ms, record(ran), {.leading = true, .trailing = false});
        d(1);
        CHECK_FALSE(d.pending());
        auto v = co_await ran.receive();
        CHECK(v == 1);
        d(2);
        CHECK_FALSE(d.pending());
        CHECK_FALSE(d.flush());
        co_await sleep_ms(1);
        CHECK(ran.size() == 0);
        co_await sleep_ms(30);
        d(3);
        v = co_await ran.receive();
        CHECK(v == 3);
    });
}

TEST_CASE("leading and trailing: a single call runs once, of more the first and the last")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(5ms, record(ran), {.leading = true});
        d(1);
        auto v = co_await ran.receive();
        CHECK(v == 1);
        co_await sleep_ms(15);
        CHECK(ran.size() == 0);
        d(2);
        d(3);
        d(4);
        v = co_await ran.receive();
        CHECK(v == 2);
        v = co_await ran.receive();
        CHECK(v == 4);
        co_await sleep_ms(15);
        CHECK(ran.size() == 0);
    });
}

TEST_CASE("max_wait: it runs while calls go on")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(64);
        const debounce d(1h, record(ran), {.max_wait = 1ms});
        d(0);
        CHECK_FALSE(ran.try_receive().has_value());
        d.cancel(); // max_wait is not below wait

        const debounce often(5ms, record(ran), {.max_wait = 10ms});
        const time_point begin = weft::clock::now();
        int calls = 0;
        while (ran.size() < 3) {
            often(++calls);
            co_await weft::this_goroutine::yield();
        }
        // A machine that sleeps for 5 ms makes it quiet: then it runs earlier, but not before that.
        CHECK(weft::clock::now() - begin >= 14ms);
        CHECK(calls > 3);
    });
}

TEST_CASE("flush runs what waits, at once")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(1h, record(ran));
        CHECK_FALSE(d.flush());
        d(1);
        d(2);
        CHECK(d.flush());
        CHECK_FALSE(d.pending());
        auto v = co_await ran.receive();
        CHECK(v == 2);
        CHECK_FALSE(d.flush());
        d(3);
        CHECK(d.flush());
        v = co_await ran.receive();
        CHECK(v == 3);
    });
}

TEST_CASE("cancel forgets what waits, and the row")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce d(2ms, record(ran));
        CHECK_FALSE(d.cancel());
        d(1);
        CHECK(d.cancel());
        CHECK_FALSE(d.pending());
        co_await sleep_ms(10);
        CHECK(ran.size() == 0);

        const debounce leads(1h, record(ran), {.leading = true});
        leads(2);
        leads(3);
        CHECK(leads.cancel());
        leads(4); // the first again
        auto v = co_await ran.receive();
        CHECK(v == 2);
        v = co_await ran.receive();
        CHECK(v == 4);
    });
}

TEST_CASE("the handle's end forgets what waits; moving does not")
{
    std::atomic<int> destroyed = 0;
    on_procs([&]() -> task<> {
        destroyed = 0;
        auto ran = make_channel<int>(8);
        {
            auto f = [ran, w = weft_test::witness(destroyed)](int v) -> task<> {
                co_await ran.send(v);
            };
            debounce a(2ms, std::move(f));
            a(1);
            debounce b = std::move(a);
            b(2);
            auto v = co_await ran.receive();
            CHECK(v == 2);
            b(3);
        }
        co_await sleep_ms(10);
        CHECK(ran.size() == 0);
        CHECK(destroyed == 1);
    });
}

TEST_CASE("it never runs twice at once; what becomes due meanwhile runs afterwards, the latest")
{
    on_procs([]() -> task<> {
        auto begun = make_channel<int>(8);
        auto gate = make_channel<void>();
        std::atomic<int> inside = 0;
        auto f = [&inside, begun, gate](int v) -> task<> {
            CHECK(++inside == 1);
            co_await begun.send(v);
            co_await gate.receive();
            --inside;
        };
        const debounce d(1h, f, {.leading = true});
        d(1);
        auto v = co_await begun.receive();
        CHECK(v == 1);
        for (int i = 2; i <= 4; ++i) {
            d(i);
            CHECK(d.flush());
            CHECK(d.pending()); // due, but the first one runs
        }
        co_await sleep_ms(2);
        CHECK(begun.size() == 0);
        co_await gate.send();
        v = co_await begun.receive();
        CHECK(v == 4);
        CHECK_FALSE(d.pending());
        d(5);
        CHECK(d.flush());
        CHECK(d.cancel()); // also what is due and has not begun
        co_await gate.send();
        co_await sleep_ms(2);
        CHECK(begun.size() == 0);
    });
}

TEST_CASE("a run goes on after the handle has gone")
{
    on_procs([]() -> task<> {
        auto begun = make_channel<void>();
        auto gate = make_channel<void>();
        auto ended = make_channel<std::string>(1);
        {
            auto own = std::make_shared<std::string>("own");
            auto f = [begun, gate, ended, own](std::string s) -> task<> {
                co_await begun.send();
                co_await gate.receive();
                co_await ended.send(*own + s);
            };
            const debounce d(1ms, f);
            d("ed");
            co_await begun.receive();
        }
        co_await gate.send();
        auto s = co_await ended.receive();
        CHECK(s == "owned");
    });
}

TEST_CASE("an exception is a panic; later calls go on, also those due meanwhile")
{
    std::atomic<int> panics = 0;
    const auto count_panics = [&](const weft::panic_info&) { ++panics; };
    on_procs(
        [&]() -> task<> {
            panics = 0;
            auto begun = make_channel<int>(8);
            auto gate = make_channel<void>();
            auto f = [begun, gate](int v) -> task<> {
                co_await begun.send(v);
                co_await gate.receive();
                if (v % 2 == 1) throw std::runtime_error("odd");
            };
            const debounce d(1h, f);
            d(1);
            d.flush();
            auto v = co_await begun.receive();
            d(2);
            d.flush();
            co_await gate.send();
            v = co_await begun.receive();
            CHECK(v == 2);
            co_await gate.send();
            d(4);
            d.flush();
            v = co_await begun.receive();
            CHECK(v == 4);
            co_await gate.send();
            co_await weft_test::yield_until([&] { return panics == 1; });
        },
        weft_test::leftovers::none, weft::panic_policy(count_panics));
}

TEST_CASE("any arguments: none, several, such as can only be moved; plain functions")
{
    on_procs([]() -> task<> {
        auto ran = make_channel<int>(8);
        const debounce none(1ms, [ran]() -> task<> { co_await ran.send(1); });
        none();
        auto v = co_await ran.receive();
        CHECK(v == 1);
        const debounce owns(
            1ms, [ran](std::unique_ptr<int> p, int plus) { CHECK(ran.try_send(*p + plus)); });
        owns(std::make_unique<int>(40), 2);
        v = co_await ran.receive();
        CHECK(v == 42);
        // A call may be of a different form each time.
        const debounce any(1ms, [ran](auto... all) { CHECK(ran.try_send(int(sizeof...(all)))); });
        any(1, 2, 3);
        any("one");
        v = co_await ran.receive();
        CHECK(v == 1);
    });
}

TEST_CASE("the function may use its own debounce")
{
    on_procs([]() -> task<> {
        auto done = make_channel<void>();
        std::optional<debounce<std::function<void(int)>>> again;
        std::function<void(int)> f = [&](int n) {
            if (n == 0) {
                done.close();
            } else {
                (*again)(n - 1);
            }
        };
        again.emplace(1ms, f, debounce_options{.leading = true});
        (*again)(3);
        co_await done.receive();
    });
}

TEST_CASE("from many goroutines and threads, all but the latest may be lost, and nothing else")
{
    on_procs([]() -> task<> {
        const int rounds = static_cast<int>(weft_test::count(2000));
        std::atomic<int> inside = 0, runs = 0;
        auto f = [&](int) -> task<> {
            CHECK(++inside == 1);
            co_await weft::this_goroutine::yield();
            --inside;
            ++runs;
        };
        const debounce d(50us, f, {.leading = true, .max_wait = 100us});
        const auto hammer = [&](int i) {
            d(i);
            if (i % 17 == 0) d.flush();
            if (i % 41 == 0) d.cancel();
        };
        team all;
        for (int k = 0; k < 4; ++k) {
            all.go([&]() -> task<> {
                for (int i = 1; i <= rounds; ++i) {
                    hammer(i);
                    if (i % 8 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        std::thread outside([&] {
            for (int i = 1; i <= rounds; ++i) hammer(i);
        });
        co_await all.join();
        auto joined = [&] { outside.join(); };
        co_await weft::blocking(joined);
        d(0);
        d.flush();
        co_await weft_test::yield_until([&] { return !d.pending() && inside == 0; });
        CHECK(runs > 0);
        co_await weft_test::until_alone();
    });
}

TEST_CASE("with an executor, from outside; and after the runtime's end, without effect")
{
    std::atomic<int> destroyed = 0;
    {
        std::optional<weft::runtime> rt(std::in_place, weft::runtime_options{.procs = 2});
        std::atomic<int> runs = 0;
        const debounce d(rt->get_executor(), 1ms,
                         [&runs, w = weft_test::witness(destroyed)] { ++runs; });
        d();
        while (runs == 0) std::this_thread::yield();
        d();
        rt.reset();
        d();
        d.flush();
        d();
        d.cancel();
    }
    CHECK(destroyed == 1);
}

TEST_CASE("unwound while it runs, with calls waiting")
{
    std::atomic<int> destroyed = 0;
    on_procs(
        [&]() -> task<> {
            auto begun = make_channel<void>();
            auto f = [begun, w = weft_test::witness(destroyed)](int) -> task<> {
                co_await begun.send();
                auto never = make_channel<void>();
                co_await never.receive();
            };
            auto body = [f = std::move(f), begun]() mutable -> task<> {
                const debounce d(1h, std::move(f), {.leading = true});
                d(1);
                co_await begun.receive();
                d(2);
                d.flush();
                d(3);
                auto never = make_channel<void>();
                co_await never.receive();
            };
            weft::go(std::move(body));
            co_await weft_test::until_parked(2);
        },
        weft_test::leftovers::parked);
    CHECK(destroyed == 3);
}
