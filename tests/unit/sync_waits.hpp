// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "testing.hpp"

#include <weft/testing.hpp>

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>
#include <vector>

/// What holds for whatever can be waited for in the sync room, however it is waited for.
///
/// A subject is the object with the few words the checks need:
///  - made:       who waits need not wait;
///  - `block()`   from now on one has to wait;
///  - `release()` undoes that; also from ordinary threads. Those who wait go on, one after the other or together;
///  - `wait()`    the operation; also with a context;
///  - `leave()`   gives back what the result of `wait` does not give back by itself.
namespace weft_test {

using namespace std::chrono_literals;

template <class Subject>
using wait_result = typename decltype(std::declval<Subject&>().wait())::result_type;

/// Waits, and leaves again.
template <class Subject>
weft::task<> pass(Subject& s)
{
    if constexpr (std::is_void_v<wait_result<Subject>>) {
        co_await s.wait();
    } else {
        const auto held = co_await s.wait();
        static_cast<void>(held);
    }
    s.leave();
}
template <class Subject>
weft::task<> pass_with(Subject& s, weft::context ctx)
{
    if constexpr (std::is_void_v<wait_result<Subject>>) {
        co_await s.wait(ctx);
    } else {
        const auto held = co_await s.wait(ctx);
        static_cast<void>(held);
    }
    s.leave();
}
/// As one of two cases; the other one never happens.
template <class Subject>
weft::task<> pass_by_select(Subject& s)
{
    auto op = s.wait();
    {
        auto chosen = co_await weft::select{weft::channel<int>().receive(), op};
        CHECK(chosen.index() == 1);
    }
    s.leave();
}

/// The code a task ends with; no error: 0.
inline weft::task<std::error_code> code_of(weft::task<> t)
{
    std::error_code code;
    try {
        co_await std::move(t);
    } catch (const std::system_error& e) {
        code = e.code();
    }
    co_return code;
}

inline std::error_code code_in(const std::exception_ptr& e)
{
    if (!e) return {};
    try {
        std::rethrow_exception(e);
    } catch (const std::system_error& x) {
        return x.code();
    }
}

/// The object is as new: nobody holds it back, and it can be blocked and released.
template <class Subject>
weft::task<> check_usable(Subject& s)
{
    co_await pass(s);
    s.block();
    auto late = weft::spawn(pass<Subject>, std::ref(s));
    co_await weft::this_goroutine::yield();
    s.release();
    co_await late.join();
}

/// A context: ended before, while it waits, and not at all.
template <class Subject>
void check_contexts()
{
    on_procs([]() -> weft::task<> {
        Subject s;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        co_await pass_with(s, ctx); // free
        s.block();
        auto given_up = weft::spawn(code_of, pass_with(s, ctx));
        auto patient = weft::spawn(code_of, pass_with(s, weft::background()));
        co_await until_parked(2);
        cancel();
        const auto first = co_await given_up.join();
        CHECK(first == weft::errc::canceled);
        CHECK(parked() == 1);
        s.release();
        const auto second = co_await patient.join();
        CHECK(!second);
        // Free or not: the context counts first, and nothing is taken.
        const auto third = co_await code_of(pass_with(s, ctx));
        CHECK(third == weft::errc::canceled);
        auto [brief, stop] = weft::with_timeout(weft::background(), 1ms);
        s.block();
        const auto fourth = co_await code_of(pass_with(s, brief));
        CHECK(fourth == weft::errc::deadline_exceeded);
        s.release();
        co_await check_usable(s);
    });
}

/// Bound goroutines, each form of waiting, are cancelled.
template <class Subject>
void check_bound()
{
    on_procs([]() -> weft::task<> {
        Subject s;
        s.block();
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        std::vector<weft::join_handle<void>> bound;
        for (int i = 0; i < 5; ++i) {
            bound.push_back(weft::spawn(ctx, pass<Subject>, std::ref(s)));
            bound.push_back(weft::spawn(ctx, pass_with<Subject>, std::ref(s), weft::background()));
            bound.push_back(weft::spawn(ctx, pass_by_select<Subject>, std::ref(s)));
        }
        auto free = weft::spawn(pass<Subject>, std::ref(s));
        co_await until_parked(16);
        cancel();
        for (auto& h : bound) {
            std::error_code code;
            try {
                co_await h.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
        }
        CHECK(parked() == 1);
        s.release();
        co_await free.join();
        // One that is bound, and not cancelled.
        s.block();
        auto made = weft::with_cancel(weft::background());
        auto spared = weft::spawn(made.ctx, pass<Subject>, std::ref(s));
        co_await until_parked(1);
        s.release();
        co_await spared.join();
        co_await check_usable(s);
    });
}

/// A select case that wins at once, wins after waiting, and loses both ways.
template <class Subject>
void check_select()
{
    on_procs([]() -> weft::task<> {
        Subject s;
        auto other = weft::make_channel<int>(1);
        auto op = s.wait();
        {
            auto won = co_await weft::select{other.receive(), op};
            CHECK(won.index() == 1);
        }
        s.leave();
        s.block();
        CHECK(other.try_send(1));
        {
            auto lost = co_await weft::select{op, other.receive()};
            CHECK(lost.index() == 1);
        }
        {
            auto none = weft::try_select{op, other.receive()};
            CHECK(none.index() == none.npos);
        }
        auto waits = weft::spawn([&s, other]() -> weft::task<std::size_t> {
            auto mine = s.wait();
            auto chosen = co_await weft::select{other.receive(), mine};
            co_return chosen.index();
        });
        co_await until_parked(1, "select");
        co_await other.send(2);
        const std::size_t lost = co_await waits.join();
        CHECK(lost == 0);
        auto late = weft::spawn(pass_by_select<Subject>, std::ref(s));
        auto later = weft::spawn(pass<Subject>, std::ref(s));
        co_await until_parked(2);
        s.release();
        co_await late.join();
        co_await later.join();
        co_await check_usable(s);
    });
}

/// Completion tokens: futures, callbacks, a slot that cancels, plain Asio coroutines.
template <class Subject>
void check_tokens()
{
    watchdog guard;
    constexpr bool empty = std::is_void_v<wait_result<Subject>>;
    Subject s;
    const auto through = [&s](auto& future) {
        if constexpr (empty) {
            future.get();
        } else {
            const auto held = future.get();
            static_cast<void>(held);
        }
        s.leave();
    };
    auto at_once = s.wait()(asio::use_future);
    through(at_once);
    s.block();
    auto first = s.wait()(asio::use_future), second = s.wait()(asio::use_future);
    CHECK(first.wait_for(0ms) == std::future_status::timeout);
    s.release();
    through(first);
    through(second);

    asio::io_context io;
    s.block();
    int called = 0;
    std::error_code failure;
    const auto note = [&](const std::exception_ptr& e) {
        ++called;
        failure = code_in(e);
        if (!e) s.leave();
    };
    const auto handler = [&note] {
        if constexpr (empty) return [&note](std::exception_ptr e) { note(e); };
        else return [&note](std::exception_ptr e, wait_result<Subject>) { note(e); };
    }();
    s.wait()(asio::bind_executor(io, handler));
    CHECK(io.poll() == 0);
    s.release();
    CHECK(called == 0); // never from within
    io.run();
    CHECK(called == 1);
    CHECK(!failure);

    io.restart();
    s.block();
    asio::cancellation_signal signal;
    s.wait()(asio::bind_cancellation_slot(signal.slot(), asio::bind_executor(io, handler)));
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    s.wait(ctx)(asio::bind_executor(io, handler));
    signal.emit(asio::cancellation_type::total);
    io.poll();
    CHECK(called == 2);
    CHECK(failure == asio::error::operation_aborted);
    cancel();
    io.run();
    CHECK(called == 3);
    CHECK(failure == weft::errc::canceled);

    io.restart();
    int passed = 0;
    const auto coroutine = [&]() -> asio::awaitable<void> {
        for (const bool with_token : {true, false}) {
            if constexpr (empty) {
                if (with_token) co_await s.wait()(asio::use_awaitable);
                else co_await s.wait();
            } else if (with_token) {
                const auto held = co_await s.wait()(asio::use_awaitable);
                static_cast<void>(held);
            } else {
                const auto held = co_await s.wait();
                static_cast<void>(held);
            }
            s.leave();
            ++passed;
        }
    };
    for (int i = 0; i < 3; ++i) asio::co_spawn(io, coroutine(), asio::detached);
    io.poll();
    CHECK(passed == 0);
    s.release();
    io.run();
    CHECK(passed == 6);
    note_procs(0);
}

/// Goroutines of two runtimes and ordinary threads, at the same object.
template <class Subject>
void check_threads()
{
    watchdog guard;
    Subject s;
    s.block();
    weft::runtime one({.procs = 2}), two({.procs = 1});
    std::vector<std::thread> threads;
    std::atomic<int> passed{0};
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&, i] {
            const auto& ex = i % 2 ? one.get_executor() : two.get_executor();
            weft::sync_wait(ex, pass(s));
            weft::sync_wait(ex, [&] { return pass_by_select(s); });
            ++passed;
        });
    }
    while (parked() != 4) std::this_thread::yield();
    CHECK(passed == 0);
    s.release();
    for (auto& t : threads) t.join();
    CHECK(passed == 4);
    weft::sync_wait(two.get_executor(), [&] { return check_usable(s); });
}

/// One that many wait for, each in its way.
template <class Subject>
void start_waiters(const weft::executor& ex, Subject& s, const weft::context& ctx, int each)
{
    for (int i = 0; i < each; ++i) {
        weft::go(ex, pass<Subject>, std::ref(s));
        weft::go(ex, code_of, pass_with(s, ctx));
        weft::go(ex, pass_by_select<Subject>, std::ref(s));
        weft::go(ex, [&s, ctx]() -> weft::task<> {
            auto bound = weft::spawn(ctx, pass<Subject>, std::ref(s));
            co_return;
        });
    }
}

/// Destroyed while goroutines wait for it: they are unwound without it.
template <class Subject>
void check_object_goes_first()
{
    on_procs(
        []() -> weft::task<> {
            auto made = weft::with_cancel(weft::background());
            Subject s;
            s.block();
            start_waiters(weft::this_goroutine::get_executor(), s, made.ctx, 5);
            co_await until_parked(20);
        },
        leftovers::parked);
}

/// The runtime goes while many wait; the object is as good as new for others.
template <class Subject>
void check_runtime_goes_first()
{
    for (unsigned procs : {1u, 2u, 4u}) {
        note_procs(procs);
        watchdog guard;
        Subject s;
        s.block();
        auto made = weft::with_cancel(weft::background());
        weft::runtime survivor({.procs = 1});
        auto patient = weft::spawn(survivor.get_executor(), pass<Subject>, std::ref(s));
        {
            weft::runtime rt({.procs = procs});
            start_waiters(rt.get_executor(), s, made.ctx, 25);
            while (parked() != 101) std::this_thread::yield();
        }
        CHECK(parked() == 1);
        s.release();
        weft::sync_wait(survivor.get_executor(), patient.join());
        weft::sync_wait(survivor.get_executor(), [&] { return check_usable(s); });
    }
    note_procs(0);
}

/// In a bubble: time stands still while it waits, a deadlock is told, and a visitor is refused.
template <class Subject>
void check_bubble()
{
    weft::testing::bubble([]() -> weft::task<> {
        Subject s;
        s.block();
        const auto start = weft::clock::now();
        weft::go([&s]() -> weft::task<> {
            co_await weft::sleep(1h);
            s.release();
        });
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 30min);
        const auto late = co_await code_of(pass_with(s, ctx));
        CHECK(late == weft::errc::deadline_exceeded);
        CHECK(weft::clock::now() - start == 30min);
        co_await pass(s);
        CHECK(weft::clock::now() - start == 1h);
    });
    weft::testing::failure_kind kind{};
    try {
        weft::testing::bubble([]() -> weft::task<> {
            Subject s;
            s.block();
            co_await pass(s);
        });
        FAIL("no deadlock");
    } catch (const weft::testing::failure& f) {
        kind = f.kind();
    }
    CHECK(kind == weft::testing::failure_kind::deadlock);
}

/// Cancelled at every place, and on many schedules: nothing is lost.
template <class Subject>
void check_everywhere()
{
    const auto crowd = [](Subject& s, weft::context ctx) -> weft::task<> {
        s.block();
        auto bound = weft::spawn(ctx, pass<Subject>, std::ref(s));
        weft::wait_group all;
        for (int i = 0; i < 2; ++i) {
            all.go(pass<Subject>, std::ref(s));
            all.go(code_of, pass_with(s, ctx));
            all.go(pass_by_select<Subject>, std::ref(s));
        }
        co_await weft::this_goroutine::yield();
        s.release();
        co_await all.wait();
        try {
            co_await bound.join();
        } catch (const weft::error& e) {
            if (e.code() != weft::errc::canceled) throw;
        }
        co_await check_usable(s);
    };
    weft::testing::cancel_everywhere(
        [crowd](weft::context ctx) -> weft::task<> {
            Subject s;
            const auto work = [&]() -> weft::task<> { co_await crowd(s, ctx); };
            auto free = weft::spawn(weft::without_cancel(ctx), work);
            const auto joins = [free]() -> weft::task<> { co_await free.join(); };
            auto joined = joins();
            co_await weft::shield(std::move(joined));
        },
        {.schedules = 3});
    weft::testing::explore(
        [crowd]() -> weft::task<> {
            Subject s;
            auto made = weft::with_cancel(weft::background());
            auto h = weft::spawn([&]() -> weft::task<> { co_await crowd(s, made.ctx); });
            weft::go(made.cancel);
            co_await h.join();
        },
        {.schedules = count(10'000)});
}

} // namespace weft_test

/// The checks above, one test case each.
#define WEFT_TEST_WAITS(what, Subject)                                                             \
    TEST_CASE(what ": a context that ended, ends and does not end")                                \
    {                                                                                              \
        weft_test::check_contexts<Subject>();                                                      \
    }                                                                                              \
    TEST_CASE(what ": a bound goroutine is cancelled while it waits")                              \
    {                                                                                              \
        weft_test::check_bound<Subject>();                                                         \
    }                                                                                              \
    TEST_CASE(what ": as a select case, won and lost")                                             \
    {                                                                                              \
        weft_test::check_select<Subject>();                                                        \
    }                                                                                              \
    TEST_CASE(what ": completion tokens and plain Asio coroutines")                                \
    {                                                                                              \
        weft_test::check_tokens<Subject>();                                                        \
    }                                                                                              \
    TEST_CASE(what ": two runtimes and ordinary threads")                                          \
    {                                                                                              \
        weft_test::check_threads<Subject>();                                                       \
    }                                                                                              \
    TEST_CASE(what ": destroyed while goroutines wait")                                            \
    {                                                                                              \
        weft_test::check_object_goes_first<Subject>();                                             \
    }                                                                                              \
    TEST_CASE(what ": a runtime ends while many wait")                                             \
    {                                                                                              \
        weft_test::check_runtime_goes_first<Subject>();                                            \
    }                                                                                              \
    TEST_CASE(what ": in a bubble")                                                                \
    {                                                                                              \
        weft_test::check_bubble<Subject>();                                                        \
    }                                                                                              \
    TEST_CASE(what ": cancelled everywhere, and on many schedules")                                \
    {                                                                                              \
        weft_test::check_everywhere<Subject>();                                                    \
    }
