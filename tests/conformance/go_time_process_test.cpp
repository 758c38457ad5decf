// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Deadlock, and the timers that may still end it.

#include "../unit/child_process.hpp"
#include "testing.hpp"

#include <chrono>
#include <memory>
#include <string>

#if defined(WEFT_TEST_CAN_FORK) && defined(__linux__)

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft_test::deadlock_is_told;
using weft_test::deadlock_verdict;
using weft_test::in_child;

namespace {

/// `main` ends well and nothing is reported.
template <class Main>
void check_goes_on(Main main)
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        const auto child = in_child([&] { weft::run(main, {.procs = procs}); });
        CHECK(child.status == 0);
        CHECK(child.errors == "");
    }
    weft_test::note_procs(0);
}

/// A deadlock is reported, though not before `not_before`.
template <class Main>
void check_deadlock(Main main, weft::duration not_before, const std::string& in_dump)
{
    if (!deadlock_is_told) return;
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        const auto start = weft::clock::now();
        const auto child = in_child([&] { weft::run(main, {.procs = procs}); });
        const auto took = weft::clock::now() - start;
        CHECK(child.status == 2);
        CHECK(child.errors.starts_with(deadlock_verdict));
        CHECK(child.wrote(in_dump));
        CHECK(took >= not_before);
        CHECK(took <= not_before + 5s);
    }
    weft_test::note_procs(0);
}

} // namespace

TEST_CASE("DEAD-03 no report while a sleep, a moment or a timer is to come; the program goes on")
{
    check_goes_on([]() -> task<> {
        auto ch = make_channel<void>();
        weft::go([ch]() -> task<> {
            co_await weft::sleep(1s);
            ch.close();
        });
        co_await ch.receive();
    });
    check_goes_on([]() -> task<> { co_await weft::sleep(300ms); });
    check_goes_on([]() -> task<> {
        co_await weft::select{make_channel<int>().receive(), weft::after(300ms)};
    });
    check_goes_on([]() -> task<> {
        weft::timer t(300ms);
        co_await t.channel().receive();
    });
    check_goes_on([]() -> task<> {
        auto ch = make_channel<void>();
        weft::after_func(300ms, [ch] { ch.close(); });
        co_await ch.receive();
    });
    check_goes_on([]() -> task<> {
        weft::ticker t(100ms);
        for (int i = 0; i < 3; ++i) co_await t.channel().receive();
    });
}

TEST_CASE("DEAD-03 a report once the last timer has gone")
{
    check_deadlock(
        []() -> task<> {
            weft::go([]() -> task<> { co_await weft::sleep(200ms); });
            weft::after_func(100ms, [] {});
            co_await make_channel<int>().receive();
        },
        200ms, "\"main\" [chan receive]:\n");
    check_deadlock(
        []() -> task<> {
            weft::timer t(1h), dropped(1h);
            weft::ticker k(1ms);
            auto f = weft::after_func(1h, [] {});
            t.stop();
            k.stop();
            f.stop();
            dropped = {};
            co_await t.channel().receive();
        },
        0ms, "\"main\" [chan receive]:\n");
    check_deadlock(
        []() -> task<> {
            auto ch = make_channel<int>(1);
            co_await ch.send(1);
            co_await weft::select{ch.receive(), weft::after(1h)};
            co_await weft::select{weft::after(100ms), weft::after(1h)};
            co_await weft::select{ch.receive()};
        },
        100ms, "\"main\" [select]:\n");
}

TEST_CASE("DEAD-03 a goroutine that sleeps is listed as such")
{
    const auto child = in_child([] {
        weft::run(
            []() -> task<> {
                weft::go([]() -> task<> { co_await weft::sleep(1h); });
                co_await weft_test::until_parked(1, "sleep");
                weft::debug::dump(std::cerr);
            },
            {.procs = 1});
    });
    CHECK(child.status == 0);
    CHECK(child.wrote("[sleep]:\n"));
}

#endif
