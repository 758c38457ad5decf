// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::source`, `stage`, `sink`, `collect` and the `pipeline` that holds them together.

#include "testing.hpp"

#include <weft/errgroup.hpp>
#include <weft/pattern/stage.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::task;
using weft::pattern::collect;
using weft::pattern::pipeline;
using weft::pattern::sink;
using weft::pattern::source;
using weft::pattern::stage;
using weft::testing::bubble;
using weft_test::on_procs;

namespace {

/// The text of the std::runtime_error that ends `wait`.
task<std::string> failure_of(pipeline& p)
{
    try {
        co_await p.wait();
    } catch (const std::runtime_error& e) {
        co_return e.what();
    }
    co_return "none";
}

/// After so many copies there are no more; less than none: no end.
struct brittle {
    brittle() = default;
    brittle(const brittle&)
    {
        if (copies_left == 0) throw std::runtime_error("no copy");
        --copies_left;
    }
    brittle(brittle&&) noexcept = default;
    brittle& operator=(const brittle&) = default;
    ~brittle() = default;

    static inline int copies_left = -1;
};

} // namespace

TEST_CASE("one worker a stage: all values, in order, through plain code, tasks and filters")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto numbers = source(p, std::views::iota(0, 300));
        auto squares = stage(p, numbers, 1, [](int i) { return i * i; });
        auto even = stage(p, squares, 1,
                          [](int i) { return i % 2 == 0 ? std::optional(i) : std::nullopt; });
        auto halves = stage(p, even, 1, [](context, int i) -> task<std::optional<std::string>> {
            co_await weft::this_goroutine::yield();
            if (i % 3 == 0) co_return std::nullopt;
            co_return std::to_string(i / 2);
        });
        std::vector<std::string> got;
        sink(p, halves, 1, [&](std::string s) { got.push_back(std::move(s)); });
        co_await p.wait();
        std::vector<std::string> expected;
        for (int i = 0; i < 300; ++i)
            if (i % 2 == 0 && i % 3 != 0) expected.push_back(std::to_string(i * i / 2));
        CHECK(got == expected);
        CHECK(p.get_context().err() == weft::errc::canceled);
    });
}

TEST_CASE("many workers: each value once, and what one worker makes stays in order")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto numbers = source(p, std::views::iota(0, 2000), 16);
        auto passed = stage(p, numbers, 5, [](int i) -> task<std::pair<std::uint64_t, int>> {
            if (i % 7 == 0) co_await weft::this_goroutine::yield();
            co_return std::pair(static_cast<std::uint64_t>(weft::this_goroutine::get_id()), i);
        });
        auto got = co_await collect(weft::background(), passed);
        co_await p.wait();
        CHECK(got.size() == 2000);
        std::vector<int> values;
        for (const auto& [worker, i] : got) values.push_back(i);
        std::ranges::sort(values);
        for (int i = 0; i < 2000; ++i) CHECK(values[static_cast<std::size_t>(i)] == i);
        std::map<std::uint64_t, int> newest; // by worker
        for (const auto& [worker, i] : got) {
            const auto [last, first_time] = newest.try_emplace(worker, i);
            CHECK((first_time || last->second < i));
            last->second = i;
        }
    });
}

TEST_CASE("sources: a container gives its elements up, a view stays, a function ends itself")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        std::vector<std::unique_ptr<int>> owned;
        for (int i = 0; i < 20; ++i) owned.push_back(std::make_unique<int>(i));
        auto pointers = source(ctx, std::move(owned));
        auto next = stage(ctx, pointers, 2, [](std::unique_ptr<int> i) {
            ++*i;
            return i;
        });
        int sum = 0;
        for (auto& i : co_await collect(ctx, next)) sum += *i;
        CHECK(sum == 210);

        const std::vector<std::string> kept{"a", "b"};
        auto copies = co_await collect(ctx, source(ctx, kept)); // an lvalue is copied
        CHECK(copies == kept);
        copies = co_await collect(ctx, source(ctx, std::views::all(kept)));
        CHECK(copies == kept);

        auto count = [n = 0](context) mutable -> task<std::optional<int>> {
            co_await weft::this_goroutine::yield();
            if (n == 3) co_return std::nullopt;
            co_return n++;
        };
        auto three = co_await collect(ctx, source(ctx, std::move(count)));
        CHECK(three == std::vector{0, 1, 2});
    });
}

TEST_CASE("an element of a view whose copy throws fails the pipeline")
{
    on_procs([]() -> task<> {
        const std::vector<brittle> kept(3);
        brittle::copies_left = 1;
        pipeline p;
        auto all = source(p, std::views::all(kept));
        int got = 0;
        sink(p, all, 1, [&](const brittle&) { ++got; });
        const auto why = co_await failure_of(p); // it used to be the end of the program
        brittle::copies_left = -1;
        CHECK(why == "no copy");
        CHECK(got <= 1);
    });
}

TEST_CASE("backpressure: a source is never further ahead than the stages have room")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        int made = 0;
        auto numbers = source(ctx, [&] { return std::optional(made++); });
        auto same = stage(ctx, numbers, 2, [](int i) { return i; }, 3);
        co_await weft::testing::settle();
        CHECK(made == 6); // three buffered, two in the workers' hands, one in the source's
        for (int i = 0; i < 4; ++i) co_await same.receive();
        co_await weft::testing::settle();
        CHECK(made == 10);
        cancel();
        co_await weft::testing::settle(); // all have ended, or the bubble says so
        CHECK(same.closed());
    });
}

TEST_CASE("the first exception of any stage ends them all, and wait throws it")
{
    on_procs([]() -> task<> {
        for (int where : {0, 1, 2}) {
            pipeline p;
            const auto trouble = [where](int here, int i) {
                if (where == here && i == 50)
                    throw std::runtime_error("stage " + std::to_string(here));
            };
            auto numbers = source(p, [&, n = 0]() mutable { // without an end
                trouble(0, n);
                return std::optional(n++);
            });
            auto same = stage(p, numbers, 3, [&](int i) -> task<int> {
                co_await weft::this_goroutine::yield();
                trouble(1, i);
                co_return i;
            });
            sink(p, same, 2, [&](int i) { trouble(2, i); });
            auto what = co_await failure_of(p);
            CHECK(what == "stage " + std::to_string(where));
            CHECK(p.get_context().err() == weft::errc::canceled);
            std::string cause;
            try {
                std::rethrow_exception(p.get_context().cause());
            } catch (const std::runtime_error& e) {
                cause = e.what();
            }
            CHECK(cause == what);
            CHECK(same.closed());
        }
    });
}

TEST_CASE("a consumer that has enough cancels, and that is no failure")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto numbers = source(p, std::views::iota(0));
        auto doubled = stage(p, numbers, 3, [](int i) { return 2 * i; });
        for (int i = 0; i < 10; ++i) {
            auto v = co_await doubled.receive();
            CHECK(v.has_value());
        }
        p.cancel();
        co_await p.wait();
        CHECK(doubled.closed());
    });
}

TEST_CASE("a pipeline that is dropped leaves nothing behind")
{
    bubble([]() -> task<> {
        weft::receive_channel<int> out;
        {
            pipeline p;
            out = stage(p, source(p, std::views::iota(0)), 3, [](int i) { return i; });
            co_await out.receive();
        }
        while (co_await out.receive()) {}
        CHECK(out.closed());
    });
}

TEST_CASE("the end of the parent is an error of wait, and so is an interruption of the caller")
{
    bubble([]() -> task<> {
        const auto run = [](context parent, context limit) -> task<std::error_code> {
            pipeline p(parent);
            auto numbers = source(p, std::views::iota(0));
            sink(p, numbers, 1, [](int) -> task<> { co_await weft::sleep(1s); });
            std::error_code code;
            try {
                co_await p.wait(limit);
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(numbers.closed()); // its stages have ended
            co_return code;
        };
        const auto never = weft::background();
        auto [ctx, cancel] = weft::with_timeout(never, 90s);
        auto code = co_await run(ctx, never);
        CHECK(code == weft::errc::deadline_exceeded);
        code = co_await run(never, ctx);
        CHECK(code == weft::errc::deadline_exceeded);
        auto [next, cancel_next] = weft::with_timeout(never, 90s);
        auto bound = weft::spawn(next, run, never, never);
        code = co_await bound.join();
        CHECK(code == weft::errc::deadline_exceeded);
    });
}

TEST_CASE("with a context alone an exception is a panic of its goroutine, and the others go on")
{
    std::atomic<int> panics{0};
    on_procs(
        []() -> task<> {
            const auto ctx = weft::background();
            auto numbers = source(ctx, std::views::iota(0, 100));
            auto same = stage(ctx, numbers, 3, [](int i) {
                if (i == 50) throw std::runtime_error("fifty");
                return i;
            });
            auto got = co_await collect(ctx, same);
            CHECK(got.size() == 99);
        },
        weft_test::leftovers::none, weft::panic_policy([&](const weft::panic_info&) { ++panics; }));
    CHECK(panics == 3);
}

TEST_CASE("a goroutine of one's own belongs to the pipeline, too")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto out = weft::make_channel<int>();
        p.go([out]() -> task<> {
            co_await out.send(1);
            throw std::runtime_error("own");
        });
        auto v = co_await out.receive();
        CHECK(v == 1);
        auto what = co_await failure_of(p);
        CHECK(what == "own");
    });
}

TEST_CASE("the stages may belong to an errgroup")
{
    on_procs([]() -> task<> {
        weft::errgroup fine;
        auto squares =
            stage(fine, source(fine, std::views::iota(0, 100)), 3, [](int i) { return i * i; });
        std::atomic<int> sum{0};
        sink(fine, squares, 2, [&](int i) { sum += i; });
        co_await fine.wait();
        CHECK(sum == 328'350);

        weft::errgroup failing;
        auto numbers = source(failing, std::views::iota(0));
        sink(failing, numbers, 2, [](int i) {
            if (i == 30) throw std::runtime_error("thirty");
        });
        std::string what;
        try {
            co_await failing.wait();
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "thirty");
        CHECK(numbers.closed());

        weft::errgroup full;
        full.set_limit(0);
        CHECK_MISUSE(source(full, std::views::iota(0)), "pattern: the group is at its limit");
        full.set_limit(2); // two of three alone would take what nobody receives
        auto in = source(weft::background(), std::views::iota(0, 5), 5);
        CHECK_MISUSE(stage(full, in, 3, [](int i) { return i; }),
                     "pattern: the group is at its limit");
        co_await full.wait();
        auto rest = co_await collect(weft::background(), in);
        CHECK(rest.size() == 5);
    });
}

TEST_CASE("no workers, a nil channel, a nil context: misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        const auto same = [](int i) { return i; };
        const auto some = weft::make_channel<int>();
        const weft::channel<int> nil;
        CHECK_MISUSE(stage(ctx, some, 0, same), "stage: non-positive number of workers");
        CHECK_MISUSE(stage(ctx, nil, 1, same), "stage: nil channel");
        CHECK_MISUSE(sink(ctx, some, -1, same), "sink: non-positive number of workers");
        CHECK_MISUSE(sink(ctx, nil, 1, same), "sink: nil channel");
        CHECK_MISUSE(collect(ctx, nil), "collect: nil channel");
        CHECK_MISUSE(pipeline(context()), "cannot create context from nil parent");
        CHECK_MISUSE(stage(context(), some, 1, same), "cannot create context from nil parent");
        co_return;
    });
}

TEST_CASE("cancelled at every place, a pipeline ends and leaves nothing behind")
{
    const auto report = weft::testing::cancel_everywhere([](context ctx) -> task<> {
        pipeline p(ctx);
        auto numbers = source(p, std::views::iota(0, 5));
        auto slow = stage(p, numbers, 2, [](int i) -> task<int> {
            co_await weft::sleep(1s);
            co_return i;
        });
        int sum = 0;
        sink(p, slow, 1, [&](int i) { sum += i; });
        co_await p.wait();
        CHECK(sum == 10);
    });
    CHECK(report.places > 20);
}
