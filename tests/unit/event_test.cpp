// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// event: its own members.

#include <weft/event.hpp>

#include "sync_waits.hpp"

#include <type_traits>

using weft::event;
using weft::task;
using weft_test::on_procs;

namespace {

struct subject {
    event e{true};

    void block() { e.reset(); }
    void release() { e.set(); }
    auto wait() { return e.wait(); }
    auto wait(const weft::context& ctx) { return e.wait(ctx); }
    void leave() {}
};

static_assert(!std::is_copy_constructible_v<event> && !std::is_move_constructible_v<event>);

} // namespace

WEFT_TEST_WAITS("event", subject)

TEST_CASE("set, reset, is_set; each any number of times")
{
    event e, set(true);
    CHECK(!e.is_set());
    CHECK(set.is_set());
    e.reset();
    CHECK(!e.is_set());
    e.set();
    e.set();
    CHECK(e.is_set());
    e.reset();
    CHECK(!e.is_set());
}

TEST_CASE("set lets all go on who wait, even if it is reset at once, and nobody who comes later")
{
    on_procs([]() -> task<> {
        event e;
        weft_test::team all;
        for (int i = 0; i < 100; ++i) {
            all.go([&e]() -> task<> { co_await e.wait(); });
        }
        co_await weft_test::until_parked(100, "event wait");
        e.set();
        e.reset();
        co_await all.join();
        auto late = weft::spawn([&e]() -> task<> { co_await e.wait(); });
        co_await weft_test::until_parked(1, "event wait");
        CHECK(!e.is_set());
        e.set();
        co_await late.join();
        co_await e.wait(); // it stays set
    });
}

TEST_CASE("those just let go do not need the event any more")
{
    on_procs(
        []() -> task<> {
            event e;
            for (int i = 0; i < 10; ++i) {
                weft::go([&e]() -> task<> { co_await e.wait(); });
            }
            co_await weft_test::until_parked(10, "event wait");
            e.set();
        },
        weft_test::leftovers::parked);
}
