// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Timers ring whenever the schedule lets them, so they meet every operation.

#include "machine.hpp"

using namespace std::chrono_literals;
using namespace weft_model;
using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

/// A worker sets a wake-up when it goes idle; so for timers to ring beside a goroutine that runs, another one must sleep.
void sleep_beside(machine& m)
{
    m.go([]() -> task<> { co_await weft::sleep(1ms); });
}

} // namespace

WEFT_MODEL_CASE(timer_sleeps)
{
    machine m;
    int woken = 0;
    for (int i = 1; i <= 2; ++i) {
        m.go([&woken, i]() -> task<> {
            const auto until = weft::clock::now() + i * 1ms;
            co_await weft::sleep(i * 1ms);
            check(weft::clock::now() >= until, "a sleep was too short");
            ++woken;
        });
    }
    m.join();
    check(woken == 2);
}

/// A wheel whose first timer was stopped says that something is due where nothing is: whoever rings it wakes nobody,
/// and may find that the other one is at the other wheel just then. One of them has to see to what comes later.
WEFT_MODEL_CASE(timer_two_stopped)
{
    machine m;
    int woken = 0;
    for (int i = 0; i < 2; ++i) {
        m.go([&woken]() -> task<> {
            weft::timer later(2ms);
            weft::timer first(1ms);
            first.stop();
            co_await later.channel().receive();
            ++woken;
        });
    }
    outsider visits([&m] { // a worker awakes, and finds the first moment past
        m.inject([]() -> task<> { co_return; });
    });
    m.join();
    check(woken == 2);
}

WEFT_MODEL_CASE(timer_stop)
{
    machine m;
    sleep_beside(m);
    m.go([]() -> task<> {
        weft::timer t(1ms);
        co_await weft::this_goroutine::yield();
        const bool stopped = t.stop();
        const auto left = t.channel().try_receive();
        check(!left, "a stopped timer's channel has a value");
        check(stopped, "it was not received, so it could be stopped");
    });
    m.join();
}

WEFT_MODEL_CASE(timer_reset)
{
    machine m;
    sleep_beside(m);
    m.go([]() -> task<> {
        weft::timer t(1ms);
        co_await weft::this_goroutine::yield();
        const auto before = weft::clock::now();
        check(t.reset(5ms));
        const auto at = co_await t.channel().receive();
        check(at.has_value() && *at >= before + 5ms, "an old value after a reset");
    });
    m.join();
}

WEFT_MODEL_CASE(timer_against_send)
{
    machine m;
    ledger l;
    auto c = make_channel<int>();
    m.go(
        [](channel<int> in, ledger& k) -> task<> {
            auto s = co_await weft::select{in.receive(), weft::after(1ms)};
            if (s.index() == 0) {
                k.received(*s.get<0>());
            } else {
                co_await receive_some(in, k, 1);
            }
        },
        c, std::ref(l));
    m.go(send_some, c, std::ref(l), 100, 1);
    m.join();
    l.settle();
}

WEFT_MODEL_CASE(timer_func_stop)
{
    machine m;
    sleep_beside(m);
    int ran = 0, stopped = 0;
    m.go([&]() -> task<> {
        auto t = weft::after_func(1ms, [&ran] { ++ran; });
        co_await weft::this_goroutine::yield();
        if (t.stop()) ++stopped;
    });
    m.join();
    check(ran + stopped == 1, "it ran and was stopped, or neither");
}

WEFT_MODEL_CASE(timer_func_reset)
{
    machine m;
    int ran = 0, again = 0;
    m.go([&]() -> task<> {
        auto t = weft::after_func(1ms, [&ran] { ++ran; });
        co_await weft::this_goroutine::yield();
        again = t.reset(1ms) ? 0 : 1; // it had run, or was about to
        while (ran != 1 + again) co_await weft::sleep(1ms);
    });
    m.join();
    check(ran == 1 + again);
}

WEFT_MODEL_CASE(timer_ticks)
{
    machine m;
    m.go([]() -> task<> {
        weft::ticker every(1ms);
        const auto first = co_await every.channel().receive();
        const auto second = co_await every.channel().receive();
        check(*second > *first);
        every.stop();
    });
    m.join();
}

WEFT_MODEL_CASE(timer_of_an_outsider)
{
    machine m(1);
    auto c = make_channel<int>();
    m.go([](channel<int> in) -> task<> { check(co_await in.receive() == 1); }, c);
    outsider thread([&m, c] {
        weft::after_func(m.runtime.get_executor(), 1ms, [c]() -> task<> { co_await c.send(1); });
    });
    m.join();
    thread.join();
}

/// One wheel, and a later timer in it already.
WEFT_MODEL_CASE(timer_earlier_than_the_first, .patient_clock = true)
{
    machine m;
    int woken = 0;
    m.go([&] {
        weft::go([&]() -> task<> {
            co_await weft::sleep(1h);
            ++woken;
        });
        weft::go([&]() -> task<> {
            const auto begin = weft::clock::now();
            co_await weft::sleep(1ms);
            check(weft::clock::now() - begin < 1h, "an earlier timer waited for a later one");
            ++woken;
        });
    });
    m.join();
    check(woken == 2);
}

/// A wake-up for a timer that was stopped, which wakes nobody, comes while the only worker is on its way to idle and has seen
/// that one is set: who rang sees to what comes later.
WEFT_MODEL_CASE(timer_against_a_visit)
{
    machine m(1);
    int woken = 0;
    m.go([&]() -> task<> {
        weft::timer later(2ms);
        weft::timer first(1ms);
        first.stop();
        co_await later.channel().receive();
        ++woken;
    });
    outsider visits([&m] { m.inject([]() -> task<> { co_return; }); });
    m.join();
    check(woken == 1);
}

/// The wake-up is cleared, since its timer was stopped, while another worker relies on it.
WEFT_MODEL_CASE(timer_stopped_beside_a_later_one)
{
    machine m;
    int woken = 0;
    weft::timer first(m.runtime.get_executor(), 1ms);
    begin_focus();
    outsider one([&first] { first.stop(); });
    outsider two([&m, &woken] {
        m.inject([&woken]() -> task<> {
            co_await weft::sleep(2ms);
            ++woken;
        });
    });
    one.join();
    two.join();
    m.join();
    check(woken == 1);
}
