// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What a goroutine knows about itself.

#include "testing.hpp"

#include <weft/this_goroutine.hpp>

#include <asio/post.hpp>

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::team;
namespace self = weft::this_goroutine;

TEST_CASE("each goroutine has an id of its own, and keeps it")
{
    on_procs([]() -> task<> {
        std::mutex mutex;
        std::set<self::id> ids;
        team all;
        for (int i = 0; i < 500; ++i) {
            all.go([&]() -> task<> {
                const self::id mine = self::get_id();
                for (int n = 0; n < 3; ++n) {
                    co_await self::yield();
                    CHECK(self::get_id() == mine);
                }
                std::lock_guard lock(mutex);
                ids.insert(mine);
            });
        }
        co_await all.join();
        CHECK(ids.size() == 500);
        CHECK(!ids.contains(self::get_id()));
    });
}

TEST_CASE("a name can be given, changed and taken away")
{
    on_procs([]() -> task<> {
        team one;
        one.go([]() -> task<> {
            CHECK(self::name().empty());
            self::set_name("reader");
            CHECK(self::name() == "reader");
            co_await self::yield();
            CHECK(self::name() == "reader");
            self::set_name(std::string(200, 'x'));
            CHECK(self::name() == std::string(200, 'x'));
            self::set_name("");
            CHECK(self::name().empty());
        });
        co_await one.join();
    });
}

TEST_CASE("a child task is the same goroutine as its caller")
{
    on_procs([]() -> task<> {
        const auto child = []() -> task<self::id> {
            self::set_name("named by the child");
            co_await self::yield();
            co_return self::get_id();
        };
        const auto id = co_await child();
        CHECK(id == self::get_id());
        CHECK(self::name() == "named by the child");
    });
}

TEST_CASE("the executor is the runtime's")
{
    weft::runtime rt({.procs = 2});
    const auto ex = weft::sync_wait(rt.get_executor(), [] { return self::get_executor(); });
    CHECK(ex == rt.get_executor());
}

TEST_CASE("outside a goroutine all of it is a misuse")
{
    const std::string text = "this_goroutine: not called in a goroutine";
    const auto check = [&] {
        CHECK_MISUSE(self::get_id(), text);
        CHECK_MISUSE(self::name(), text);
        CHECK_MISUSE(self::set_name("nobody"), text);
        CHECK_MISUSE(self::get_executor(), text);
    };
    check();
    on_procs([&]() -> task<> { // a handler on a worker is not in a goroutine
        auto done = make_channel<void>();
        asio::post(self::get_executor(), [&] {
            check();
            weft::go([done]() -> task<> { co_await done.send(); });
        });
        co_await done.receive();
    });
}

TEST_CASE("yield lets the others run first")
{
    weft::run(
        []() -> task<> {
            std::string order;
            for (char c : {'a', 'b', 'c'}) {
                weft::go([&order, c]() -> task<> {
                    for (int i = 0; i < 3; ++i) {
                        order += c;
                        co_await self::yield();
                    }
                });
            }
            co_await weft_test::until_alone();
            CHECK(order.size() == 9);
            for (std::size_t i = 0; i < order.size(); i += 3) { // each once in each round
                std::string round = order.substr(i, 3);
                std::sort(round.begin(), round.end());
                CHECK(round == "abc");
            }
        },
        {.procs = 1});
}
