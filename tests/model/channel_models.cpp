// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels, with other threads coming in inside of each operation.

#include "machine.hpp"

#include <asio/bind_executor.hpp>

using namespace weft_model;
using weft::channel;
using weft::make_channel;
using weft::task;

WEFT_MODEL_CASE(channel_hand_over)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(send_some, c, std::ref(l), 100, 1);
    m.go(receive_some, c, std::ref(l), 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(channel_in_order)
{
    machine m;
    ledger l;
    auto c = make_channel<int>(1);
    m.go(send_some, c, std::ref(l), 100, 3);
    m.go(receive_some, c, std::ref(l), 3);
    m.join();
    l.settle();
}

/// The sender can end only if the one receive lets its second value in.
WEFT_MODEL_CASE(channel_receive_lets_a_sender_in)
{
    machine m;
    ledger l;
    auto c = make_channel<int>(1);
    m.go(send_some, c, std::ref(l), 100, 2);
    m.go(receive_some, c, std::ref(l), 1);
    m.join();
    l.settle(1);
    check(c.size() == 1);
}

WEFT_MODEL_CASE(channel_two_senders)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(send_some, c, std::ref(l), 100, 2);
    m.go(send_some, c, std::ref(l), 200, 2);
    m.go(receive_some, c, std::ref(l), 4);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(channel_two_receivers)
{
    machine m;
    ledger l(2);
    auto c = make_channel<int>(1);
    m.go(
        [](channel<int> out, ledger& x) -> task<> {
            co_await send_some(out, x, 100, 3);
            out.close();
        },
        c, std::ref(l));
    m.go(receive_all, c, std::ref(l));
    m.go(receive_all, c, std::ref(l));
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(channel_full_ring)
{
    machine m;
    ledger l;
    auto c = make_channel<int>(2);
    m.go(send_some, c, std::ref(l), 100, 3);
    m.go(send_some, c, std::ref(l), 200, 2);
    m.go(receive_some, c, std::ref(l), 5);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(channel_close_receivers)
{
    machine m;
    auto c = make_channel<int>();
    int ended = 0;
    for (int i = 0; i < 2; ++i) {
        m.go(
            [&ended](channel<int> in) -> task<> {
                check(!co_await in.receive(), "a value from nowhere");
                ++ended;
            },
            c);
    }
    m.go(close_it, c);
    m.join();
    check(ended == 2);
}

WEFT_MODEL_CASE(channel_close_senders)
{
    machine m;
    auto c = make_channel<int>(1);
    int sent = 0, refused = 0;
    for (int i = 0; i < 2; ++i) {
        m.go(
            [&, i](channel<int> out) -> task<> {
                try {
                    co_await out.send(i);
                    ++sent;
                } catch (const weft::misuse_error&) {
                    ++refused;
                }
            },
            c);
    }
    m.go(close_it, c);
    m.join();
    check(sent + refused == 2 && sent <= 1);
    check(c.size() == static_cast<std::size_t>(sent), "what was sent is not there, or more");
}

WEFT_MODEL_CASE(channel_close_close)
{
    machine m;
    auto c = make_channel<int>();
    int closed = 0, refused = 0;
    for (int i = 0; i < 2; ++i) {
        m.go(
            [&](channel<int> x) -> task<> {
                try {
                    x.close();
                    ++closed;
                } catch (const weft::misuse_error&) {
                    ++refused;
                }
                co_return;
            },
            c);
    }
    m.join();
    check(closed == 1 && refused == 1);
}

WEFT_MODEL_CASE(channel_try_send)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(receive_some, c, std::ref(l), 1);
    outsider thread([c, &l] {
        while (!c.try_send(100)) yield();
        l.sent(100);
    });
    m.join();
    thread.join();
    l.settle();
}

WEFT_MODEL_CASE(channel_try_receive)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(send_some, c, std::ref(l), 100, 2);
    outsider thread([c, &l] {
        while (l.arrived() != 2) {
            const auto r = c.try_receive();
            if (r) l.received(*r);
            else yield();
        }
    });
    m.join();
    thread.join();
    l.settle();
}

/// Two threads without a runtime: a channel is a queue between them.
WEFT_MODEL_CASE(channel_of_threads, .host_threads = 0)
{
    ledger l;
    auto c = make_channel<int>(1);
    begin_focus();
    outsider sender([c, &l] {
        for (int v = 100; v < 103; ++v) {
            while (!c.try_send(v)) yield();
            l.sent(v);
        }
    });
    while (l.arrived() != 3) {
        const auto r = c.try_receive();
        if (r) l.received(*r);
        else yield();
    }
    sender.join();
    end_focus();
    l.settle();
}

WEFT_MODEL_CASE(channel_last_handles, .host_threads = 0)
{
    struct counted {
        explicit counted(int& n) : alive(&n) { ++*alive; }
        counted(counted&& o) noexcept : alive(o.alive) { ++*alive; }
        counted& operator=(counted&&) noexcept = default;
        ~counted() { --*alive; }
        int* alive;
    };
    int alive = 0;
    begin_focus();
    {
        auto c = make_channel<counted>(1);
        check(c.try_send(counted(alive)));
        outsider other([d = c]() mutable { d = {}; });
        c = {};
    }
    end_focus();
    check(alive == 0, "a value outlived its channel");
}

WEFT_MODEL_CASE(channel_token_send)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(receive_some, c, std::ref(l), 1);
    begin_focus();
    bool over = false;
    // Without an executor of its own the handler would run on a thread of the system.
    c.send(100)(asio::bind_executor(host(), [&](std::exception_ptr e) {
        check(!e);
        l.sent(100);
        over = true;
    }));
    m.join();
    while (!over) yield(); // the handler is no goroutine
    l.settle();
}
