// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// cond: its own members; no signal is lost, and none is taken twice.

#include <weft/cond.hpp>

#include "sync_waits.hpp"

#include <atomic>
#include <string>
#include <type_traits>

using weft::cond;
using weft::mutex;
using weft::task;
using weft_test::code_of;
using weft_test::on_procs;
using namespace std::chrono_literals;

namespace {

/// A number, and a condition that it has changed.
struct counter {
    mutex m;
    cond changed{m};
    int value = 0;
};

constexpr const char* waiting = "sync.Cond.Wait";

/// Waits once, and takes one.
task<> take_one(counter& c)
{
    auto g = co_await c.m.lock();
    while (c.value == 0) co_await c.changed.wait(g);
    --c.value;
}
task<> take_one_with(counter& c, weft::context ctx)
{
    auto g = co_await c.m.lock();
    while (c.value == 0) co_await c.changed.wait(ctx, g);
    --c.value;
}
task<> put_one(counter& c)
{
    {
        const auto g = co_await c.m.lock();
        ++c.value;
    }
    c.changed.signal();
}

} // namespace

static_assert(!std::is_copy_constructible_v<cond> && !std::is_move_constructible_v<cond>);
static_assert(!std::is_copy_assignable_v<cond> && !std::is_move_assignable_v<cond>);

TEST_CASE("wait without the lock is misuse, and the condition can be used afterwards")
{
    on_procs([]() -> task<> {
        counter c;
        mutex other;
        const auto wrong = [&c](mutex::guard g) -> task<> { co_await c.changed.wait(g); };
        const auto wrong_with = [&c](mutex::guard g) -> task<> {
            co_await c.changed.wait(weft::background(), g);
        };
        mutex::guard none;
        auto first = wrong(std::move(none));
        CHECK_MISUSE(co_await std::move(first), "cond: wait without the lock");
        auto second = wrong(co_await other.lock());
        CHECK_MISUSE(co_await std::move(second), "cond: wait without the lock");
        auto third = wrong_with(co_await other.lock());
        CHECK_MISUSE(co_await std::move(third), "cond: wait without the lock");
        CHECK(other.try_lock());
        auto h = weft::spawn(take_one, std::ref(c));
        co_await weft_test::until_parked(1, waiting);
        co_await put_one(c);
        co_await h.join();
    });
}

TEST_CASE("signals with the lock or without it, from goroutines and threads; first in, first out")
{
    on_procs([]() -> task<> {
        mutex m;
        cond c(m);
        std::string order;
        c.signal(); // nobody waits: nothing
        c.broadcast();
        weft_test::team all;
        for (const char name : {'a', 'b', 'c', 'd', 'e'}) {
            all.go([&, name]() -> task<> {
                auto g = co_await m.lock();
                co_await c.wait(g);
                CHECK(g.get() == &m);
                CHECK(!m.try_lock());
                order += name;
            });
            co_await weft_test::until_parked(static_cast<std::size_t>(name - 'a') + 1, waiting);
        }
        const auto took = [&](std::size_t n) -> task<bool> {
            const auto g = co_await m.lock();
            co_return order.size() == n;
        };
        const auto until = [&](std::size_t n) -> task<> {
            while (!co_await took(n)) co_await weft::this_goroutine::yield();
        };
        c.signal();
        co_await until(1);
        {
            const auto g = co_await m.lock();
            c.signal();
        }
        co_await until(2);
        std::thread([&c] { c.signal(); }).join();
        co_await until(3);
        CHECK(order == "abc");
        CHECK(weft_test::parked(waiting) == 2);
        c.broadcast();
        co_await all.join();
        CHECK(order.size() == 5);
    });
}

TEST_CASE("with a predicate: asked with the mutex locked, and only as often as it takes")
{
    on_procs([]() -> task<> {
        counter c;
        int asked = 0;
        const auto at_two = [&] {
            CHECK(!c.m.try_lock());
            ++asked;
            return c.value >= 2;
        };
        auto h = weft::spawn([&]() -> task<> {
            auto g = co_await c.m.lock();
            co_await c.changed.wait(g, at_two);
            CHECK(c.value == 2);
            co_await c.changed.wait(weft::background(), g, at_two); // holds already
            CHECK(g);
        });
        co_await weft_test::until_parked(1, waiting);
        co_await put_one(c);
        while (asked != 2 || weft_test::parked(waiting) != 1)
            co_await weft::this_goroutine::yield();
        co_await put_one(c);
        co_await h.join();
        CHECK(asked == 4);
    });
}

TEST_CASE("a context that ended, ends while it waits, and does not end")
{
    on_procs([]() -> task<> {
        counter c;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        {
            auto h = weft::spawn(take_one_with, std::ref(c), ctx);
            co_await weft_test::until_parked(1, waiting);
            co_await put_one(c);
            co_await h.join();
        }
        auto first = weft::spawn([&, own = ctx]() -> task<bool> {
            auto g = co_await c.m.lock();
            std::error_code code;
            try {
                co_await c.changed.wait(own, g);
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            co_return g.owns_lock();
        });
        auto second = weft::spawn(take_one, std::ref(c));
        co_await weft_test::until_parked(2, waiting);
        cancel();
        const bool holds = co_await first.join();
        CHECK(!holds);
        // Ended before: it throws at once, and the caller still holds the lock.
        auto g = co_await c.m.lock();
        auto ended = c.changed.wait(ctx, g);
        const auto code = co_await code_of(std::move(ended));
        CHECK(code == weft::errc::canceled);
        CHECK(g.owns_lock());
        g.unlock();
        co_await put_one(c);
        co_await second.join();
        CHECK(c.m.try_lock());
    });
}

TEST_CASE("in a goroutine whose context has ended it throws, and the mutex stays locked")
{
    on_procs([]() -> task<> {
        counter c;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(ctx, [&c, end = cancel]() -> task<> {
            auto g = co_await c.m.lock();
            end();
            const auto plain = co_await code_of(c.changed.wait(g));
            CHECK(plain == weft::errc::canceled);
            CHECK(g.owns_lock());
            const auto with = co_await code_of(c.changed.wait(weft::background(), g));
            CHECK(with == weft::errc::canceled);
            CHECK(g.owns_lock());
            CHECK_FALSE(c.m.try_lock());
        });
        co_await h.join();
        CHECK(c.m.try_lock());
    });
}

TEST_CASE("a context that ends while the mutex is locked by others: it does not wait for that")
{
    on_procs([]() -> task<> {
        for (const bool bound : {false, true}) {
            counter c;
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto h = bound ? weft::spawn(ctx, take_one, std::ref(c))
                           : weft::spawn(take_one_with, std::ref(c), ctx);
            co_await weft_test::until_parked(1, waiting);
            auto g = co_await c.m.lock();
            c.changed.signal();
            co_await weft_test::until_parked(1, "sync.Mutex.Lock"); // it has its signal
            auto next = weft::spawn(take_one, std::ref(c));
            co_await weft_test::until_parked(2, "sync.Mutex.Lock");
            cancel();
            std::error_code code;
            try {
                co_await h.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            g.unlock();
            co_await put_one(c);
            co_await next.join();
        }
    });
}

TEST_CASE("the signal of one that gives up goes to the next, wherever it is given up")
{
    on_procs([]() -> task<> {
        for (const bool bound : {false, true}) {
            counter c;
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto first = bound ? weft::spawn(ctx, take_one, std::ref(c))
                               : weft::spawn(take_one_with, std::ref(c), ctx);
            co_await weft_test::until_parked(1, waiting);
            auto second = weft::spawn(take_one, std::ref(c));
            co_await weft_test::until_parked(2, waiting);
            auto g = co_await c.m.lock();
            c.value = 1;
            c.changed.signal();
            co_await weft_test::until_parked(1, "sync.Mutex.Lock");
            cancel();
            try {
                co_await first.join();
            } catch (const weft::error&) {
            }
            g.unlock();
            co_await second.join(); // without another signal
            CHECK(c.value == 0);
        }
    });
}

TEST_CASE("a signal and the end of a context at the same moment, on many schedules")
{
    weft::testing::explore(
        []() -> task<> {
            counter c;
            auto made = weft::with_cancel(weft::background());
            auto first = weft::spawn(code_of, take_one_with(c, made.ctx));
            auto bound = weft::spawn(made.ctx, take_one, std::ref(c));
            auto last = weft::spawn(take_one, std::ref(c));
            co_await weft::testing::settle();
            weft::go(made.cancel);
            weft::go(put_one, std::ref(c));
            int taken = 0;
            const auto code = co_await first.join();
            if (!code) ++taken;
            try {
                co_await bound.join();
                ++taken;
            } catch (const weft::error&) {
            }
            CHECK(taken <= 1);
            if (taken == 1) co_await put_one(c);
            co_await last.join(); // a signal that went nowhere is a deadlock here
            CHECK(c.value == 0);
        },
        {.schedules = weft_test::count(50'000)});
}

namespace {

void start_waiters(const weft::executor& ex, counter& c, const weft::context& ctx, int each)
{
    for (int i = 0; i < each; ++i) {
        weft::go(ex, take_one, std::ref(c));
        weft::go(ex, code_of, take_one_with(c, ctx));
        weft::go(ex, [&c, ctx]() -> task<> {
            auto bound = weft::spawn(ctx, take_one, std::ref(c));
            co_return;
        });
    }
}

} // namespace

TEST_CASE("destroyed while goroutines wait")
{
    on_procs(
        []() -> task<> {
            auto made = weft::with_cancel(weft::background());
            counter c;
            start_waiters(weft::this_goroutine::get_executor(), c, made.ctx, 5);
            co_await weft_test::until_parked(15, waiting);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("destroyed with its mutex while those it has signalled wait for that")
{
    on_procs(
        []() -> task<> {
            counter c;
            for (int i = 0; i < 3; ++i) {
                weft::go([&c]() -> task<> {
                    auto g = co_await c.m.lock();
                    co_await c.changed.wait(g);
                });
            }
            co_await weft_test::until_parked(3, waiting);
            CHECK(c.m.try_lock()); // and nobody unlocks it
            c.changed.broadcast();
            co_await weft_test::until_parked(3, "sync.Mutex.Lock");
        },
        weft_test::leftovers::parked);
}

TEST_CASE("a runtime ends while many wait, some with their signals: those go to others")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        counter c;
        auto made = weft::with_cancel(weft::background());
        weft::runtime survivor({.procs = 1});
        auto patient = weft::join_handle<void>();
        {
            weft::runtime rt({.procs = procs});
            start_waiters(rt.get_executor(), c, made.ctx, 20);
            while (weft_test::parked(waiting) != 60) std::this_thread::yield();
            patient = weft::spawn(survivor.get_executor(), take_one, std::ref(c));
            while (weft_test::parked(waiting) != 61) std::this_thread::yield();
            CHECK(c.m.try_lock());
            ++c.value;
            c.changed.signal();
            while (weft_test::parked("sync.Mutex.Lock") != 1) std::this_thread::yield();
        }
        c.m.unlock();
        weft::sync_wait(survivor.get_executor(), patient.join());
        CHECK(c.value == 0);
        weft::sync_wait(survivor.get_executor(), put_one(c));
        weft::sync_wait(survivor.get_executor(), take_one(c));
    }
    weft_test::note_procs(0);
}

TEST_CASE("goroutines of two runtimes, and ordinary threads")
{
    weft_test::watchdog guard;
    counter c;
    weft::runtime one({.procs = 2}), two({.procs = 1});
    std::vector<std::thread> threads;
    constexpr int each = 200;
    for (int i = 0; i < 4; ++i) {
        const auto ex = i % 2 ? one.get_executor() : two.get_executor();
        threads.emplace_back([&c, ex] {
            for (int n = 0; n < each; ++n) weft::sync_wait(ex, take_one(c));
        });
        threads.emplace_back([&c, ex] {
            weft::sync_wait(ex, [&c]() -> task<> {
                for (int n = 0; n < each; ++n) co_await put_one(c);
            });
        });
    }
    for (auto& t : threads) t.join();
    CHECK(c.value == 0);
}

TEST_CASE("in a bubble, and cancelled everywhere")
{
    weft::testing::bubble([]() -> task<> {
        counter c;
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1h);
        const auto start = weft::clock::now();
        const auto code = co_await code_of(take_one_with(c, ctx));
        CHECK(code == weft::errc::deadline_exceeded);
        CHECK(weft::clock::now() - start == 1h);
    });
    weft::testing::cancel_everywhere(
        [](weft::context ctx) -> task<> {
            counter c;
            const auto work = [&]() -> task<> {
                std::vector<weft::join_handle<void>> some;
                for (int i = 0; i < 2; ++i) {
                    some.push_back(weft::spawn(ctx, take_one, std::ref(c)));
                    some.push_back(weft::spawn(take_one_with, std::ref(c), ctx));
                }
                auto last = weft::spawn(take_one, std::ref(c));
                int taken = 0;
                for (int i = 0; i < 5; ++i) co_await put_one(c);
                for (auto& h : some) {
                    try {
                        co_await h.join();
                        ++taken;
                    } catch (const weft::error&) {
                    }
                }
                co_await last.join();
                CHECK(c.value == 4 - taken);
                CHECK(c.m.try_lock());
            };
            auto h = weft::spawn(weft::without_cancel(ctx), work);
            const auto joins = [h]() -> task<> { co_await h.join(); };
            auto joined = joins();
            co_await weft::shield(std::move(joined));
        },
        {.schedules = 5});
}
