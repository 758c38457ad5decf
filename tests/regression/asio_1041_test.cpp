// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// chriskohlhoff/asio#1041: a program waits for a message or a timer with `receive || timer`. When
// both complete before the waiter runs, the timer wins and the message, which the receive had
// already taken out of the channel, is gone. An Asio operation that has completed cannot be taken
// back; a weft select commits one case and leaves the others as if they had never been tried.

#include "testing.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <chrono>
#include <functional>
#include <system_error>
#include <variant>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;

namespace {

using asio_channel = asio::experimental::concurrent_channel<void(std::error_code, int)>;
using asio_ticks = asio::experimental::concurrent_channel<void(std::error_code)>;

constexpr int rounds = 200;

} // namespace

TEST_CASE("asio: a message is lost when the other side of || completes first")
{
    using namespace asio::experimental::awaitable_operators;
    asio::io_context context;
    asio_channel messages(context);
    asio_ticks ticks(context); // stands for the timer: completes exactly when we want
    int sent = 0, received = 0, ticked = 0;

    auto consumer = [&]() -> asio::awaitable<void> {
        while (received + ticked < rounds) {
            auto r = co_await (messages.async_receive(asio::use_awaitable) ||
                               ticks.async_receive(asio::use_awaitable));
            if (r.index() == 0) ++received;
            else ++ticked;
        }
    };
    asio::co_spawn(context, consumer, asio::detached);
    std::function<void()> producer = [&] {
        // Unbuffered: a try_send succeeds only if a receive waits, and gives it the message.
        if (ticks.try_send(std::error_code()) && messages.try_send(std::error_code(), sent)) ++sent;
        if (received + ticked < rounds) asio::post(context, producer);
    };
    producer();
    context.run();
    CHECK(received <= sent);
    WARN_MESSAGE(received < sent, "this Asio no longer loses messages");
    MESSAGE("Asio's || lost " << sent - received << " of " << sent << " messages");
}

TEST_CASE("weft: the same race loses nothing")
{
    on_procs([]() -> task<> {
        auto messages = make_channel<int>();
        auto ticks = make_channel<void>();
        int sent = 0, received = 0, ticked = 0;
        auto consumer = weft::spawn([&]() -> task<> {
            while (received + ticked < rounds) {
                auto s = co_await weft::select{messages.receive(), ticks.receive()};
                if (s.index() == 0) ++received;
                else ++ticked;
            }
        });
        weft_test::team producer;
        producer.go([&]() -> task<> {
            for (;;) {
                const bool tick = ticks.try_send();
                if (messages.try_send(1)) ++sent; // refused if the tick has won
                if (!tick) {
                    auto done = weft::try_select{consumer.join()};
                    if (done.index() == 0) break;
                }
                co_await weft::this_goroutine::yield();
            }
        });
        co_await producer.join();
        CHECK(received == sent);
        CHECK(received + ticked == rounds);
    });
}

TEST_CASE("weft: receive against a real timer loses nothing, and keeps the order")
{
    on_procs([]() -> task<> {
        const int total = static_cast<int>(weft_test::count(20'000));
        auto messages = make_channel<int>();
        weft_test::team producer;
        producer.go([&]() -> task<> {
            for (int i = 0; i < total; ++i) {
                co_await messages.send(i);
                if (i % 64 == 0) co_await weft_test::sleep_ms(0);
            }
            messages.close();
        });
        asio::steady_timer timer(weft::this_goroutine::get_executor());
        int received = 0;
        for (bool open = true; open;) {
            timer.expires_after(std::chrono::microseconds(received % 50));
            weft::pending expiry{timer.async_wait(asio::deferred)};
            auto s = co_await weft::select{messages.receive(), expiry.done()};
            if (s.index() == 0) {
                if (s.get<0>()) CHECK(*s.get<0>() == received++);
                else open = false;
            }
            timer.cancel();
            co_await expiry.done(); // before the timer is set again
        }
        CHECK(received == total);
        co_await producer.join();
    });
}

TEST_CASE("weft: an Asio channel's receive kept as pending loses nothing")
{
    on_procs([]() -> task<> {
        const auto ex = weft::this_goroutine::get_executor();
        asio_channel messages(ex);
        auto ticks = make_channel<void>();
        constexpr int total = 500;
        weft_test::team others;
        others.go([&]() -> task<> {
            for (int i = 0; i < total; ++i)
                co_await messages.async_send(std::error_code(), i, asio::deferred);
        });
        others.go([ticks]() -> task<> {
            for (int i = 0; i < total; ++i) co_await ticks.send();
            ticks.close();
        });
        int received = 0, ticked = 0;
        weft::pending next{messages.async_receive(asio::deferred)};
        while (received < total) {
            auto s = co_await weft::select{next.done(), ticks.receive()};
            if (s.index() == 1) {
                if (s.get<1>()) ++ticked;
                else ticks = {}; // closed: nil is never ready
                continue;        // `next` goes on
            }
            const int value = next.result();
            CHECK(value == received);
            if (++received < total) next = weft::pending{messages.async_receive(asio::deferred)};
        }
        if (ticks) {
            while (co_await ticks.receive()) ++ticked;
        }
        CHECK(ticked == total);
        CHECK(received == total);
        co_await others.join();
    });
}
