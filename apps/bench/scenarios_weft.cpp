// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "scenarios_weft.hpp"
#include "scenarios.hpp"

#include <weft/debug/contention.hpp>
#include <weft/debug/trace.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <thread>
#include <utility>
#include <vector>

namespace bench {
namespace {

using weft::channel;
using weft::make_channel;
using weft::task;

/// Counts goroutines down; the last one closes the channel on which somebody waits.
class countdown {
public:
    explicit countdown(std::size_t n) : left_(n) {}

    void arrive()
    {
        if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            auto keep = zero_; // the waiter may end, and *this with it, during close
            keep.close();
        }
    }

    auto wait() { return zero_.receive(); }

private:
    std::atomic<std::size_t> left_;
    channel<void> zero_ = make_channel<void>();
};

task<std::size_t> spawn_join(std::size_t n)
{
    countdown left(n);
    for (std::size_t i = 0; i < n; ++i) {
        weft::go([&left]() -> task<> {
            left.arrive();
            co_return;
        });
    }
    co_await left.wait();
    co_return n;
}

task<std::size_t> chan_uncontended_buf(std::size_t n)
{
    auto ch = make_channel<int>(8);
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n); ++i) {
        co_await ch.send(i);
        got += co_await ch.receive() == i;
    }
    co_return got;
}

/// Passes on what it receives; closes `out` when `in` is closed.
task<> relay(channel<int> in, channel<int> out)
{
    while (auto value = co_await in.receive()) { co_await out.send(*value); }
    out.close();
}

/// Sends 0 to n - 1 and closes the channel.
task<> source(channel<int> out, std::size_t n)
{
    for (int i = 0; i < static_cast<int>(n); ++i) { co_await out.send(i); }
    out.close();
}

task<std::size_t> pingpong_unbuf(std::size_t n)
{
    auto a = make_channel<int>();
    auto b = make_channel<int>();
    weft::go(relay, a, b);
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n); ++i) {
        co_await a.send(i);
        got += co_await b.receive() == i;
    }
    a.close();
    co_await b.receive();
    co_return got;
}

task<std::size_t> stream(std::size_t n, std::size_t capacity)
{
    auto ch = make_channel<int>(capacity);
    weft::go(source, ch, n);
    std::size_t got = 0;
    while (co_await ch.receive()) { ++got; }
    co_return got;
}

task<std::size_t> unbuf_stream(std::size_t n)
{
    return stream(n, 0);
}
task<std::size_t> buf128_stream(std::size_t n)
{
    return stream(n, 128);
}

task<std::size_t> mpmc_4x4_buf128(std::size_t n)
{
    auto ch = make_channel<int>(128);
    countdown writers(4);
    countdown readers(4);
    std::array<std::size_t, 4> got{};
    for (std::size_t& mine : got) {
        weft::go([ch, &writers, n]() mutable -> task<> {
            for (int i = 0; i < static_cast<int>(n / 4); ++i) { co_await ch.send(i); }
            writers.arrive();
        });
        weft::go([ch, &readers, &mine]() mutable -> task<> {
            std::size_t count = 0;
            while (co_await ch.receive()) { ++count; }
            mine = count;
            readers.arrive();
        });
    }
    co_await writers.wait();
    ch.close();
    co_await readers.wait();
    co_return got[0] + got[1] + got[2] + got[3];
}

task<std::size_t> fan_out_in_8(std::size_t n)
{
    auto in = make_channel<int>(64);
    auto out = make_channel<int>(64);
    countdown workers(8);
    for (int k = 0; k < 8; ++k) {
        weft::go([in, out, &workers]() mutable -> task<> {
            while (auto value = co_await in.receive()) { co_await out.send(*value * 2); }
            workers.arrive();
        });
    }
    weft::go([out, &workers]() mutable -> task<> {
        co_await workers.wait();
        out.close();
    });
    weft::go(source, in, n);
    std::size_t got = 0;
    while (co_await out.receive()) { ++got; }
    co_return got;
}

task<std::size_t> select_2recv_stream(std::size_t n)
{
    auto a = make_channel<int>();
    auto b = make_channel<int>();
    for (auto ch : {a, b}) {
        weft::go([ch, n]() mutable -> task<> {
            for (int i = 0; i < static_cast<int>(n / 2); ++i) { co_await ch.send(i); }
        });
    }
    std::size_t got = 0;
    for (std::size_t i = 0; i < n; ++i) {
        auto chosen = co_await weft::select{a.receive(), b.receive()};
        switch (chosen.index()) {
        case 0: got += chosen.get<0>().has_value(); break;
        case 1: got += chosen.get<1>().has_value(); break;
        }
    }
    co_return got;
}

task<std::size_t> select_default(std::size_t n)
{
    auto a = make_channel<int>();
    auto b = make_channel<int>();
    std::size_t got = 0;
    for (std::size_t i = 0; i < n; ++i) {
        auto chosen = weft::try_select{a.receive(), b.receive()};
        got += chosen.index() == chosen.npos;
    }
    co_return got;
}

task<std::size_t> ring_1000(std::size_t n)
{
    auto first = make_channel<int>();
    auto in = first;
    for (int i = 0; i < 1000; ++i) {
        auto out = make_channel<int>();
        weft::go(relay, in, out);
        in = out;
    }
    std::size_t got = 0;
    for (int i = 0; i < static_cast<int>(n / 1000); ++i) {
        co_await first.send(i);
        if (co_await in.receive() == i) { got += 1000; }
    }
    first.close();
    co_await in.receive();
    co_return got;
}

task<> numbers(channel<int> out, channel<void> done, countdown& left)
{
    for (int i = 2;; ++i) {
        auto chosen = co_await weft::select{out.send(i), done.receive()};
        if (chosen.index() == 1) {
            left.arrive();
            co_return;
        }
    }
}

task<> filter(channel<int> in, channel<int> out, int prime, channel<void> done, countdown& left)
{
    for (;;) {
        auto received = co_await weft::select{in.receive(), done.receive()};
        if (received.index() == 1) { break; }
        const int value = *received.get<0>();
        if (value % prime != 0) {
            auto sent = co_await weft::select{out.send(value), done.receive()};
            if (sent.index() == 1) { break; }
        }
    }
    left.arrive();
}

task<std::size_t> sieve_2000(std::size_t n)
{
    const int last = nth_prime(n);
    auto ch = make_channel<int>();
    auto done = make_channel<void>();
    countdown left(n + 1);
    weft::go(numbers, ch, done, std::ref(left));
    int prime = 0;
    for (std::size_t i = 0; i < n; ++i) {
        prime = *co_await ch.receive();
        auto next = make_channel<int>();
        weft::go(filter, ch, next, prime, done, std::ref(left));
        ch = next;
    }
    done.close();
    co_await left.wait();
    co_return prime == last ? n : 0;
}

task<> filter_plain(channel<int> in, channel<int> out, int prime)
{
    while (auto value = co_await in.receive()) {
        if (*value % prime != 0) { co_await out.send(*value); }
    }
    out.close();
}

task<std::size_t> sieve_nosel(std::size_t n)
{
    auto ch = make_channel<int>();
    weft::go([ch, last = nth_prime(n)]() mutable -> task<> {
        for (int i = 2; i <= last; ++i) { co_await ch.send(i); }
        ch.close();
    });
    std::size_t got = 0;
    while (auto prime = co_await ch.receive()) {
        ++got;
        auto next = make_channel<int>();
        weft::go(filter_plain, ch, next, *prime);
        ch = next;
    }
    co_return got;
}

task<std::size_t> yield(std::size_t n)
{
    countdown left(10);
    for (int k = 0; k < 10; ++k) {
        weft::go([&left, n]() -> task<> {
            for (std::size_t i = 0; i < n / 10; ++i) { co_await weft::this_goroutine::yield(); }
            left.arrive();
        });
    }
    co_await left.wait();
    co_return n;
}

task<std::size_t> timer_new_stop(std::size_t n)
{
    std::size_t stopped = 0;
    for (std::size_t i = 0; i < n; ++i) {
        weft::timer t(std::chrono::seconds(1));
        stopped += t.stop();
    }
    co_return stopped;
}

task<std::size_t> sleep_100k_1ms(std::size_t n)
{
    countdown left(n);
    for (std::size_t i = 0; i < n; ++i) {
        weft::go([&left]() -> task<> {
            co_await weft::sleep(std::chrono::milliseconds(1));
            left.arrive();
        });
    }
    co_await left.wait();
    co_return n;
}

task<std::size_t> after_in_select_loop(std::size_t n)
{
    auto ch = make_channel<int>();
    weft::go(source, ch, n);
    std::size_t got = 0;
    for (;;) {
        auto chosen = co_await weft::select{ch.receive(), weft::after(std::chrono::seconds(1))};
        if (chosen.index() != 0 || !chosen.get<0>()) { break; }
        ++got;
    }
    co_return got;
}

/// All are armed when the first is due; from that moment on it is measured.
task<measured> timers_fire(std::size_t n, std::chrono::nanoseconds arming)
{
    countdown left(n);
    std::atomic<std::size_t> early{0};
    const auto due = weft::clock::now() + arming;
    for (std::size_t i = 0; i < n; ++i) {
        const auto at = due + std::chrono::nanoseconds(scattered(i, n));
        weft::after_func(at - weft::clock::now(), [&left, &early, at] {
            if (weft::clock::now() < at) { early.fetch_add(1, std::memory_order_relaxed); }
            left.arrive();
        });
    }
    const bool too_late = weft::clock::now() > due; // the figure would mean nothing
    co_await weft::sleep_until(due - std::chrono::milliseconds(5));
    const auto cpu_before = cpu_time();
    co_await left.wait();
    const std::chrono::nanoseconds wall = weft::clock::now() - due;
    co_return measured{too_late ? 0 : n - early, wall, cpu_time() - cpu_before};
}

result timers_bytes(const request& asked)
{
    const std::size_t n = asked.count();
    weft::runtime rt(weft::runtime_options{.procs = asked.procs});
    const std::size_t before = resident_bytes();
    std::vector<weft::timer> timers;
    timers.reserve(n);
    for (std::size_t i = 0; i < n; ++i) {
        timers.emplace_back(rt.get_executor(), std::chrono::hours(1));
    }
    return bytes_of(asked, "weft", before, n);
}

task<> spawn_parked(std::size_t n, std::atomic<std::size_t>& started)
{
    auto ch = make_channel<int>();
    for (std::size_t i = 0; i < n; ++i) {
        weft::go([ch, &started]() mutable -> task<> {
            started.fetch_add(1, std::memory_order_relaxed);
            co_await ch.receive();
        });
    }
    co_return;
}

task<> source_until(weft::context ctx, channel<int> out, std::size_t n)
{
    for (int i = 0; i < static_cast<int>(n); ++i) {
        auto sent = co_await weft::select{out.send(i), ctx.done()};
        if (sent.index() == 1) { co_return; }
    }
}

task<std::size_t> select_ctx_done_recv(std::size_t n)
{
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto ch = make_channel<int>();
    weft::go(source_until, ctx, ch, n);
    std::size_t got = 0;
    for (std::size_t i = 0; i < n; ++i) {
        auto received = co_await weft::select{ch.receive(), ctx.done()};
        got += received.index() == 0;
    }
    co_return got;
}

task<std::size_t> ctx_with_timeout_cancel(std::size_t n)
{
    auto [parent, end] = weft::with_cancel(weft::background());
    std::size_t got = 0;
    for (std::size_t i = 0; i < n; ++i) {
        auto [ctx, cancel] = weft::with_timeout(parent, std::chrono::seconds(1));
        cancel();
        got += static_cast<bool>(ctx.err());
    }
    co_return got;
}

result mem_parked(const request& asked)
{
    const std::size_t n = asked.count();
    std::atomic<std::size_t> started{0};
    weft::runtime rt(weft::runtime_options{.procs = asked.procs});
    const std::size_t before = resident_bytes();
    weft::sync_wait(rt.get_executor(), spawn_parked(n, started));
    while (started.load(std::memory_order_relaxed) < n) {
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    return bytes_of(asked, "weft", before, n);
}

constexpr named_body bodies[] = {
    {"spawn_join", spawn_join},
    {"chan_uncontended_buf", chan_uncontended_buf},
    {"pingpong_unbuf", pingpong_unbuf},
    {"unbuf_stream", unbuf_stream},
    {"buf128_stream", buf128_stream},
    {"mpmc_4x4_buf128", mpmc_4x4_buf128},
    {"fan_out_in_8", fan_out_in_8},
    {"select_2recv_stream", select_2recv_stream},
    {"select_default", select_default},
    {"select_ctx_done_recv", select_ctx_done_recv},
    {"ring_1000", ring_1000},
    {"sieve_2000", sieve_2000},
    {"sieve_nosel", sieve_nosel},
    {"yield", yield},
    {"timer_new_stop", timer_new_stop},
    {"sleep_100k_1ms", sleep_100k_1ms},
    {"after_in_select_loop", after_in_select_loop},
    {"ctx_with_timeout_cancel", ctx_with_timeout_cancel},
};

/// What looks on while a scenario runs: WEFT_BENCH_OBSERVE is "trace", "blocks", "latency" or "slices".
class onlooker {
public:
    onlooker()
    {
        const char* what = std::getenv("WEFT_BENCH_OBSERVE"); // NOLINT(concurrency-mt-unsafe)
        if (!what) { return; }
        const std::string_view name = what;
        if (name == "trace") { trace_.emplace(); }
        if (name == "trace_small") {
            trace_.emplace(weft::debug::trace_options{.records_per_worker = 4096});
        }
        if (name == "blocks") {
            weft::debug::set_block_profile_rate(std::chrono::microseconds(10));
        }
        if (name == "latency") { weft::debug::set_latency_sampling(16); }
        if (name == "slices") { watchdog_.emplace(); }
    }

private:
    std::optional<weft::debug::trace> trace_;
    std::optional<weft::debug::watchdog> watchdog_;
};

} // namespace

std::optional<result> run_weft(const request& asked)
{
    const onlooker looks_on;
    if (asked.what.name == "mem_parked") { return mem_parked(asked); }
    if (asked.what.name == "timers_1m_bytes") { return timers_bytes(asked); }
    if (asked.what.name == "timers_1m_fire") {
        weft::runtime rt(weft::runtime_options{.procs = asked.procs});
        return best_of_measured(asked, "weft", [&](std::size_t n) {
            return when_armed(n, [&](std::chrono::nanoseconds arming) {
                return weft::sync_wait(rt.get_executor(), timers_fire(n, arming));
            });
        });
    }
    weft_body body = find_body(bodies, asked.what.name);
    if (!body) { body = find_sync_body(asked.what.name); }
    if (!body) { body = find_work_body(asked.what.name); }
    if (!body) { return std::nullopt; }
    weft::runtime rt(weft::runtime_options{.procs = asked.procs});
    return best_of(asked, "weft",
                   [&](std::size_t n) { return weft::sync_wait(rt.get_executor(), body(n)); });
}

} // namespace bench
