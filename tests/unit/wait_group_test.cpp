// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// wait_group: its own members; the goroutines it starts.

#include <weft/wait_group.hpp>

#include "sync_waits.hpp"
#include "witness.hpp"

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using weft::task;
using weft::wait_group;
using weft_test::on_procs;

namespace {

struct subject {
    wait_group g;

    void block() { g.add(2); }
    void release() { g.add(-2); }
    auto wait() { return g.wait(); }
    auto wait(const weft::context& ctx) { return g.wait(ctx); }
    void leave() {}
};

bool at_zero(wait_group& g)
{
    const auto s = weft::try_select{g.wait()};
    return s.index() == 0;
}

/// Says when it is gone for good.
struct farewell {
    explicit farewell(std::atomic<bool>& f) : gone(&f) {}
    farewell(farewell&& o) noexcept : gone(std::exchange(o.gone, nullptr)) {}
    ~farewell()
    {
        if (!gone) return;
        std::this_thread::sleep_for(std::chrono::microseconds(200)); // a slow one
        *gone = true;
    }
    std::atomic<bool>* gone;
};

} // namespace

WEFT_TEST_WAITS("wait_group", subject)

TEST_CASE("counting, and misuse that changes nothing")
{
    constexpr auto most = std::numeric_limits<std::int64_t>::max();
    wait_group g;
    CHECK_MISUSE(g.done(), "negative WaitGroup counter");
    CHECK_MISUSE(g.add(std::numeric_limits<std::int64_t>::min()), "negative WaitGroup counter");
    g.add(0);
    g.add(2);
    CHECK_MISUSE(g.add(-3), "negative WaitGroup counter");
    CHECK_MISUSE(g.add(most), "WaitGroup counter overflow");
    g.add(most - 2);
    CHECK_MISUSE(g.add(), "WaitGroup counter overflow");
    g.add(2 - most);
    g.done();
    CHECK(!at_zero(g));
    g.done();
    CHECK(at_zero(g));
    CHECK_MISUSE(g.done(), "negative WaitGroup counter");
    CHECK_MISUSE(g.go([] {}), "wait_group::go: not on a weft runtime; pass its executor");
    CHECK(at_zero(g)); // not counted
}

TEST_CASE("go takes what weft::go takes, and counts each until it ends")
{
    on_procs([]() -> task<> {
        wait_group g;
        std::atomic<int> sum{0};
        const auto add = [&sum](auto... n) -> task<> {
            co_await weft::this_goroutine::yield();
            sum += (0 + ... + n);
        };
        const auto ex = weft::this_goroutine::get_executor();
        g.go([&sum] { sum += 1; });
        g.go(add, 2);
        g.go(add, 4, 8);
        g.go(add, 16, 32, 64);
        g.go(add, 128, 256, 512, 1024);
        g.go(ex, add);
        g.go(ex, add, 2048);
        g.go(ex, add, 4096, 8192);
        g.go(weft::background(), add, 16384);
        g.go([]() -> task<int> { co_return 1; }); // a result is dropped
        auto moved = std::make_unique<int>(32768);
        g.go([&sum](std::unique_ptr<int> p) { sum += *p; }, std::move(moved));
        co_await g.wait();
        CHECK(sum == 65535);
    });
}

TEST_CASE("who waits finds nothing left of the callable and its arguments")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 20; ++i) {
            std::atomic<bool> callable_gone{false}, argument_gone{false};
            wait_group g;
            g.go([f = farewell(callable_gone)](
                     farewell) -> task<> { co_await weft::this_goroutine::yield(); },
                 farewell(argument_gone));
            co_await g.wait();
            CHECK(callable_gone);
            CHECK(argument_gone);
        }
    });
}

TEST_CASE("a goroutine counts down when it throws, and when its context ends it")
{
    std::atomic<int> panics{0};
    on_procs(
        [&]() -> task<> {
            wait_group g;
            g.go([]() -> task<> {
                co_await weft::this_goroutine::yield();
                throw std::runtime_error("broken");
            });
            g.go([] { throw std::runtime_error("broken"); });
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            g.go(ctx, []() -> task<> { co_await weft::channel<int>().receive(); });
            co_await weft_test::until_parked(1, "chan receive");
            cancel();
            co_await g.wait();
            cancel();
            std::atomic<bool> ran{false};
            g.go(ctx, [&ran]() -> task<> { // ended before it begins
                co_await weft::channel<int>().receive();
                ran = true;
            });
            co_await g.wait();
            CHECK(!ran);
        },
        weft_test::leftovers::none, weft::panic_policy([&](const weft::panic_info&) { ++panics; }));
    CHECK(panics == 6);
}

TEST_CASE("goroutines of a runtime that ends are counted down, also those that never began")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::watchdog guard;
        wait_group g;
        weft::runtime survivor({.procs = 1});
        auto waits = weft::spawn(survivor.get_executor(), [&g]() -> task<> { co_await g.wait(); });
        weft::sync_wait(survivor.get_executor(), waits.join());
        {
            weft::runtime rt({.procs = procs});
            for (int i = 0; i < 50; ++i) {
                g.go(rt.get_executor(),
                     []() -> task<> { co_await weft::channel<int>().receive(); });
            }
        }
        weft::sync_wait(survivor.get_executor(), g.wait());
    }
}

TEST_CASE("used again and again, and by those it lets go")
{
    on_procs([]() -> task<> {
        wait_group g;
        for (int round = 0; round < 100; ++round) {
            std::atomic<int> n{0};
            for (int i = 0; i < 5; ++i) {
                g.go([&] {
                    if (++n == 3) g.go([&n] { ++n; }); // one more, while it is counted itself
                });
            }
            co_await g.wait();
            CHECK(n == 6);
        }
    });
}

TEST_CASE("those just let go do not need the group any more")
{
    on_procs(
        []() -> task<> {
            wait_group g;
            g.add();
            for (int i = 0; i < 10; ++i) {
                weft::go([&g]() -> task<> { co_await g.wait(); });
            }
            co_await weft_test::until_parked(10, "sync.WaitGroup.Wait");
            g.done();
        },
        weft_test::leftovers::parked);
}

TEST_CASE("the group may go before its goroutines: main threw between go and wait")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<int> begun = 0, unwound = 0;
        struct counted {
            std::atomic<int>& n;
            ~counted() { ++n; }
        };
        const auto main = [&]() -> task<> {
            wait_group g;
            for (int i = 0; i < 20; ++i) {
                g.go([&, half = i % 2]() -> task<> {
                    const counted c{unwound};
                    ++begun;
                    if (half) co_await weft::this_goroutine::yield();
                    else co_await weft::channel<void>().receive();
                });
            }
            while (begun < 10) co_await weft::this_goroutine::yield();
            throw std::runtime_error("in between");
        };
        CHECK_THROWS_WITH(weft::run(main, {.procs = procs}), "in between");
        CHECK(unwound == begun);
    }
}

TEST_CASE("goroutines and a waiter on many schedules")
{
    weft::testing::explore(
        []() -> task<> {
            wait_group g;
            int done = 0, seen = 0;
            for (int i = 0; i < 3; ++i) {
                g.go([&]() -> task<> {
                    co_await weft::this_goroutine::yield();
                    ++done;
                });
            }
            auto other = weft::spawn([&]() -> task<> {
                co_await g.wait();
                seen = done;
            });
            co_await g.wait();
            CHECK(done == 3);
            co_await other.join();
            CHECK(seen == 3);
        },
        {.schedules = weft_test::count(20'000)});
}
