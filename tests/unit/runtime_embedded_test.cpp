// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A runtime on a host's executor: goroutines beside ordinary Asio code, on the host's threads.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/runtime.hpp>

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/thread_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::witness;

namespace {

/// Runs the context on `n` threads until it has nothing left to do.
std::set<std::thread::id> run_on(asio::io_context& context, unsigned n)
{
    std::mutex mutex;
    std::set<std::thread::id> ids;
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < n; ++i) {
        threads.emplace_back([&] {
            context.run();
            std::lock_guard lock(mutex);
            ids.insert(std::this_thread::get_id());
        });
    }
    for (auto& t : threads) t.join();
    return ids;
}

} // namespace

TEST_CASE("goroutines and ordinary handlers share an io_context run by two threads")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        asio::io_context context;
        weft::runtime rt(context.get_executor(), {.procs = procs});
        CHECK(rt.procs() == procs);

        std::atomic<int> handlers{0}, ticks{0}, received{0};
        std::atomic<unsigned> inside{0}, most_inside{0};
        std::mutex mutex;
        std::set<std::thread::id> used;
        const auto note_thread = [&] {
            std::lock_guard lock(mutex);
            used.insert(std::this_thread::get_id());
        };

        auto ch = make_channel<int>(3);
        for (int i = 0; i < 20; ++i) {
            weft::go(rt.get_executor(), [&, ch]() -> task<> {
                for (int n = 0; n < 50; ++n) {
                    const unsigned now = ++inside;
                    if (now > most_inside) most_inside = now;
                    note_thread();
                    --inside;
                    co_await ch.send(n);
                    asio::post(context, [&] { ++handlers; });
                }
            });
        }
        weft::go(rt.get_executor(), [&, ch]() -> task<> {
            for (; received < 20 * 50; ++received) co_await ch.receive();
        });
        // The host's own code: a strand of posts, and a timer that starts itself again.
        auto strand = asio::make_strand(context);
        int serial = 0;
        for (int i = 0; i < 500; ++i) {
            asio::post(strand, [&] {
                ++serial;
                note_thread();
            });
        }
        asio::steady_timer timer(context);
        std::function<void(std::error_code)> tick = [&](std::error_code) {
            if (++ticks == 5) return;
            timer.expires_after(1ms);
            timer.async_wait(tick);
        };
        tick({});

        const auto threads = run_on(context, 2);
        CHECK(received == 20 * 50);
        CHECK(handlers == 20 * 50);
        CHECK(serial == 500);
        CHECK(ticks == 5);
        CHECK(std::includes(threads.begin(), threads.end(), used.begin(), used.end()));
        CHECK(most_inside <= 2);
        weft_test::note_procs(0);
    }
}

TEST_CASE("the context's run returns when the goroutines have ended, and not before")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 2});
    CHECK(context.run() == 0); // nothing holds it
    context.restart();

    std::atomic<bool> ended{false};
    auto gate = make_channel<void>();
    weft::go(rt.get_executor(), [&, gate]() -> task<> {
        co_await gate.receive(); // no handler stands in the context meanwhile
        ended = true;
    });
    std::thread opener([&] {
        while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
        std::this_thread::sleep_for(10ms);
        CHECK(!context.stopped());
        gate.close();
    });
    context.run();
    CHECK(ended);
    opener.join();
    CHECK(context.stopped());

    context.restart();
    weft::go(rt.get_executor(), [&] { ended = false; });
    run_on(context, 2);
    CHECK(!ended);
}

TEST_CASE("join, shutdown and sync_wait work beside the threads that run the host")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 2});
    auto guard = asio::make_work_guard(context);
    std::thread runner([&] { run_on(context, 2); });
    const auto gate = make_channel<void>();
    weft::go(rt.get_executor(), [gate]() -> task<> { co_await gate.receive(); });
    CHECK(rt.shutdown(1ms).remaining.size() == 1);
    weft::sync_wait(rt.get_executor(), gate.send());
    rt.join();
    guard.reset();
    runner.join();
}

TEST_CASE("the host's handlers may start goroutines and use channels without waiting")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    auto ch = make_channel<int>(1);
    std::vector<int> got;
    asio::post(context, [&] {
        // Not one of the runtime's own handlers: the executor has to be named.
        CHECK_MISUSE(weft::go([] {}), "go: not on a weft runtime; pass its executor");
        weft::go(rt.get_executor(), [&, ch]() -> task<> {
            while (auto v = co_await ch.receive()) got.push_back(*v);
        });
        CHECK(ch.try_send(1));
        asio::post(rt.get_executor(), [&, ch] { // one of them: it is known
            weft::go([ch]() -> task<> {
                co_await ch.send(2);
                ch.close();
            });
        });
    });
    context.run();
    CHECK(got == std::vector{1, 2});
}

TEST_CASE("a handler that found no free worker may do so, too")
{
    weft_test::watchdog guard;
    asio::io_context io;
    weft::runtime rt(io.get_executor(), {.procs = 1});
    std::atomic<bool> holds{false}, ran{false};
    asio::post(rt.get_executor(), [&] {
        holds = true; // the only worker, until the goroutine of the other handler was started
        while (!ran) std::this_thread::yield();
    });
    asio::post(rt.get_executor(), [&] {
        while (!holds) std::this_thread::yield();
        weft::go([] {});
        weft::after_func(1ms, [] {});
        ran = true;
    });
    std::thread one([&] { io.run(); }), two([&] { io.run(); });
    one.join();
    two.join();
    CHECK(ran);
}

TEST_CASE("an exception of a host's handler leaves run as always, and goroutines go on after it")
{
    asio::io_context context;
    weft::runtime rt(context.get_executor(), {.procs = 1});
    int ran = 0;
    asio::post(rt.get_executor(), [] { throw std::runtime_error("from a handler"); });
    weft::go(rt.get_executor(), [&]() -> task<> {
        co_await weft::this_goroutine::yield();
        ++ran;
    });
    CHECK_THROWS_WITH_AS(context.run(), "from a handler", std::runtime_error);
    context.run();
    CHECK(ran == 1);
}

TEST_CASE("an exception thrown out of a drain leaves run, and the goroutines of the queue go on")
{
    for (unsigned procs : {1u, 2u}) {
        asio::io_context context;
        weft::runtime rt(context.get_executor(), {.procs = procs});
        int ran = 0, thrown = 0;
        // The completion handler of a co_spawn is called where its goroutine ends, in the drain.
        for (int i = 0; i < 3; ++i) {
            asio::co_spawn(
                rt.get_executor(), [&]() -> task<> { co_await weft::this_goroutine::yield(); },
                [](std::exception_ptr) { throw std::runtime_error("from a completion"); });
            weft::go(rt.get_executor(), [&]() -> task<> {
                for (int n = 0; n < 5; ++n) co_await weft::this_goroutine::yield();
                ++ran;
            });
        }
        for (bool over = false; !over;) {
            try {
                context.run();
                over = true;
            } catch (const std::runtime_error& e) {
                CHECK(std::string(e.what()) == "from a completion");
                CHECK_MISUSE(weft::go([] {}), "go: not on a weft runtime; pass its executor");
                ++thrown;
            }
        }
        CHECK(thrown == 3);
        CHECK(ran == 3);
        CHECK(weft::debug::goroutines().empty());
    }
}

TEST_CASE("an embedded runtime ends before its host: its goroutines are unwound")
{
    std::atomic<int> destroyed{0};
    asio::io_context context;
    {
        weft::runtime rt(context.get_executor(), {.procs = 2});
        for (int i = 0; i < 3; ++i) {
            weft::go(
                rt.get_executor(),
                [](witness) -> task<> { co_await weft::channel<int>().receive(); },
                witness(destroyed));
        }
        weft::go(rt.get_executor(),
                 [&, ex = rt.get_executor()] { asio::post(ex, [&] { context.stop(); }); });
        context.run();
        weft::go(
            rt.get_executor(), [](witness) -> task<> { co_return; },
            witness(destroyed)); // not begun
    }
    CHECK(destroyed == 4);
    context.restart();
    context.run(); // what the runtime left there does nothing
    CHECK(destroyed == 4);
}

TEST_CASE("a goroutine in an Asio operation is destroyed with the host's context at the latest")
{
    std::atomic<int> destroyed{0};
    {
        asio::io_context context;
        {
            weft::runtime rt(context.get_executor(), {.procs = 1});
            weft::go(
                rt.get_executor(),
                [](witness) -> task<> {
                    asio::steady_timer timer(weft::this_goroutine::get_executor(), 1h);
                    co_await timer.async_wait(asio::deferred);
                },
                witness(destroyed));
            while (weft_test::parked("asio operation") != 1) context.poll_one();
        }
        CHECK(destroyed <= 1);
    }
    CHECK(destroyed == 1);
}

TEST_CASE("a runtime runs on a pool's strand, one goroutine at a time")
{
    asio::thread_pool pool(4);
    auto strand = asio::make_strand(pool);
    weft::runtime rt(strand, {.procs = 4});
    int count = 0; // guarded by the strand
    for (int i = 0; i < 50; ++i) {
        weft::go(rt.get_executor(), [&]() -> task<> {
            for (int n = 0; n < 20; ++n) {
                ++count;
                co_await weft::this_goroutine::yield();
            }
        });
        asio::post(strand, [&] { ++count; });
    }
    rt.join();
    pool.join();
    CHECK(count == 50 * 21);
}

TEST_CASE("several runtimes share one host")
{
    asio::io_context context;
    weft::runtime first(context.get_executor(), {.procs = 1});
    weft::runtime second(context.get_executor(), {.procs = 2});
    auto ch = make_channel<int>();
    int sum = 0;
    weft::go(first.get_executor(), [=]() -> task<> {
        for (int i = 1; i <= 100; ++i) co_await ch.send(i);
        ch.close();
    });
    weft::go(second.get_executor(), [&, ch]() -> task<> {
        while (auto v = co_await ch.receive()) sum += *v;
    });
    run_on(context, 2);
    CHECK(sum == 5050);
}

TEST_CASE("a goroutine on a thread that was lent to it may not block it by sync_wait or join")
{
    asio::io_context io;
    auto work = asio::make_work_guard(io);
    weft::runtime rt(io.get_executor(), {.procs = 1});
    std::thread one([&] { io.run(); }), other([&] { io.run(); });
    std::atomic<int> refused{0};
    std::atomic<bool> over{false};
    const auto ex = rt.get_executor();
    auto guest = [&]() -> task<> {
        asio::steady_timer timer(io, 50ms);
        co_await timer.async_wait(asio::deferred); // comes back while the only worker is busy
        try {
            weft::sync_wait(ex, [] {});
        } catch (const weft::misuse_error&) {
            ++refused;
        }
        try {
            rt.join();
        } catch (const weft::misuse_error&) {
            ++refused;
        }
        over = true;
    };
    weft::go(ex, guest);
    weft_test::wait_until_parked(1, "asio operation");
    weft::go(ex, [&] {
        for (int i = 0; i < 500 && !over; ++i) std::this_thread::sleep_for(10ms);
    });
    rt.join();
    CHECK(refused == 2);
    work.reset();
    one.join();
    other.join();
}
