// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Selects: one claim, several queues.

#include "machine.hpp"

using namespace weft_model;
using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

/// Takes `n` values from either channel.
task<> receive_either(channel<int> a, channel<int> b, ledger& l, int n)
{
    for (int i = 0; i < n; ++i) {
        auto s = co_await weft::select{a.receive(), b.receive()};
        const auto v = s.index() == 0 ? s.get<0>() : s.get<1>();
        check(v.has_value());
        l.received(*v);
    }
}

/// Sends or receives, whatever is possible first.
task<> exchange(channel<int> out, channel<int> in, ledger& l, int value, int& sends)
{
    auto s = co_await weft::select{out.send(value), in.receive()};
    if (s.index() == 0) {
        ++sends;
        l.sent(value);
    } else {
        check(s.get<1>().has_value());
        l.received(*s.get<1>());
    }
}

} // namespace

WEFT_MODEL_CASE(select_receives)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(receive_either, a, b, std::ref(l), 2);
    m.go(send_some, a, std::ref(l), 100, 1);
    m.go(send_some, b, std::ref(l), 200, 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_buffered)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(1), b = make_channel<int>(1);
    m.go(receive_either, a, b, std::ref(l), 4);
    m.go(send_some, a, std::ref(l), 100, 2);
    m.go(send_some, b, std::ref(l), 200, 2);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_select)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    int sends = 0;
    m.go(exchange, a, b, std::ref(l), 100, std::ref(sends));
    m.go(exchange, b, a, std::ref(l), 200, std::ref(sends));
    m.join();
    check(sends == 1, "two selects did not meet once");
    l.settle();
}

WEFT_MODEL_CASE(select_select_one_channel)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    int sends = 0;
    m.go(exchange, c, c, std::ref(l), 100, std::ref(sends));
    m.go(exchange, c, c, std::ref(l), 200, std::ref(sends));
    m.join();
    check(sends == 1);
    l.settle();
}

WEFT_MODEL_CASE(select_four_selects)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    int sends = 0;
    m.go(exchange, a, b, std::ref(l), 100, std::ref(sends));
    m.go(exchange, b, a, std::ref(l), 200, std::ref(sends));
    m.go(exchange, a, b, std::ref(l), 300, std::ref(sends));
    m.go(exchange, b, a, std::ref(l), 400, std::ref(sends));
    m.join();
    check(sends == 2, "four selects did not meet in pairs");
    l.settle();
}

WEFT_MODEL_CASE(select_two_on_one_sender)
{
    machine m;
    ledger l(2);
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(receive_either, a, b, std::ref(l), 1);
    m.go(receive_either, b, a, std::ref(l), 1);
    m.go(
        [](channel<int> x, channel<int> y, ledger& k) -> task<> {
            co_await send_some(x, k, 100, 1);
            co_await send_some(y, k, 200, 1);
        },
        a, b, std::ref(l));
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_losers_leave)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(
        [](channel<int> x, channel<int> y, ledger& k) -> task<> {
            co_await receive_either(x, y, k, 1);
            // Nobody stands in either queue now: this send must wait for the receive below.
            check(!y.try_send(1) && !x.try_send(1), "a select left a waiter behind");
            co_await receive_either(x, y, k, 1);
        },
        a, b, std::ref(l));
    m.go(send_some, a, std::ref(l), 100, 2);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_close)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    bool closed = false;
    m.go(
        [&closed](channel<int> x, channel<int> y, ledger& k) -> task<> {
            while (!closed || k.arrived() == 0) {
                auto s = co_await weft::select{x.receive(), y.receive()};
                if (s.index() == 0) {
                    check(!s.get<0>());
                    closed = true;
                    x = {};
                } else {
                    k.received(*s.get<1>());
                    y = {};
                }
            }
        },
        a, b, std::ref(l));
    m.go(close_it, a);
    m.go(send_some, b, std::ref(l), 100, 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_close_of_a_send)
{
    machine m;
    auto a = make_channel<int>(), b = make_channel<int>();
    int outcomes = 0;
    m.go(
        [&outcomes](channel<int> x, channel<int> y) -> task<> {
            try {
                auto s = co_await weft::select{x.send(1), y.receive()};
                check(s.index() == 1);
            } catch (const weft::misuse_error&) {
                // the closed case was chosen
            }
            ++outcomes;
        },
        a, b);
    m.go(close_it, a);
    m.go(close_it, b);
    m.join();
    check(outcomes == 1);
}

WEFT_MODEL_CASE(select_try)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(
        [](channel<int> x, channel<int> y, ledger& k) -> task<> {
            while (k.arrived() == 0) {
                weft::try_select s{x.receive(), y.receive()};
                if (s.index() == 0) k.received(*s.get<0>());
                co_await weft::this_goroutine::yield();
                yield(); // else the sender's thread may never get a turn
            }
        },
        a, b, std::ref(l));
    m.go(send_some, a, std::ref(l), 100, 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_many_cases)
{
    machine m;
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>(1), c = make_channel<int>();
    m.go(
        [](channel<int> x, channel<int> y, channel<int> z, ledger& k) -> task<> {
            for (int i = 0; i < 3; ++i) {
                auto s = co_await weft::select{x.receive(), y.receive(), z.receive()};
                k.received(s.index() == 0   ? *s.get<0>()
                           : s.index() == 1 ? *s.get<1>()
                                            : *s.get<2>());
            }
        },
        a, b, c, std::ref(l));
    m.go(send_some, a, std::ref(l), 100, 1);
    m.go(send_some, b, std::ref(l), 200, 1);
    m.go(send_some, c, std::ref(l), 300, 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(select_outside_sender)
{
    machine m(1);
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(receive_either, a, b, std::ref(l), 2);
    const auto feed = [&l](channel<int> c, int v) {
        while (!c.try_send(v)) yield();
        l.sent(v);
    };
    outsider one([&, a] { feed(a, 100); }), two([&, b] { feed(b, 200); });
    m.join();
    one.join();
    two.join();
    l.settle();
}
