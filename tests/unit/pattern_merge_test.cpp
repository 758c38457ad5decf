// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::merge`, `fan_out` and `or_done`: values that change their channel.

#include "testing.hpp"

#include <weft/pattern/fan_out.hpp>
#include <weft/pattern/merge.hpp>
#include <weft/pattern/or_done.hpp>
#include <weft/pattern/stage.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <memory>
#include <ranges>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::context;
using weft::make_channel;
using weft::receive_channel;
using weft::task;
using weft::pattern::collect;
using weft::pattern::fan_out;
using weft::pattern::or_done;
using weft::pattern::pipeline;
using weft::pattern::source;
using weft::testing::bubble;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("merge brings all values of all channels, each channel's in order")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        std::vector<receive_channel<int>> ins;
        for (int k = 0; k < 5; ++k)
            ins.push_back(source(ctx, std::views::iota(k * 1000, k * 1000 + 200)));
        auto all = co_await collect(ctx, weft::pattern::merge(ctx, ins));
        CHECK(all.size() == 1000);
        std::array<int, 5> next{};
        for (int i : all) CHECK(i % 1000 == next[static_cast<std::size_t>(i / 1000)]++);

        auto a = source(ctx, std::views::iota(0, 10));
        auto b = make_channel<int>(10);
        for (int i = 10; i < 20; ++i) co_await b.send(i);
        b.close();
        auto both = co_await collect(ctx, weft::pattern::merge(ctx, a, b));
        std::ranges::sort(both);
        CHECK(std::ranges::equal(both, std::views::iota(0, 20)));

        auto none = weft::pattern::merge(ctx, std::vector<channel<int>>());
        CHECK(none.drained());
    });
}

TEST_CASE("merge of signals, and of values that cannot be copied")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto a = make_channel<void>(3);
        auto b = make_channel<void>(3);
        co_await a.send();
        co_await a.send();
        co_await b.send();
        a.close();
        b.close();
        auto signals = weft::pattern::merge(ctx, a, b);
        int n = 0;
        while (co_await signals.receive()) ++n;
        CHECK(n == 3);

        auto p = make_channel<std::unique_ptr<int>>(1);
        co_await p.send(std::make_unique<int>(7));
        p.close();
        auto pointers = weft::pattern::merge(ctx, p);
        auto seven = co_await pointers.receive();
        REQUIRE(seven.has_value());
        CHECK(**seven == 7);
        seven = co_await pointers.receive();
        CHECK_FALSE(seven.has_value());
    });
}

TEST_CASE("fan_out gives each value to one channel, and all are used")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        auto outs = fan_out(ctx, source(ctx, std::views::iota(0, 1000)), 4);
        REQUIRE(outs.size() == 4);
        std::vector<std::vector<int>> got(4);
        team consumers;
        for (std::size_t k = 0; k < 4; ++k) {
            consumers.go([&, k]() -> task<> {
                while (auto v = co_await outs[k].receive()) got[k].push_back(*v);
            });
        }
        co_await consumers.join();
        std::vector<int> all;
        for (const auto& part : got) {
            CHECK(std::ranges::is_sorted(part));
            CHECK_FALSE(part.empty());
            all.insert(all.end(), part.begin(), part.end());
        }
        std::ranges::sort(all);
        CHECK(std::ranges::equal(all, std::views::iota(0, 1000)));
    });
}

TEST_CASE("fan_out: a consumer that does not come holds up one value, not the others")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto outs = fan_out(ctx, source(ctx, std::views::iota(0, 100)), 2);
        int n = 0;
        while (co_await outs[1].receive()) ++n;
        CHECK(n == 99);
        auto kept = co_await outs[0].receive();
        CHECK(kept.has_value());
        kept = co_await outs[0].receive();
        CHECK_FALSE(kept.has_value());
    });
}

TEST_CASE("or_done passes on, and ends with its channel or with its context")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto finite = co_await collect(ctx, or_done(ctx, source(ctx, std::views::iota(0, 5))));
        CHECK(finite.size() == 5);

        auto in = make_channel<int>();
        auto out = or_done(ctx, in);
        co_await in.send(1);
        auto v = co_await out.receive();
        CHECK(v == 1);
        auto later = [end = cancel]() -> task<> {
            co_await weft::sleep(1s);
            end();
        };
        weft::go(std::move(later));
        v = co_await out.receive(); // nobody sends, nobody closes
        CHECK_FALSE(v.has_value());
        CHECK(weft::clock::now() - weft::time_point() > 0s);
        co_await weft::testing::settle();
        CHECK_FALSE(in.try_send(2)); // nobody is left who would take it
    });
}

TEST_CASE("once the context has ended nothing is taken any more")
{
    bubble([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        cancel();
        auto in = make_channel<int>(3);
        for (int i = 0; i < 3; ++i) co_await in.send(i);
        auto out = or_done(ctx, in);
        auto merged = weft::pattern::merge(ctx, in);
        auto outs = fan_out(ctx, in, 3);
        auto v = co_await out.receive();
        CHECK_FALSE(v.has_value());
        v = co_await merged.receive();
        CHECK_FALSE(v.has_value());
        for (const auto& o : outs) {
            v = co_await o.receive();
            CHECK_FALSE(v.has_value());
        }
        CHECK(in.size() == 3);
    });
}

TEST_CASE("the consumer stops: the end of the context ends the goroutines")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto numbers = source(ctx, std::views::iota(0));
        auto parts = fan_out(ctx, numbers, 3);
        auto whole = or_done(ctx, weft::pattern::merge(ctx, parts));
        for (int i = 0; i < 100; ++i) co_await whole.receive();
        cancel();
        // on_procs waits until they are gone
    });
}

TEST_CASE("in a pipeline they belong to it")
{
    on_procs([]() -> task<> {
        pipeline p;
        auto parts = fan_out(p, source(p, std::views::iota(0, 500)), 3);
        auto whole = or_done(p, weft::pattern::merge(p, parts));
        std::atomic<int> sum{0};
        sink(p, whole, 2, [&](int i) { sum += i; });
        co_await p.wait();
        CHECK(sum == 499 * 250);
    });
}

TEST_CASE("nil channels and numbers without a sense are misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        const auto some = make_channel<int>();
        const channel<int> nil;
        CHECK_MISUSE(weft::pattern::merge(ctx, some, nil), "merge: nil channel");
        CHECK_MISUSE(or_done(ctx, nil), "or_done: nil channel");
        CHECK_MISUSE(fan_out(ctx, nil, 1), "fan_out: nil channel");
        CHECK_MISUSE(fan_out(ctx, some, 0), "fan_out: non-positive number of channels");
        CHECK_MISUSE(or_done(context(), some), "cannot create context from nil parent");
        co_return;
    });
}

TEST_CASE("cancelled at every place, they leave nothing behind")
{
    const auto report = weft::testing::cancel_everywhere([](context ctx) -> task<> {
        auto parts = fan_out(ctx, source(ctx, std::views::iota(0, 5)), 2);
        auto whole = or_done(ctx, weft::pattern::merge(ctx, parts));
        auto all = co_await collect(ctx, whole);
        CHECK(all.size() == 5);
    });
    CHECK(report.places > 20);
}
