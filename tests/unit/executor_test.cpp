// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// weft::executor as an Asio executor.

#include "testing.hpp"

#include <weft/executor.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/basic_waitable_timer.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/co_spawn.hpp>
#include <asio/defer.hpp>
#include <asio/deferred.hpp>
#include <asio/detached.hpp>
#include <asio/dispatch.hpp>
#include <asio/execution.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/use_future.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::executor;
using weft::task;
using weft_test::on_procs;

static_assert(asio::execution::is_executor_v<executor>);
static_assert(std::is_nothrow_copy_constructible_v<executor>);
static_assert(std::is_convertible_v<executor, asio::any_io_executor>);
static_assert(sizeof(executor) == sizeof(void*));
static_assert(asio::can_require_v<executor, asio::execution::blocking_t::never_t>);
static_assert(asio::can_query_v<executor, asio::execution::context_t>);
static_assert(asio::can_prefer_v<executor, asio::execution::outstanding_work_t::tracked_t>);

TEST_CASE("executors of one runtime are equal, of two are not")
{
    weft::runtime one({.procs = 1}), two({.procs = 1});
    CHECK(one.get_executor() == one.get_executor());
    CHECK(one.get_executor() != two.get_executor());
    executor e = one.get_executor();
    e = two.get_executor();
    CHECK(e == two.get_executor());
    const asio::any_io_executor any = e;
    CHECK(any == asio::any_io_executor(two.get_executor()));
    CHECK(*any.target<executor>() == e);
}

TEST_CASE("properties are kept, and the default ones come back")
{
    namespace ex = asio::execution;
    weft::runtime rt({.procs = 1});
    const executor e = rt.get_executor();
    CHECK(asio::query(e, ex::blocking) == ex::blocking.possibly);
    CHECK(asio::query(e, ex::outstanding_work) == ex::outstanding_work.untracked);
    const auto never = asio::require(e, ex::blocking.never);
    CHECK(asio::query(never, ex::blocking) == ex::blocking.never);
    CHECK(never != e);
    CHECK(asio::require(never, ex::blocking.possibly) == e);
    const auto tracked = asio::prefer(never, ex::outstanding_work.tracked);
    CHECK(asio::query(tracked, ex::outstanding_work) == ex::outstanding_work.tracked);
    CHECK(asio::query(tracked, ex::blocking) == ex::blocking.never);
    CHECK(asio::prefer(tracked, ex::outstanding_work.untracked) == never);

    asio::io_context context;
    weft::runtime embedded(context.get_executor(), {.procs = 1});
    CHECK(&asio::query(embedded.get_executor(), ex::context) == &context);
}

TEST_CASE("posted handlers run on the runtime's threads and may start goroutines")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft::runtime rt({.procs = procs});
        const asio::any_io_executor any = rt.get_executor();
        std::atomic<int> goroutines{0};
        std::promise<void> done;
        const auto handler = [&] {
            weft::go([&]() -> task<> {
                co_await weft::this_goroutine::yield();
                if (++goroutines == 300) done.set_value();
            });
        };
        for (int i = 0; i < 100; ++i) {
            asio::post(rt.get_executor(), handler);
            asio::defer(any, handler);
            asio::dispatch(asio::bind_executor(rt.get_executor(), handler));
        }
        done.get_future().wait();
        CHECK(goroutines == 300);
    }
}

TEST_CASE("dispatch runs at once in handlers and goroutines, post later")
{
    weft::runtime rt({.procs = 1});
    const auto ex = rt.get_executor();
    std::string order;
    std::promise<void> done;
    asio::post(ex, [&] {
        asio::post(ex, [&] { order += 'p'; });
        asio::dispatch(ex, [&] { order += 'd'; });
        order += '.';
        asio::post(ex, [&] { done.set_value(); });
    });
    done.get_future().wait();
    CHECK(order == "d.p");

    order.clear();
    weft::sync_wait(ex, [&] {
        asio::dispatch(ex, [&] { order += 'd'; });
        order += '.';
    });
    CHECK(order == "d.");
}

TEST_CASE(
    "a handler dispatched by a goroutine is nobody, and the goroutine is itself again after it")
{
    on_procs([]() -> task<> {
        const auto self = weft::this_goroutine::get_id();
        const auto ex = weft::this_goroutine::get_executor();
        weft::runtime other({.procs = 1});
        bool ran = false;
        asio::dispatch(ex, [&] {
            ran = true;
            CHECK_MISUSE(weft::this_goroutine::get_id(),
                         "this_goroutine: not called in a goroutine");
            weft::go([] {}); // the runtime is known all the same
        });
        CHECK(ran);
        CHECK(weft::this_goroutine::get_id() == self);
        CHECK_THROWS_AS(asio::dispatch(ex, [] { throw std::runtime_error("out of a handler"); }),
                        std::runtime_error);
        CHECK(weft::this_goroutine::get_id() == self);
        // A goroutine that begins and ends inside of this one's slice.
        std::uint64_t inner = 0;
        asio::co_spawn(
            ex,
            [&]() -> task<> {
                const auto now = [] {};
                co_await asio::dispatch(weft::this_goroutine::get_executor(), asio::deferred);
                now();
                inner = weft::this_goroutine::get_id();
            },
            asio::detached);
        CHECK(weft::this_goroutine::get_id() == self);
        co_await weft_test::yield_until([&] { return inner != 0; });
        CHECK(inner != self);
        CHECK(weft::this_goroutine::get_id() == self);
        CHECK(weft::this_goroutine::get_executor() == ex);
    });
}

TEST_CASE("a host's handler is nobody again after what it dispatched to a runtime")
{
    asio::io_context context;
    weft::runtime one(context.get_executor(), {.procs = 1});
    weft::runtime two(context.get_executor(), {.procs = 1});
    int ran = 0;
    asio::post(context, [&] {
        asio::dispatch(one.get_executor(), [&] {
            weft::go([&]() -> task<> {
                ++ran;
                co_return;
            });
            asio::dispatch(two.get_executor(), [&] {
                weft::go([&]() -> task<> {
                    ++ran;
                    CHECK(weft::this_goroutine::get_executor() == two.get_executor());
                    co_return;
                });
            });
            weft::go([&]() -> task<> {
                ++ran;
                CHECK(weft::this_goroutine::get_executor() == one.get_executor());
                co_return;
            });
        });
        CHECK_MISUSE(weft::go([] {}), "go: not on a weft runtime; pass its executor");
        CHECK_MISUSE(weft::this_goroutine::get_id(), "this_goroutine: not called in a goroutine");
    });
    context.run();
    CHECK(ran == 3);
}

TEST_CASE("timers and sockets are made with it, under their own name or as any_io_executor")
{
    on_procs([]() -> task<> {
        using timer_of_weft =
            asio::basic_waitable_timer<std::chrono::steady_clock,
                                       asio::wait_traits<std::chrono::steady_clock>, executor>;
        timer_of_weft own(weft::this_goroutine::get_executor(), 1ms);
        co_await own.async_wait(asio::deferred);
        asio::steady_timer any(weft::this_goroutine::get_executor(), 1ms);
        co_await any.async_wait(asio::deferred);

        using tcp = asio::ip::tcp;
        using socket_of_weft = asio::basic_stream_socket<tcp, executor>;
        asio::basic_socket_acceptor<tcp, executor> door(
            weft::this_goroutine::get_executor(),
            tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        const auto where = door.local_endpoint();
        auto client = weft::spawn([where]() -> task<std::string> {
            tcp::socket s(weft::this_goroutine::get_executor());
            co_await s.async_connect(where, asio::deferred);
            co_await asio::async_write(s, asio::buffer("ping", 4), asio::deferred);
            std::string answer(4, ' ');
            co_await asio::async_read(s, asio::buffer(answer), asio::deferred);
            co_return answer;
        });
        socket_of_weft peer = co_await door.async_accept(asio::deferred);
        std::string question(4, ' ');
        co_await asio::async_read(peer, asio::buffer(question), asio::deferred);
        CHECK(question == "ping");
        co_await asio::async_write(peer, asio::buffer("pong", 4), asio::deferred);
        const std::string answer = co_await client.join();
        CHECK(answer == "pong");
    });
}

TEST_CASE("a handler of an I/O object may wake a goroutine")
{
    on_procs([]() -> task<> {
        auto rung = weft::make_channel<void>();
        asio::steady_timer bell(weft::this_goroutine::get_executor(), 1ms);
        bell.async_wait([rung](std::error_code) { rung.close(); });
        co_await rung.receive();
    });
}

TEST_CASE("a strand over it keeps handlers apart")
{
    weft::runtime rt({.procs = 4});
    auto strand = asio::make_strand(rt.get_executor());
    int count = 0;
    std::promise<void> done;
    for (int i = 0; i < 1000; ++i) {
        asio::post(strand, [&] {
            if (++count == 1000) done.set_value();
        });
    }
    done.get_future().wait();
    CHECK(count == 1000);
}

TEST_CASE("a work guard keeps the host's context running")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    auto guard = asio::make_work_guard(rt.get_executor());
    bool ran = false;
    std::thread other([&] {
        std::this_thread::sleep_for(5ms);
        asio::post(rt.get_executor(), [&] {
            ran = true;
            guard.reset();
        });
    });
    context.run();
    CHECK(ran);
    other.join();
}

TEST_CASE("an executor's future works from a plain thread")
{
    weft::runtime rt({.procs = 2});
    std::future<int> f = asio::post(rt.get_executor(), std::packaged_task<int()>([] { return 5; }));
    CHECK(f.get() == 5);
    asio::steady_timer timer(rt.get_executor(), 1ms);
    timer.async_wait(asio::use_future).get();
}
