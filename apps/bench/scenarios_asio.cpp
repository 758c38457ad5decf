// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The raw Asio twin: what a program has without weft. Its channel handles are shared_ptr, because
// concurrent_channel is an object and not a handle. There is no sieve_2000: a select that loses
// messages finds wrong primes.

#include "compute.hpp"
#include "scenarios.hpp"

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/experimental/concurrent_channel.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <memory>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

namespace bench {
namespace {

using asio::awaitable;
using asio::use_awaitable;
using int_channel = asio::experimental::concurrent_channel<void(asio::error_code, int)>;
using int_channel_ptr = std::shared_ptr<int_channel>;

int_channel_ptr make_channel(const asio::any_io_executor& ex, std::size_t capacity = 0)
{
    return std::make_shared<int_channel>(ex, capacity);
}

awaitable<void> send(int_channel& to, int value)
{
    return to.async_send(asio::error_code{}, value, use_awaitable);
}

/// Consumes until the channel is closed, which an exception tells. (A helper that receives one
/// value would cost one coroutine frame per value.)
template <class Consume>
awaitable<void> for_each_received(int_channel& from, Consume consume)
{
    try {
        for (;;) { consume(co_await from.async_receive(use_awaitable)); }
    } catch (const asio::system_error&) {
        // closed
    }
}

/// Not awaited on purpose: GCC 12 destroys the captures of a lambda twice if the lambda is written
/// inside a co_await expression.
template <class F>
void go(const asio::any_io_executor& ex, F f)
{
    asio::co_spawn(ex, std::move(f), asio::detached);
}

/// Counts coroutines down; the last one wakes whoever waits.
class countdown {
public:
    countdown(asio::any_io_executor ex, std::size_t n)
        : state_(std::make_shared<state>(std::move(ex), n))
    {
    }

    void arrive() const
    {
        if (state_->left.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            const auto keep = state_; // the waiter may end, and *this with it, during try_send
            keep->done.try_send(asio::error_code{}, 0);
        }
    }

    awaitable<int> wait() const { return state_->done.async_receive(use_awaitable); }

private:
    struct state {
        state(asio::any_io_executor ex, std::size_t n) : left(n), done(std::move(ex), 1) {}
        std::atomic<std::size_t> left;
        int_channel done;
    };
    std::shared_ptr<state> state_;
};

awaitable<std::size_t> spawn_join(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, n);
    for (std::size_t i = 0; i < n; ++i) {
        asio::co_spawn(
            ex,
            [&left]() -> awaitable<void> {
                left.arrive();
                co_return;
            },
            asio::detached);
    }
    co_await left.wait();
    co_return n;
}

awaitable<std::size_t> compute_10us(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, n);
    std::atomic<std::size_t> right{0};
    for (std::size_t i = 1; i <= n; ++i) {
        go(ex, [&left, &right, i]() -> awaitable<void> {
            right.fetch_add(compute(i, rounds_10us) != 0, std::memory_order_relaxed);
            left.arrive();
            co_return;
        });
    }
    co_await left.wait();
    co_return right.load();
}

awaitable<std::size_t> chan_uncontended_buf(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto ch = make_channel(ex, 8);
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n); ++i) {
        co_await send(*ch, i);
        got += co_await ch->async_receive(use_awaitable) == i;
    }
    co_return got;
}

awaitable<std::size_t> pingpong_unbuf(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto a = make_channel(ex);
    auto b = make_channel(ex);
    go(ex, [a, b]() -> awaitable<void> {
        try {
            for (;;) { co_await send(*b, co_await a->async_receive(use_awaitable)); }
        } catch (const asio::system_error&) {
            b->close();
        }
    });
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n); ++i) {
        co_await send(*a, i);
        got += co_await b->async_receive(use_awaitable) == i;
    }
    a->close();
    co_await for_each_received(*b, [](int) {});
    co_return got;
}

awaitable<std::size_t> stream(std::size_t n, std::size_t capacity)
{
    const auto ex = co_await asio::this_coro::executor;
    auto ch = make_channel(ex, capacity);
    go(ex, [ch, n]() -> awaitable<void> {
        for (int i = 0; i < static_cast<int>(n); ++i) { co_await send(*ch, i); }
        ch->close();
    });
    std::size_t got = 0;
    co_await for_each_received(*ch, [&got](int) { ++got; });
    co_return got;
}

awaitable<std::size_t> unbuf_stream(std::size_t n)
{
    return stream(n, 0);
}
awaitable<std::size_t> buf128_stream(std::size_t n)
{
    return stream(n, 128);
}

awaitable<std::size_t> mpmc_4x4_buf128(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto ch = make_channel(ex, 128);
    const countdown writers(ex, 4);
    const countdown readers(ex, 4);
    std::array<std::size_t, 4> got{};
    for (std::size_t& mine : got) {
        go(ex, [ch, &writers, n]() -> awaitable<void> {
            for (int i = 0; i < static_cast<int>(n / 4); ++i) { co_await send(*ch, i); }
            writers.arrive();
        });
        go(ex, [ch, &readers, &mine]() -> awaitable<void> {
            std::size_t count = 0;
            co_await for_each_received(*ch, [&count](int) { ++count; });
            mine = count;
            readers.arrive();
        });
    }
    co_await writers.wait();
    ch->close();
    co_await readers.wait();
    co_return got[0] + got[1] + got[2] + got[3];
}

awaitable<std::size_t> fan_out_in_8(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto in = make_channel(ex, 64);
    auto out = make_channel(ex, 64);
    const countdown workers(ex, 8);
    for (int k = 0; k < 8; ++k) {
        go(ex, [in, out, workers]() -> awaitable<void> {
            try {
                for (;;) { co_await send(*out, 2 * co_await in->async_receive(use_awaitable)); }
            } catch (const asio::system_error&) {
                workers.arrive();
            }
        });
    }
    go(ex, [out, workers]() -> awaitable<void> {
        co_await workers.wait();
        out->close();
    });
    go(ex, [in, n]() -> awaitable<void> {
        for (int i = 0; i < static_cast<int>(n); ++i) { co_await send(*in, i); }
        in->close();
    });
    std::size_t got = 0;
    co_await for_each_received(*out, [&got](int) { ++got; });
    co_return got;
}

/// Two producers, one consumer that races two receives. The receive that loses the race may have
/// taken a message already, and that message is gone: so the consumer cannot count to n. It ends
/// when both producers have ended and the channels are closed. It runs on a strand because the
/// cancellation of the losing operation is not thread-safe otherwise.
awaitable<std::size_t> select_2recv_stream(std::size_t n)
{
    using namespace asio::experimental::awaitable_operators;
    const auto ex = co_await asio::this_coro::executor;
    auto a = make_channel(ex);
    auto b = make_channel(ex);
    const countdown producers(ex, 2);
    for (const auto& ch : {a, b}) {
        go(ex, [ch, producers, n]() -> awaitable<void> {
            for (int i = 0; i < static_cast<int>(n / 2); ++i) { co_await send(*ch, i); }
            producers.arrive();
        });
    }
    go(ex, [a, b, producers]() -> awaitable<void> {
        co_await producers.wait();
        a->close();
        b->close();
    });
    const auto consume = [&a, &b]() -> awaitable<std::size_t> {
        std::size_t got = 0;
        try {
            for (;;) {
                co_await (a->async_receive(use_awaitable) || b->async_receive(use_awaitable));
                ++got;
            }
        } catch (const std::exception&) {
            // both closed
        }
        co_return got;
    };
    co_return co_await asio::co_spawn(asio::make_strand(ex), consume(), use_awaitable);
}

awaitable<std::size_t> select_default(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto a = make_channel(ex);
    auto b = make_channel(ex);
    const auto ignore = [](asio::error_code, int) {};
    std::size_t got = 0;
    for (std::size_t i = 0; i < n; ++i) {
        if (!a->try_receive(ignore) && !b->try_receive(ignore)) { ++got; }
    }
    co_return got;
}

awaitable<std::size_t> ring_1000(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto first = make_channel(ex);
    auto in = first;
    for (int i = 0; i < 1000; ++i) {
        auto out = make_channel(ex);
        go(ex, [in, out]() -> awaitable<void> {
            try {
                for (;;) { co_await send(*out, co_await in->async_receive(use_awaitable)); }
            } catch (const asio::system_error&) {
                out->close();
            }
        });
        in = out;
    }
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n / 1000); ++i) {
        co_await send(*first, i);
        if (co_await in->async_receive(use_awaitable) == i) { got += 1000; }
    }
    first->close();
    co_await for_each_received(*in, [](int) {});
    co_return got;
}

awaitable<void> sieve_filter(int_channel_ptr in, int_channel_ptr out, int prime)
{
    try {
        for (;;) {
            const int value = co_await in->async_receive(use_awaitable);
            if (value % prime != 0) { co_await send(*out, value); }
        }
    } catch (const asio::system_error&) {
        out->close();
    }
}

awaitable<std::size_t> sieve_nosel(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    auto ch = make_channel(ex);
    go(ex, [ch, last = nth_prime(n)]() -> awaitable<void> {
        for (int i = 2; i <= last; ++i) { co_await send(*ch, i); }
        ch->close();
    });
    std::size_t got = 0;
    try {
        for (;;) {
            const int prime = co_await ch->async_receive(use_awaitable);
            ++got;
            auto next = make_channel(ex);
            asio::co_spawn(ex, sieve_filter(ch, next, prime), asio::detached);
            ch = next;
        }
    } catch (const asio::system_error&) {
        // the last filter closed its channel
    }
    co_return got;
}

awaitable<std::size_t> yield(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, 10);
    for (int k = 0; k < 10; ++k) {
        go(ex, [ex, left, n]() -> awaitable<void> {
            for (std::size_t i = 0; i < n / 10; ++i) { co_await asio::post(ex, use_awaitable); }
            left.arrive();
        });
    }
    co_await left.wait();
    co_return n;
}

/// Each wait ends with its handler, as in any Asio program; the run ends with the last one.
awaitable<std::size_t> timer_new_stop(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, n);
    std::atomic<std::size_t> stopped{0};
    for (std::size_t i = 0; i < n; ++i) {
        asio::steady_timer t(ex, std::chrono::seconds(1));
        t.async_wait([&stopped, &left](asio::error_code e) {
            if (e) { stopped.fetch_add(1, std::memory_order_relaxed); }
            left.arrive();
        });
        t.cancel();
    }
    co_await left.wait();
    co_return stopped.load();
}

awaitable<std::size_t> sleep_100k_1ms(std::size_t n)
{
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, n);
    for (std::size_t i = 0; i < n; ++i) {
        go(ex, [left]() -> awaitable<void> {
            asio::steady_timer t(co_await asio::this_coro::executor, std::chrono::milliseconds(1));
            co_await t.async_wait(use_awaitable);
            left.arrive();
        });
    }
    co_await left.wait();
    co_return n;
}

/// On a strand for the same reason as select_2recv_stream. The timer never comes: nothing is lost.
awaitable<std::size_t> after_in_select_loop(std::size_t n)
{
    using namespace asio::experimental::awaitable_operators;
    const auto ex = co_await asio::this_coro::executor;
    auto ch = make_channel(ex);
    go(ex, [ch, n]() -> awaitable<void> {
        for (int i = 0; i < static_cast<int>(n); ++i) { co_await send(*ch, i); }
    });
    const auto consume = [ch, n]() -> awaitable<std::size_t> {
        asio::steady_timer limit(co_await asio::this_coro::executor);
        std::size_t got = 0;
        while (got < n) {
            limit.expires_after(std::chrono::seconds(1));
            const auto first =
                co_await (ch->async_receive(use_awaitable) || limit.async_wait(use_awaitable));
            if (first.index() != 0) { break; }
            ++got;
        }
        co_return got;
    };
    co_return co_await asio::co_spawn(asio::make_strand(ex), consume(), use_awaitable);
}

/// All are armed when the first is due; from that moment on it is measured.
awaitable<measured> timers_fire(std::size_t n, std::chrono::nanoseconds arming)
{
    using clock = std::chrono::steady_clock;
    const auto ex = co_await asio::this_coro::executor;
    const countdown left(ex, n);
    std::atomic<std::size_t> early{0};
    const auto due = clock::now() + arming;
    for (std::size_t i = 0; i < n; ++i) {
        const auto at = due + std::chrono::nanoseconds(scattered(i, n));
        auto t = std::make_unique<asio::steady_timer>(ex, at);
        auto& ref = *t;
        ref.async_wait([t = std::move(t), &left, &early, at](asio::error_code) {
            if (clock::now() < at) { early.fetch_add(1, std::memory_order_relaxed); }
            left.arrive();
        });
    }
    const bool too_late = clock::now() > due; // the figure would mean nothing
    asio::steady_timer before(ex, due - std::chrono::milliseconds(5));
    co_await before.async_wait(use_awaitable);
    const auto cpu_before = cpu_time();
    co_await left.wait();
    const std::chrono::nanoseconds wall = clock::now() - due;
    co_return measured{too_late ? 0 : n - early, wall, cpu_time() - cpu_before};
}

result timers_bytes(const request& asked)
{
    const std::size_t n = asked.count();
    asio::thread_pool pool(asked.procs);
    const std::size_t before = resident_bytes();
    std::deque<asio::steady_timer> timers;
    for (std::size_t i = 0; i < n; ++i) {
        timers.emplace_back(pool, std::chrono::hours(1)).async_wait([](asio::error_code) {});
    }
    const result r = bytes_of(asked, "asio", before, n);
    pool.stop();
    pool.join();
    return r;
}

result mem_parked(const request& asked)
{
    const std::size_t n = asked.count();
    asio::thread_pool pool(asked.procs);
    int_channel ch(pool.get_executor(), 0);
    std::atomic<std::size_t> started{0};
    const std::size_t before = resident_bytes();
    for (std::size_t i = 0; i < n; ++i) {
        asio::co_spawn(
            pool,
            [&ch, &started]() -> awaitable<void> {
                started.fetch_add(1, std::memory_order_relaxed);
                co_await ch.async_receive(use_awaitable);
            },
            asio::detached);
    }
    while (started.load(std::memory_order_relaxed) < n) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    const result r = bytes_of(asked, "asio", before, n);
    pool.stop();
    pool.join();
    return r;
}

using body = awaitable<std::size_t> (*)(std::size_t n);

constexpr std::pair<std::string_view, body> bodies[] = {
    {"spawn_join", spawn_join},
    {"chan_uncontended_buf", chan_uncontended_buf},
    {"pingpong_unbuf", pingpong_unbuf},
    {"unbuf_stream", unbuf_stream},
    {"buf128_stream", buf128_stream},
    {"mpmc_4x4_buf128", mpmc_4x4_buf128},
    {"fan_out_in_8", fan_out_in_8},
    {"select_2recv_stream", select_2recv_stream},
    {"select_default", select_default},
    {"ring_1000", ring_1000},
    {"sieve_nosel", sieve_nosel},
    {"yield", yield},
    {"timer_new_stop", timer_new_stop},
    {"sleep_100k_1ms", sleep_100k_1ms},
    {"after_in_select_loop", after_in_select_loop},
    {"compute_10us", compute_10us},
};

} // namespace

std::optional<result> run_asio(const request& asked)
{
    if (asked.what.name == "mem_parked") { return mem_parked(asked); }
    if (asked.what.name == "timers_1m_bytes") { return timers_bytes(asked); }
    if (asked.what.name == "timers_1m_fire") {
        asio::thread_pool pool(asked.procs);
        return best_of_measured(asked, "asio", [&](std::size_t n) {
            return when_armed(n, [&](std::chrono::nanoseconds arming) {
                return asio::co_spawn(pool, timers_fire(n, arming), asio::use_future).get();
            });
        });
    }
    const auto* found =
        std::ranges::find(bodies, asked.what.name, &std::pair<std::string_view, body>::first);
    if (found == std::end(bodies)) { return std::nullopt; }
    request fewer = asked;
    const bool count_matters = asked.what.whole_run || asked.what.name == "sleep_100k_1ms";
    if (!count_matters) { fewer.scale /= 10; }
    asio::thread_pool pool(asked.procs);
    const auto run = [&](std::size_t n) {
        return asio::co_spawn(pool, found->second(n), asio::use_future).get();
    };
    return best_of(fewer, "asio", run, asked.what.name == "select_2recv_stream");
}

} // namespace bench
