// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// chriskohlhoff/asio#1574: a cancellation of Asio's is an event. It ends the wait that is under
// way; a coroutine that looks away at that moment, and then starts another wait, is not cancelled
// and may wait for ever. What ends goroutines is a state: a closed channel stays closed, so a wait
// that starts later ends as well.

#include "../unit/witness.hpp"
#include "testing.hpp"

#include <asio/awaitable.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <system_error>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;

TEST_CASE("asio: a wait that starts after the cancellation is not cancelled")
{
    asio::io_context context;
    asio::cancellation_signal stop;
    bool first_ended = false, second_ended = false, knows = false;
    asio::steady_timer timer(context);
    auto body = [&]() -> asio::awaitable<void> {
        co_await asio::this_coro::throw_if_cancelled(false);
        std::error_code ec;
        timer.expires_after(1h);
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        first_ended = true;
        const auto state = co_await asio::this_coro::cancellation_state;
        knows = state.cancelled() != asio::cancellation_type::none;
        timer.expires_after(1h);
        co_await timer.async_wait(asio::redirect_error(asio::use_awaitable, ec));
        second_ended = true;
    };
    asio::co_spawn(context, body, asio::bind_cancellation_slot(stop.slot(), asio::detached));
    context.poll();
    stop.emit(asio::cancellation_type::terminal);
    context.poll();
    CHECK(first_ended);
    CHECK(knows);
    WARN_MESSAGE(!second_ended, "this Asio cancels later waits as well");
    timer.cancel();
    context.run();
    CHECK(second_ended);
}

TEST_CASE("weft: waits that start after the stop end at once, the first and all later ones")
{
    on_procs([]() -> task<> {
        auto stop = make_channel<void>();
        auto never = make_channel<int>();
        std::atomic<int> ended{0};
        weft_test::team all;
        for (int i = 0; i < 20; ++i) {
            all.go([&, i]() -> task<> {
                asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
                weft::pending expiry{timer.async_wait(asio::deferred)};
                for (int wait = 0; wait < 5; ++wait) {
                    if (i % 2 == 0) {
                        auto s =
                            co_await weft::select{stop.receive(), never.receive(), expiry.done()};
                        CHECK(s.index() == 0);
                    } else {
                        const bool signal = co_await stop.receive();
                        CHECK(!signal);
                    }
                    co_await weft::this_goroutine::yield(); // looks away
                }
                ++ended;
                timer.cancel();
                co_await expiry.done();
            });
        }
        co_await weft_test::until_parked(20);
        stop.close();
        co_await all.join();
        CHECK(ended == 20);
    });
}

TEST_CASE("weft: the end of a runtime reaches a goroutine that was not waiting at that moment")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<int> destroyed{0};
        std::atomic<bool> inside{false}, ending{false}, later{false};
        auto rt = std::make_unique<weft::runtime>(weft::runtime_options{.procs = procs});
        weft::go(rt->get_executor(), [&]() -> task<> {
            const weft_test::witness local(destroyed);
            inside = true;
            while (!ending)
                std::this_thread::yield(); // not at a suspension point when the end comes
            std::this_thread::sleep_for(5ms);
            co_await weft::channel<int>().receive();
            later = true;
        });
        while (!inside) std::this_thread::yield();
        ending = true;
        rt.reset();
        CHECK(destroyed == 1);
        CHECK(!later);
    }
}
