// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// errgroup, singleflight and nursery: who ends first, who leaves, and who comes when.

#include "machine.hpp"

#include <weft/errgroup.hpp>
#include <weft/nursery.hpp>
#include <weft/singleflight.hpp>

#include <memory>
#include <optional>

using namespace std::chrono_literals;
using namespace weft_model;
using weft::context;
using weft::errgroup;
using weft::nursery;
using weft::singleflight;
using weft::task;

namespace {

/// What `op` throws, as a number: what was thrown if it is an int, -1 for a context's end, 0 for nothing.
template <class Op>
task<int> thrown_by(Op op)
{
    int n = 0;
    try {
        static_cast<void>(co_await std::move(op));
    } catch (int i) {
        n = i;
    } catch (const weft::error& e) {
        check(e.code() == weft::errc::canceled);
        n = -1;
    }
    co_return n;
}
task<int> thrown_by(task<> t)
{
    int n = 0;
    try {
        co_await std::move(t);
    } catch (int i) {
        n = i;
    } catch (const weft::error& e) {
        check(e.code() == weft::errc::canceled);
        n = -1;
    }
    co_return n;
}

} // namespace

WEFT_MODEL_CASE(errgroup_two_failures)
{
    machine m;
    m.go([]() -> task<> {
        errgroup g;
        for (const int n : {1, 2}) {
            auto failing = [n] { throw n; };
            co_await g.go(failing);
        }
        co_await g.get_context().done();
        const auto cause = g.get_context().cause();
        const int first = co_await thrown_by(g.wait());
        const auto all = g.errors();
        check(all.size() == 2, "an exception was lost");
        check(first > 0 && cause == all.front(), "the cause is not the first exception");
    });
    m.join();
}

WEFT_MODEL_CASE(errgroup_limit)
{
    machine m;
    errgroup g;
    g.set_limit(1);
    int active = 0, ran = 0;
    auto part = [&]() -> task<> {
        check(++active == 1, "two at the limit of one");
        co_await weft::this_goroutine::yield();
        --active;
        ++ran;
    };
    for (int i = 0; i < 2; ++i) m.go([&]() -> task<> { co_await g.go(part); });
    m.go([&]() -> task<> {
        if (!g.try_go(part)) ++ran;
        co_await g.wait();
    });
    m.join();
    check(ran == 3, "one did not run");
    g.set_limit(2);
}

/// One gives up waiting for a slot as that is freed.
WEFT_MODEL_CASE(errgroup_slot_given_up)
{
    machine m;
    errgroup g;
    g.set_limit(1);
    int ran = 0;
    auto life = weft::with_cancel(weft::background());
    auto part = [&ran] { ++ran; };
    check(g.try_go(m.runtime.get_executor(), part));
    int gave_up = 0;
    m.go([&]() -> task<> {
        auto starter = [&]() -> task<> { co_await g.go(part); };
        auto h = weft::spawn(life.ctx, starter);
        if (co_await thrown_by(h.join()) != 0) ++gave_up;
    });
    m.go([&life] { life.cancel(); });
    m.join();
    check(ran + gave_up == 2, "it gave up and ran, or neither");
    check(g.try_go(m.runtime.get_executor(), part), "the slot was lost");
    m.runtime.join();
    g.set_limit(1);
}

/// The last member ends, the waiter's context ends, another member comes.
WEFT_MODEL_CASE(errgroup_wait_given_up)
{
    machine m;
    errgroup g;
    auto life = weft::with_cancel(weft::background());
    int ended = 0;
    m.go([&]() -> task<> {
        auto deeper = [&]() -> task<> {
            auto leaf = [&ended] { ++ended; };
            co_await g.go(leaf);
            ++ended;
        };
        co_await g.go(deeper);
        const int n = co_await thrown_by(g.wait(life.ctx));
        check(n == -1 || ended == 2, "wait returned too early");
        check(n == -1 || g.get_context().err() == weft::errc::canceled);
        const int again = co_await thrown_by(g.wait());
        check(again == 0 && ended == 2, "wait returned too early");
    });
    m.go([&life] { life.cancel(); });
    m.join();
}

/// The group goes while its members fail, obey and start.
WEFT_MODEL_CASE(errgroup_goes_first)
{
    machine m;
    int ended = 0;
    m.go([&]() -> task<> {
        auto g = std::make_unique<errgroup>();
        auto member = [&ended](context ctx) -> task<> {
            const weft::defer end([&ended] { ++ended; });
            co_await ctx.done();
            ctx.throw_if_done();
        };
        co_await g->go(member, g->get_context());
        co_await g->go(g->get_context(), member, g->get_context());
        g.reset();
    });
    m.join();
    check(ended >= 1 && ended <= 2); // a bound one may be too late to begin
}

WEFT_MODEL_CASE(singleflight_two_callers)
{
    machine m;
    singleflight<int, int> flights;
    int calls = 0, flying = 0, lone = 0;
    auto f = [&]() -> task<int> {
        check(++flying == 1, "two calls of one key at a time");
        const int n = ++calls;
        co_await weft::this_goroutine::yield();
        --flying;
        co_return n;
    };
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            const auto r = co_await flights.call(1, f);
            check(r.value >= 1 && r.value <= calls, "no call's value");
            if (!r.shared) ++lone;
        });
    }
    m.join();
    check(calls == 1 ? lone == 0 : lone == 2, "shared, or not, and does not know it");
}

/// The only caller leaves; the call lands, or is cancelled; another caller comes.
WEFT_MODEL_CASE(singleflight_last_one_leaves)
{
    machine m;
    singleflight<int, int> flights;
    auto life = weft::with_cancel(weft::background());
    int calls = 0, ended = 0;
    auto f = [&](const context& ctx) -> task<int> {
        const weft::defer end([&ended] { ++ended; });
        const int n = ++calls;
        co_await weft::this_goroutine::yield();
        ctx.throw_if_done();
        co_return n;
    };
    m.go([&]() -> task<> {
        const int n = co_await thrown_by(flights.call(life.ctx, 1, f));
        check(n == 0 || n == -1);
    });
    m.go([&]() -> task<> {
        const auto r = co_await flights.call(1, f); // never what was cancelled
        check(r.value >= 1 && r.value <= calls);
    });
    m.go([&life] { life.cancel(); });
    m.join();
    check(calls == ended && calls >= 1 && calls <= 2);
}

WEFT_MODEL_CASE(singleflight_forgotten)
{
    machine m;
    singleflight<int, int> flights;
    int calls = 0, got = 0;
    auto f = [&calls] { return ++calls; };
    m.go([&]() -> task<> {
        const auto c = flights.call_channel(1, f);
        const auto o = co_await c.receive();
        got += o->value() > 0;
    });
    m.go([&]() -> task<> {
        const auto r = co_await flights.call(1, f);
        got += r.value > 0;
    });
    m.go([&flights] { flights.forget(1); });
    m.join();
    check(got == 2 && calls >= 1 && calls <= 2);
}

/// A child fails, the parent ends, the caller is interrupted: in whatever order.
WEFT_MODEL_CASE(nursery_ends)
{
    machine m;
    auto parent = weft::with_cancel(weft::background());
    auto own = weft::with_cancel(weft::background());
    int inside = 0, thrown = 0;
    m.go([&] {
        auto caller = [&]() -> task<> {
            auto body = [&](nursery& n) -> task<> {
                auto failing = [&]() -> task<> {
                    ++inside;
                    const weft::defer end([&inside] { --inside; });
                    co_await weft::this_goroutine::yield();
                    throw ++thrown;
                };
                ++inside;
                const weft::defer end([&inside] { --inside; });
                n.go(failing);
                co_await weft::sleep(1h);
            };
            const int n = co_await thrown_by(nursery::run(parent.ctx, body));
            check(inside == 0, "one is left");
            check(n == (thrown == 1 ? 1 : -1), "a failure was lost");
        };
        weft::go(own.ctx, caller);
    });
    m.go([&parent] { parent.cancel(); });
    m.go([&own] { own.cancel(); });
    m.join();
}

WEFT_MODEL_CASE(nursery_grows)
{
    machine m;
    int ended = 0;
    m.go([&]() -> task<> {
        auto body = [&](nursery& n) {
            auto deeper = [&ended, &n] {
                auto leaf = [&ended] { ++ended; };
                n.go(leaf);
                ++ended;
            };
            n.go(deeper);
            return 7;
        };
        const int seven = co_await nursery::run(body);
        check(seven == 7 && ended == 2, "it did not wait");
    });
    m.join();
}
