// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `errgroup`: what its goroutines may be given, its limit, and whose exceptions are seen where.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/errgroup.hpp>
#include <weft/testing.hpp>

#include <atomic>
#include <chrono>
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
using weft_test::on_procs;
using weft_test::until_parked;
using weft_test::witness;
namespace testing = weft::testing;

namespace {

std::string text_of(const std::exception_ptr& e)
{
    try {
        if (e) std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return x.what();
    } catch (...) {
        return "?";
    }
    return "none";
}

/// What `t` throws.
task<std::string> ending_of(task<> t)
{
    std::string text = "none";
    try {
        co_await std::move(t);
    } catch (...) {
        text = text_of(std::current_exception());
    }
    co_return text;
}

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
