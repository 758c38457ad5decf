// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// semaphore: its own members; weights, the line, and who is kept back by whom.

#include <weft/semaphore.hpp>

#include "sync_waits.hpp"

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

using weft::semaphore;
using weft::task;
using weft_test::on_procs;

namespace {

struct acquires {
    semaphore s{3};

    void block() { CHECK(s.try_acquire(3)); }
    void release() { s.release(3); }
    auto wait() { return s.acquire(2); }
    auto wait(const weft::context& ctx) { return s.acquire(ctx, 2); }
    void leave() { s.release(2); }
};

struct holds : acquires {
    auto wait() { return s.hold(2); }
    auto wait(const weft::context& ctx) { return s.hold(ctx, 2); }
    void leave() {}
};

constexpr const char* acquiring = "semaphore acquire";

task<> take(semaphore& s, std::int64_t n, std::string& order, char name)
{
    co_await s.acquire(n);
    order += name;
    s.release(n);
}

} // namespace

WEFT_TEST_WAITS("semaphore, acquire", acquires)
WEFT_TEST_WAITS("semaphore, hold", holds)

TEST_CASE("numbers, and misuse that changes nothing")
{
    CHECK_MISUSE(semaphore(-1), "semaphore: negative size");
    semaphore s(3);
    CHECK(s.size() == 3);
    CHECK(s.available() == 3);
    CHECK_MISUSE((void)s.acquire(-1), "semaphore: negative number of permits");
    CHECK_MISUSE((void)s.hold(-1), "semaphore: negative number of permits");
    CHECK_MISUSE((void)s.acquire(weft::background(), -1), "semaphore: negative number of permits");
    CHECK_MISUSE((void)s.hold(weft::background(), -1), "semaphore: negative number of permits");
    CHECK_MISUSE((void)s.try_acquire(-1), "semaphore: negative number of permits");
    CHECK_MISUSE(s.release(-1), "semaphore: negative number of permits");
    CHECK_MISUSE(s.release(), "semaphore: released more than held");
    CHECK(s.try_acquire(2));
    CHECK(!s.try_acquire(2));
    CHECK_MISUSE(s.release(3), "semaphore: released more than held");
    CHECK_MISUSE(s.release(std::numeric_limits<std::int64_t>::max()),
                 "semaphore: released more than held");
    CHECK(s.available() == 1);
    CHECK(s.try_acquire(0));
    s.release(0);
    CHECK(!s.try_acquire(std::numeric_limits<std::int64_t>::max()));
    s.release(2);
    CHECK(s.available() == 3);
    semaphore none(0);
    CHECK(none.try_acquire(0));
    CHECK(!none.try_acquire());
    semaphore vast(std::numeric_limits<std::int64_t>::max());
    CHECK(vast.try_acquire(std::numeric_limits<std::int64_t>::max()));
    CHECK(!vast.try_acquire());
    vast.release(std::numeric_limits<std::int64_t>::max());
    CHECK(vast.available() == vast.size());
}

TEST_CASE("a permit gives back once, wherever it was moved to")
{
    on_procs([]() -> task<> {
        semaphore s(3);
        {
            auto p = co_await s.hold(2);
            CHECK(p.count() == 2);
            CHECK(s.available() == 1);
            auto moved = std::move(p);
            CHECK(p.count() == 0); // NOLINT: looked at after the move on purpose
            CHECK(s.available() == 1);
            auto one = co_await s.hold();
            CHECK(s.available() == 0);
            one = std::move(moved); // the one it had goes back
            CHECK(s.available() == 1);
            auto& self = one;
            one = std::move(self);
            CHECK(one.count() == 2);
            CHECK(s.available() == 1);
            one.give_back();
            one.give_back();
            CHECK(one.count() == 0);
            CHECK(s.available() == 3);
        }
        CHECK(s.available() == 3);
        CHECK(s.try_acquire(3));
        {
            semaphore::permit taken_over(s, 3);
        }
        CHECK(s.available() == 3);
        CHECK(semaphore::permit().count() == 0);
    });
}

TEST_CASE("a large request that is cancelled lets in the small ones it kept back")
{
    for (const bool bound : {false, true}) {
        CAPTURE(bound);
        on_procs([bound]() -> task<> {
            semaphore s(4);
            std::string order;
            CHECK(s.try_acquire(2));
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            const auto large = [&]() -> task<> {
                if (bound) co_await s.acquire(4);
                else co_await s.acquire(ctx, 4);
            };
            auto big = bound ? weft::spawn(ctx, large) : weft::spawn(large);
            co_await weft_test::until_parked(1, acquiring);
            CHECK(!s.try_acquire(1)); // there are two, but not for one who comes later
            CHECK(!s.try_acquire(0));
            CHECK(s.available() == 2);
            auto small = weft::spawn(take, std::ref(s), 1, std::ref(order), 'a');
            co_await weft_test::until_parked(2, acquiring);
            auto second = weft::spawn(take, std::ref(s), 2, std::ref(order), 'b');
            co_await weft_test::until_parked(3, acquiring);
            cancel();
            std::error_code code;
            try {
                co_await big.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            co_await small.join();
            co_await second.join();
            CHECK(order == "ab");
            CHECK(s.available() == 2);
            s.release(2);
        });
    }
}

TEST_CASE("a large request whose select takes another case lets in the small ones, too")
{
    on_procs([]() -> task<> {
        semaphore s(2);
        CHECK(s.try_acquire(1));
        auto other = weft::make_channel<int>();
        auto big = weft::spawn([&s, other]() -> task<> {
            auto chosen = co_await weft::select{s.acquire(2), other.receive()};
            CHECK(chosen.index() == 1);
        });
        co_await weft_test::until_parked(1, "select");
        auto small = weft::spawn([&s]() -> task<> { co_await s.acquire(1); });
        co_await weft_test::until_parked(1, acquiring);
        co_await other.send(1);
        co_await big.join();
        co_await small.join();
        CHECK(s.available() == 0);
        s.release(2);
    });
}

TEST_CASE("strictly first in, first out, by weight or not")
{
    on_procs([]() -> task<> {
        semaphore s(4);
        std::string order;
        CHECK(s.try_acquire(4));
        weft_test::team all;
        std::size_t n = 0;
        for (const auto& [weight, name] :
             {std::pair{4, 'a'}, {1, 'b'}, {3, 'c'}, {2, 'd'}, {4, 'e'}, {0, 'f'}}) {
            all.go(take, std::ref(s), weight, std::ref(order), name);
            co_await weft_test::until_parked(++n, acquiring);
        }
        s.release(3);
        CHECK(!s.try_acquire(1));
        CHECK(weft_test::parked(acquiring) == 6);
        s.release(1);
        co_await all.join();
        // b and c are let go together, on several workers in any order.
        CHECK(order.front() == 'a');
        CHECK(order.find('e') > order.find('d'));
        CHECK(order.size() == 6);
        CHECK(s.available() == 4);
    });
}

TEST_CASE("more than there are at all: never, and in nobody's way")
{
    on_procs(
        []() -> task<> {
            semaphore s(2);
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            const auto too_much = [&]() -> task<> { co_await s.acquire(ctx, 3); };
            auto never = weft::spawn(too_much);
            weft::go([&s]() -> task<> { co_await s.acquire(3); });
            co_await weft_test::until_parked(2, acquiring);
            for (int i = 0; i < 10; ++i) {
                co_await s.acquire(2);
                s.release(2);
                CHECK(s.try_acquire(1));
                s.release(1);
            }
            CHECK(weft_test::parked(acquiring) == 2);
            cancel();
            std::error_code code;
            try {
                co_await never.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            CHECK(s.available() == 2);
            CHECK(weft_test::parked(acquiring) == 1); // the other one waits for ever
        },
        weft_test::leftovers::parked);
}

TEST_CASE("weights on many schedules: never more than there are, and all are served")
{
    weft::testing::explore(
        []() -> task<> {
            semaphore s(3);
            std::int64_t in_use = 0;
            weft::wait_group all;
            const auto uses = [&](std::int64_t n) -> task<> {
                const auto p = co_await s.hold(n);
                in_use += n;
                CHECK(in_use <= 3);
                co_await weft::this_goroutine::yield();
                in_use -= n;
            };
            for (const std::int64_t n : {2, 3, 1, 2, 1}) all.go(uses, n);
            co_await all.wait();
            CHECK(s.available() == 3);
        },
        {.schedules = weft_test::count(20'000)});
}
