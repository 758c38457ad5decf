// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// chriskohlhoff/asio#1318 and #1575: closing an Asio channel completes the receives that wait, but
// not the sends: their coroutines wait for ever and keep the context from ending. With weft, as in
// Go, a close reaches everybody: receivers get "closed", blocked senders the misuse error, and keep
// their values.

#include "../unit/witness.hpp"
#include "testing.hpp"

#include <asio/bind_executor.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/io_context.hpp>

#include <atomic>
#include <exception>
#include <memory>
#include <string>
#include <system_error>

using weft::make_channel;
using weft::task;
using weft_test::on_procs;

TEST_CASE("asio: a blocked send does not end when its channel is closed")
{
    asio::io_context context;
    asio::experimental::concurrent_channel<void(std::error_code, int)> ch(context);
    bool ended = false;
    ch.async_send({}, 1, [&](std::error_code) { ended = true; });
    ch.close();
    context.poll();
    WARN_MESSAGE(!ended, "this Asio ends blocked sends");
    ch.cancel(); // what a program has to do in addition
    context.run();
    CHECK(ended);
}

TEST_CASE("weft: a close ends every blocked send with the misuse error, and no value is delivered")
{
    on_procs([](unsigned procs) -> task<> {
        constexpr int senders = 50;
        for (const std::size_t capacity : {0u, 3u}) {
            auto ch = make_channel<int>(capacity);
            for (std::size_t i = 0; i < capacity; ++i) CHECK(ch.try_send(0));
            std::atomic<int> refused{0};
            weft_test::team all;
            for (int i = 1; i <= senders; ++i) {
                all.go([&, ch, i]() -> task<> {
                    auto send = ch.send(i);
                    CHECK_MISUSE(co_await std::move(send), "send on closed channel");
                    CHECK(send.unsent() == i); // NOLINT: the operation itself was not moved
                    ++refused;
                });
            }
            co_await weft_test::until_parked(senders, "chan send");
            ch.close();
            co_await all.join();
            CHECK(refused == senders);
            for (std::size_t i = 0; i < capacity; ++i) CHECK(ch.try_receive() == 0);
            CHECK(ch.drained());
        }
        CHECK(procs > 0);
    });
}

TEST_CASE("weft: a close from a plain thread ends sends in selects and with completion tokens")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::watchdog guard;
        auto ch = make_channel<std::string>();
        weft::runtime rt({.procs = procs});
        std::atomic<int> refused{0};
        for (int i = 0; i < 10; ++i) {
            weft::go(rt.get_executor(), [&, ch]() -> task<> {
                auto never = make_channel<int>();
                CHECK_MISUSE((co_await weft::select{ch.send("no"), never.receive()}),
                             "send on closed channel");
                ++refused;
            });
        }
        asio::io_context context;
        std::string text;
        ch.send("no")(asio::bind_executor(context, [&](std::exception_ptr e) {
            CHECK_MISUSE(std::rethrow_exception(e), "send on closed channel");
            ++refused;
        }));
        while (weft_test::parked("select") != 10) std::this_thread::yield();
        ch.close();
        context.run(); // ends
        rt.join();     // ends
        CHECK(refused == 11);
    }
}

TEST_CASE("weft: the values of refused sends are destroyed once")
{
    std::atomic<int> destroyed{0};
    weft::run([&]() -> task<> {
        auto ch = make_channel<std::unique_ptr<weft_test::witness>>();
        weft_test::team senders;
        for (int i = 0; i < 10; ++i) {
            senders.go([&, ch]() -> task<> {
                CHECK_THROWS_AS(co_await ch.send(std::make_unique<weft_test::witness>(destroyed)),
                                weft::misuse_error);
            });
        }
        co_await weft_test::until_parked(10, "chan send");
        ch.close();
        co_await senders.join();
    });
    CHECK(destroyed == 10);
}
