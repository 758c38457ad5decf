// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The end of contexts, at every moment.

#include "machine.hpp"

#include <optional>

using namespace std::chrono_literals;
using namespace weft_model;
using weft::channel;
using weft::context;
using weft::make_channel;
using weft::task;

namespace {

bool ended(const weft::error& e)
{
    return e.code() == weft::errc::canceled || e.code() == weft::errc::deadline_exceeded;
}

/// Receives one value unless the context ends; true: it has one.
task<> receive_under(context ctx, channel<int> c, ledger& l)
{
    try {
        l.received(*co_await c.receive(ctx));
    } catch (const weft::error& e) {
        check(ended(e));
    }
}

task<> send_under(context ctx, channel<int> c, ledger& l, int v)
{
    try {
        co_await c.send(ctx, v);
        l.sent(v);
    } catch (const weft::error& e) {
        check(ended(e));
    }
}

} // namespace

WEFT_MODEL_CASE(context_receive)
{
    machine m;
    ledger l;
    auto c = make_channel<int>(1);
    auto life = weft::with_cancel(weft::background());
    m.go(receive_under, life.ctx, c, std::ref(l));
    m.go(send_some, c, std::ref(l), 100, 1);
    m.go([](weft::cancel_function cancel) { cancel(); }, life.cancel);
    m.join();
    l.settle(c.size());
}

WEFT_MODEL_CASE(context_send)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    auto life = weft::with_cancel(weft::background());
    m.go(send_under, life.ctx, c, std::ref(l), 100);
    m.go(
        [](channel<int> in, ledger& k, context ctx) -> task<> {
            auto s = co_await weft::select{in.receive(), ctx.done()};
            if (s.index() == 0) k.received(*s.get<0>());
        },
        c, std::ref(l), life.ctx);
    m.go([](weft::cancel_function cancel) { cancel(); }, life.cancel);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(context_two_cancellers, .host_threads = 0)
{
    auto life = weft::with_cancel_cause(weft::background());
    begin_focus();
    const auto cause_of = [](int n) {
        return std::make_exception_ptr(std::runtime_error(std::to_string(n)));
    };
    std::exception_ptr seen_by_one;
    outsider one([&] {
        life.cancel(cause_of(1));
        seen_by_one = life.ctx.cause();
    });
    life.cancel(cause_of(2));
    check(life.ctx.err() == weft::errc::canceled, "cancelled, but it has not ended");
    const std::exception_ptr seen_by_two = life.ctx.cause();
    one.join();
    end_focus();
    check(seen_by_one && seen_by_one == seen_by_two, "the cause changes");
}

/// Whoever returns from cancel() finds all below ended.
WEFT_MODEL_CASE(context_cancel_beside_cancel, .host_threads = 0)
{
    auto life = weft::with_cancel(weft::background());
    auto middle = weft::with_cancel(life.ctx);
    auto below = weft::with_cancel(middle.ctx);
    begin_focus();
    {
        const auto all_ended = [&] {
            check(below.ctx.err() == weft::errc::canceled, "cancel returned before all had ended");
        };
        outsider one([&] {
            life.cancel();
            all_ended();
        });
        outsider two([&] {
            middle.cancel();
            all_ended();
        });
        life.cancel();
        all_ended();
        one.join();
        two.join();
    }
    end_focus();
}

/// Two that end what a merged context stands under, each reaching first what the other reaches last.
WEFT_MODEL_CASE(context_merged_both_ways, .host_threads = 0)
{
    auto a = weft::with_cancel(weft::background());
    auto b = weft::with_cancel(weft::background());
    auto x = weft::with_cancel(a.ctx); // one more step on the way from the first parent
    auto y = weft::with_cancel(b.ctx);
    auto ab = weft::merge(x.ctx, b.ctx);
    auto ba = weft::merge(y.ctx, a.ctx);
    auto below = weft::with_cancel(ab.ctx);
    begin_focus();
    {
        outsider other([&] { a.cancel(); });
        b.cancel();
        other.join();
    }
    end_focus();
    check(ab.ctx.err() == weft::errc::canceled && ba.ctx.err() == weft::errc::canceled &&
          below.ctx.err() == weft::errc::canceled);
}

WEFT_MODEL_CASE(context_child_is_born, .host_threads = 0)
{
    auto life = weft::with_cancel(weft::background());
    begin_focus();
    {
        outsider canceller([&] { life.cancel(); });
        auto below = weft::with_cancel(life.ctx);
        auto lower = weft::with_cancel(below.ctx);
        canceller.join();
        check(below.ctx.err() == weft::errc::canceled, "a child did not hear of the end");
        check(lower.ctx.err() == weft::errc::canceled, "a grandchild did not hear of the end");
    }
    end_focus();
}

WEFT_MODEL_CASE(context_child_ends_first, .host_threads = 0)
{
    auto life = weft::with_cancel(weft::background());
    begin_focus();
    {
        std::optional below(weft::with_cancel(life.ctx));
        outsider parent([&] { life.cancel(); });
        outsider child([&, b = *below] { b.cancel(); });
        below.reset();
    }
    end_focus();
    check(life.ctx.err() == weft::errc::canceled);
}

WEFT_MODEL_CASE(context_timeout)
{
    machine m;
    m.go([]() -> task<> {
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
        weft::go([cancel] { cancel(); });
        co_await ctx.done();
        const auto code = ctx.err();
        check(code == weft::errc::canceled || code == weft::errc::deadline_exceeded);
        check(code == ctx.err());
    });
    m.join();
}

WEFT_MODEL_CASE(context_after_func)
{
    machine m;
    int ran = 0, stopped = 0;
    auto life = weft::with_cancel(weft::background());
    m.go([&]() -> task<> {
        auto stop = weft::after_func(life.ctx, [&ran] { ++ran; });
        co_await weft::this_goroutine::yield();
        if (stop()) ++stopped;
    });
    m.go([&life] { life.cancel(); });
    m.join();
    check(ran + stopped == 1, "it ran and was stopped, or neither");
}

WEFT_MODEL_CASE(context_bound_receive)
{
    machine m;
    ledger l;
    auto c = make_channel<int>(1);
    auto life = weft::with_cancel(weft::background());
    m.go(
        [&](context ctx) {
            weft::go(ctx, [&l](channel<int> in) -> task<> { co_await receive_some(in, l, 1); }, c);
        },
        life.ctx);
    m.go(send_some, c, std::ref(l), 100, 1);
    m.go([&life] { life.cancel(); });
    m.join();
    l.settle(c.size());
}

WEFT_MODEL_CASE(context_bound_select)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(1), b = make_channel<int>(1);
    auto life = weft::with_cancel(weft::background());
    m.go(
        [&](context ctx) {
            weft::go(
                ctx,
                [&l](channel<int> x, channel<int> y) -> task<> {
                    auto s = co_await weft::select{x.receive(), y.receive()};
                    l.received(s.index() == 0 ? *s.get<0>() : *s.get<1>());
                },
                a, b);
        },
        life.ctx);
    m.go(send_some, a, std::ref(l), 100, 1);
    m.go([&life] { life.cancel(); });
    m.join();
    l.settle(a.size());
}

WEFT_MODEL_CASE(context_outside_canceller)
{
    machine m(1);
    int over = 0;
    auto life = weft::with_cancel(weft::background());
    m.go(
        [&over](context ctx) -> task<> {
            try {
                co_await weft::sleep(ctx, 1h);
            } catch (const weft::error& e) {
                check(ended(e));
            }
            ++over;
        },
        life.ctx);
    outsider thread([&life] { life.cancel(); });
    m.join();
    thread.join();
    check(over == 1);
}

/// A sender who has handed over his value destroys the channel, while the receiver is cancelled and has not run yet.
WEFT_MODEL_CASE(context_against_a_wake)
{
    machine m;
    std::optional<channel<int>> c(make_channel<int>());
    auto life = weft::with_cancel(weft::background());
    int got = 0;
    m.go([&] {
        weft::go(
            life.ctx,
            [&got](channel<int>* in) -> task<> { got = (co_await in->receive()).value_or(-1); },
            &*c);
    });
    bool sent = false;
    outsider sender([&] {
        sent = c->try_send(1);
        if (sent) c.reset();
    });
    outsider canceller([&] { life.cancel(); });
    m.join();
    sender.join();
    canceller.join();
    check(got == (sent ? 1 : 0), "a value was lost");
}

/// Nothing else ends these waits.
WEFT_MODEL_CASE(context_ends_a_wait)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    auto life = weft::with_cancel(weft::background());
    m.go(receive_under, life.ctx, c, std::ref(l));
    m.go([&life] { life.cancel(); });
    m.join();
    check(l.arrived() == 0);
}

WEFT_MODEL_CASE(context_ends_bound_waits)
{
    machine m;
    auto c = make_channel<int>();
    auto life = weft::with_cancel(weft::background());
    m.go([&] { weft::go(life.ctx, [](channel<int> in) -> task<> { co_await in.receive(); }, c); });
    m.go([&] {
        weft::go(
            life.ctx,
            [](channel<int> x) -> task<> { co_await weft::select{x.send(1), weft::after(1h)}; },
            make_channel<int>());
    });
    m.go([&life] { life.cancel(); });
    m.join();
}
