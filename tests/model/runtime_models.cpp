// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Parking and waking, the life of goroutines, and the end of a runtime.

#include "machine.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>

#include <memory>
#include <optional>

using namespace std::chrono_literals;
using namespace weft_model;
using weft::channel;
using weft::make_channel;
using weft::task;

// ---------------------------------------------------------------- parking

WEFT_MODEL_CASE(runtime_injections)
{
    machine m;
    int ran = 0;
    begin_focus();
    outsider one([&] { m.inject([&ran] { ++ran; }); });
    outsider two([&] { m.inject([&ran] { ++ran; }); });
    one.join();
    two.join();
    m.join();
    check(ran == 2, "a goroutine never ran");
}

/// With one worker there is nobody else who could come for what it misses while it goes idle.
WEFT_MODEL_CASE(runtime_injections_one_worker)
{
    machine m(1);
    int ran = 0;
    begin_focus();
    outsider one([&] { m.inject([&ran] { ++ran; }); });
    outsider two([&] { m.inject([&ran] { ++ran; }); });
    one.join();
    two.join();
    m.join();
    check(ran == 2, "a goroutine never ran");
}

/// Goroutines of one worker are never in the middle of a slice at once.
WEFT_MODEL_CASE(runtime_one_at_a_time)
{
    machine m(1);
    guarded slice;
    for (int i = 0; i < 2; ++i) m.go([&slice] { slice.visit(); });
    outsider one([&] { m.inject([&slice] { slice.visit(); }); });
    m.join();
    one.join();
    m.join();
    check(slice.visits() == 3, "a goroutine never ran");
}

WEFT_MODEL_CASE(runtime_ping_pong)
{
    machine m;
    ledger l;
    auto there = make_channel<int>(), back = make_channel<int>();
    m.go(
        [](channel<int> out, channel<int> in, ledger& k) -> task<> {
            for (int i = 0; i < 2; ++i) {
                co_await out.send(100 + i);
                k.sent(100 + i);
                k.received(*co_await in.receive());
            }
        },
        there, back, std::ref(l));
    m.go(
        [](channel<int> in, channel<int> out) -> task<> {
            for (int i = 0; i < 2; ++i) co_await out.send(*co_await in.receive());
        },
        there, back);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(runtime_yields, .tick = std::chrono::microseconds(200))
{
    machine m;
    int turns = 0;
    m.go([&] {
        for (int i = 0; i < 3; ++i) {
            weft::go([&turns]() -> task<> {
                for (int k = 0; k < 8; ++k) {
                    co_await weft::this_goroutine::yield();
                    ++turns;
                }
            });
        }
    });
    m.join();
    check(turns == 24);
}

WEFT_MODEL_CASE(runtime_three_workers, .host_threads = 3)
{
    machine m(3);
    ledger l;
    auto a = make_channel<int>(), b = make_channel<int>();
    m.go(send_some, a, std::ref(l), 100, 1);
    m.go([](channel<int> in,
            channel<int> out) -> task<> { co_await out.send(*co_await in.receive()); },
         a, b);
    m.go(receive_some, b, std::ref(l), 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(runtime_handlers)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(receive_some, c, std::ref(l), 2);
    begin_focus();
    for (const int v : {100, 200}) {
        asio::post(m.runtime.get_executor(), [c, &l, v] {
            weft::go([c, &l, v]() -> task<> { co_await send_some(c, l, v, 1); });
        });
    }
    m.join();
    l.settle();
}

// ---------------------------------------------------------------- joining

WEFT_MODEL_CASE(join_value)
{
    machine m;
    int got = 0;
    m.go([&got]() -> task<> {
        auto h = weft::spawn([]() -> task<int> {
            co_await weft::this_goroutine::yield();
            co_return 7;
        });
        got = co_await h.join();
    });
    m.join();
    check(got == 7);
}

WEFT_MODEL_CASE(join_from_elsewhere)
{
    machine m;
    int got = 0;
    auto handles = make_channel<std::shared_ptr<weft::join_handle<int>>>();
    m.go(
        [](auto out) -> task<> {
            co_await out.send(
                std::make_shared<weft::join_handle<int>>(weft::spawn([] { return 7; })));
        },
        handles);
    m.go(
        [&got](auto in) -> task<> {
            auto h = *co_await in.receive();
            got = co_await h->join();
        },
        handles);
    m.join();
    check(got == 7);
}

WEFT_MODEL_CASE(join_handle_dropped)
{
    int panics = 0;
    {
        weft::runtime rt(
            host(), {.procs = 2, .on_panic = weft::panic_policy([&](const auto&) { ++panics; })});
        auto h = weft::spawn(rt.get_executor(), []() -> task<> {
            throw std::runtime_error("nobody asks");
            co_return;
        });
        begin_focus();
        {
            const auto gone = std::move(h); // while the goroutine ends
        }
        rt.join();
        end_focus();
    }
    check(panics == 1, "a failure was seen twice, or never");
}

// ---------------------------------------------------------------- the end

namespace {

/// Counts those that are alive; goes into goroutines.
struct token {
    explicit token(int& n) : alive(&n) { ++n; }
    token(token&& o) noexcept : alive(std::exchange(o.alive, nullptr)) {}
    token& operator=(token&&) = delete;
    ~token()
    {
        if (alive) --*alive;
    }
    int* alive;
};

/// A runtime that ends while another thread does something else, in focus.
template <class Start, class Meanwhile>
void end_against(Start start, Meanwhile meanwhile)
{
    auto m = std::make_unique<machine>();
    bool begun = false;
    start(*m, begun);
    while (!begun) yield();
    begin_focus();
    outsider thread(meanwhile);
    m.reset();
    end_host();
    thread.join();
    end_focus();
}

} // namespace

WEFT_MODEL_CASE(end_with_parked)
{
    int alive = 0;
    auto c = make_channel<int>();
    end_against(
        [&](machine& m, bool& begun) {
            m.go([](channel<int> in, token) -> task<> { co_await in.receive(); }, c, token(alive));
            m.go(
                [&begun](channel<int> in, token) -> task<> {
                    begun = true;
                    co_await weft::select{in.receive(), weft::after(1h)};
                },
                c, token(alive));
        },
        [] {});
    check(alive == 0, "a goroutine was not unwound");
    check(!c.try_send(1), "a destroyed goroutine still waits");
}

WEFT_MODEL_CASE(end_against_wake)
{
    auto c = make_channel<int>();
    int received = 0, alive = 0;
    bool sent = false;
    end_against(
        [&](machine& m, bool& begun) {
            m.go(
                [&](channel<int> in, token) -> task<> {
                    begun = true;
                    co_await in.receive();
                    ++received;
                },
                c, token(alive));
        },
        [&] { sent = c.try_send(1); });
    check(alive == 0);
    check(received <= (sent ? 1 : 0), "received what was not sent");
    check(!c.try_send(1), "a destroyed goroutine still waits");
}

/// As before, and who has handed over his value destroys the channel.
WEFT_MODEL_CASE(end_against_wake_and_gone)
{
    std::optional<channel<int>> c(make_channel<int>());
    int alive = 0;
    end_against(
        [&](machine& m, bool& begun) {
            m.go(
                [&begun](channel<int>* in, token) -> task<> {
                    begun = true;
                    co_await in->receive();
                },
                &*c, token(alive));
        },
        [&] {
            if (c->try_send(1)) c.reset();
        });
    check(alive == 0);
}

WEFT_MODEL_CASE(end_against_select)
{
    auto a = make_channel<int>(), b = make_channel<int>();
    int alive = 0;
    end_against(
        [&](machine& m, bool& begun) {
            m.go(
                [&](channel<int> x, channel<int> y, token) -> task<> {
                    begun = true;
                    co_await weft::select{x.receive(), y.receive()};
                },
                a, b, token(alive));
        },
        [&] { static_cast<void>(b.try_send(1)); });
    check(alive == 0);
    check(!a.try_send(1) && !b.try_send(1), "a destroyed goroutine still waits");
}

WEFT_MODEL_CASE(end_against_cancel)
{
    auto life = weft::with_cancel(weft::background());
    int alive = 0;
    end_against(
        [&](machine& m, bool& begun) {
            m.go(
                [&](weft::context ctx, token) -> task<> {
                    begun = true;
                    try {
                        co_await weft::sleep(ctx, 1h);
                    } catch (const weft::error&) {
                        co_return;
                    }
                },
                life.ctx, token(alive));
        },
        [&] { life.cancel(); });
    check(alive == 0);
}

WEFT_MODEL_CASE(end_against_bound)
{
    auto life = weft::with_cancel(weft::background());
    auto c = make_channel<int>();
    int alive = 0;
    end_against(
        [&](machine& m, bool& begun) {
            m.go([&] {
                weft::go(
                    life.ctx,
                    [&](channel<int> in, token) -> task<> {
                        begun = true;
                        co_await in.receive();
                    },
                    c, token(alive));
            });
        },
        [&] { life.cancel(); });
    check(alive == 0);
    check(!c.try_send(1), "a destroyed goroutine still waits");
}

WEFT_MODEL_CASE(end_against_start)
{
    int alive = 0, begun_by = 0;
    machine* now = nullptr;
    // go() from outside may not be called when the runtime is gone; while it goes, it may.
    weft::channel<void> gate = make_channel<void>();
    end_against(
        [&](machine& m, bool& begun) {
            now = &m;
            m.go(
                [&](channel<void> in, token) -> task<> {
                    // Unwound while it starts another one.
                    const weft::defer last([&] {
                        weft::go(now->runtime.get_executor(), [](token) {}, token(alive));
                        ++begun_by;
                    });
                    begun = true;
                    co_await in.receive();
                },
                gate, token(alive));
        },
        [&] { static_cast<void>(gate.try_send()); });
    check(alive == 0, "a goroutine was neither run nor destroyed");
    check(begun_by == 1);
}

WEFT_MODEL_CASE(end_against_handler)
{
    asio::any_io_executor work; // its tracked work keeps what the executor refers to
    end_against(
        [&](machine& m, bool& begun) {
            work =
                asio::prefer(m.runtime.get_executor(), asio::execution::outstanding_work.tracked);
            begun = true;
        },
        [&] {
            asio::post(work, [] {});
            work = {};
        });
}

WEFT_MODEL_CASE(end_against_timer)
{
    int alive = 0;
    end_against(
        [&](machine& m, bool& begun) {
            m.go(
                [&](token) -> task<> {
                    weft::timer t(1ms);
                    auto f = weft::after_func(1ms, [] {});
                    begun = true;
                    co_await t.channel().receive();
                },
                token(alive));
        },
        [] {});
    check(alive == 0);
}

WEFT_MODEL_CASE(dump_while_running)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(send_some, c, std::ref(l), 100, 2);
    m.go(receive_some, c, std::ref(l), 2);
    begin_focus();
    outsider thread([] {
        for (const auto& g : weft::debug::goroutines()) check(g.id != 0);
    });
    m.join();
    thread.join();
    l.settle();
}
