// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::batch`: by size, by time, and the rest.

#include "testing.hpp"

#include <weft/pattern/batch.hpp>
#include <weft/pattern/stage.hpp>
#include <weft/testing.hpp>

#include <chrono>
#include <memory>
#include <ranges>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::make_channel;
using weft::task;
using weft::pattern::batch;
using weft::pattern::collect;
using weft::pattern::pipeline;
using weft::pattern::source;
using weft::pattern::stage;
using weft::testing::bubble;
using weft_test::on_procs;

using list = std::vector<int>;

TEST_CASE("lists of the size, in order, and the rest at the end")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        for (std::size_t room : {0u, 1u, 64u}) {
            auto lists =
                co_await collect(ctx, batch(ctx, source(ctx, std::views::iota(0, 1003), room), 10));
            REQUIRE(lists.size() == 101);
            int next = 0;
            for (const auto& l : lists) {
                CHECK(l.size() == (next < 1000 ? 10u : 3u));
                for (int i : l) CHECK(i == next++);
            }
        }
        auto nothing = co_await collect(ctx, batch(ctx, source(ctx, list()), 10, 1h));
        CHECK(nothing.empty());
    });
}

TEST_CASE("a list that is not full goes when the time since its first value has passed")
{
    bubble([]() -> task<> {
        auto in = make_channel<int>();
        auto out = batch(weft::background(), in, 3, 10s);
        const auto begin = weft::clock::now();
        auto feed = [in]() -> task<> {
            co_await weft::sleep(100s); // before the first value no time runs
            co_await in.send(1);
            co_await weft::sleep(9s);
            co_await in.send(2);
            co_await weft::sleep(2s); // 2 is younger than ten seconds, and goes with 1
            for (int i = 3; i < 7; ++i) co_await in.send(i);
            co_await weft::sleep(1s);
            in.close();
        };
        weft::go(std::move(feed));
        auto l = co_await out.receive();
        CHECK(l == list{1, 2});
        CHECK(weft::clock::now() - begin == 110s);
        l = co_await out.receive();
        CHECK(l == list{3, 4, 5});
        CHECK(weft::clock::now() - begin == 111s); // full: at once
        l = co_await out.receive();
        CHECK(l == list{6});
        CHECK(weft::clock::now() - begin == 112s); // the rest, when it is closed
        l = co_await out.receive();
        CHECK_FALSE(l.has_value());
    });
}

TEST_CASE("a time that never passes is no time at all")
{
    bubble([]() -> task<> {
        auto in = make_channel<int>();
        auto out = batch(weft::background(), in, 4, weft::duration::max());
        auto feed = [in]() -> task<> {
            for (int i = 0; i < 4; ++i) {
                co_await in.send(i);
                co_await weft::sleep(1h);
            }
            in.close();
        };
        weft::go(std::move(feed));
        auto l = co_await out.receive();
        CHECK(l == list{0, 1, 2, 3}); // it used to be in the past
        l = co_await out.receive();
        CHECK_FALSE(l.has_value());
    });
}

TEST_CASE("while a list waits for its consumer nothing more is taken")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        int made = 0;
        auto in = source(ctx, [&] { return std::optional(made++); });
        auto out = batch(ctx, in, 5, 1s);
        co_await weft::sleep(1min);
        CHECK(made == 6); // five in the list, one in the source's hand
        auto l = co_await out.receive();
        CHECK(l == list{0, 1, 2, 3, 4});
        cancel();
        co_await weft::testing::settle(); // the goroutines have ended, or the bubble says so
        CHECK(out.closed());
    });
}

TEST_CASE("values that cannot be copied, in a pipeline")
{
    on_procs([]() -> task<> {
        std::vector<std::unique_ptr<int>> owned;
        for (int i = 0; i < 10; ++i) owned.push_back(std::make_unique<int>(i));
        pipeline p;
        auto lists = batch(p, source(p, std::move(owned)), 4, 1h);
        int sum = 0;
        int count = 0;
        sink(p, lists, 1, [&](const std::vector<std::unique_ptr<int>>& l) {
            ++count;
            for (const auto& i : l) sum += *i;
        });
        co_await p.wait();
        CHECK(count == 3);
        CHECK(sum == 45);
    });
}

TEST_CASE("sizes and durations without a sense and nil channels are misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        const auto some = make_channel<int>();
        CHECK_MISUSE(batch(ctx, some, 0), "batch: non-positive size");
        CHECK_MISUSE(batch(ctx, some, -1, 1s), "batch: non-positive size");
        CHECK_MISUSE(batch(ctx, some, 1, 0s), "batch: non-positive duration");
        CHECK_MISUSE(batch(ctx, weft::channel<int>(), 1, 1s), "batch: nil channel");
        CHECK_MISUSE(batch(context(), some, 1, 1s), "cannot create context from nil parent");
        co_return;
    });
}

TEST_CASE("cancelled at every place, it leaves nothing behind")
{
    const auto report = weft::testing::cancel_everywhere([](context ctx) -> task<> {
        auto slow = stage(ctx, source(ctx, std::views::iota(0, 6)), 1, [](int i) -> task<int> {
            co_await weft::sleep(1s);
            co_return i;
        });
        auto lists = co_await collect(ctx, batch(ctx, slow, 4, 3s));
        std::size_t n = 0;
        for (const auto& l : lists) n += l.size();
        CHECK(n == 6);
    });
    CHECK(report.places > 15);
}
