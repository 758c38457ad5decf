// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Selects as Asio operations: any completion token, from any thread, cancelled through a slot; and
// that exactly one case happens then, too.

#include "testing.hpp"

#include <weft/select.hpp>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::select_any;
using weft::select_biased;
using weft::task;

TEST_CASE("use_future: a thread selects")
{
    auto a = make_channel<int>(1);
    auto b = make_channel<std::string>(1);
    CHECK(a.try_send(1));
    auto s = weft::select{a.receive(), b.receive()}(asio::use_future).get();
    CHECK(s.index() == 0);
    CHECK(s.get<0>() == 1);

    auto waiting = weft::select{a.receive(), b.receive()}(asio::use_future);
    CHECK(waiting.wait_for(0ms) == std::future_status::timeout);
    CHECK(b.try_send("late"));
    s = waiting.get();
    CHECK(s.index() == 1);
    CHECK(s.get<1>() == "late");

    auto either = (a.receive() || b.receive())(asio::use_future);
    CHECK(a.try_send(2));
    CHECK(either.get().get<0>() == 2);

    b.close();
    CHECK_MISUSE((weft::select{a.receive(), b.send("no")}(asio::use_future).get()),
                 "send on closed channel");
}

TEST_CASE("a callback gets the result, with the value that was not sent")
{
    asio::io_context context;
    auto full = make_channel<std::unique_ptr<int>>();
    auto quick = make_channel<int>(1);
    bool called = false;
    using outcome = decltype(weft::select{full.send(nullptr), quick.receive()})::result_type;
    weft::select{full.send(std::make_unique<int>(3)), quick.receive()}(
        asio::bind_executor(context, [&](std::exception_ptr e, outcome s) {
            CHECK(!e);
            CHECK(s.index() == 1);
            CHECK(*s.unsent<0>() == 3);
            called = true;
        }));
    context.poll();
    CHECK(!called);
    CHECK(quick.try_send(1));
    CHECK(!called); // posted
    context.run();
    CHECK(called);
}

TEST_CASE("deferred and use_awaitable: plain coroutines select")
{
    asio::io_context context;
    auto numbers = make_channel<int>();
    auto stop = make_channel<void>();
    int sum = 0;
    auto consumer = [&]() -> asio::awaitable<void> {
        for (;;) {
            auto s = co_await select_biased{numbers.receive(), stop.receive()}(asio::use_awaitable);
            if (s.index() == 1) break;
            sum += *s.get<0>();
        }
        auto op = weft::select{stop.receive(), channel<int>().receive()}(asio::deferred);
        auto last = co_await std::move(op);
        CHECK(last.index() == 0);
    };
    auto producer = [&]() -> asio::awaitable<void> {
        for (int i = 1; i <= 50; ++i) {
            auto s =
                co_await weft::select{numbers.send(i), channel<int>().receive()}; // without a token
            CHECK(s.index() == 0);
        }
        stop.close();
    };
    asio::co_spawn(context, consumer, asio::detached);
    asio::co_spawn(context, producer, asio::detached);
    context.run();
    CHECK(sum == 50 * 51 / 2);
}

TEST_CASE("select_any takes tokens, too")
{
    std::vector<channel<int>> all;
    for (int i = 0; i < 100; ++i) all.push_back(make_channel<int>());
    std::vector<decltype(all[0].receive())> cases;
    for (auto& ch : all) cases.push_back(ch.receive());
    auto f = select_any(cases)(asio::use_future);
    CHECK(all[42].try_send(1));
    const auto r = f.get();
    CHECK(r.index == 42);
    CHECK(r.value == 1);
    for (auto& ch : all) CHECK(!ch.try_send(2)); // all are left
}

TEST_CASE("a slot cancels a waiting select, and no case has happened then")
{
    asio::io_context context;
    asio::cancellation_signal stop;
    auto a = make_channel<int>();
    auto b = make_channel<int>();
    bool aborted = false;
    using outcome = decltype(weft::select{a.receive(), b.send(1)})::result_type;
    weft::select{a.receive(), b.send(1)}(asio::bind_cancellation_slot(
        stop.slot(), asio::bind_executor(context, [&](std::exception_ptr e, outcome s) {
            CHECK(s.index() == s.npos);
            try {
                std::rethrow_exception(e);
            } catch (const asio::system_error& x) {
                aborted = x.code() == asio::error::operation_aborted;
            }
        })));
    stop.emit(asio::cancellation_type::total);
    context.run();
    CHECK(aborted);
    CHECK(!a.try_send(1));
    CHECK(!b.try_receive());
}

TEST_CASE("exactly one case happens however selects, partners and cancellations race")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        const int each = static_cast<int>(weft_test::count(10'000));
        auto a = make_channel<int>(), b = make_channel<int>();
        auto ended = make_channel<void>(2);
        weft::runtime rt({.procs = procs});
        for (const auto& ch : {a, b}) {
            weft::go(rt.get_executor(), [=]() -> task<> {
                for (int i = 0; i < each; ++i) co_await ch.send(i);
                co_await ended.send();
            });
        }
        asio::io_context context;
        asio::cancellation_signal stop;
        int got_a = 0, got_b = 0, ends = 0;
        using outcome =
            decltype(weft::select{a.receive(), b.receive(), ended.receive()})::result_type;
        std::function<void()> next = [&] {
            weft::select{a.receive(), b.receive(), ended.receive()}(asio::bind_cancellation_slot(
                stop.slot(), asio::bind_executor(context, [&](std::exception_ptr e, outcome s) {
                    if (!e && s.index() == 0) CHECK(*s.get<0>() == got_a++);
                    if (!e && s.index() == 1) CHECK(*s.get<1>() == got_b++);
                    if (!e && s.index() == 2) ++ends;
                    if (ends < 2) next();
                })));
            asio::post(context, [&] { stop.emit(asio::cancellation_type::total); });
        };
        next();
        context.run();
        CHECK(got_a == each);
        CHECK(got_b == each);
        rt.join();
        weft_test::note_procs(0);
    }
}
