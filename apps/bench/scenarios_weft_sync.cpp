// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The scenarios of locks, groups and shared objects.

#include "scenarios_weft.hpp"

#include <weft/weft.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace bench {
namespace {

using weft::task;

/// Starts `goroutines` that each run `body(k)`, and waits for them.
template <class Body>
task<> together(std::size_t goroutines, Body body)
{
    weft::wait_group all;
    for (std::size_t k = 0; k < goroutines; ++k) all.go([&body, k] { return body(k); });
    co_await all.wait();
}

task<> count_locked(weft::mutex& mu, std::size_t& count, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) {
        const auto hold = co_await mu.lock();
        ++count;
    }
}

task<std::size_t> mutex_uncontended(std::size_t n)
{
    weft::mutex mu;
    std::size_t count = 0;
    co_await count_locked(mu, count, n);
    co_return count;
}

task<std::size_t> mutex_8g(std::size_t n)
{
    weft::mutex mu;
    std::size_t count = 0;
    auto body = [&](std::size_t) { return count_locked(mu, count, n / 8); };
    co_await together(8, body);
    co_return count;
}

task<std::size_t> rwmutex_read_mostly(std::size_t n)
{
    weft::rw_mutex mu;
    std::size_t writes = 0;
    std::array<std::size_t, 8> done{};
    auto body = [&](std::size_t k) -> task<> {
        std::size_t reads = 0;
        std::size_t seen = 0; // so that the read is one
        for (std::size_t i = 0; i < n / 8; ++i) {
            if (i % 64 == 0) {
                const auto hold = co_await mu.lock();
                ++writes;
            } else {
                const auto hold = co_await mu.lock_shared();
                seen = std::max(seen, writes);
                ++reads;
            }
        }
        done[k] = seen <= n ? reads : 0;
    };
    co_await together(8, body);
    for (const std::size_t reads : done) writes += reads;
    co_return writes;
}

task<std::size_t> cond_pingpong(std::size_t n)
{
    weft::mutex mu;
    weft::cond changed(mu);
    std::size_t turn = 0;
    auto body = [&](std::size_t me) -> task<> {
        auto hold = co_await mu.lock();
        for (std::size_t i = 0; i < n / 2; ++i) {
            while (turn % 2 != me) co_await changed.wait(hold);
            ++turn;
            changed.signal();
        }
    };
    co_await together(2, body);
    co_return turn;
}

task<std::size_t> waitgroup_fan(std::size_t n)
{
    std::atomic<std::size_t> ran{0};
    auto body = [&](std::size_t) -> task<> {
        ran.fetch_add(1, std::memory_order_relaxed);
        co_return;
    };
    for (std::size_t i = 0; i < n / 100; ++i) co_await together(100, body);
    co_return ran.load();
}

task<std::size_t> semaphore_bounded(std::size_t n)
{
    weft::semaphore permits(8);
    std::atomic<std::size_t> ran{0};
    auto body = [&](std::size_t) -> task<> {
        for (std::size_t i = 0; i < n / 100; ++i) {
            co_await permits.acquire();
            ran.fetch_add(1, std::memory_order_relaxed);
            permits.release();
        }
    };
    co_await together(100, body);
    co_return ran.load();
}

struct block {
    std::array<std::uint64_t, 8> words{};
};

task<std::size_t> pool_get_put(std::size_t n)
{
    weft::object_pool pool([] { return block(); });
    std::array<std::size_t, 8> done{};
    auto body = [&](std::size_t k) -> task<> {
        std::size_t got = 0;
        for (std::size_t i = 0; i < n / 8; ++i) {
            const auto mine = pool.get();
            ++mine->words[0];
            ++got;
        }
        done[k] = got;
        co_return;
    };
    co_await together(8, body);
    std::size_t got = 0;
    for (const std::size_t mine : done) got += mine;
    co_return got;
}

task<std::size_t> map_load_store(std::size_t n)
{
    weft::concurrent_map<int, int> map;
    for (int k = 0; k < 1024; ++k) map.store(k, k);
    std::array<std::size_t, 8> done{};
    auto body = [&](std::size_t g) -> task<> {
        std::uint32_t random = static_cast<std::uint32_t>(g) + 1;
        std::size_t hits = 0;
        for (std::size_t i = 0; i < n / 8; ++i) {
            random = random * 1664525 + 1013904223;
            const int key = static_cast<int>(random >> 22);
            if (i % 10 == 0) {
                map.store(key, static_cast<int>(i));
                ++hits;
            } else {
                hits += map.load(key).has_value();
            }
        }
        done[g] = hits;
        co_return;
    };
    co_await together(8, body);
    std::size_t hits = 0;
    for (const std::size_t mine : done) hits += mine;
    co_return hits;
}

task<std::size_t> errgroup_100(std::size_t n)
{
    std::atomic<std::size_t> ran{0};
    auto body = [&ran]() -> task<> {
        ran.fetch_add(1, std::memory_order_relaxed);
        co_return;
    };
    for (std::size_t i = 0; i < n / 100; ++i) {
        weft::errgroup group;
        for (int k = 0; k < 100; ++k) co_await group.go(body);
        co_await group.wait();
    }
    co_return ran.load();
}

task<std::size_t> parallel_map_1k(std::size_t n)
{
    std::vector<int> numbers(1000);
    std::iota(numbers.begin(), numbers.end(), 0);
    const auto square = [](int x) { return x * x; };
    const weft::context ctx = weft::background();
    std::size_t right = 0;
    for (std::size_t i = 0; i < n / 1000; ++i) {
        const std::vector<int> squares =
            co_await weft::pattern::parallel_map(ctx, numbers, 8, square);
        if (squares.back() == 999 * 999) right += squares.size();
    }
    co_return right;
}

task<std::size_t> pipeline_3x8(std::size_t n)
{
    auto first = weft::make_channel<int>();
    const auto next = [](int x) { return x + 1; };
    const weft::context ctx = weft::background();
    auto second = weft::pattern::stage(ctx, first, 8, next);
    auto third = weft::pattern::stage(ctx, second, 8, next);
    auto last = weft::pattern::stage(ctx, third, 8, next);
    auto feed = [first, n]() mutable -> task<> {
        for (std::size_t i = 0; i < n; ++i) co_await first.send(static_cast<int>(i));
        first.close();
    };
    weft::go(feed);
    std::size_t got = 0;
    while (co_await last.receive()) ++got;
    co_return got;
}

constexpr named_body bodies[] = {
    {"mutex_uncontended", mutex_uncontended},
    {"mutex_8g", mutex_8g},
    {"rwmutex_read_mostly", rwmutex_read_mostly},
    {"cond_pingpong", cond_pingpong},
    {"waitgroup_fan", waitgroup_fan},
    {"semaphore_bounded", semaphore_bounded},
    {"errgroup_100", errgroup_100},
    {"pool_get_put", pool_get_put},
    {"map_load_store", map_load_store},
    {"parallel_map_1k", parallel_map_1k},
    {"pipeline_3x8", pipeline_3x8},
};

} // namespace

weft_body find_sync_body(std::string_view name)
{
    return find_body(bodies, name);
}

} // namespace bench
