// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// More snippets of from-go.md: contexts, groups, tickers, a pool.

#include "testing.hpp"

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <system_error>
#include <vector>

namespace {

using namespace std::chrono_literals;

std::atomic<int> fetched = 0;

weft::task<> fetch(weft::context ctx, std::string url)
{
    co_await weft::sleep(ctx, 1ms);
    fetched += static_cast<int>(url.size());
}

int polled = 0;

void poll(weft::time_point)
{
    ++polled;
}

// [snippet context]
weft::task<int> find(weft::context parent, weft::receive_channel<int> in)
{
    auto [ctx, cancel] = weft::with_timeout(parent, 1s);
    auto v = co_await in.receive(ctx); // throws ctx.err()
    co_return v.value_or(0);
}
// [snippet end]

// [snippet errgroup]
weft::task<> fetch_all(weft::context parent, std::vector<std::string> urls)
{
    weft::errgroup group(parent);
    group.set_limit(4);
    for (const auto& url : urls) co_await group.go(fetch, group.get_context(), url);
    co_await group.wait(); // throws the first exception
}
// [snippet end]

// [snippet ticker]
weft::task<> poll_three_times()
{
    weft::ticker t(100ms);
    for (int i = 0; i < 3; ++i) poll(*co_await t.channel().receive());
} // stops with its scope
// [snippet end]

// [snippet pool]
weft::task<> square_all(weft::receive_channel<int> jobs, weft::send_channel<int> results)
{
    auto work = [jobs, results]() -> weft::task<> {
        while (auto n = co_await jobs.receive()) co_await results.send(*n * *n);
    };
    weft::wait_group workers;
    for (int i = 0; i < 4; ++i) workers.go(work);
    co_await workers.wait();
    results.close();
}
// [snippet end]

} // namespace

TEST_CASE("a context limits a receive")
{
    weft::testing::bubble([]() -> weft::task<> {
        auto in = weft::make_channel<int>(1);
        co_await in.send(3);
        const int three = co_await find(weft::background(), in);
        CHECK(three == 3);
        std::error_code ended;
        try {
            co_await find(weft::background(), in);
        } catch (const weft::error& e) {
            ended = e.code();
        }
        CHECK(ended == weft::errc::deadline_exceeded);
    });
}

TEST_CASE("a group fetches all")
{
    fetched = 0;
    weft::testing::bubble([]() -> weft::task<> {
        const std::vector<std::string> urls(10, "url");
        co_await fetch_all(weft::background(), urls);
    });
    CHECK(fetched == 30);
}

TEST_CASE("a ticker ticks")
{
    polled = 0;
    weft::testing::bubble(poll_three_times);
    CHECK(polled == 3);
}

TEST_CASE("a pool squares")
{
    weft_test::on_procs([]() -> weft::task<> {
        auto jobs = weft::make_channel<int>(10);
        auto results = weft::make_channel<int>();
        weft::go(square_all, jobs, results);
        for (int i = 1; i <= 10; ++i) co_await jobs.send(i);
        jobs.close();
        int sum = 0;
        while (auto r = co_await results.receive()) sum += *r;
        CHECK(sum == 385);
    });
}
