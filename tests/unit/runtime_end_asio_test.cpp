// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The end of a runtime as Asio's side sees it: handlers on their way, token operations that wait,
// goroutines that sit in an operation of somebody else's context, threads that are about to post.

#include "testing.hpp"
#include "witness.hpp"

#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
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
using weft_test::witness;

namespace {

/// Holds the one worker of a runtime until it is told to go on.
class occupation {
public:
    explicit occupation(const weft::executor& ex)
    {
        asio::post(ex, [this] {
            begun_ = true;
            while (!over_) std::this_thread::yield();
        });
        while (!begun_) std::this_thread::yield();
    }
    void end() { over_ = true; }

private:
    std::atomic<bool> begun_{false}, over_{false};
};

} // namespace

TEST_CASE("handlers queued in a host do not run when their runtime has ended, whoever comes later")
{
    std::atomic<int> destroyed{0};
    std::atomic<bool> ran{false};
    asio::io_context host;
    {
        weft::runtime rt(host.get_executor(), {.procs = 1});
        for (int i = 0; i < 3; ++i) {
            asio::post(rt.get_executor(), [&ran, w = witness(destroyed)] { ran = true; });
        }
        weft::go(rt.get_executor(), [&ran](witness) { ran = true; }, witness(destroyed));
    }
    host.run();
    CHECK(!ran);
    CHECK(destroyed == 4);
}

TEST_CASE("handlers queued in a host are destroyed with it, after their runtime")
{
    std::atomic<int> destroyed{0};
    {
        std::optional<weft::runtime> rt;
        asio::io_context host;
        rt.emplace(host.get_executor(), weft::runtime_options{.procs = 2});
        asio::post(rt->get_executor(), [w = witness(destroyed)] {});
        asio::steady_timer timer(rt->get_executor(), 1h);
        timer.async_wait([w = witness(destroyed)](std::error_code) {});
        rt.reset();
        CHECK(destroyed == 0);
    }
    CHECK(destroyed == 2);
}

TEST_CASE("a token operation that waits when its runtime ends is dropped, not called")
{
    for (unsigned procs : {1u, 2u}) {
        auto ch = make_channel<int>();
        std::atomic<int> destroyed{0};
        std::atomic<bool> called{false};
        std::future<std::optional<int>> promised;
        {
            weft::runtime rt({.procs = procs});
            ch.receive()(asio::bind_executor(
                rt.get_executor(), [&called, w = witness(destroyed)](
                                       std::exception_ptr, std::optional<int>) { called = true; }));
            promised = ch.receive()(asio::bind_executor(rt.get_executor(), asio::use_future));
        }
        // The operations stand in the channel's queue still; what completes them finds nobody.
        CHECK(ch.try_send(1));
        CHECK(ch.try_send(2));
        CHECK(!ch.try_send(3));
        CHECK(!called);
        CHECK(destroyed == 1);
        CHECK_THROWS_AS(promised.get(), std::future_error);
    }
}

TEST_CASE("token operations complete while their runtime ends: each is called or dropped, once")
{
    for (int round = 0; round < 50; ++round) {
        constexpr int operations = 20;
        auto ch = make_channel<int>();
        std::atomic<int> destroyed{0}, called{0};
        std::atomic<bool> begin{false};
        std::thread sender;
        {
            weft::runtime rt({.procs = 2});
            for (int i = 0; i < operations; ++i) {
                ch.receive()(asio::bind_executor(
                    rt.get_executor(), [&called, w = witness(destroyed)](
                                           std::exception_ptr, std::optional<int>) { ++called; }));
            }
            sender = std::thread([&] {
                begin = true;
                for (int i = 0; i < operations; ++i) CHECK(ch.try_send(i));
            });
            while (!begin) std::this_thread::yield();
        }
        const int called_by_then = called;
        sender.join();
        CHECK(called == called_by_then);
        CHECK(destroyed == operations);
    }
}

TEST_CASE("a goroutine in an operation of a context that outlives its runtime ends with it")
{
    // Two orphans: one whose operation completes after the end, one whose context is destroyed.
    std::atomic<int> destroyed{0};
    std::atomic<bool> went_on{false};
    {
        asio::io_context elsewhere;
        asio::steady_timer soon(elsewhere, 1h), never(elsewhere, 1h);
        {
            weft::runtime rt({.procs = 2});
            for (auto* timer : {&soon, &never}) {
                weft::go(
                    rt.get_executor(),
                    [&went_on, timer](witness) -> task<> {
                        co_await timer->async_wait(asio::deferred);
                        went_on = true;
                    },
                    witness(destroyed));
            }
            while (weft_test::parked("asio operation") != 2) std::this_thread::yield();
        }
        CHECK(destroyed == 0); // what the operations own is theirs
        soon.cancel();
        elsewhere.poll();
        CHECK(destroyed == 1);
    }
    CHECK(destroyed == 2);
    CHECK(!went_on);
}

TEST_CASE("orphans that die on another thread while runtimes come and go")
{
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> destroyed{0};
        asio::io_context elsewhere;
        auto guard = asio::make_work_guard(elsewhere);
        std::thread runner([&] { elsewhere.run(); });
        for (int i = 0; i < 10; ++i) {
            weft::runtime rt({.procs = 2});
            weft::go(
                rt.get_executor(),
                [&elsewhere](witness) -> task<> {
                    asio::steady_timer timer(elsewhere, 50us);
                    co_await timer.async_wait(asio::deferred);
                },
                witness(destroyed));
            while (weft::debug::goroutines().empty() && destroyed != i + 1) {
                std::this_thread::yield();
            }
        }
        guard.reset();
        runner.join();
        CHECK(destroyed == 10);
    }
}

TEST_CASE("a runtime ends while a thread of somebody else's is about to leave a post to it")
{
    // The goroutine comes back, and its runtime ends, before that thread has left Asio's post.
    asio::io_context elsewhere;
    auto guard = asio::make_work_guard(elsewhere);
    std::thread runner([&] { elsewhere.run(); });
    for (std::size_t round = 0; round < weft_test::count(2000); ++round) {
        const int n = weft::run([&]() -> task<int> {
            auto seven = []() -> asio::awaitable<int> { co_return 7; };
            co_return co_await asio::co_spawn(elsewhere, seven(), asio::deferred);
        });
        CHECK(n == 7);
    }
    guard.reset();
    runner.join();
}

TEST_CASE("a blocking call waits for what a goroutine's destructor does at the end")
{
    weft_test::watchdog guard;
    std::promise<void> unwound;
    std::atomic<bool> inside{false};
    {
        weft::runtime rt({.procs = 1});
        weft::go(rt.get_executor(), [&]() -> task<> {
            const weft::defer tell([&] { unwound.set_value(); });
            co_await channel<int>().receive();
        });
        weft::go(rt.get_executor(), [&]() -> task<> {
            auto wait = [&] {
                inside = true;
                unwound.get_future().wait();
            };
            co_await weft::blocking(wait);
        });
        while (!inside || weft_test::parked("chan receive") != 1) std::this_thread::yield();
    }
    CHECK(inside);
}

TEST_CASE("goroutines that a close has woken end with their runtime when the channel is gone")
{
    weft_test::watchdog guard;
    std::atomic<int> destroyed{0};
    std::optional<weft::runtime> rt(std::in_place, weft::runtime_options{.procs = 1});
    auto first = std::make_unique<channel<int>>(make_channel<int>());
    const auto second = make_channel<int>(); // of the lost cases
    const auto receive = [&first](witness) -> task<> { co_await first->receive(); };
    const auto send = [&first](witness) -> task<> { co_await first->send(1); };
    const auto select = [&](witness) -> task<> {
        co_await weft::select{second.receive(), first->receive()};
    };
    const auto go = [&](const auto& f) { weft::go(rt->get_executor(), f, witness(destroyed)); };
    SUBCASE("receives")
    {
        go(receive), go(receive);
    }
    SUBCASE("sends")
    {
        go(send), go(send);
    }
    SUBCASE("selects")
    {
        go(select), go(select);
    }
    while (weft_test::parked() != 2) std::this_thread::yield();
    occupation worker(rt->get_executor()); // so none of them runs any more
    destroyed = 0;                         // the temporaries of above
    first->close();
    first.reset();
    std::thread later([&] {
        std::this_thread::sleep_for(5ms);
        worker.end();
    });
    rt.reset();
    later.join();
    CHECK(destroyed == 2);
    CHECK(!second.try_send(1)); // nobody is left in its queue
}
