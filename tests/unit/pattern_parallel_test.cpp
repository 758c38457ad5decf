// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::parallel_map` and its kin: results in order, the limit, the first exception, the end of the context.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/pattern/parallel.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <list>
#include <map>
#include <memory>
#include <numeric>
#include <ranges>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::task;
using weft::pattern::parallel_for_each;
using weft::pattern::parallel_map;
using weft::pattern::parallel_reduce;
using weft::testing::bubble;
using weft_test::on_procs;
using weft_test::witness;

namespace {

std::vector<int> numbers(int n)
{
    std::vector<int> v(static_cast<std::size_t>(n));
    std::iota(v.begin(), v.end(), 0);
    return v;
}

/// Keeps the thread busy.
void keep_busy(std::chrono::microseconds d)
{
    const auto until = std::chrono::steady_clock::now() + d;
    while (std::chrono::steady_clock::now() < until) {}
}

/// A witness that takes its time to go.
class lingering {
public:
    explicit lingering(std::atomic<int>& destroyed) noexcept : gone_(destroyed) {}
    lingering(lingering&& o) noexcept
        : gone_(std::move(o.gone_)), moved_(std::exchange(o.moved_, true))
    {
    }
    lingering& operator=(lingering&&) = delete;
    ~lingering()
    {
        if (!moved_) keep_busy(200us);
    }

private:
    witness gone_;
    bool moved_ = false;
};

} // namespace

TEST_CASE("parallel_map brings the results in the order of the items")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        const auto items = numbers(1000);
        for (int limit : {1, 2, 7, 2000}) {
            auto twice = [](int i) -> task<std::string> {
                if (i % 3 == 0) co_await weft::this_goroutine::yield();
                co_return std::to_string(2 * i);
            };
            auto results = co_await parallel_map(ctx, items, limit, twice);
            REQUIRE(results.size() == 1000);
            for (int i = 0; i < 1000; ++i)
                CHECK(results[static_cast<std::size_t>(i)] == std::to_string(2 * i));
        }
        auto none = co_await parallel_map(ctx, std::vector<int>(), 3, [](int i) { return i; });
        CHECK(none.empty());
    });
}

TEST_CASE("parallel_map takes plain functions, functions with a context, and any range")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto odd = co_await parallel_map(ctx, std::views::iota(0, 300), 4,
                                         [](int i) { return i % 2 == 1; });
        CHECK(odd.size() == 300);
        CHECK(std::ranges::count(odd, true) == 150);

        auto with_context = [](context c, int i) -> task<int> {
            co_await weft::this_goroutine::yield();
            co_return c.err() ? -1 : i;
        };
        std::list<int> list{3, 1, 2};
        auto from_list = co_await parallel_map(ctx, list, 2, with_context);
        CHECK(from_list == std::vector{3, 1, 2});

        std::istringstream words("5 6 7");
        auto from_stream = co_await parallel_map(ctx, std::ranges::istream_view<int>(words), 2,
                                                 [](int i) { return i + 1; });
        CHECK(from_stream == std::vector{6, 7, 8});
    });
}

TEST_CASE("items that cannot be copied are moved in, and results out")
{
    on_procs([]() -> task<> {
        std::vector<std::unique_ptr<int>> items;
        for (int i = 0; i < 50; ++i) items.push_back(std::make_unique<int>(i));
        auto next = [](std::unique_ptr<int> p) -> task<std::unique_ptr<int>> {
            co_await weft::this_goroutine::yield();
            ++*p;
            co_return p;
        };
        auto results = co_await parallel_map(weft::background(), std::move(items), 4, next);
        REQUIRE(results.size() == 50);
        for (int i = 0; i < 50; ++i) CHECK(*results[static_cast<std::size_t>(i)] == i + 1);
    });
}

TEST_CASE("parallel_for_each works on the elements of a range that the caller keeps")
{
    on_procs([]() -> task<> {
        std::map<int, int> squares;
        for (int i = 0; i < 100; ++i) squares[i] = 0;
        auto fill = [](auto& entry) { entry.second = entry.first * entry.first; };
        co_await parallel_for_each(weft::background(), squares, 3, fill);
        for (auto [i, square] : squares) CHECK(square == i * i);
    });
}

TEST_CASE("no more than `limit` run at a time, and as many do")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        auto work = [&](int) -> task<> {
            most = std::max(most, ++running);
            co_await weft::sleep(1s);
            --running;
        };
        const auto begin = weft::clock::now();
        co_await parallel_for_each(weft::background(), std::views::iota(0, 12), 4, work);
        CHECK(most == 4);
        CHECK(weft::clock::now() - begin == 3s);
    });
}

TEST_CASE("parallel_reduce keeps the order and groups by the number of items alone")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto text = [](int i) -> task<std::string> {
            if (i % 5 == 0) co_await weft::this_goroutine::yield();
            co_return std::to_string(i) + ",";
        };
        std::string expected = ">";
        for (int i = 0; i < 3000; ++i) expected += std::to_string(i) + ",";
        for (int limit : {1, 3, 16}) {
            std::string begin = ">";
            auto joined =
                co_await parallel_reduce(ctx, std::views::iota(0, 3000), limit, std::move(begin),
                                         text, [](std::string a, std::string b) { return a + b; });
            CHECK(joined == expected);
        }
        // Floating point is not associative.
        std::vector<double> sums;
        for (int limit : {1, 2, 5, 64}) {
            auto third = [](int i) { return 1.0 / (3 + i); };
            auto sum = co_await parallel_reduce(ctx, std::views::iota(0, 5000), limit, 0.1, third,
                                                std::plus<>());
            sums.push_back(sum);
        }
        CHECK(std::ranges::count(sums, sums.front()) == 4);
        auto nothing = co_await parallel_reduce(
            ctx, std::vector<int>(), 2, 7, [](int i) { return i; }, std::plus<>());
        CHECK(nothing == 7);
    });
}

TEST_CASE("the first exception interrupts those that run, drops the rest and is rethrown")
{
    bubble([]() -> task<> {
        int begun = 0;
        int interrupted = 0;
        auto work = [&](context ctx, int i) -> task<int> {
            ++begun;
            if (i == 3) {
                co_await weft::sleep(1s);
                throw std::runtime_error("three");
            }
            std::exception_ptr end;
            try {
                co_await weft::sleep(i < 3 ? 1h : 0s);
            } catch (const weft::error&) {
                ++interrupted;
                CHECK(ctx.err() == weft::errc::canceled);
                throw;
            }
            co_return i;
        };
        const auto begin = weft::clock::now();
        std::string what;
        try {
            // Items 0, 1, 2 and 3 run; then no worker is free for the others.
            static_cast<void>(
                co_await parallel_map(weft::background(), std::views::iota(0, 100), 4, work));
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "three");
        CHECK(begun == 4);
        CHECK(interrupted == 3);
        CHECK(weft::clock::now() - begin == 1s);
    });
}

TEST_CASE("an exception on several threads: one comes out, and nothing runs on")
{
    on_procs([]() -> task<> {
        for (int round = 0; round < 20; ++round) {
            std::atomic<int> running{0};
            auto work = [&](int i) -> task<> {
                ++running;
                weft::defer gone([&] { --running; });
                co_await weft::this_goroutine::yield();
                if (i % 10 == 7) throw std::out_of_range("7");
            };
            std::string what;
            try {
                co_await parallel_for_each(weft::background(), std::views::iota(0, 200), 8, work);
            } catch (const std::out_of_range& e) {
                what = e.what();
            }
            CHECK(what == "7");
            CHECK(running == 0);
        }
    });
}

TEST_CASE("neither the function nor the items are left on another thread when it returns")
{
    on_procs([]() -> task<> {
        for (std::size_t i = 0; i < weft_test::count(10'000); ++i) {
            std::atomic<int> function_gone = 0;
            std::atomic<int> items_gone = 0;
            auto f = [last = lingering(function_gone)](const witness&) { keep_busy(50us); };
            std::vector<witness> items;
            for (int k = 0; k < 4; ++k) items.emplace_back(items_gone);
            co_await parallel_for_each(weft::background(), std::move(items), 4, std::move(f));
            REQUIRE(function_gone == 1);
            REQUIRE(items_gone == 4);
        }
    });
}

TEST_CASE("the end of the context, or of the caller's, ends it with that code")
{
    bubble([]() -> task<> {
        auto idle = [](int) -> task<> { co_await weft::sleep(1h); };
        const auto run = [&](context ctx) -> task<std::error_code> {
            try {
                co_await parallel_for_each(ctx, std::views::iota(0, 10), 3, idle);
            } catch (const weft::error& e) {
                co_return e.code();
            }
            co_return std::error_code();
        };
        {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 1s);
            auto code = co_await run(ctx);
            CHECK(code == weft::errc::deadline_exceeded);
            code = co_await run(ctx); // it has ended before
            CHECK(code == weft::errc::deadline_exceeded);
        }
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1s);
        auto bound = weft::spawn(ctx, run, weft::background());
        auto code = co_await bound.join();
        CHECK(code == weft::errc::deadline_exceeded);
    });
}

TEST_CASE("items that never wait notice the end of the context, and let others run")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        std::atomic<int> done{0};
        auto stop = [&, end = cancel]() { end(); };
        weft::go(stop);
        bool ended = false;
        try {
            co_await parallel_for_each(ctx, std::views::iota(0, 100'000'000), 2,
                                       [&](int) { ++done; });
        } catch (const weft::error&) {
            ended = true;
        }
        CHECK(ended);
        CHECK(done < 100'000'000);
    });
}

TEST_CASE("a limit that makes no sense, or a nil context, is misuse at the call")
{
    const auto ctx = weft::background();
    const auto same = [](int i) { return i; };
    const std::vector<int> items{1};
    for (int limit : {0, -1}) {
        CHECK_MISUSE(parallel_map(ctx, items, limit, same), "parallel_map: non-positive limit");
        CHECK_MISUSE(parallel_for_each(ctx, items, limit, same),
                     "parallel_for_each: non-positive limit");
        CHECK_MISUSE(parallel_reduce(ctx, items, limit, 0, same, std::plus<>()),
                     "parallel_reduce: non-positive limit");
    }
    CHECK_MISUSE(parallel_map(context(), items, 1, same), "cannot create context from nil parent");
}

TEST_CASE("cancelled at every place, it leaves nothing behind")
{
    const auto report = weft::testing::cancel_everywhere([](context ctx) -> task<> {
        auto work = [](int i) -> task<int> {
            co_await weft::sleep(std::chrono::seconds(i));
            co_return i;
        };
        auto results = co_await parallel_map(ctx, std::views::iota(0, 5), 2, work);
        CHECK(results == std::vector{0, 1, 2, 3, 4});
    });
    CHECK(report.places >= 10);
}
