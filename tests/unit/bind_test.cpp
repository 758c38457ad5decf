// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// bind: Asio's operations under a context, in goroutines and elsewhere.

#include "testing.hpp"

#include <asio/any_io_executor.hpp>
#include <asio/as_tuple.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/compose.hpp>
#include <asio/connect_pipe.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/readable_pipe.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>
#include <asio/writable_pipe.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::errc;
using weft::task;
using weft::with_cancel;
using weft_test::on_procs;

namespace {

std::size_t children(const context& c)
{
    return c.node().life()->children();
}

/// The code of the system_error that `work` ends with.
task<std::error_code> code_of(task<void> work)
{
    try {
        co_await std::move(work);
    } catch (const std::system_error& e) {
        co_return e.code();
    }
    co_return std::error_code();
}

} // namespace

TEST_CASE("bind: a goroutine's operation ends with the context's code, or is done")
{
    on_procs([]() -> task<void> {
        const auto ex = weft::this_goroutine::get_executor();
        const auto waits = [ex](context ctx, weft::duration d) -> task<void> {
            asio::steady_timer t(ex, d);
            co_await weft::bind(ctx, t.async_wait(asio::deferred));
        };
        auto [ctx, cancel] = with_cancel(background());
        CHECK_FALSE(co_await code_of(waits(ctx, 1ms)));
        CHECK_FALSE(co_await code_of(waits(background(), 1ms)));
        CHECK(children(ctx) == 0);
        auto [soon, cancel_soon] = weft::with_timeout(ctx, 2ms);
        CHECK(co_await code_of(waits(soon, 1h)) == make_error_code(errc::deadline_exceeded));
        auto pending = weft::spawn(
            [&code_of_it = code_of](task<void> w) -> task<std::error_code> {
                co_return co_await code_of_it(std::move(w));
            },
            waits(ctx, 1h));
        co_await weft::sleep(1ms);
        CHECK(children(ctx) == 1);
        cancel();
        CHECK(co_await pending.join() == make_error_code(errc::canceled));
        CHECK(co_await code_of(waits(ctx, 1h)) == make_error_code(errc::canceled));
        CHECK(children(ctx) == 0);
        asio::steady_timer t(ex, 1h);
        CHECK_MISUSE(weft::bind(context(), t.async_wait(asio::deferred)),
                     "cannot create context from nil parent");
    });
}

TEST_CASE("bind: what was read is reported, the rest is not begun")
{
    on_procs([]() -> task<void> {
        const auto ex = weft::this_goroutine::get_executor();
        asio::readable_pipe in(ex);
        asio::writable_pipe out(ex);
        asio::connect_pipe(in, out);
        co_await asio::async_write(out, asio::buffer("abc", 3), asio::deferred);
        auto made = with_cancel(background());
        std::string room(16, ' ');
        const auto reads = [&]() -> task<std::size_t> {
            auto read = asio::async_read(in, asio::buffer(room), asio::deferred);
            auto [ec, n] =
                co_await weft::bind(made.ctx, std::move(read))(asio::as_tuple(asio::deferred));
            CHECK(ec == make_error_code(errc::canceled));
            co_return n;
        };
        auto h = weft::spawn(reads);
        co_await weft::sleep(5ms);
        made.cancel();
        CHECK(co_await h.join() == 3);
        CHECK(room.substr(0, 3) == "abc");
    });
}

TEST_CASE("bind: with any token, on any executor")
{
    weft_test::watchdog guard;
    asio::thread_pool pool(2);
    {
        auto [ctx, cancel] = with_cancel(background());
        asio::steady_timer t(pool, 1h);
        auto waiting = weft::bind(ctx, t.async_wait(asio::deferred))(asio::use_future);
        cancel();
        try {
            waiting.get();
            FAIL_CHECK("it was not cancelled");
        } catch (const std::system_error& e) {
            CHECK(e.code() == make_error_code(errc::canceled));
        }
    }
    {
        auto [ctx, cancel] = with_cancel(background());
        auto plain = [&pool, own = ctx]() -> asio::awaitable<int> {
            asio::steady_timer t(pool, 1h);
            try {
                co_await weft::bind(own, t.async_wait(asio::deferred))(asio::use_awaitable);
            } catch (const std::system_error& e) {
                co_return e.code() == make_error_code(errc::canceled) ? 1 : 2;
            }
            co_return 3;
        };
        auto result = asio::co_spawn(pool, plain(), asio::use_future);
        std::this_thread::sleep_for(2ms);
        cancel();
        CHECK(result.get() == 1);
    }
    { // the handler's own slot still works
        auto [ctx, cancel] = with_cancel(background());
        asio::io_context io;
        asio::steady_timer t(io, 1h);
        asio::cancellation_signal signal;
        asio::error_code seen;
        auto note = [&seen](const asio::error_code& ec) { seen = ec; };
        weft::bind(ctx,
                   t.async_wait(asio::deferred))(asio::bind_cancellation_slot(signal.slot(), note));
        io.poll();
        signal.emit(asio::cancellation_type::terminal);
        io.run();
        CHECK(seen == asio::error::operation_aborted);
        CHECK(children(ctx) == 0);
        signal.emit(asio::cancellation_type::terminal); // it is over
    }
}

TEST_CASE("bind: an operation of weft's")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_cancel(background());
        auto ch = weft::make_channel<int>();
        const auto receives = [ch, own = ctx]() -> task<void> {
            static_cast<void>(co_await weft::bind(own, ch.receive()));
        };
        auto h = weft::spawn(receives);
        co_await weft::sleep(2ms);
        cancel();
        CHECK_THROWS_AS(co_await h.join(), std::system_error);
        CHECK_FALSE(ch.try_send(1));
    });
}

TEST_CASE("bind: in a goroutine that is bound to another context, either ends it")
{
    on_procs([]() -> task<void> {
        for (int round = 0; round < 20; ++round) {
            auto own = with_cancel(background()), other = with_cancel(background());
            auto h = weft::spawn(own.ctx, [ctx = other.ctx]() -> task<void> {
                asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                co_await weft::bind(ctx, t.async_wait(asio::deferred));
            });
            if (round % 4 < 2) co_await weft::sleep(200us);
            (round % 2 ? own : other).cancel();
            CHECK_THROWS_AS(co_await h.join(), std::system_error);
            CHECK(children(other.ctx) == 0);
        }
    });
}

TEST_CASE("bind: an operation that went with its io_context is out of the context's hands")
{
    auto [ctx, cancel] = with_cancel(background());
    {
        asio::io_context io;
        asio::steady_timer t(io, 1h);
        asio::readable_pipe in(io);
        asio::writable_pipe out(io);
        asio::connect_pipe(in, out);
        char room[4];
        weft::bind(ctx, t.async_wait(asio::deferred))(asio::detached);
        weft::bind(ctx, asio::async_read(in, asio::buffer(room), asio::deferred))(asio::detached);
        io.poll();
        CHECK(children(ctx) == 2);
    }
    CHECK(children(ctx) == 0);
    cancel();

    auto [again, cancel_again] = with_cancel(background());
    {
        weft::runtime rt({.procs = 2});
        const auto ex = rt.get_executor();
        auto t = std::make_shared<asio::steady_timer>(ex, 1h);
        weft::bind(again, t->async_wait(asio::deferred))(
            asio::bind_executor(ex, [t](const asio::error_code&) {}));
        CHECK(children(again) == 1);
    }
    CHECK(children(again) == 0);
    cancel_again();
}

TEST_CASE("bind: a handler that is dropped in the initiation, or by a thread later")
{
    auto [ctx, cancel] = with_cancel(background());
    const auto dropped = asio::async_initiate<decltype(asio::deferred), void(asio::error_code)>(
        [](auto handler) { auto gone = std::move(handler); }, asio::deferred);
    weft::bind(ctx, dropped)(asio::detached);
    CHECK(children(ctx) == 0);
    std::thread later;
    const auto elsewhere = asio::async_initiate<decltype(asio::deferred), void(asio::error_code)>(
        [&later](auto handler) {
            later = std::thread([h = std::move(handler)]() mutable { auto gone = std::move(h); });
        },
        asio::deferred);
    weft::bind(ctx, elsewhere)(asio::detached);
    cancel();
    later.join();
    CHECK(children(ctx) == 0);
}

TEST_CASE("bind: completions and cancellations race on a pool")
{
    weft_test::watchdog guard;
    auto random = weft_test::make_random();
    asio::thread_pool pool(2);
    const std::size_t rounds = weft_test::count(50'000);
    std::size_t done = 0, ended = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
        auto [ctx, cancel] = with_cancel(background());
        asio::steady_timer t(pool, std::chrono::microseconds(random() % 30));
        auto waiting = weft::bind(ctx, t.async_wait(asio::deferred))(asio::use_future);
        for (auto spin = random() % 2000; spin != 0; --spin)
            std::atomic_signal_fence(std::memory_order_seq_cst);
        cancel();
        try {
            waiting.get();
            ++done;
        } catch (const std::system_error& e) {
            CHECK(e.code() == make_error_code(errc::canceled));
            ++ended;
        }
        CHECK(children(ctx) == 0);
    }
    CHECK(done + ended == rounds);
}

TEST_CASE("bind: a handler without an executor runs where the operation's object says")
{
    asio::io_context io;
    const auto strand = asio::make_strand(io);
    asio::steady_timer timer(strand, 1ms);
    bool on_strand = false;
    weft::bind(background(), timer.async_wait(asio::deferred))(
        [&](asio::error_code) { on_strand = strand.running_in_this_thread(); });
    io.run();
    CHECK(on_strand);

    io.restart();
    auto twice = [n = 0](auto& self) mutable {
        if (n++ == 0) asio::post(std::move(self));
        else self.complete();
    };
    auto composed =
        asio::async_compose<const asio::deferred_t, void()>(std::move(twice), asio::deferred, io);
    std::thread::id at;
    weft::bind(background(), std::move(composed))([&] { at = std::this_thread::get_id(); });
    io.run();
    CHECK(at == std::this_thread::get_id());
}

TEST_CASE("bind: named without its namespace, with whatever kind of context variable")
{
    on_procs([]() -> task<> {
        const auto ex = co_await asio::this_coro::executor;
        auto [ctx, cancel] = with_cancel(background());
        asio::steady_timer timer(ex, 1ms);
        co_await bind(ctx, timer.async_wait(asio::deferred));
        const context fixed = ctx;
        timer.expires_after(1ms);
        co_await bind(fixed, timer.async_wait(asio::deferred));
        timer.expires_after(1h);
        cancel();
        CHECK_THROWS_AS(co_await bind(ctx, timer.async_wait(asio::deferred)), std::system_error);
    });
}
