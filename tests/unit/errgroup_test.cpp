// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `errgroup`: what its goroutines may be given, its limit, and whose exceptions are seen where.

#include "ending.hpp"
#include "testing.hpp"
#include "witness.hpp"

#include <weft/errgroup.hpp>
#include <weft/testing.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::context;
using weft::errgroup;
using weft::make_channel;
using weft::task;
using weft_test::ending_of;
using weft_test::on_procs;
using weft_test::text_of;
using weft_test::until_parked;
using weft_test::witness;
namespace testing = weft::testing;

namespace {

void fail(const char* text)
{
    throw std::runtime_error(text);
}

} // namespace

TEST_CASE("it waits for all, whatever they are given")
{
    on_procs([]() -> task<> {
        errgroup g;
        std::atomic<int> sum = 0;
        auto add = [&sum](auto... n) -> task<> {
            co_await weft::this_goroutine::yield();
            sum += (0 + ... + n);
        };
        auto plain = [&sum] { ++sum; };
        co_await g.go(plain);
        co_await g.go(add);
        co_await g.go(add, 10);
        co_await g.go(add, 100, 100);
        co_await g.go(add, 1000, 1000, 1000);
        auto owned = std::make_unique<int>(10'000);
        auto take = [&sum](std::unique_ptr<int> p) -> task<> {
            sum += *p;
            co_return;
        };
        co_await g.go(take, std::move(owned));
        co_await g.wait();
        CHECK(sum == 13'211);
        CHECK(g.errors().empty());
    });
}

TEST_CASE("the first exception comes out of every wait; errors has them all, in order")
{
    on_procs([]() -> task<> {
        errgroup g;
        auto first = make_channel<void>();
        auto one = [first]() -> task<> {
            co_await first.send();
            fail("one");
        };
        auto two = [](context ctx) -> task<> {
            co_await ctx.done();
            fail(text_of(ctx.cause()) == "one" ? "two" : "the cause is another one");
        };
        co_await g.go(one);
        co_await g.go(two, g.get_context());
        CHECK(!g.get_context().err());
        co_await first.receive();
        CHECK(co_await ending_of(g.wait()) == "one");
        CHECK(text_of(g.get_context().cause()) == "one");
        CHECK(co_await ending_of(g.wait()) == "one");
        const auto all = g.errors();
        REQUIRE(all.size() == 2);
        CHECK(text_of(all[0]) == "one");
        CHECK(text_of(all[1]) == "two");
    });
}

TEST_CASE("what a goroutine was given is gone when wait returns")
{
    on_procs([]() -> task<> {
        errgroup g;
        std::atomic<int> gone = 0;
        for (int i = 0; i < 10; ++i) {
            auto held = [w = witness(gone)](int n) -> task<> {
                co_await weft::this_goroutine::yield();
                if (n % 2) fail("odd");
            };
            co_await g.go(std::move(held), i);
        }
        CHECK(co_await ending_of(g.wait()) == "odd");
        CHECK(gone == 10);
        CHECK(g.errors().size() == 5);
    });
}

TEST_CASE("what a goroutine was given goes before its slot is free")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(1);
        std::atomic<int> too_early = 0, gone = 0;
        const auto look = [&](int*) {
            ++gone;
            if (g.try_go([] {})) ++too_early;
        };
        int any = 0;
        for (const bool in_an_argument : {false, true}) {
            std::unique_ptr<int, std::function<void(int*)>> held(&any, look);
            auto take = [](auto...) -> task<> { co_await weft::this_goroutine::yield(); };
            if (in_an_argument) {
                co_await g.go(take, std::move(held));
            } else {
                auto keep = [h = std::move(held), take]() -> task<> { co_await take(); };
                co_await g.go(std::move(keep));
            }
            co_await g.wait();
        }
        CHECK(gone == 2);
        CHECK(too_early == 0);
    });
}

TEST_CASE("at the limit try_go refuses and leaves its arguments, and go waits")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(1);
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        co_await g.go(held);
        int got = 0;
        auto take = [&got](std::unique_ptr<int> p) { got += *p; };
        auto p = std::make_unique<int>(7);
        CHECK(!g.try_go(take, std::move(p)));
        REQUIRE(p);
        auto opener = [gate]() -> task<> {
            co_await until_parked(1, "semaphore acquire");
            co_await gate.send();
        };
        weft::go(opener);
        co_await g.go(take, std::move(p));
        co_await g.wait();
        CHECK(got == 7);
        CHECK(g.try_go(held));
        co_await gate.send();
        co_await g.wait();
    });
}

TEST_CASE("the limit cannot change under goroutines, nor under those that wait to start")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(1);
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        co_await g.go(held);
        CHECK_MISUSE(g.set_limit(2),
                     "errgroup: modify limit while 1 goroutines in the group are still active");
        auto late = [&g, held]() -> task<> { co_await g.go(held); };
        weft::go(late);
        co_await until_parked(1, "semaphore acquire");
        CHECK_MISUSE(g.set_limit(-1),
                     "errgroup: modify limit while 2 goroutines in the group are still active");
        co_await gate.send();
        co_await gate.send();
        co_await g.wait();
        g.set_limit(0);
        CHECK(!g.try_go(held));
        g.set_limit(-1);
        CHECK(g.try_go(held));
        co_await gate.send();
        co_await g.wait();
        CHECK_MISUSE(errgroup(context()), "cannot create context from nil parent");
    });
}

TEST_CASE("a go that is interrupted at the limit starts nothing and takes no slot")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(1);
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        co_await g.go(held);
        std::atomic<int> ran = 0, gone = 0;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto late = [&]() -> task<> {
            auto f = [&ran, w = witness(gone)] { ++ran; };
            co_await g.go(std::move(f));
        };
        auto h = weft::spawn(ctx, late);
        co_await until_parked(1, "semaphore acquire");
        cancel();
        CHECK(co_await ending_of(h.join()) == weft::error(weft::errc::canceled).what());
        CHECK(gone == 1);
        co_await gate.send();
        co_await g.wait();
        CHECK(ran == 0);
        g.set_limit(3); // nobody counts
    });
}

TEST_CASE("a wait whose context ends gives up waiting only")
{
    on_procs([]() -> task<> {
        errgroup g;
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        co_await g.go(held);
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto canceller = [c = cancel]() -> task<> {
            co_await until_parked(1, "sync.WaitGroup");
            c();
        };
        weft::go(canceller);
        CHECK(co_await ending_of(g.wait(ctx)) == weft::error(weft::errc::canceled).what());
        CHECK(!g.get_context().err());
        co_await gate.send();
        co_await g.wait();
        CHECK(g.get_context().err() == weft::errc::canceled);
    });
}

TEST_CASE("a goroutine may be bound to the group's context, and one started too late does not run")
{
    on_procs([]() -> task<> {
        errgroup g;
        auto never = make_channel<void>();
        auto bound = [never]() -> task<> { co_await never.receive(); };
        co_await g.go(g.get_context(), bound);
        auto failing = [] { fail("boom"); };
        co_await g.go(failing);
        CHECK(co_await ending_of(g.wait()) == "boom");
        CHECK(g.errors().size() == 2);
        std::atomic<int> ran = 0;
        auto late = [&ran] { ++ran; };
        co_await g.go(g.get_context(), late);
        CHECK(co_await ending_of(g.wait()) == "boom");
        CHECK(ran == 0);
    });
}

TEST_CASE("goroutines of a group add others, and wait waits for them")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(100);
        std::atomic<int> ran = 0;
        struct tree {
            static task<> grow(errgroup& g, std::atomic<int>& ran, int depth)
            {
                ++ran;
                if (depth == 0) co_return;
                co_await g.go(grow, std::ref(g), std::ref(ran), depth - 1);
                co_await g.go(grow, std::ref(g), std::ref(ran), depth - 1);
            }
        };
        co_await g.go(tree::grow, std::ref(g), std::ref(ran), 5);
        co_await g.wait();
        CHECK(ran == 63);
    });
}

TEST_CASE("dumps show where the goroutines of a group were started")
{
    on_procs([]() -> task<> {
        errgroup g;
        auto gate = make_channel<void>();
        auto held = [gate](int) -> task<> { co_await gate.receive(); };
        const auto line = std::source_location::current().line() + 1;
        co_await g.go(held, 1);
        CHECK(g.try_go(held, 2));
        co_await until_parked(2, "chan receive");
        std::vector<unsigned> lines;
        for (const auto& info : weft::debug::goroutines()) {
            if (info.wait_reason == "chan receive") lines.push_back(info.spawn_site.line());
        }
        CHECK(lines == std::vector<unsigned>{line, line + 1});
        co_await gate.send();
        co_await gate.send();
        co_await g.wait();
    });
}
