// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Labels on goroutines: set, inherited, scoped, seen by others.

#include "testing.hpp"

#include <weft/debug/dump.hpp>
#include <weft/labels.hpp>

#include <asio/io_context.hpp>

#include <algorithm>
#include <atomic>
#include <optional>
#include <string>
#include <thread>

using weft::label_list;
using weft::label_scope;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;

namespace self = weft::this_goroutine;

TEST_CASE("a goroutine has no labels until it sets one; a key is there once")
{
    on_procs([]() -> task<> {
        CHECK(self::labels().empty());
        CHECK_FALSE(self::label("a"));
        CHECK_FALSE(self::remove_label("a"));
        self::set_label("b", "1");
        self::set_label("a", "2");
        self::set_label("b", "3");
        CHECK(self::labels() == label_list{{"a", "2"}, {"b", "3"}});
        CHECK(self::label("b") == "3");
        CHECK(self::remove_label("b"));
        CHECK(self::labels() == label_list{{"a", "2"}});
        CHECK(self::remove_label("a"));
        CHECK(self::labels().empty());
        co_return;
    });
}

TEST_CASE("goroutines inherit labels from the one that starts them, and then go their own way")
{
    on_procs([]() -> task<> {
        self::set_label("request", "7");
        auto first = weft::spawn([]() -> task<label_list> {
            const label_list before = self::labels();
            self::set_label("request", "8");
            auto grandchild = weft::spawn([]() -> task<label_list> { co_return self::labels(); });
            label_list there = co_await grandchild.join();
            CHECK(there == label_list{{"request", "8"}});
            co_return before;
        });
        const label_list inherited = co_await first.join();
        CHECK(inherited == label_list{{"request", "7"}});
        CHECK(self::label("request") == "7");
        self::remove_label("request");
        auto later = weft::spawn([]() -> task<label_list> { co_return self::labels(); });
        const label_list none = co_await later.join();
        CHECK(none.empty());
    });
}

TEST_CASE(
    "a scope's labels end with it, also when an exception ends it or the goroutine is unwound")
{
    on_procs(
        []() -> task<> {
            self::set_label("a", "outer");
            {
                const label_scope one{{"a", "inner"}, {"b", "x"}};
                CHECK(self::labels() == label_list{{"a", "inner"}, {"b", "x"}});
                const label_scope two("c", "y");
                CHECK(self::label("c") == "y");
                co_await self::yield();
                CHECK(self::labels().size() == 3);
            }
            CHECK(self::labels() == label_list{{"a", "outer"}});
            try {
                const label_scope thrown("d", "z");
                throw 1;
            } catch (int) {
                CHECK_FALSE(self::label("d"));
            }
            auto never = make_channel<void>();
            weft::go([never]() -> task<> {
                const label_scope left("e", "unwound");
                co_await never.receive();
            });
            co_await weft_test::until_parked(1, "chan receive");
        },
        weft_test::leftovers::parked);
}

TEST_CASE("labels outside a goroutine are a misuse")
{
    CHECK_MISUSE(self::labels(), "labels: not called in a goroutine");
    CHECK_MISUSE(self::label("a"), "labels: not called in a goroutine");
    CHECK_MISUSE(self::set_label("a", "b"), "labels: not called in a goroutine");
    CHECK_MISUSE(self::remove_label("a"), "labels: not called in a goroutine");
    CHECK_MISUSE(label_scope("a", "b"), "labels: not called in a goroutine");
}

TEST_CASE("others see labels while they change")
{
    weft_test::watchdog guard;
    std::atomic<bool> over{false};
    weft::runtime rt({.procs = 2});
    for (int i = 0; i < 3; ++i) {
        weft::go(rt.get_executor(), [&over, i]() -> task<> {
            for (int n = 0; !over; ++n) {
                const label_scope mine("n", std::to_string(n) + std::string(40, 'x'));
                auto child = weft::spawn([]() -> task<> { co_await self::yield(); });
                co_await child.join();
                if (i == 0) self::set_label("name", std::to_string(n));
            }
        });
    }
    bool seen = false;
    for (int i = 0; i < 200 || !seen; ++i) {
        for (const auto& g : weft::debug::goroutines()) {
            for (const auto& [key, value] : g.labels) seen |= key == "n" && value.size() > 40;
        }
    }
    over = true;
    rt.join();
}
