// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Scenarios whose goroutines compute: what a scheduler makes of the processors that it has.

#include "compute.hpp"
#include "scenarios_weft.hpp"

#include <weft/weft.hpp>

#include <atomic>
#include <cstdint>

namespace bench {
namespace {

using weft::make_channel;
using weft::task;

task<std::size_t> compute_10us(std::size_t n)
{
    std::atomic<std::size_t> right{0};
    auto body = [&right](std::uint64_t seed) -> task<> {
        right.fetch_add(compute(seed, rounds_10us) != 0, std::memory_order_relaxed);
        co_return;
    };
    weft::wait_group all;
    for (std::size_t i = 1; i <= n; ++i) all.go(body, i);
    co_await all.wait();
    co_return right.load();
}

task<std::size_t> compute_pool_1us(std::size_t n)
{
    auto jobs = make_channel<std::uint64_t>(128);
    auto results = make_channel<std::uint64_t>(128);
    auto feed = [jobs, n]() mutable -> task<> {
        for (std::uint64_t i = 1; i <= n; ++i) co_await jobs.send(i);
        jobs.close();
    };
    auto work = [jobs, results]() mutable -> task<> {
        while (auto seed = co_await jobs.receive()) {
            co_await results.send(compute(*seed, rounds_1us));
        }
    };
    auto supervise = [work, results]() mutable -> task<> {
        weft::wait_group workers;
        for (int k = 0; k < 16; ++k) workers.go(work);
        co_await workers.wait();
        results.close();
    };
    weft::go(feed);
    weft::go(supervise);
    std::size_t got = 0;
    while (auto result = co_await results.receive()) got += *result != 0;
    co_return got;
}

constexpr named_body bodies[] = {
    {"compute_10us", compute_10us},
    {"compute_pool_1us", compute_pool_1us},
};

} // namespace

weft_body find_work_body(std::string_view name)
{
    return find_body(bodies, name);
}

} // namespace bench
