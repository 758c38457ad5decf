// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::tee`: every value to every channel.

#include "testing.hpp"

#include <weft/pattern/stage.hpp>
#include <weft/pattern/tee.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <ranges>
#include <string>
#include <vector>

using weft::context;
using weft::make_channel;
using weft::task;
using weft::pattern::collect;
using weft::pattern::pipeline;
using weft::pattern::source;
using weft::pattern::stage;
using weft::pattern::tee;
using weft::testing::bubble;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("each channel brings all values, in order")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto words = stage(ctx, source(ctx, std::views::iota(0, 500)), 1,
                           [](int i) { return std::to_string(i); });
        auto outs = tee(ctx, words, 3);
        REQUIRE(outs.size() == 3);
        team consumers;
        for (const auto& out : outs) {
            consumers.go([out]() -> task<> {
                auto got = co_await collect(weft::background(), out);
                CHECK(got.size() == 500);
                for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == std::to_string(i));
            });
        }
        co_await consumers.join();
    });
}

TEST_CASE("one goroutine may read from all of them, in any order")
{
    bubble([]() -> task<> {
        const auto ctx = weft::background();
        auto outs = tee(ctx, source(ctx, std::views::iota(0, 50)), 3);
        for (int i = 0; i < 50; ++i) {
            for (std::size_t k : {2u, 0u, 1u}) {
                auto v = co_await outs[k].receive();
                CHECK(v == i);
            }
        }
        for (const auto& out : outs) {
            auto v = co_await out.receive();
            CHECK_FALSE(v.has_value());
        }
    });
}

TEST_CASE("a consumer can be ahead by as many values as there is room, and no further")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto outs = tee(ctx, source(ctx, std::views::iota(0)), 2, 4);
        int ahead = 0;
        for (;;) {
            co_await weft::testing::settle();
            if (!outs[1].try_receive()) break;
            ++ahead;
        }
        CHECK(ahead == 4);
        auto v = co_await outs[0].receive();
        CHECK(v == 0);
        v = co_await outs[1].receive();
        CHECK(v == 4);
        cancel();
        co_await weft::testing::settle(); // the goroutine has ended, or the bubble says so
        CHECK(outs[0].closed());
        CHECK(outs[1].closed());
    });
}

TEST_CASE("one channel: the value is moved through")
{
    bubble([]() -> task<> {
        const auto ctx = weft::background();
        auto outs = tee(ctx, source(ctx, std::vector<std::string>{"a", "b"}), 1);
        auto got = co_await collect(ctx, outs[0]);
        CHECK(got == std::vector<std::string>{"a", "b"});
    });
}

TEST_CASE("in a pipeline it belongs to it")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto outs = tee(p, source(p, std::views::iota(0, 200)), 2);
        int sum = 0;
        int count = 0;
        sink(p, outs[0], 1, [&](int i) { sum += i; });
        sink(p, outs[1], 1, [&](int) { ++count; });
        co_await p.wait();
        CHECK(sum == 199 * 100);
        CHECK(count == 200);
    });
}

TEST_CASE("numbers without a sense and nil channels are misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        const auto some = make_channel<int>();
        CHECK_MISUSE(tee(ctx, some, 0), "tee: non-positive number of channels");
        CHECK_MISUSE(tee(ctx, some, 2, 0), "tee: no room");
        CHECK_MISUSE(tee(ctx, weft::channel<int>(), 2), "tee: nil channel");
        CHECK_MISUSE(tee(context(), some, 2), "cannot create context from nil parent");
        co_return;
    });
}

TEST_CASE("cancelled at every place, it leaves nothing behind")
{
    const auto report = weft::testing::cancel_everywhere([](context ctx) -> task<> {
        auto outs = tee(ctx, source(ctx, std::views::iota(0, 4)), 2);
        auto other = weft::spawn(ctx, [ctx, out = outs[1]] { return collect(ctx, out); });
        auto mine = co_await collect(ctx, outs[0]);
        auto theirs = co_await other.join();
        CHECK(mine == theirs);
        CHECK(mine.size() == 4);
    });
    CHECK(report.places > 10);
}
