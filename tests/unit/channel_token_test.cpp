// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channel operations as Asio operations: any completion token, from any thread, in plain Asio
// coroutines; cancelled through a slot without losing a value.

#include "cancel_after.hpp"
#include "testing.hpp"

#include <weft/channel.hpp>

#include <asio/as_tuple.hpp>
#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

/// Go's words, or the Asio error's, of what a handler got.
std::string text_of(const std::exception_ptr& e)
{
    if (!e) return "";
    try {
        std::rethrow_exception(e);
    } catch (const asio::system_error& x) {
        return x.code() == asio::error::operation_aborted ? "aborted" : x.code().message();
    } catch (const std::exception& x) {
        return x.what();
    }
}

} // namespace

TEST_CASE("use_future: threads send and receive")
{
    auto ch = make_channel<std::string>();
    auto received = ch.receive()(asio::use_future);
    CHECK(received.wait_for(0ms) == std::future_status::timeout);
    ch.send("over")(asio::use_future).get();
    CHECK(received.get() == "over");

    auto sent = ch.send("later")(asio::use_future);
    CHECK(sent.wait_for(0ms) == std::future_status::timeout);
    CHECK(ch.try_receive() == "later");
    sent.get();

    auto waiting = ch.receive()(asio::use_future);
    auto refused = make_channel<int>();
    auto send = refused.send(1)(asio::use_future);
    ch.close();
    refused.close();
    CHECK(waiting.get() == std::nullopt);
    CHECK_MISUSE(send.get(), "send on closed channel");

    auto signal = make_channel<void>(1);
    signal.send()(asio::use_future).get();
    CHECK(signal.receive()(asio::use_future).get() == true);

    auto many = make_channel<int>(3);
    for (int i = 0; i < 3; ++i) CHECK(many.try_send(i));
    int room[5] = {};
    CHECK(many.receive_up_to(5, room)(asio::use_future).get() == 3);
    CHECK(room[2] == 2);
}

TEST_CASE("callbacks run on their executor, and never inside the call that starts or wakes them")
{
    asio::io_context context;
    auto ch = make_channel<int>(1);
    std::string order;
    ch.send(1)(asio::bind_executor(context, [&](std::exception_ptr e) { // ready at once
        CHECK(!e);
        order += 's';
    }));
    order += '.';
    CHECK(context.run() == 1); // the pending completion counts as work
    CHECK(order == ".s");

    context.restart();
    ch.receive()(asio::bind_executor(context, [&](std::exception_ptr e, std::optional<int> v) {
        CHECK(!e);
        CHECK(v == 1);
        order += 'r';
    }));
    ch.receive()(asio::bind_executor(context, [&](std::exception_ptr e, std::optional<int> v) {
        CHECK(!e);
        CHECK(!v);
        order += 'c';
    }));
    context.poll();
    CHECK(order == ".sr");
    CHECK(!context.stopped()); // a receive is under way
    ch.close();
    CHECK(order == ".sr");
    context.run();
    CHECK(order == ".src");
}

TEST_CASE("deferred: an operation that is started when its token comes")
{
    asio::io_context context;
    auto ch = make_channel<int>(1);
    auto send = ch.send(3)(asio::deferred);
    auto receive = ch.receive()(asio::deferred);
    CHECK(ch.size() == 0); // nothing has happened
    std::move(send)(asio::detached);
    CHECK(ch.size() == 1);
    std::optional<int> got;
    std::move(receive)([&](std::exception_ptr, std::optional<int> v) {
        asio::post(context, [&, v] { got = v; });
    });
    CHECK(ch.size() == 0);
    while (!got) context.run_for(10ms), context.restart();
    CHECK(got == 3);
}

TEST_CASE("use_awaitable: plain Asio coroutines on a plain io_context")
{
    asio::io_context context;
    auto ch = make_channel<int>();
    auto done = make_channel<void>();
    std::vector<int> got;
    auto producer = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 50; ++i) co_await ch.send(i)(asio::use_awaitable);
        for (int i = 50; i < 100; ++i) co_await ch.send(i); // the same, without a token
        ch.close();
    };
    auto consumer = [&]() -> asio::awaitable<void> {
        while (auto v = co_await ch.receive()) got.push_back(*v);
        co_await done.send()(asio::deferred); // Asio's coroutines take deferred operations too
    };
    auto observer = [&]() -> asio::awaitable<void> {
        const auto [failed, signal] = co_await done.receive()(asio::as_tuple(asio::use_awaitable));
        CHECK(!failed);
        CHECK(signal);
        std::string text;
        try {
            co_await ch.send(1)(asio::use_awaitable);
        } catch (const weft::misuse_error& e) {
            text = e.what();
        }
        CHECK(text == "send on closed channel");
    };
    asio::co_spawn(context, producer, asio::detached);
    asio::co_spawn(context, consumer, asio::detached);
    asio::co_spawn(context, observer, asio::detached);
    context.run();
    REQUIRE(got.size() == 100);
    for (int i = 0; i < 100; ++i) CHECK(got[i] == i);
}

TEST_CASE("plain coroutines, goroutines and threads share one channel")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        constexpr int each = 300;
        auto ch = make_channel<int>(2);
        weft::runtime rt({.procs = procs});
        asio::io_context context;
        for (int i = 0; i < 2; ++i) {
            weft::go(rt.get_executor(), [ch]() -> task<> {
                for (int n = 0; n < each; ++n) co_await ch.send(1);
            });
            asio::co_spawn(
                context,
                [](channel<int> out) -> asio::awaitable<void> {
                    for (int n = 0; n < each; ++n) co_await out.send(1)(asio::use_awaitable);
                }(ch),
                asio::detached);
        }
        std::thread sender([&] {
            for (int n = 0; n < each; ++n) ch.send(1)(asio::use_future).get();
        });
        std::atomic<int> sum{0};
        weft::go(rt.get_executor(), [&, ch]() -> task<> {
            while (auto v = co_await ch.receive()) sum += *v;
        });
        asio::co_spawn(
            context,
            [](channel<int> in, std::atomic<int>& total) -> asio::awaitable<void> {
                for (int n = 0; n < each; ++n) {
                    auto v = co_await in.receive()(asio::use_awaitable);
                    total += *v;
                }
            }(ch, sum),
            asio::detached);
        context.run();
        sender.join();
        while (sum != 5 * each) std::this_thread::yield();
        ch.close();
        rt.join();
        CHECK(sum == 5 * each);
        weft_test::note_procs(0);
    }
}

TEST_CASE("the operation keeps its channel alive")
{
    auto ch = make_channel<int>();
    auto got = ch.receive()(asio::use_future);
    CHECK(ch.try_send(2));
    ch = {};
    CHECK(got.get() == 2);

    asio::io_context context;
    asio::cancellation_signal stop;
    auto value = std::make_shared<int>(1);
    {
        auto lonely = make_channel<std::shared_ptr<int>>();
        lonely.send(value)(asio::bind_cancellation_slot(
            stop.slot(), asio::bind_executor(context, [](std::exception_ptr) {})));
    }
    CHECK(value.use_count() == 2); // nobody can receive it any more, but the send waits on
    stop.emit(asio::cancellation_type::total);
    context.run();
    CHECK(value.use_count() == 1);
}

TEST_CASE("a slot cancels a waiting receive or send, which then had no effect")
{
    asio::io_context context;
    asio::cancellation_signal stop;
    auto ch = make_channel<std::string>();
    std::string result;
    ch.receive()(asio::bind_cancellation_slot(
        stop.slot(),
        asio::bind_executor(context, [&](std::exception_ptr e, std::optional<std::string> v) {
            result = text_of(e);
            CHECK(!v);
        })));
    stop.emit(asio::cancellation_type::total);
    CHECK(result.empty()); // posted
    context.run();
    CHECK(result == "aborted");
    CHECK(!ch.try_send("nobody is there"));

    context.restart();
    ch.send("taken back")(asio::bind_cancellation_slot(
        stop.slot(),
        asio::bind_executor(context, [&](std::exception_ptr e) { result = text_of(e) + "!"; })));
    stop.emit(asio::cancellation_type::terminal);
    context.run();
    CHECK(result == "aborted!");
    CHECK(!ch.try_receive());
    CHECK(!stop.slot().has_handler());
}

TEST_CASE("a cancellation that comes after the value has no effect")
{
    asio::io_context context;
    asio::cancellation_signal stop;
    auto ch = make_channel<int>();
    std::optional<int> got;
    ch.receive()(asio::bind_cancellation_slot(
        stop.slot(), asio::bind_executor(context, [&](std::exception_ptr e, std::optional<int> v) {
            CHECK(!e);
            got = v;
        })));
    CHECK(ch.try_send(1));                     // the receive has it now
    stop.emit(asio::cancellation_type::total); // before its handler ran
    context.run();
    CHECK(got == 1);
}

TEST_CASE("no value is lost however receives and their cancellations race")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        const int total = static_cast<int>(weft_test::count(20'000));
        auto ch = make_channel<int>();
        weft::runtime rt({.procs = procs});
        weft::go(rt.get_executor(), [&, ch]() -> task<> {
            for (int i = 0; i < total; ++i) co_await ch.send(1);
            ch.close();
        });
        asio::io_context context; // the signal and the receives live here
        int received = 0, aborted = 0;
        asio::cancellation_signal stop;
        std::function<void()> next = [&] {
            ch.receive()(asio::bind_cancellation_slot(
                stop.slot(),
                asio::bind_executor(context, [&](std::exception_ptr e, std::optional<int> v) {
                    if (e) ++aborted;
                    else if (v) ++received;
                    else return; // closed
                    next();
                })));
            asio::post(context, [&] { stop.emit(asio::cancellation_type::total); });
        };
        next();
        context.run();
        CHECK(received == total);
        rt.join();
        weft_test::note_procs(0);
    }
}

#if defined(WEFT_TEST_CANCEL_AFTER)
TEST_CASE("a time limit of Asio's loses nothing: the receive tells whether it happened")
{
    asio::io_context context;
    auto ch = make_channel<int>();
    const int total = static_cast<int>(weft_test::count(2000));
    std::thread sender([&] {
        for (int i = 0; i < total; ++i) ch.send(i)(asio::use_future).get();
        ch.close();
    });
    int received = 0;
    auto consumer = [&]() -> asio::awaitable<void> {
        asio::steady_timer timer(co_await asio::this_coro::executor);
        for (;;) {
            auto limited = asio::cancel_after(timer, 20us, asio::as_tuple(asio::use_awaitable));
            auto [failed, value] = co_await ch.receive()(std::move(limited));
            if (failed) CHECK(text_of(failed) == "aborted");
            else if (value) CHECK(*value == received++);
            else break;
        }
        auto limited = asio::cancel_after(timer, 1ms, asio::as_tuple(asio::use_awaitable));
        auto [failed, value] = co_await channel<int>().receive()(std::move(limited));
        CHECK(text_of(failed) == "aborted"); // a nil channel: only the limit can end it
        CHECK(!value);
    };
    asio::co_spawn(context, consumer, asio::detached);
    context.run();
    sender.join();
    CHECK(received == total);
}
#endif

TEST_CASE("an operation that a token keeps for later keeps its channel")
{
    auto value = std::make_shared<int>(1);
    const std::weak_ptr<int> seen = value;
    auto full = make_channel<std::shared_ptr<int>>(1);
    CHECK(full.try_send(std::move(value)));
    auto later = full.receive()(asio::deferred);
    full = {};
    CHECK_FALSE(seen.expired()); // in the channel
    asio::io_context io;
    std::optional<std::shared_ptr<int>> got;
    std::move(later)(
        asio::bind_executor(io, [&](std::exception_ptr, std::optional<std::shared_ptr<int>> v) {
            got = std::move(v);
        }));
    io.run();
    REQUIRE(got);
    CHECK(**got == 1);
}

TEST_CASE("a sending half sends under a context, whatever kind of variable that is")
{
    weft_test::on_procs([]() -> task<> {
        auto c = make_channel<int>(3);
        auto signal = make_channel<void>(2);
        const weft::send_channel<int> to = c;
        const weft::send_channel<void> bell = signal;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        const weft::context fixed = ctx;
        co_await to.send(ctx, 1);
        co_await to.send(fixed, 2);
        co_await to.send(3);
        co_await bell.send(ctx);
        co_await bell.send();
        CHECK(c.size() == 3);
        CHECK(signal.size() == 2);
        auto contexts = make_channel<weft::context>(1);
        const weft::send_channel<weft::context> hand_over = contexts;
        co_await hand_over.send(ctx);
        CHECK(contexts.size() == 1);
    });
}
