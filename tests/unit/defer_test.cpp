// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// defer: at scope exit, last in first out, whichever way the scope is left.

#include "testing.hpp"

#include <weft/defer.hpp>

#include <memory>
#include <stdexcept>
#include <string>

using weft::task;
using weft_test::on_procs;

TEST_CASE("deferred functions run at scope exit, last in first out")
{
    std::string order;
    {
        weft::defer first([&] { order += '1'; });
        weft::defer second([&] { order += '2'; });
        {
            weft::defer inner([&] { order += 'i'; });
            order += 'b';
        }
        order += 'e';
    }
    CHECK(order == "bie21");
}

TEST_CASE("deferred functions run when an exception passes")
{
    int ran = 0;
    try {
        weft::defer d([&] { ++ran; });
        throw std::runtime_error("passes");
    } catch (const std::runtime_error&) {
        CHECK(ran == 1);
    }
    CHECK(ran == 1);
}

TEST_CASE("a deferred function may own what it needs")
{
    int seen = 0;
    {
        weft::defer d([&seen, n = std::make_unique<int>(7)] { seen = *n; });
    }
    CHECK(seen == 7);
}

TEST_CASE("a goroutine's deferred functions run after its last await, and when it is unwound")
{
    on_procs(
        []() -> task<void> {
            static std::atomic<int> ran;
            ran = 0;
            auto gate = weft::make_channel<void>();
            auto body = [gate]() -> task<void> {
                weft::defer d([] { ++ran; });
                co_await gate.receive();
                CHECK(ran == 0);
            };
            auto ends = weft::spawn(body);
            co_await gate.send();
            co_await ends.join();
            CHECK(ran == 1);
        },
        weft_test::leftovers::none);

    static std::atomic<int> unwound{0};
    weft::run([]() -> task<void> {
        weft::go([]() -> task<void> {
            weft::defer d([] { ++unwound; });
            co_await weft::channel<void>().receive();
        });
        co_await weft_test::until_parked(1, "chan receive (nil chan)");
    });
    CHECK(unwound == 1);
}
