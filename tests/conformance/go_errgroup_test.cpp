// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Error groups: Go's golang.org/x/sync/errgroup.

#include "testing.hpp"

#include <weft/errgroup.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::errgroup;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::until_parked;

namespace {

struct failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// What the group's wait throws; empty: nothing.
task<std::string> wait_for(errgroup& g)
{
    std::string text;
    try {
        co_await g.wait();
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

std::string cause_of(const context& ctx)
{
    try {
        if (ctx.cause()) std::rethrow_exception(ctx.cause());
    } catch (const std::exception& e) {
        return e.what();
    }
    return {};
}

/// Throws `text`, unless that is empty.
task<> end_with(std::string text)
{
    co_await weft::this_goroutine::yield();
    if (!text.empty()) throw failure(text);
}

const std::vector<std::vector<std::string>> outcomes{
    {}, {""}, {"one"}, {"one", ""}, {"one", "", "two"}};

} // namespace

TEST_CASE("ERRGROUP-01 wait throws the first exception so far, each time")
{
    on_procs([]() -> task<> {
        for (const auto& all : outcomes) {
            errgroup g;
            std::string first;
            for (const std::string& text : all) {
                co_await g.go(end_with, text);
                if (first.empty()) first = text;
                const std::string got = co_await wait_for(g);
                CHECK(got == first);
            }
            const std::string last = co_await wait_for(g);
            CHECK(last == first);
        }
    });
}

TEST_CASE("ERRGROUP-02 the group's context is done when wait returns")
{
    on_procs([]() -> task<> {
        for (const auto& all : outcomes) {
            if (all.size() > 2) continue; // which exception is first is not known then
            auto [parent, cancel] = weft::with_cancel(weft::background());
            errgroup g(parent);
            CHECK(!g.get_context().err());
            for (const std::string& text : all) co_await g.go(end_with, text);
            const std::string got = co_await wait_for(g);
            CHECK(got == (all.empty() ? "" : all.front()));
            CHECK(g.get_context().err() == weft::errc::canceled);
            CHECK(!parent.err());
        }
    });
}

TEST_CASE("ERRGROUP-03 the cause is the first exception, else that it was cancelled")
{
    on_procs([]() -> task<> {
        const std::string canceled = weft::error(weft::errc::canceled).what();
        for (const auto& all : outcomes) {
            if (all.size() > 2) continue;
            errgroup g;
            CHECK(!g.get_context().cause());
            for (const std::string& text : all) co_await g.go(end_with, text);
            const std::string got = co_await wait_for(g);
            CHECK(cause_of(g.get_context()) == (got.empty() ? canceled : got));
        }
    });
}

TEST_CASE("ERRGROUP-04 a failure is heard by the others at once, and is what wait throws")
{
    on_procs([]() -> task<> {
        errgroup g;
        std::atomic<int> heard = 0;
        auto sibling = [&heard](context ctx) -> task<> {
            const auto s = co_await weft::select{ctx.done(), weft::after(10s)};
            if (s.index() == 0) ++heard;
            ctx.throw_if_done();
        };
        for (int i = 0; i < 5; ++i) co_await g.go(sibling, g.get_context());
        co_await until_parked(5, "select");
        const auto began = weft::clock::now();
        co_await g.go(end_with, "boom");
        const std::string got = co_await wait_for(g);
        CHECK(got == "boom");
        CHECK(heard == 5);
        CHECK(weft::clock::now() - began < 1s); // 100 ms, and room for a busy machine
        CHECK(g.errors().size() == 6);
    });
}

TEST_CASE("ERRGROUP-05 there are never more active than the limit, and all run")
{
    on_procs([]() -> task<> {
        constexpr int limit = 10, tasks = 1'025;
        errgroup g;
        g.set_limit(limit);
        std::atomic<int> active = 0, most = 0, ran = 0;
        auto work = [&]() -> task<> {
            const int now = ++active;
            for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {}
            co_await weft::sleep(1us);
            --active;
            ++ran;
        };
        for (int i = 0; i < tasks; ++i) co_await g.go(work);
        co_await g.wait();
        CHECK(most <= limit);
        CHECK(most > 1);
        CHECK(ran == tasks);
    });
}

TEST_CASE("ERRGROUP-06 try_go starts as many as the limit says")
{
    on_procs([]() -> task<> {
        constexpr int limit = 42;
        errgroup g;
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        g.set_limit(limit);
        for (int i = 0; i < limit; ++i) CHECK(g.try_go(held));
        CHECK(!g.try_go(held));
        for (int i = 0; i < limit; ++i) co_await gate.send();
        co_await g.wait();
        CHECK(g.try_go(held));
        co_await gate.send();
        co_await g.wait();

        g.set_limit(1);
        CHECK(g.try_go(held));
        CHECK(!g.try_go(held));
        co_await gate.send();
        co_await g.wait();

        g.set_limit(0);
        for (int i = 0; i < 1'024; ++i) CHECK(!g.try_go(held));
        co_await g.wait();
    });
}

TEST_CASE("ERRGROUP-07 a negative limit is none; it does not change under active goroutines")
{
    on_procs([]() -> task<> {
        constexpr int tasks = 1'000;
        errgroup g;
        g.set_limit(3);
        g.set_limit(-1);
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        for (int i = 0; i < tasks; ++i) co_await g.go(held);
        co_await until_parked(tasks, "chan receive");
        CHECK_MISUSE(g.set_limit(5),
                     "errgroup: modify limit while 1000 goroutines in the group are still active");
        gate.close();
        co_await g.wait();
        g.set_limit(5);
    });
}

TEST_CASE("ERRGROUP-08 go at the limit parks its goroutine, and not the worker")
{
    on_procs([]() -> task<> {
        errgroup g;
        g.set_limit(1);
        auto gate = make_channel<void>();
        auto held = [gate]() -> task<> { co_await gate.receive(); };
        co_await g.go(held);
        std::atomic<bool> started = false;
        auto starter = [&]() -> task<> {
            co_await g.go(held);
            started = true;
        };
        auto h = weft::spawn(starter);
        co_await until_parked(1, "semaphore acquire");
        for (int i = 0; i < 1'000; ++i) co_await weft::this_goroutine::yield(); // others run
        CHECK(!started);
        co_await gate.send();
        co_await h.join();
        CHECK(started);
        co_await gate.send();
        co_await g.wait();
    });
}

TEST_CASE("ERRGROUP-09 results stand where they belong, whoever ends first")
{
    on_procs([]() -> task<> {
        errgroup g;
        const std::array<std::string, 3> kinds{"web", "image", "video"};
        std::array<std::string, 3> results;
        auto search = [&results](std::size_t i, std::string kind) -> task<> {
            co_await weft::sleep((3 - i) * 1ms);
            results[i] = kind + " result for golang";
        };
        for (std::size_t i = 0; i < kinds.size(); ++i) co_await g.go(search, i, kinds[i]);
        co_await g.wait();
        CHECK(results[0] == "web result for golang");
        CHECK(results[1] == "image result for golang");
        CHECK(results[2] == "video result for golang");
    });
}

TEST_CASE("ERRGROUP-10 when one throws the others run to their end")
{
    on_procs([]() -> task<> {
        errgroup g;
        std::atomic<int> ran = 0;
        auto gate = make_channel<void>();
        auto good = [&ran, gate]() -> task<> {
            co_await gate.receive();
            ++ran;
        };
        auto bad = []() -> task<> {
            throw 42;
            co_return;
        };
        co_await g.go(good);
        co_await g.go(bad);
        co_await g.go(good);
        co_await g.get_context().done();
        CHECK(ran == 0);
        gate.close();
        std::optional<int> caught;
        try {
            co_await g.wait();
        } catch (int n) {
            caught = n;
        }
        CHECK(caught == 42);
        CHECK(ran == 2);
    });
}
