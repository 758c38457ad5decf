// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// go: what can be started, what is moved where, and from where.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/go.hpp>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <type_traits>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::witness;

namespace {

task<> add_up(channel<int> sum, int a, int b, int c, int d, int e)
{
    co_await sum.send(a + b + c + d + e);
}

task<> send_text(channel<std::string> out, const std::string& text)
{
    co_await weft::this_goroutine::yield(); // the caller's temporary is gone by now
    co_await out.send(text);
}

struct counter {
    task<> add(int n, channel<void> done)
    {
        total += n;
        co_await done.send();
    }
    int total = 0;
};

template <class... Args>
concept can_go = requires(Args... args) { weft::go(std::move(args)...); };

// What is no callable, or cannot take the arguments, is refused at the call.
static_assert(can_go<decltype([] {})>);
static_assert(!can_go<int>);
static_assert(!can_go<decltype([](int) {})>);
static_assert(!can_go<decltype([](int) {}), std::string>);
static_assert(!can_go<decltype([]() -> asio::awaitable<void> { co_return; })>);
static_assert(can_go<weft::executor, decltype([](int) {}), int>);
static_assert(std::is_void_v<decltype(weft::go([] {}))>);

} // namespace

TEST_CASE("go takes a callable with any number of arguments")
{
    on_procs([]() -> task<> {
        auto sum = make_channel<int>();
        weft::go([sum]() -> task<> { co_await sum.send(0); });
        auto n = co_await sum.receive();
        CHECK(n == 0);
        weft::go([sum](int a) -> task<> { co_await sum.send(a); }, 1);
        n = co_await sum.receive();
        CHECK(n == 1);
        weft::go([sum](int a, int b) -> task<> { co_await sum.send(a + b); }, 1, 2);
        n = co_await sum.receive();
        CHECK(n == 3);
        weft::go([sum](int a, int b, int c) -> task<> { co_await sum.send(a + b + c); }, 1, 2, 3);
        n = co_await sum.receive();
        CHECK(n == 6);
        weft::go(add_up, sum, 1, 2, 3, 4, 5);
        n = co_await sum.receive();
        CHECK(n == 15);
    });
}

TEST_CASE("go with an executor first works from any thread, and on another runtime")
{
    weft::runtime elsewhere({.procs = 1});
    weft::run([&]() -> task<> {
        auto place = make_channel<bool>();
        const auto there = elsewhere.get_executor();
        auto where = [place](weft::executor expected) -> task<> {
            co_await place.send(weft::this_goroutine::get_executor() == expected);
        };
        weft::go(there, where, there);
        auto same = co_await place.receive();
        CHECK(same == true);
        std::thread plain([&] {
            weft::go(there, where, there);
            weft::go(there, add_up, make_channel<int>(1), 1, 2, 3, 4, 5);
        });
        same = co_await place.receive();
        CHECK(same == true);
        auto join = [&] { plain.join(); };
        co_await weft::blocking(join);
    });
    elsewhere.join();
}

TEST_CASE("callable and arguments are moved into the goroutine")
{
    on_procs([]() -> task<> {
        auto text = make_channel<std::string>();
        weft::go(send_text, text, std::string("a temporary"));
        auto got = co_await text.receive();
        CHECK(got == "a temporary");

        auto owned = make_channel<std::unique_ptr<int>>();
        weft::go(
            [owned, p = std::make_unique<int>(1)](std::unique_ptr<int> q) mutable -> task<> {
                *p += *q;
                co_await weft::this_goroutine::yield();
                co_await owned.send(std::move(p));
            },
            std::make_unique<int>(2));
        auto p = co_await owned.receive();
        CHECK(**p == 3);
    });
}

TEST_CASE("what was moved in is destroyed once, when the goroutine ends")
{
    on_procs([]() -> task<> {
        std::atomic<int> destroyed{0};
        auto gate = make_channel<void>();
        weft::go(
            [gate, w = witness(destroyed)](const witness&) -> task<> { co_await gate.receive(); },
            witness(destroyed));
        co_await gate.send();
        co_await weft_test::until_alone();
        CHECK(destroyed == 2);
    });
}

TEST_CASE("references go through std::ref, methods through their objects")
{
    on_procs([]() -> task<> {
        int n = 1;
        auto done = make_channel<void>();
        weft::go(
            [done](int& i) -> task<> {
                i = 2;
                co_await done.send();
            },
            std::ref(n));
        co_await done.receive();
        CHECK(n == 2);

        counter c;
        weft::go(&counter::add, &c, 5, done);
        co_await done.receive();
        weft::go(&counter::add, std::ref(c), 6, done);
        co_await done.receive();
        CHECK(c.total == 11);
    });
}

TEST_CASE("plain code that never waits needs no task")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran{0};
        weft::go([&] { ++ran; });
        weft::go([&](int n) { return ran += n; }, 10); // a result is dropped
        co_await weft_test::until_alone();
        CHECK(ran == 11);
    });
}

TEST_CASE("go outside a runtime is a misuse")
{
    CHECK_MISUSE(weft::go([] {}), "go: not on a weft runtime; pass its executor");
    CHECK_MISUSE((void)weft::spawn([] {}), "spawn: not on a weft runtime; pass its executor");
    weft::runtime rt({.procs = 1});
    CHECK_MISUSE(weft::go([](int) {}, 1), "go: not on a weft runtime; pass its executor");
}

TEST_CASE("a goroutine does not start before its starter gives way on one processor")
{
    weft::run(
        []() -> task<> {
            std::string order;
            weft::go([&] { order += 'b'; });
            order += 'a';
            co_await weft_test::until_alone();
            CHECK(order == "ab");
        },
        {.procs = 1});
}
