// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines bound to a context: whatever one waits for is interrupted when the context ends.

#include "testing.hpp"

#include <asio/as_tuple.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/co_spawn.hpp>
#include <asio/connect_pipe.hpp>
#include <asio/deferred.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>
#include <asio/thread_pool.hpp>
#include <asio/write.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <exception>
#include <functional>
#include <future>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using asio::ip::tcp;
using weft::background;
using weft::context;
using weft::make_channel;
using weft::task;
using weft::with_cancel;
using weft_test::on_procs;

namespace {

using body = std::function<task<void>()>;

/// How a goroutine ended that was bound to a context and cancelled after it had begun to wait.
task<std::string> interrupted(body wait, std::chrono::milliseconds patience = 2ms)
{
    auto [ctx, cancel] = with_cancel(background());
    auto h = weft::spawn(ctx, wait);
    co_await weft::sleep(patience);
    cancel();
    try {
        co_await h.join();
    } catch (const weft::error& e) {
        co_return e.code() == make_error_code(weft::errc::canceled) ? "canceled" : e.what();
    } catch (const std::exception& e) {
        co_return std::string("another exception: ") + e.what();
    }
    co_return "done";
}

/// Two ends of a connection through the loopback.
task<std::pair<tcp::socket, tcp::socket>> connected()
{
    const auto ex = weft::this_goroutine::get_executor();
    tcp::acceptor a(ex, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket one(ex), two(ex);
    auto accepting =
        weft::spawn([&]() -> task<void> { co_await a.async_accept(two, asio::deferred); });
    co_await one.async_connect(a.local_endpoint(), asio::deferred);
    co_await accepting.join();
    co_return std::pair(std::move(one), std::move(two));
}

} // namespace

TEST_CASE("weft's own operations are interrupted")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>();
        auto full = make_channel<int>(1);
        CHECK(full.try_send(1));
        auto other = weft::spawn([ch]() -> task<void> { (void)co_await ch.receive(); });
        const body receive = [ch]() -> task<void> { (void)co_await ch.receive(); };
        const body send = [full]() -> task<void> { co_await full.send(2); };
        const body nil = []() -> task<void> { (void)co_await weft::channel<int>().receive(); };
        const body sleep = []() -> task<void> { co_await weft::sleep(1h); };
        const body join = [&other]() -> task<void> { co_await other.join(); };
        const body choose = [ch, full]() -> task<void> {
            auto s = co_await weft::select{ch.receive(), full.send(3), weft::after(1h)};
            static_cast<void>(s);
        };
        const body nothing = []() -> task<void> {
            auto s = co_await weft::select{};
            static_cast<void>(s);
        };
        const body deep = [receive]() -> task<void> {
            const body inner = [receive]() -> task<void> { co_await receive(); };
            co_await inner();
        };
        const body limited = [ch]() -> task<void> { (void)co_await ch.receive(background()); };
        for (const body& wait : {receive, send, nil, sleep, join, choose, nothing, deep, limited}) {
            CHECK(co_await interrupted(wait) == "canceled");
        }
        CHECK(full.size() == 1);
        co_await ch.send(1); // only `other` still waits
        co_await other.join();
    });
}

TEST_CASE("a select that asks for the end gets that case")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>();
        const body own = [ch]() -> task<void> {
            const context ctx = weft::this_goroutine::get_context();
            auto s = co_await weft::select{ch.receive(), ctx.done()};
            CHECK(s.index() == 1);
        };
        const body derived = [ch]() -> task<void> {
            auto [ctx, cancel] = weft::with_timeout(weft::this_goroutine::get_context(), 1h);
            auto s = co_await weft::select{ch.receive(), ctx.done()};
            CHECK(s.index() == 1);
        };
        CHECK(co_await interrupted(own) == "done");
        CHECK(co_await interrupted(derived) == "done");
    });
}

TEST_CASE("a ready operation succeeds, the next one that must wait throws")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(2);
        const body goes_on = [ch]() -> task<void> {
            try {
                co_await weft::sleep(1h);
            } catch (const weft::error&) {
            }
            co_await ch.send(1);
            co_await ch.send(2);
            co_await ch.send(3); // full
        };
        CHECK(co_await interrupted(goes_on) == "canceled");
        CHECK(ch.size() == 2);
    });
}

TEST_CASE("a blocking call is waited for")
{
    on_procs([]() -> task<void> {
        std::atomic<bool> over{false};
        const body calls = [&over]() -> task<void> {
            auto call = [&over] {
                std::this_thread::sleep_for(20ms);
                over = true;
            };
            co_await weft::blocking(call);
            CHECK(over);
            co_await weft::sleep(1h);
        };
        CHECK(co_await interrupted(calls) == "canceled");
        CHECK(over);
    });
}

TEST_CASE("Asio's operations are interrupted, simple and composed")
{
    on_procs([]() -> task<void> {
        const auto ex = weft::this_goroutine::get_executor();
        const body timer = [ex]() -> task<void> {
            asio::steady_timer t(ex, 1h);
            co_await t.async_wait(asio::deferred);
        };
        const body by_default_token = [ex]() -> task<void> {
            asio::steady_timer t(ex, 1h);
#if ASIO_VERSION >= 103200
            co_await t.async_wait();
#else
            co_await t.async_wait(asio::deferred); // which has no token by default
#endif
        };
        const body accept = [ex]() -> task<void> {
            tcp::acceptor a(ex, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
            tcp::socket s = co_await a.async_accept(asio::deferred);
        };
        const body read = []() -> task<void> {
            auto [one, two] = co_await weft::shield(connected());
            char room[16];
            co_await one.async_read_some(asio::buffer(room), asio::deferred);
        };
        const body composed_write = []() -> task<void> {
            auto [one, two] = co_await weft::shield(connected());
            const std::string much(64 << 20, 'x'); // nobody reads
            co_await asio::async_write(one, asio::buffer(much), asio::deferred);
        };
        const body until = []() -> task<void> {
            auto [one, two] = co_await weft::shield(connected());
            asio::streambuf room;
            co_await asio::async_read_until(one, room, '\n', asio::deferred);
        };
        const body foreign_channel = [ex]() -> task<void> {
            asio::experimental::concurrent_channel<void(asio::error_code, int)> ch(ex, 0);
            (void)co_await ch.async_receive(asio::deferred);
        };
        const body other_coroutine = [ex]() -> task<void> {
            auto elsewhere = [ex]() -> asio::awaitable<void> {
                asio::steady_timer t(ex, 1h);
                co_await t.async_wait(asio::deferred);
            };
            co_await elsewhere();
        };
        const body group = [ex]() -> task<void> {
            using namespace asio::experimental::awaitable_operators;
            const auto nap = [ex]() -> task<void> {
                asio::steady_timer t(ex, 1h);
                co_await t.async_wait(asio::deferred);
            };
            co_await (nap() && nap());
        };
        for (const body& wait : {timer, by_default_token, accept, read, composed_write, until,
                                 foreign_channel, other_coroutine, group}) {
            CHECK(co_await interrupted(wait, 5ms) == "canceled");
        }
        CHECK(co_await interrupted(timer, 0ms) == "canceled");
    });
}

TEST_CASE("a composed read is interrupted between its steps")
{
    on_procs([]() -> task<void> {
        auto sockets = co_await connected();
        const body feed = [&two = sockets.second]() -> task<void> {
            for (;;) {
                co_await asio::async_write(two, asio::buffer("x", 1), asio::deferred);
                co_await weft::this_goroutine::yield();
            }
        };
        const body read = [&one = sockets.first]() -> task<void> {
            std::string room(std::size_t{1} << 22, ' ');
            co_await asio::async_read(one, asio::buffer(room), asio::deferred);
        };
        auto [ctx, cancel] = with_cancel(background());
        auto feeding = weft::spawn(ctx, feed);
        for (int i = 0; i < 20; ++i) CHECK(co_await interrupted(read, 1ms) == "canceled");
        cancel();
        CHECK_THROWS_AS(co_await feeding.join(), weft::error);
    });
}

TEST_CASE("an error code in the result is left as it is")
{
    on_procs([]() -> task<void> {
        asio::error_code seen;
        const body tuple = [&seen]() -> task<void> {
            asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
            auto [ec] = co_await t.async_wait(asio::as_tuple(asio::deferred));
            seen = ec;
        };
        CHECK(co_await interrupted(tuple) == "done");
        CHECK(seen == asio::error::operation_aborted);
    });
}

TEST_CASE("an Asio operation that was not begun is not begun any more")
{
    on_procs([]() -> task<void> {
        const body second = []() -> task<void> {
            asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
            try {
                co_await t.async_wait(asio::deferred);
            } catch (const weft::error&) {
            }
            co_await t.async_wait(asio::deferred);
        };
        CHECK(co_await interrupted(second) == "canceled");
    });
}

namespace {

/// An operation that completes in the thread that starts it, before the start has returned.
template <class Token>
auto async_inline(Token&& token)
{
    return asio::async_initiate<Token, void(asio::error_code, int)>(
        [](auto handler) { std::move(handler)(asio::error_code(), 7); }, token);
}

/// One that another thread completes, often before the start has returned.
template <class Token>
auto async_elsewhere(asio::thread_pool& pool, Token&& token)
{
    return asio::async_initiate<Token, void(asio::error_code, int)>(
        [](auto handler, asio::thread_pool* p) {
            std::atomic<bool> begun{false};
            asio::post(*p, [&begun, h = std::move(handler)]() mutable {
                auto own = std::move(h);
                begun = true;
                const auto ex = asio::get_associated_executor(own);
                asio::dispatch(ex, [own = std::move(own)]() mutable {
                    std::move(own)(asio::error_code(), 8);
                });
            });
            while (!begun) std::this_thread::yield();
        },
        token, &pool);
}

} // namespace

TEST_CASE("completions that come during the initiation")
{
    on_procs([]() -> task<void> {
        asio::thread_pool pool(1);
        auto [ctx, cancel] = with_cancel(background());
        auto h = weft::spawn(ctx, [&pool]() -> task<int> {
            int sum = 0;
            for (int i = 0; i < 300; ++i) {
                sum += co_await async_inline(asio::deferred);
                sum += co_await async_elsewhere(pool, asio::deferred);
            }
            co_return sum;
        });
        CHECK(co_await h.join() == 300 * 15);
    });
}

TEST_CASE("cancelled from a thread, a timer, an Asio handler, and from within")
{
    on_procs([]() -> task<void> {
        const auto ended = [](context ctx) -> task<bool> {
            auto h = weft::spawn(ctx, []() -> task<void> {
                asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                co_await t.async_wait(asio::deferred);
            });
            try {
                co_await h.join();
            } catch (const weft::error&) {
                co_return true;
            }
            co_return false;
        };
        {
            auto [ctx, cancel] = with_cancel(background());
            std::thread outside([end = cancel] {
                std::this_thread::sleep_for(2ms);
                end();
            });
            CHECK(co_await ended(ctx));
            outside.join();
        }
        {
            auto [ctx, cancel] = weft::with_timeout(background(), 2ms);
            CHECK(co_await ended(ctx));
        }
        {
            auto [ctx, cancel] = with_cancel(background());
            asio::steady_timer t(weft::this_goroutine::get_executor(), 2ms);
            t.async_wait([end = cancel](const asio::error_code&) { end(); });
            CHECK(co_await ended(ctx));
        }
        {
            auto made = with_cancel(background());
            auto self = weft::spawn(made.ctx, [&made]() -> task<void> {
                made.cancel();
                co_await weft::sleep(1h);
            });
            CHECK_THROWS_AS(co_await self.join(), weft::error);
        }
        { // from within the operation's own completion condition
            auto made = with_cancel(background());
            auto sockets = co_await connected();
            co_await asio::async_write(sockets.second, asio::buffer("abc", 3), asio::deferred);
            auto reads = weft::spawn(made.ctx, [&]() -> task<void> {
                char room[64];
                auto enough = [&](const asio::error_code&, std::size_t n) -> std::size_t {
                    if (n != 0) made.cancel();
                    return sizeof room - n;
                };
                co_await asio::async_read(sockets.first, asio::buffer(room), enough,
                                          asio::deferred);
            });
            CHECK_THROWS_AS(co_await reads.join(), weft::error);
        }
    });
}

TEST_CASE("ending for the context is a normal end, another exception is a panic")
{
    std::atomic<int> panics{0};
    const weft::panic_policy count([&panics](const weft::panic_info&) { ++panics; });
    on_procs(
        [&]() -> task<void> {
            const int before = panics;
            auto [ctx, cancel] = with_cancel(background());
            weft::go(ctx, []() -> task<void> { co_await weft::sleep(1h); });
            {
                auto dropped = weft::spawn(ctx, []() -> task<void> { co_await weft::sleep(1h); });
            }
            auto kept = weft::spawn(ctx, []() -> task<void> { co_await weft::sleep(1h); });
            co_await weft::sleep(1ms);
            cancel();
            co_await weft_test::until_alone();
            kept = {};
            CHECK(panics == before);
            auto [other, cancel_other] = with_cancel(background());
            weft::go(other, []() -> task<void> {
                try {
                    co_await weft::sleep(1h);
                } catch (const weft::error&) {
                    throw std::runtime_error("not what it was told");
                }
            });
            co_await weft::sleep(1ms);
            cancel_other();
            co_await weft_test::until_alone();
            CHECK(panics == before + 1);
        },
        weft_test::leftovers::none, count);
}

TEST_CASE("a shield holds: before, during and after")
{
    on_procs([]() -> task<void> {
        std::atomic<int> steps{0};
        const body cleans_up = [&steps]() -> task<void> {
            try {
                co_await weft::sleep(1h);
            } catch (const weft::error&) {
            }
            co_await weft::shield(weft::sleep(2ms));
            ++steps;
            asio::steady_timer t(weft::this_goroutine::get_executor(), 2ms);
            co_await weft::shield(t.async_wait(asio::deferred));
            ++steps;
            const auto longer = []() -> task<int> {
                co_await weft::sleep(1ms);
                co_await weft::shield(weft::sleep(1ms)); // nested
                co_await weft::sleep(1ms);
                co_return 3;
            };
            CHECK(co_await weft::shield(longer()) == 3);
            ++steps;
            co_await weft::sleep(1h);
        };
        CHECK(co_await interrupted(cleans_up) == "canceled");
        CHECK(steps == 3);
        const body during = [&steps]() -> task<void> {
            co_await weft::shield(weft::sleep(10ms)); // the context ends meanwhile
            ++steps;
            co_await weft::sleep(1h);
        };
        CHECK(co_await interrupted(during) == "canceled");
        CHECK(steps == 4);
        co_await weft::shield(weft::sleep(1us)); // unbound: nothing to hold
    });
}

TEST_CASE("a runtime ends while others cancel its goroutines")
{
    for (int round = 0; round < 50; ++round) {
        weft_test::watchdog guard;
        std::vector<weft::cancellable<weft::cancel_function>> contexts;
        for (int i = 0; i < 20; ++i) contexts.push_back(with_cancel(background()));
        std::thread outside;
        {
            weft::runtime rt({.procs = 2});
            auto ch = make_channel<int>();
            for (auto& c : contexts) {
                weft::go(rt.get_executor(), c.ctx,
                         [ch]() -> task<void> { (void)co_await ch.receive(); });
                weft::go(rt.get_executor(), c.ctx, []() -> task<void> {
                    asio::steady_timer t(weft::this_goroutine::get_executor(), 1h);
                    co_await t.async_wait(asio::deferred);
                });
            }
            outside = std::thread([&contexts] {
                for (auto& c : contexts) c.cancel();
            });
        }
        outside.join();
    }
}

TEST_CASE("Asio's combinators cancel tasks that wait for weft's operations")
{
    on_procs([]() -> task<void> {
        using namespace asio::experimental::awaitable_operators;
        const auto receive = [](weft::channel<int> c) -> task<int> {
            auto v = co_await c.receive();
            co_return v.value_or(-1);
        };
        for (int i = 0; i < 100; ++i) {
            auto a = make_channel<int>(), b = make_channel<int>();
            weft::go([](weft::channel<int> c) -> task<void> { co_await c.send(5); }, i % 2 ? a : b);
            auto r = co_await (receive(a) || receive(b));
            CHECK(r.index() == (i % 2 ? 0u : 1u));
            CHECK_FALSE(a.try_send(1)); // nobody waits any more
            CHECK_FALSE(b.try_send(1));
        }
    });
}

TEST_CASE("a task that resets its cancellation state is cancelled all the same")
{
    weft::runtime rt({.procs = 1});
    for (const bool total : {true, false}) {
        asio::cancellation_signal signal;
        std::atomic<bool> waits{false};
        std::promise<std::exception_ptr> ended;
        auto body = [&]() -> task<> {
            co_await weft::sleep(1ms); // weft listens from here on
            if (total) {
                co_await asio::this_coro::reset_cancellation_state(
                    asio::enable_total_cancellation());
            } else { // one that needs more room
                const std::array<char, 200> room{};
                auto filter = [room](asio::cancellation_type t) {
                    return room[0] ? asio::cancellation_type::none : t;
                };
                co_await asio::this_coro::reset_cancellation_state(filter);
            }
            waits = true;
            co_await weft::channel<int>().receive();
        };
        asio::co_spawn(rt.get_executor(), std::move(body),
                       asio::bind_cancellation_slot(
                           signal.slot(), [&](std::exception_ptr e) { ended.set_value(e); }));
        weft_test::wait_until_parked(1, "chan receive (nil chan)");
        asio::post(rt.get_executor(), [&] { signal.emit(asio::cancellation_type::all); });
        auto outcome = ended.get_future();
        REQUIRE(outcome.wait_for(10s) == std::future_status::ready);
        CHECK_THROWS_AS(std::rethrow_exception(outcome.get()), std::system_error);
    }
}

TEST_CASE("a cancellation that the task has cleared is over")
{
    weft::runtime rt({.procs = 1});
    asio::cancellation_signal signal;
    std::promise<std::exception_ptr> ended;
    auto body = [&]() -> task<> {
        bool interrupted = false;
        try {
            co_await weft::channel<int>().receive();
        } catch (const std::system_error&) {
            interrupted = true;
        }
        CHECK(interrupted);
        auto state = co_await asio::this_coro::cancellation_state;
        state.clear();
        // Asio's operations and a cond look before they wait.
        asio::steady_timer soon(rt.get_executor(), 1ms);
        co_await soon.async_wait(asio::deferred);
        weft::mutex mutex;
        weft::cond changed(mutex);
        auto held = co_await mutex.lock();
        weft::go([&]() -> task<> {
            const auto mine = co_await mutex.lock();
            changed.signal();
        });
        co_await changed.wait(held);
        held.unlock();
        co_await weft::sleep(1ms);
    };
    co_spawn(rt.get_executor(), std::move(body),
             asio::bind_cancellation_slot(signal.slot(),
                                          [&](std::exception_ptr e) { ended.set_value(e); }));
    weft_test::wait_until_parked(1, "chan receive (nil chan)");
    asio::post(rt.get_executor(), [&] { signal.emit(asio::cancellation_type::terminal); });
    auto outcome = ended.get_future();
    REQUIRE(outcome.wait_for(10s) == std::future_status::ready);
    CHECK(outcome.get() == nullptr);
}
