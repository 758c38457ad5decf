// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "hosts.hpp"

#include "testing.hpp"

#include <weft/testing.hpp>

using namespace std::chrono_literals;
using relay::breaker_state;

namespace {

relay::host_options options()
{
    relay::host_options o;
    o.concurrency = 4;
    o.failures_to_open = 3;
    o.open_for = 1s;
    o.open_for_most = 4s;
    return o;
}

void attempt(relay::hosts& h, std::optional<bool> answers)
{
    h.begin("a:1");
    h.end("a:1", answers);
}

breaker_state state(relay::hosts& h)
{
    return h.view(1).at(0).breaker;
}

} // namespace

TEST_CASE("hosts: so many at a time, each for itself")
{
    relay::hosts h(options());
    CHECK(h.room("a:1") == 4);
    for (int i = 0; i < 3; ++i) h.begin("a:1");
    CHECK(h.room("a:1") == 1);
    CHECK(h.room("b:1") == 4);
    h.begin("a:1");
    CHECK(h.room("a:1") == 0);
    h.begin("a:1"); // one too many does no harm
    CHECK(h.room("a:1") == 0);
    h.end("a:1", true);
    h.end("a:1", std::nullopt);
    CHECK(h.room("a:1") == 1);
}

TEST_CASE("hosts: after failures in a row it is left alone, longer and longer, until one delivery "
          "succeeds")
{
    weft::testing::bubble([]() -> weft::task<> {
        relay::hosts h(options());
        attempt(h, false);
        attempt(h, false);
        attempt(h, true); // not in a row
        attempt(h, false);
        attempt(h, false);
        CHECK(state(h) == breaker_state::closed);
        attempt(h, false);
        CHECK(state(h) == breaker_state::open);
        CHECK(h.room("a:1") == 0);
        CHECK(h.open_count() == 1);
        for (const auto pause : {1s, 2s, 4s, 4s}) {
            const auto next = h.next_room();
            REQUIRE(next.has_value());
            CHECK(*next - weft::clock::now() == pause);
            co_await weft::sleep(pause - 1ms);
            CHECK(h.room("a:1") == 0);
            co_await weft::sleep(1ms);
            CHECK(state(h) == breaker_state::half_open);
            CHECK(h.room("a:1") == 1);
            h.begin("a:1");
            CHECK(h.room("a:1") == 0); // one is enough to see
            h.end("a:1", false);
        }
        CHECK(h.times_opened() == 5);
        co_await weft::sleep(4s);
        attempt(h, std::nullopt); // broken off: nothing was learnt
        CHECK(h.room("a:1") == 1);
        attempt(h, true);
        CHECK(state(h) == breaker_state::closed);
        CHECK(h.room("a:1") == 4);
        CHECK(h.open_count() == 0);
        for (int i = 0; i < 3; ++i) attempt(h, false);
        co_await weft::sleep(1s); // short again
        CHECK(h.room("a:1") == 1);
    });
}

TEST_CASE("hosts: deliveries that were under way when it opened do not open it further")
{
    weft::testing::bubble([]() -> weft::task<> {
        relay::hosts h(options());
        for (int i = 0; i < 4; ++i) h.begin("a:1");
        for (int i = 0; i < 4; ++i) h.end("a:1", false);
        CHECK(h.times_opened() == 1);
        co_await weft::sleep(1s);
        CHECK(h.room("a:1") == 1);
    });
}

TEST_CASE("hosts: so many a second")
{
    weft::testing::bubble([]() -> weft::task<> {
        relay::host_options o = options();
        o.concurrency = 100;
        o.rate = 10;
        o.burst = 5;
        relay::hosts h(o);
        CHECK(h.room("a:1") == 5);
        for (int i = 0; i < 5; ++i) attempt(h, true);
        CHECK(h.room("a:1") == 0);
        const auto next = h.next_room();
        REQUIRE(next.has_value());
        co_await weft::sleep(*next - weft::clock::now());
        CHECK(h.room("a:1") == 1);
        co_await weft::sleep(10s);
        CHECK(h.room("a:1") == 5);
    });
}

TEST_CASE("hosts: those that are not well stand first, and all are forgotten in time")
{
    weft::testing::bubble([]() -> weft::task<> {
        relay::hosts h(options());
        h.begin("busy:1");
        for (int i = 0; i < 3; ++i) attempt(h, false);
        h.begin("well:1");
        h.end("well:1", true);
        auto v = h.view(10);
        REQUIRE(v.size() == 3);
        CHECK(v[0].host == "a:1");
        CHECK(v[0].opens_in == 1s);
        CHECK(v[1].host == "busy:1");
        CHECK(v[2].host == "well:1");
        CHECK(h.view(2).size() == 2);
        co_await weft::sleep(2min);
        h.begin("other:1");
        v = h.view(10);
        CHECK(v.size() == 3); // "well" is gone
        h.end("busy:1", true);
        co_await weft::sleep(2h);
        h.end("other:1", true);
        CHECK(h.view(10).size() == 1);
    });
}
