// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `errgroup`: the end of a group, of its context and of its runtime, and exceptions that nobody waits for.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/errgroup.hpp>
#include <weft/testing.hpp>

#include <atomic>
#include <chrono>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::channel;
using weft::context;
using weft::errgroup;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::until_alone;
using weft_test::witness;
namespace testing = weft::testing;

namespace {

void fail(const char* text)
{
    throw std::runtime_error(text);
}

/// Collects panics.
class panics {
public:
    [[nodiscard]] weft::panic_policy policy()
    {
        return weft::panic_policy([this](const weft::panic_info& p) {
            const std::lock_guard one(mutex_);
            try {
                std::rethrow_exception(p.exception);
            } catch (const std::exception& e) {
                texts_.emplace_back(e.what());
            }
        });
    }
    [[nodiscard]] std::vector<std::string> take()
    {
        const std::lock_guard one(mutex_);
        return std::exchange(texts_, {});
    }

private:
    std::mutex mutex_;
    std::vector<std::string> texts_;
};

using texts = std::vector<std::string>;

} // namespace

TEST_CASE("a group that goes ends its context, and its goroutines outlive it")
{
    on_procs([]() -> task<> {
        std::atomic<int> ended = 0, gone = 0;
        {
            errgroup g;
            g.set_limit(2);
            for (int i = 0; i < 2; ++i) {
                auto f = [&ended, w = witness(gone)](context ctx) -> task<> {
                    co_await ctx.done();
                    ++ended;
                };
                co_await g.go(std::move(f), g.get_context());
            }
        }
        co_await until_alone();
        CHECK(ended == 2);
        CHECK(gone == 2);
    });
}

TEST_CASE("exceptions nobody fetched are panics when the group goes, and later ones, too")
{
    panics seen;
    on_procs(
        [&seen]() -> task<> {
            {
                errgroup g;
                auto early = [] { fail("early"); };
                auto late = [](context ctx) -> task<> {
                    co_await ctx.done();
                    co_await weft::this_goroutine::yield();
                    co_await weft::this_goroutine::yield();
                    fail("late");
                };
                auto obedient = [](context ctx) -> task<> {
                    co_await ctx.done();
                    ctx.throw_if_done();
                };
                auto bound = []() -> task<> { co_await weft::sleep(1h); };
                co_await g.go(late, g.get_context());
                co_await g.go(obedient, g.get_context());
                co_await g.go(g.get_context(), bound);
                co_await g.go(early);
                co_await g.get_context().done();
            }
            co_await until_alone();
            CHECK(seen.take() == texts{"early", "late"});
        },
        weft_test::leftovers::none, seen.policy());
}

TEST_CASE("what wait has thrown, or errors has shown, is no panic")
{
    panics seen;
    on_procs(
        [&seen]() -> task<> {
            auto failing = [] { fail("boom"); };
            {
                errgroup g;
                co_await g.go(failing);
                co_await g.go(failing);
                CHECK_THROWS_WITH(co_await g.wait(), "boom");
            }
            {
                errgroup g;
                co_await g.go(failing);
                co_await g.get_context().done();
                CHECK(g.errors().size() == 1);
            }
            CHECK(seen.take().empty());
            {
                errgroup g;
                co_await g.go(failing);
                CHECK_THROWS_WITH(co_await g.wait(), "boom");
                co_await g.go(failing); // after it
                co_await until_alone();
            }
            CHECK(seen.take() == texts{"boom"});
        },
        weft_test::leftovers::none, seen.policy());
}

TEST_CASE("a group whose parent ends passes that on, and its goroutines' obedience is no panic")
{
    panics seen;
    on_procs(
        [&seen]() -> task<> {
            auto [ctx, cancel] = weft::with_cancel_cause(weft::background());
            {
                errgroup g(ctx);
                auto by_error = [](context c) -> task<> {
                    co_await c.done();
                    c.throw_if_done();
                };
                auto by_cause = [](context c) -> task<> {
                    co_await c.done();
                    std::rethrow_exception(c.cause());
                };
                co_await g.go(by_error, g.get_context());
                co_await g.go(by_cause, g.get_context());
                cancel(std::make_exception_ptr(std::runtime_error("enough")));
                co_await until_alone();
                CHECK(g.get_context().err() == weft::errc::canceled);
            }
            CHECK(seen.take().empty());
        },
        weft_test::leftovers::none, seen.policy());
}

TEST_CASE("a runtime that ends takes the goroutines of a group and those that wait for them")
{
    std::atomic<int> gone = 0;
    on_procs(
        [&gone]() -> task<> {
            gone = 0;
            auto job = [&gone]() -> task<> {
                errgroup g;
                g.set_limit(1);
                auto f = [w = witness(gone), never = make_channel<void>()]() -> task<> {
                    co_await never.receive();
                };
                co_await g.go(f);
                auto more = [&g, f]() -> task<> { co_await g.go(f); };
                weft::go(more);
                co_await g.wait();
            };
            weft::go(job);
            co_await weft_test::until_parked(1, "semaphore acquire");
            CHECK(gone == 0);
        },
        weft_test::leftovers::parked);
    CHECK(gone >= 3);
    testing::leak_check();
}

namespace {

/// Goroutines at a limit; the third throws.
task<> job(context ctx, int& left)
{
    errgroup g(ctx);
    const weft::defer seen([&g] { static_cast<void>(g.errors()); }); // the wait may be given up
    g.set_limit(2);
    struct counted {
        int& n;
        explicit counted(int& of) : n(of) { ++n; }
        counted(const counted& o) : n(o.n) { ++n; }
        counted& operator=(const counted&) = delete;
        ~counted() { --n; }
    };
    for (int i = 1; i <= 5; ++i) {
        auto part = [c = counted(left), i](context inner) -> task<> {
            co_await weft::sleep(inner, i * 1ms);
            inner.throw_if_done(); // what is thrown after the end of the group is a panic
            if (i == 3) fail("third");
        };
        co_await g.go(std::move(part), g.get_context());
    }
    co_await g.wait();
}

} // namespace

TEST_CASE("its context may end at every moment, and nothing is left")
{
    int left = 0;
    const auto none_left = [&left] {
        if (left != 0) throw std::runtime_error("something is left: " + std::to_string(left));
    };
    const auto program = [&left](context ctx) -> task<> {
        try {
            co_await job(ctx, left);
        } catch (const std::runtime_error& e) {
            if (std::string(e.what()) != "third") throw;
        }
    };
    const auto report = testing::cancel_everywhere(program, {.check = none_left, .schedules = 20});
    CHECK(report.places > 10);
    testing::leak_check();
}

TEST_CASE("on every schedule the first exception is the cause, and the limit holds")
{
    const auto program = []() -> task<> {
        errgroup g;
        g.set_limit(2);
        int active = 0;
        bool too_many = false;
        for (int i = 0; i < 5; ++i) {
            auto part = [&, i]() -> task<> {
                too_many |= ++active > 2;
                co_await weft::this_goroutine::yield();
                --active;
                if (i >= 2) throw i;
            };
            co_await g.go(part);
        }
        std::optional<int> first;
        try {
            co_await g.wait();
        } catch (int n) {
            first = n;
        }
        const auto all = g.errors();
        if (too_many || active != 0) fail("the limit was passed");
        if (!first || all.size() != 3) fail("an exception was lost");
        if (all.front() != g.get_context().cause()) fail("the first one is not the cause");
    };
    testing::explore(program, {.schedules = 2'000});
    CHECK(testing::exhaustive(program, 1, {.schedules = 20'000}).schedules > 10);
}
