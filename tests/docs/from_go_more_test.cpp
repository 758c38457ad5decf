// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// More snippets of from-go.md: contexts, groups, tickers, a pool.

#include "testing.hpp"

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
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

int queries = 0;

void query(int)
{
    ++queries;
}

// [snippet context]
weft::task<int> find(weft::context parent, weft::receive_channel<int> in)
{
    auto [ctx, cancel] = weft::with_timeout(parent, 1s);
    auto v = co_await in.receive(ctx); // throws ctx.err()
    co_return v.value_or(0);
}
// [snippet end]

// [snippet rw_mutex]
class settings {
public:
    weft::task<std::string> get(std::string name)
    {
        const auto held = co_await mutex_.lock_shared();
        auto at = values_.find(name);
        co_return at == values_.end() ? "" : at->second;
    }
    weft::task<> set(std::string name, std::string value)
    {
        const auto held = co_await mutex_.lock();
        values_[name] = value;
    }

private:
    weft::rw_mutex mutex_;
    std::map<std::string, std::string> values_;
};
// [snippet end]

// [snippet cond]
class work_queue {
public:
    weft::task<> put(int job)
    {
        const auto held = co_await mutex_.lock();
        jobs_.push_back(job);
        filled_.signal();
    }
    weft::task<int> take()
    {
        auto held = co_await mutex_.lock();
        while (jobs_.empty()) co_await filled_.wait(held);
        int job = jobs_.front();
        jobs_.pop_front();
        co_return job;
    }

private:
    weft::mutex mutex_;
    weft::cond filled_{mutex_};
    std::deque<int> jobs_;
};
// [snippet end]

int connections = 0;

weft::task<int> connect_to_database()
{
    co_return ++connections;
}

// [snippet once]
weft::once_value database(connect_to_database);

weft::task<> handle_request()
{
    int connection = co_await database.get();
    query(connection);
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

TEST_CASE("readers share a lock, a condition waits for work, and one connects")
{
    weft_test::on_procs([]() -> weft::task<> {
        settings of;
        co_await of.set("colour", "green");
        const std::string colour = co_await of.get("colour");
        const std::string nothing = co_await of.get("size");
        CHECK(colour == "green");
        CHECK(nothing == "");

        work_queue queue;
        auto taken = weft::spawn([&]() -> weft::task<int> {
            int sum = 0;
            for (int i = 0; i < 3; ++i) sum += co_await queue.take();
            co_return sum;
        });
        for (int job = 1; job <= 3; ++job) co_await queue.put(job);
        const int sum = co_await taken.join();
        CHECK(sum == 6);
    });
    weft::testing::bubble([]() -> weft::task<> {
        co_await handle_request();
        co_await handle_request();
    });
    CHECK(connections == 1);
    CHECK(queries == 2);
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
