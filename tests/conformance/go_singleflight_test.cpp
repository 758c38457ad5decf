// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Singleflight: Go's golang.org/x/sync/singleflight.

#include "testing.hpp"

#include <weft/singleflight.hpp>

#include <atomic>
#include <chrono>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::singleflight;
using weft::task;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

using group = singleflight<std::string, std::string>;

struct failure : std::runtime_error {
    explicit failure(int n) : std::runtime_error("failure " + std::to_string(n)), number(n) {}
    int number;
};

/// The number of the failure that `t` throws; 0: none.
task<int> failure_of(task<group::result> t)
{
    int number = 0;
    try {
        static_cast<void>(co_await std::move(t));
    } catch (const failure& e) {
        number = e.number;
    }
    co_return number;
}

} // namespace

TEST_CASE("SF-01 a call returns its value, or throws its exception")
{
    on_procs([]() -> task<> {
        group g;
        auto good = [] { return "bar"; };
        const auto r = co_await g.call("key", good);
        CHECK(r.value == "bar");
        auto bad = []() -> task<std::string> {
            throw failure(1);
            co_return "";
        };
        const int number = co_await failure_of(g.call("key", bad));
        CHECK(number == 1);
    });
}

TEST_CASE("SF-02 concurrent callers share what one of them runs")
{
    on_procs([]() -> task<> {
        constexpr int callers = 10;
        group g;
        std::atomic<int> calls = 0;
        auto values = make_channel<std::string>();
        auto f = [&calls, values]() -> task<std::string> {
            ++calls;
            auto v = co_await values.receive();
            co_await weft::sleep(10ms);
            values.close(); // should it run again it gets nothing
            co_return v.value_or("again");
        };
        std::atomic<int> same = 0, shared = 0;
        auto caller = [&]() -> task<> {
            const auto r = co_await g.call("key", f);
            if (r.value == "bar") ++same;
            if (r.shared) ++shared;
        };
        team all;
        for (int i = 0; i < callers; ++i) all.go(caller);
        co_await until_parked(callers, "event");
        co_await values.send("bar");
        co_await all.join();
        CHECK(calls == 1);
        CHECK(same == callers);
        CHECK(shared == callers);
    });
}

TEST_CASE("SF-03 of two channel calls only the first one's function runs")
{
    on_procs([]() -> task<> {
        group g;
        auto gate = make_channel<void>();
        auto first = [gate]() -> task<std::string> {
            co_await gate.receive();
            co_return "first";
        };
        bool ran = false;
        auto second = [&ran] {
            ran = true;
            return "second";
        };
        const auto one = g.call_channel("key", first);
        const auto two = g.call_channel("key", second);
        gate.close();
        const auto a = co_await one.receive();
        const auto b = co_await two.receive();
        CHECK(a->value() == "first");
        CHECK(b->value() == "first");
        CHECK(a->shared());
        CHECK(b->shared());
        CHECK(!ran);
    });
}

TEST_CASE("SF-04 a lone caller shares nothing; keys do not wait for each other; nothing is kept")
{
    on_procs([]() -> task<> {
        group g;
        std::atomic<int> in_flight = 0, calls = 0;
        auto meet = make_channel<void>();
        auto left = [&, meet]() -> task<std::string> {
            ++in_flight;
            co_await meet.send();
            co_return "left";
        };
        auto right = [&, meet]() -> task<std::string> {
            ++in_flight;
            co_await meet.receive();
            co_return "right";
        };
        auto caller = [&g](std::string key, auto f) -> task<> {
            const auto r = co_await g.call(key, f);
            CHECK(r.value == key);
            CHECK(!r.shared);
        };
        team all;
        all.go(caller, "left", left);
        all.go(caller, "right", right);
        co_await all.join();
        CHECK(in_flight == 2);
        auto count = [&calls] { return std::to_string(++calls); };
        for (int i = 1; i <= 3; ++i) {
            const auto r = co_await g.call("key", count);
            CHECK(r.value == std::to_string(i));
            CHECK(!r.shared);
        }
    });
}

TEST_CASE("SF-05 a channel call brings one outcome, and one that is not fetched blocks nobody")
{
    on_procs([]() -> task<> {
        group g;
        auto f = [] { return "bar"; };
        const auto c = g.call_channel("key", f);
        const auto o = co_await c.receive();
        CHECK(o->value() == "bar");
        CHECK(!o->failure());
        CHECK(!c.closed());
        CHECK(!c.try_receive());
        const auto unread = g.call_channel("key", f);
        while (unread.size() == 0) co_await weft::this_goroutine::yield();
        const auto r = co_await g.call("key", f);
        CHECK(r.value == "bar");
        CHECK(!r.shared);
        static_cast<void>(g.call_channel("key", f)); // not even kept
    });
}

TEST_CASE("SF-06 after forget the next caller starts a call of its own")
{
    on_procs([]() -> task<> {
        group g;
        auto gate = make_channel<void>();
        auto slow = [gate](std::string value) {
            return [gate, value]() -> task<std::string> {
                co_await gate.receive();
                co_return value;
            };
        };
        const auto first = g.call_channel("key", slow("first"));
        g.forget("key");
        g.forget("another");
        const auto second = g.call_channel("key", slow("second"));
        auto never = []() -> task<std::string> { co_return "never"; };
        const auto third = g.call_channel("key", never);
        gate.close();
        const auto a = co_await first.receive();
        const auto b = co_await second.receive();
        const auto c = co_await third.receive();
        CHECK(a->value() == "first");
        CHECK(!a->shared());
        CHECK(b->value() == "second");
        CHECK(b->shared());
        CHECK(c->value() == "second");
    });
}

TEST_CASE("SF-07 an exception reaches all callers, and the key can be used again")
{
    on_procs([]() -> task<> {
        constexpr int callers = 5;
        group g;
        auto gate = make_channel<void>();
        auto bad = [gate]() -> task<std::string> {
            co_await gate.receive();
            throw failure(7);
        };
        std::atomic<int> seen = 0;
        auto caller = [&]() -> task<> {
            if (co_await failure_of(g.call("key", bad)) == 7) ++seen;
        };
        team all;
        for (int i = 0; i < callers; ++i) all.go(caller);
        const auto c = g.call_channel("key", bad);
        co_await until_parked(callers, "event");
        gate.close();
        co_await all.join();
        CHECK(seen == callers);
        const auto o = co_await c.receive();
        CHECK_THROWS_WITH_AS(static_cast<void>(o->value()), "failure 7", failure);
        auto good = [] { return "again"; };
        const auto r = co_await g.call("key", good);
        CHECK(r.value == "again");
    });
}

TEST_CASE("SF-08 what was thrown is what callers catch, of whatever type")
{
    on_procs([]() -> task<> {
        group g;
        struct odd {
            int n;
        };
        auto throws_odd = []() -> task<std::string> {
            throw odd{5};
            co_return "";
        };
        int got = 0;
        try {
            static_cast<void>(co_await g.call("key", throws_odd));
        } catch (const odd& o) {
            got = o.n;
        }
        CHECK(got == 5);
        const auto same = std::make_exception_ptr(failure(9));
        auto throws_same = [same]() -> task<std::string> {
            std::rethrow_exception(same);
            co_return "";
        };
        const auto c = g.call_channel("key", throws_same);
        const auto o = co_await c.receive();
        CHECK(o->failure() == same);
        std::exception_ptr caught;
        try {
            static_cast<void>(co_await g.call("key", throws_same));
        } catch (...) {
            caught = std::current_exception();
        }
        CHECK(caught == same);
    });
}
