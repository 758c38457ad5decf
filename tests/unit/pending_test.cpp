// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// pending: an Asio operation that is started once, waited for as often as one likes, and loses
// nothing.

#include "testing.hpp"

#include <weft/pending.hpp>

#include <asio/buffer.hpp>
#include <asio/deferred.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <type_traits>

using namespace std::chrono_literals;
using asio::ip::tcp;
using weft::make_channel;
using weft::pending;
using weft::task;
using weft_test::on_procs;

namespace {

using asio_channel = asio::experimental::concurrent_channel<void(std::error_code, int)>;

struct connection {
    tcp::socket here, there;
};

task<connection> connect()
{
    const auto ex = weft::this_goroutine::get_executor();
    tcp::acceptor door(ex, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket here(ex);
    pending accepted{door.async_accept(asio::deferred)};
    co_await here.async_connect(door.local_endpoint(), asio::deferred);
    co_await accepted.done();
    co_return connection{std::move(here), accepted.result()};
}

} // namespace

TEST_CASE("a pending operation is awaited, and its result fetched")
{
    on_procs([]() -> task<> {
        asio::steady_timer timer(weft::this_goroutine::get_executor(), 1ms);
        pending expiry{timer.async_wait(asio::deferred)};
        static_assert(std::is_void_v<decltype(expiry.result())>);
        co_await expiry.done();
        CHECK(expiry.ready());
        co_await expiry.done(); // from now on always ready
        expiry.result();

        auto c = co_await connect();
        std::string text(4, ' ');
        pending read{asio::async_read(c.there, asio::buffer(text), asio::deferred)};
        static_assert(std::is_same_v<decltype(read.result()), std::size_t>);
        co_await asio::async_write(c.here, asio::buffer("ping", 4), asio::deferred);
        co_await read.done();
        const std::size_t n = read.result();
        CHECK(n == 4);
        CHECK(text == "ping");
    });
}

TEST_CASE("an operation that loses a select goes on, and brings its result to a later one")
{
    on_procs([]() -> task<> {
        auto c = co_await connect();
        auto jobs = make_channel<int>(1);
        std::string text(8, ' ');
        pending read{asio::async_read(c.there, asio::buffer(text), asio::deferred)};
        for (int i = 0; i < 20; ++i) {
            if (i % 5 == 0)
                co_await asio::async_write(c.here, asio::buffer("ab", 2),
                                           asio::deferred); // bit by bit
            co_await jobs.send(i);
            auto s = co_await weft::select_biased{jobs.receive(), read.done()};
            CHECK(s.index() == 0);
            CHECK(s.get<0>() == i);
        }
        auto s = co_await weft::select{read.done(), jobs.receive()};
        CHECK(s.index() == 0);
        const std::size_t n = read.result();
        CHECK(n == 8);
        CHECK(text == "abababab");
    });
}

TEST_CASE("errors are thrown by result, as the operation would throw them")
{
    on_procs([]() -> task<> {
        auto c = co_await connect();
        char room[8];
        pending read{c.there.async_read_some(asio::buffer(room), asio::deferred)};
        c.here.close();
        co_await read.done(); // does not throw
        std::error_code code;
        try {
            (void)read.result();
        } catch (const asio::system_error& e) {
            code = e.code();
        }
        CHECK(code == asio::error::eof);
    });
}

TEST_CASE("the result before the end is a misuse")
{
    on_procs([]() -> task<> {
        asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
        pending expiry{timer.async_wait(asio::deferred)};
        CHECK(!expiry.ready());
        CHECK_MISUSE(expiry.result(),
                     "pending: the result was asked for before the operation was done");
        auto none = weft::try_select{expiry.done()};
        CHECK(none.index() == none.npos);
        expiry.cancel();
        co_await expiry.done();
        CHECK_THROWS_AS(expiry.result(), asio::system_error);
    });
}

TEST_CASE("cancel works from any goroutine and any thread")
{
    on_procs([]() -> task<> {
        for (int round = 0; round < 50; ++round) {
            asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
            pending expiry{timer.async_wait(asio::deferred)};
            std::thread other([&] { expiry.cancel(); });
            weft_test::team canceller;
            canceller.go([&]() -> task<> {
                expiry.cancel();
                co_return;
            });
            co_await expiry.done();
            co_await canceller.join();
            auto join = [&] { other.join(); };
            co_await weft::blocking(join);
            CHECK_THROWS_AS(expiry.result(), asio::system_error);
        }
    });
}

TEST_CASE("a pending that is dropped or replaced in flight asks its operation to stop")
{
    on_procs([]() -> task<> {
        asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
        {
            pending dropped{timer.async_wait(asio::deferred)};
        }
        pending expiry{timer.async_wait(asio::deferred)};
        expiry = pending{timer.async_wait(asio::deferred)};
        timer.expires_after(1ms); // ends the wait that is left, as always with Asio's timers
        co_await expiry.done();
        CHECK_THROWS_AS(expiry.result(), asio::system_error);
    });
}

TEST_CASE("Asio's concurrent_channel takes part in a select")
{
    on_procs([]() -> task<> {
        asio_channel foreign(weft::this_goroutine::get_executor(), 4);
        auto own = make_channel<int>();
        weft_test::team senders;
        senders.go([&]() -> task<> {
            for (int i = 0; i < 100; ++i)
                co_await foreign.async_send(std::error_code(), i, asio::deferred);
            foreign.close();
        });
        senders.go([own]() -> task<> {
            for (int i = 0; i < 100; ++i) co_await own.send(i);
            own.close();
        });
        int from_foreign = 0, from_own = 0;
        pending next{foreign.async_receive(asio::deferred)};
        while (from_foreign < 100 || from_own < 100) {
            auto s = co_await weft::select{next.done(), own.receive()};
            if (s.index() == 0) {
                const int v = next.result();
                CHECK(v == from_foreign);
                if (++from_foreign == 100) break;
                next = pending{foreign.async_receive(asio::deferred)};
            } else if (s.get<1>()) {
                CHECK(*s.get<1>() == from_own++);
            } else {
                own = {};
            }
        }
        if (own) {
            while (auto v = co_await own.receive()) CHECK(*v == from_own++);
        }
        CHECK(from_own == 100);
        co_await senders.join();
    });
}

TEST_CASE("a plain thread waits for it through a future")
{
    weft::runtime rt({.procs = 2});
    asio::steady_timer timer(rt.get_executor(), 1ms);
    pending expiry{rt.get_executor(), timer.async_wait(asio::deferred)};
    expiry.done()(asio::use_future).get();
    expiry.result();
}

TEST_CASE("a runtime ends while a goroutine waits for a pending operation")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        auto owned = std::make_shared<int>(1);
        {
            weft::runtime rt({.procs = procs});
            weft::go(rt.get_executor(), [owned]() -> task<> {
                asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
                pending expiry{timer.async_wait(asio::deferred)};
                auto never = make_channel<int>();
                co_await weft::select{expiry.done(), never.receive()};
            });
            weft::go(rt.get_executor(), [owned]() -> task<> {
                asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
                pending expiry{timer.async_wait(asio::deferred)};
                co_await expiry.done();
            });
            while (weft_test::parked() != 2) std::this_thread::yield();
        }
        CHECK(owned.use_count() == 1);
    }
}
