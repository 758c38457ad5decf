// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Cancellation against completion, at random moments, with every value and timer accounted for.

#include "testing.hpp"

#include "counted.hpp"

#include <asio/as_tuple.hpp>
#include <asio/buffer.hpp>
#include <asio/connect_pipe.hpp>
#include <asio/deferred.hpp>
#include <asio/read.hpp>
#include <asio/readable_pipe.hpp>
#include <asio/steady_timer.hpp>
#include <asio/writable_pipe.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using stress::counted;
using weft::context;
using weft::make_channel;
using weft::task;
using weft::with_cancel;
using weft_test::count;
using weft_test::on_procs;

namespace {

struct tally {
    std::atomic<std::int64_t> sent{0}, received{0}, interrupted{0}, races{0};
};

/// Ends contexts it is given, from a thread outside: as soon as it can, or a little later.
class canceller {
public:
    canceller() : thread_([this] { work(); }) {}
    canceller(const canceller&) = delete;
    canceller& operator=(const canceller&) = delete;
    ~canceller()
    {
        stop_ = true;
        thread_.join();
    }

    /// The context ends some hundred nanoseconds from now, or a microsecond.
    void end_soon(const weft::cancel_function& cancel)
    {
        while (busy_.exchange(true)) std::this_thread::yield();
        next_.push_back(cancel);
        busy_ = false;
    }

private:
    void work()
    {
        std::minstd_rand random(static_cast<unsigned>(weft_test::seed()));
        std::vector<weft::cancel_function> mine;
        while (!stop_ || !mine.empty()) {
            while (busy_.exchange(true)) std::this_thread::yield();
            mine.swap(next_);
            busy_ = false;
            for (const auto& cancel : mine) {
                for (auto spin = random() % 512; spin != 0; --spin)
                    std::atomic_signal_fence(std::memory_order_seq_cst);
                cancel();
            }
            mine.clear();
            if (!stop_) std::this_thread::yield();
        }
    }

    std::atomic<bool> stop_{false}, busy_{false};
    std::vector<weft::cancel_function> next_; ///< guarded by busy_
    std::thread thread_;
};

/// Sends until its context ends; what it says it sent was sent.
task<> sender(weft::channel<counted> ch, tally& t)
{
    for (;;) {
        co_await ch.send(counted(1));
        ++t.sent;
    }
}

task<> receiver(weft::channel<counted> ch, tally& t)
{
    for (;;) {
        auto v = co_await ch.receive();
        if (!v) co_return;
        ++t.received;
    }
}

task<> chooser(weft::channel<counted> a, weft::channel<counted> b, tally& t)
{
    for (;;) {
        auto s = co_await weft::select{a.receive(), b.send(counted(1)), weft::after(50us)};
        if (s.index() == 0) ++t.received;
        if (s.index() == 1) ++t.sent;
    }
}

task<> explicit_receiver(context ctx, weft::channel<counted> ch, tally& t)
{
    for (;;) {
        (void)co_await ch.receive(ctx);
        ++t.received;
    }
}

/// Waits for the end of one that its context ended.
task<> settle(weft::join_handle<void> h, tally& t)
{
    try {
        co_await h.join();
    } catch (const weft::error&) {
        ++t.interrupted;
    }
    ++t.races;
}

} // namespace

TEST_CASE("channel operations against cancellation: sent = received + what is left")
{
    on_procs([]() -> task<void> {
        const auto before = counted::alive().load();
        tally t;
        {
            canceller outside;
            std::mt19937_64 random(weft_test::make_random());
            const std::size_t rounds = count(2'000'000) / 5;
            for (std::size_t i = 0; i < rounds; i += 5) {
                auto a = make_channel<counted>(random() % 3),
                     b = make_channel<counted>(random() % 2);
                auto made = with_cancel(weft::background());
                const context& ctx = made.ctx;
                weft_test::team all;
                for (auto& h : {weft::spawn(ctx, sender, a, std::ref(t)),
                                weft::spawn(ctx, receiver, a, std::ref(t)),
                                weft::spawn(ctx, chooser, a, b, std::ref(t)),
                                weft::spawn(ctx, receiver, b, std::ref(t)),
                                weft::spawn(explicit_receiver, ctx, b, std::ref(t))}) {
                    all.go(settle, h, std::ref(t));
                }
                if (random() % 2) {
                    outside.end_soon(made.cancel);
                } else {
                    for (auto n = random() % 4; n != 0; --n) co_await weft::this_goroutine::yield();
                    made.cancel();
                }
                co_await all.join();
                for (const auto& ch : {a, b}) {
                    while (ch.try_receive()) ++t.received;
                }
            }
        }
        CHECK(t.sent == t.received);
        CHECK(t.interrupted == t.races);
        CHECK(counted::alive().load() == before);
    });
}

TEST_CASE("sleeps, Asio's timers and deadlines against cancellation: each ends once")
{
    on_procs([]() -> task<void> {
        tally t;
        std::atomic<std::int64_t> slept{0};
        std::size_t rounds = count(1'000'000) / 4;
        {
            canceller outside;
            std::mt19937_64 random(weft_test::make_random());
            for (std::size_t i = 0; i < rounds; i += 4) {
                const auto nap = std::chrono::nanoseconds(random() % 20'000);
                auto made = weft::with_timeout(weft::background(),
                                               std::chrono::nanoseconds(random() % 40'000));
                weft_test::team all;
                const auto sleeps = [&slept](weft::duration d) -> task<> {
                    co_await weft::sleep(d);
                    ++slept;
                };
                const auto asio_timer = [&slept](weft::duration d) -> task<> {
                    asio::steady_timer timer(weft::this_goroutine::get_executor(), d);
                    co_await timer.async_wait(asio::deferred);
                    ++slept;
                };
                const auto limited = [&slept](context own, weft::duration d) -> task<> {
                    co_await weft::sleep(own, d);
                    ++slept;
                };
                all.go(settle, weft::spawn(made.ctx, sleeps, nap), std::ref(t));
                all.go(settle, weft::spawn(made.ctx, asio_timer, nap), std::ref(t));
                all.go(settle, weft::spawn(limited, made.ctx, nap), std::ref(t));
                all.go(settle, weft::spawn(made.ctx, asio_timer, 1h), std::ref(t));
                if (random() % 2) outside.end_soon(made.cancel);
                co_await all.join();
            }
        }
        CHECK(slept + t.interrupted == t.races);
    });
}

TEST_CASE("pipe reads against cancellation: each byte is read or still there")
{
    on_procs([]() -> task<void> {
        tally t;
        canceller outside;
        std::mt19937_64 random(weft_test::make_random());
        const std::size_t rounds = count(500'000) / 10;
        for (std::size_t i = 0; i < rounds; i += 10) {
            const auto ex = weft::this_goroutine::get_executor();
            asio::readable_pipe in(ex);
            asio::writable_pipe out(ex);
            asio::connect_pipe(in, out);
            auto made = with_cancel(weft::background());
            std::size_t got = 0;
            const std::size_t step = 1 + random() % 3;
            const auto reads = [&in, &got, step]() -> task<> {
                for (char room[4];;)
                    got += co_await in.async_read_some(asio::buffer(room, step), asio::deferred);
            };
            auto reader = weft::spawn(made.ctx, reads);
            const std::size_t sent = random() % 10;
            for (std::size_t n = 0; n < sent; ++n) {
                co_await asio::async_write(out, asio::buffer("x", 1), asio::deferred);
                if (random() % 2) co_await weft::this_goroutine::yield();
                if (n == sent / 2) outside.end_soon(made.cancel);
            }
            made.cancel();
            co_await settle(reader, t);
            out.close();
            char rest[16];
            auto [ec, left] =
                co_await asio::async_read(in, asio::buffer(rest), asio::as_tuple(asio::deferred));
            static_cast<void>(ec); // the end of the file
            CHECK(got + left == sent);
        }
        CHECK(t.interrupted == t.races);
    });
}

TEST_CASE("joins and results against cancellation: a result is fetched or stays")
{
    on_procs([]() -> task<void> {
        tally t;
        canceller outside;
        const std::size_t rounds = count(500'000) / 2;
        for (std::size_t i = 0; i < rounds; i += 2) {
            auto made = with_cancel(weft::background());
            auto go_on = make_channel<void>(1);
            auto worker = weft::spawn([go_on]() -> task<counted> {
                co_await go_on.receive();
                co_return counted(7);
            });
            bool fetched = false;
            auto fetch = weft::spawn(made.ctx, [&fetched, worker]() -> task<> {
                auto v = co_await worker.join();
                fetched = v.value() == 7;
            });
            outside.end_soon(made.cancel);
            if (i % 4) co_await weft::this_goroutine::yield();
            co_await go_on.send();
            co_await settle(fetch, t);
            if (!fetched) {
                const auto v = co_await worker.join();
                CHECK(v.value() == 7);
            }
        }
    });
}

TEST_CASE(
    "a deadline storm: each of 100,000 goroutines selects on a channel, its context and a timeout")
{
    on_procs([]() -> task<void> {
        const auto n = static_cast<int>(count(1'000'000) / 10);
        auto [ctx, cancel] = with_cancel(weft::background());
        auto ch = make_channel<int>();
        std::atomic<int> values{0}, ends{0}, timeouts{0};
        weft_test::team all;
        for (int i = 0; i < n; ++i) {
            all.go([&, i]() -> task<> {
                auto [own, stop] = weft::with_timeout(ctx, i % 3 ? weft::duration(1h) : 3ms);
                auto s = co_await weft::select{ch.receive(), own.done(),
                                               weft::after(i % 3 == 1 ? weft::duration(3ms) : 1h)};
                ++(s.index() == 0 ? values : s.index() == 1 ? ends : timeouts);
            });
        }
        for (int i = 0; i < n / 10; ++i) {
            auto s = co_await weft::select{ch.send(i), weft::after(1ms)};
            if (s.index() == 1) break;
        }
        co_await weft::sleep(5ms);
        cancel();
        co_await all.join();
        CHECK(values + ends + timeouts == n);
    });
}
