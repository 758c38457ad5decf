// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `after` and `at`: moments, awaited, in a select, and with a completion token.

#include "testing.hpp"

#include <weft/after.hpp>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::after;
using weft::at;
using weft::make_channel;
using weft::task;
using weft::time_point;
using weft_test::on_procs;

namespace {

/// What a handler got: "", or the text of the error.
std::string text_of(const std::exception_ptr& e)
{
    if (!e) return "";
    try {
        std::rethrow_exception(e);
    } catch (const weft::error& x) {
        return x.code() == weft::errc::stopped ? "stopped" : x.what();
    } catch (const asio::system_error& x) {
        return x.code() == asio::error::operation_aborted ? "aborted" : x.what();
    } catch (const std::exception& x) {
        return x.what();
    }
}

} // namespace

TEST_CASE("after brings the moment it was asked for, and never early")
{
    on_procs([]() -> task<> {
        for (const auto d : {1ns, 1000ns, 50'000ns, 3'000'000ns}) {
            const auto before = weft::clock::now();
            const time_point due = co_await after(d);
            const auto now = weft::clock::now();
            CHECK(due >= before + d);
            CHECK(due <= now);
        }
        const auto moment = weft::clock::now() + 5ms;
        const time_point due = co_await at(moment);
        CHECK(due == moment);
        CHECK(weft::clock::now() >= moment);
    });
}

TEST_CASE("a moment that has passed is ready at once, also for a try_select")
{
    on_procs([]() -> task<> {
        for (const auto d : {weft::duration::zero(), weft::duration(-1), weft::duration::min()}) {
            auto s = weft::try_select{after(d)};
            CHECK(s.index() == 0);
            CHECK(s.get<0>() <= weft::clock::now());
        }
        for (const auto t : {time_point(), time_point::min(), weft::clock::now()}) {
            auto s = weft::try_select{at(t)};
            CHECK(s.index() == 0);
            CHECK(s.get<0>() == t);
        }
        auto s = weft::try_select{after(1h), at(time_point::max())};
        CHECK(s.index() == s.npos);
        co_return;
    });
}

TEST_CASE("a copy can be waited for again; once the moment has come it is always ready")
{
    on_procs([]() -> task<> {
        auto first = after(2ms);
        auto second = first;
        const time_point due = co_await first;
        const time_point again = co_await second;
        CHECK(due == again);
        for (int i = 0; i < 3; ++i) {
            auto third = first;
            auto s = weft::try_select{third};
            CHECK(s.index() == 0);
            CHECK(s.get<0>() == due);
        }
    });
}

TEST_CASE("of several moments in one select the earliest comes, wherever it stands")
{
    on_procs([]() -> task<> {
        auto idle = make_channel<int>();
        auto first = co_await weft::select{after(1h), idle.receive(), after(2ms), after(1h)};
        CHECK(first.index() == 2);
        auto second = co_await (after(2ms) || idle.receive() || at(time_point::max()));
        CHECK(second.index() == 0);
        std::vector<weft::after_operation> many;
        for (int i = 0; i < 50; ++i) many.push_back(after(i == 33 ? 2ms : 1h));
        auto [index, due] = co_await weft::select_any(std::move(many));
        CHECK(index == 33);
        CHECK(due <= weft::clock::now());
    });
}

TEST_CASE("a channel that wins leaves nothing of the moments behind")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<int>();
        const int rounds = static_cast<int>(weft_test::count(20'000));
        weft::go([ch, rounds]() -> task<> {
            for (int i = 0; i < rounds; ++i) co_await ch.send(i);
        });
        for (int i = 0; i < rounds; ++i) {
            auto s = co_await weft::select{ch.receive(), after(1h), after(30min)};
            CHECK(s.index() == 0);
            CHECK(s.get<0>() == i);
        }
    });
}

TEST_CASE("the dump says sleep for a moment awaited, select for a select")
{
    on_procs(
        []() -> task<> {
            weft::go([]() -> task<> { co_await after(1h); });
            weft::go([]() -> task<> { co_await weft::select{after(1h), after(2h)}; });
            co_await weft_test::until_parked(1, "sleep");
            co_await weft_test::until_parked(1, "select");
        },
        weft_test::leftovers::parked);
}

TEST_CASE("outside of a runtime there is no time")
{
    CHECK_MISUSE(after(1ms), "after: not on a weft runtime; pass its executor");
    CHECK_MISUSE(at(weft::clock::now()), "at: not on a weft runtime; pass its executor");
}

TEST_CASE("a handler of the runtime's may ask for a moment")
{
    weft::runtime rt({.procs = 1});
    std::promise<time_point> rung;
    asio::post(rt.get_executor(), [&] {
        after(2ms)([&](std::exception_ptr e, time_point t) {
            CHECK(!e);
            rung.set_value(t);
        });
    });
    const auto due = rung.get_future().get();
    CHECK(due <= weft::clock::now());
}

TEST_CASE("completion tokens: future, callback, deferred; started here or by another thread")
{
    on_procs([]() -> task<> {
        const auto start = weft::clock::now();
        auto blocked = weft::blocking([op = after(3ms)]() mutable { // a foreign thread
            const time_point due = std::move(op)(asio::use_future).get();
            CHECK(weft::clock::now() >= due);
            return due;
        });
        const time_point due = co_await std::move(blocked);
        CHECK(due >= start + 3ms);

        auto future = after(3ms)(asio::use_future); // by this goroutine, waited for elsewhere
        auto wait = [&future] { return future.get(); };
        const time_point other = co_await weft::blocking(wait);
        CHECK(other >= due);

        std::atomic<int> called{0};
        after(-1s)([&](std::exception_ptr e, time_point) { called += e ? 100 : 1; });
        after(2ms)([&](std::exception_ptr e, time_point) { called += e ? 100 : 1; });
        auto later = after(1ms)(asio::deferred);
        co_await weft_test::yield_until([&] { return called == 2; });
        std::move(later)([&](std::exception_ptr e, time_point) { called += e ? 100 : 1; });
        co_await weft_test::yield_until([&] { return called == 3; });
    });
}

TEST_CASE("a select with a moment, with a token: by a foreign thread, over and over")
{
    weft_test::watchdog guard;
    for (unsigned procs : {1u, 2u}) {
        weft::runtime rt({.procs = procs});
        auto ch = make_channel<int>();
        const auto moment = [&](weft::duration d) {
            return weft::sync_wait(rt.get_executor(), [d] { return after(d); });
        };
        const int rounds = static_cast<int>(weft_test::count(2000));
        int timeouts = 0;
        for (int i = 0; i < rounds; ++i) {
            auto waiting = weft::select{ch.receive(), moment(i % 2 ? 1h : 100us),
                                        moment(1h)}(asio::use_future);
            if (i % 2) CHECK(ch.try_send(i));
            auto s = waiting.get();
            CHECK(s.index() == (i % 2 ? 0u : 1u));
            timeouts += s.index() == 1;
        }
        CHECK(timeouts == rounds / 2);
    }
}

TEST_CASE("plain Asio coroutines wait for a moment of the runtime")
{
    asio::io_context context;
    weft::runtime rt({.procs = 1});
    const auto op = weft::sync_wait(rt.get_executor(), [] { return after(5ms); });
    std::optional<time_point> due;
    auto wait = [&]() -> asio::awaitable<void> {
        auto mine = op;
        due = co_await std::move(mine)(asio::use_awaitable);
    };
    asio::co_spawn(context, wait, asio::detached);
    context.run();
    CHECK(due.has_value());
    CHECK(*due <= weft::clock::now());
}

TEST_CASE("a slot cancels a moment; one that has come is not cancelled any more")
{
    asio::io_context context;
    weft::runtime rt({.procs = 1});
    const auto moment = [&](weft::duration d) {
        return weft::sync_wait(rt.get_executor(), [d] { return after(d); });
    };
    asio::cancellation_signal cancel;
    std::string got = "nothing";
    const auto start = [&](weft::duration d) {
        moment(d)(asio::bind_executor(
            context,
            asio::bind_cancellation_slot(
                cancel.slot(), [&](std::exception_ptr e, time_point) { got = text_of(e); })));
    };
    start(1h);
    cancel.emit(asio::cancellation_type::terminal);
    context.run();
    CHECK(got == "aborted");

    context.restart();
    start(0ms);
    cancel.emit(asio::cancellation_type::terminal);
    context.run();
    CHECK(got == "");
}

TEST_CASE("the runtime ends first: those who wait with a token are told, and may still cancel")
{
    asio::io_context context;
    asio::cancellation_signal cancel;
    std::vector<std::string> got;
    const auto note = [&](std::exception_ptr e, auto&&...) { got.push_back(text_of(e)); };
    auto ch = make_channel<int>();
    {
        weft::runtime rt({.procs = 2});
        const auto moment = [&](weft::duration d) {
            return weft::sync_wait(rt.get_executor(), [d] { return after(d); });
        };
        const auto here = [&](auto handler) { return asio::bind_executor(context, handler); };
        moment(1h)(here(asio::bind_cancellation_slot(cancel.slot(), note)));
        weft::select{moment(1h), moment(2h)}(here(note));
        weft::select{ch.receive(), moment(1h)}(here(note));
        CHECK(ch.try_send(1)); // it has won, and will be settled when the runtime is no more
    }
    cancel.emit(asio::cancellation_type::terminal);
    context.run();
    CHECK(got == std::vector<std::string>{"", "stopped", "stopped"});
}
