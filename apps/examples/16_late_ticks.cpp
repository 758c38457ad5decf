// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Late ticks: what a ticker does about those that came while nobody was receiving. Ticks stay on
// the grid, however long the work takes.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

constexpr auto period = 10ms;

weft::task<> after_long_work(const char* name, weft::late_ticks policy)
{
    const weft::ticker every(period, policy);
    co_await weft::sleep(4 * period + period / 2); // four ticks or more are due
    const auto now = weft::clock::now();
    auto tick = co_await every.channel().receive(); // at once
    const bool newest = now - *tick < period;
    std::cout << name << ": the " << (newest ? "newest" : "oldest") << " tick, "
              << (every.missed() >= 3 ? "the others are dropped" : "the others follow at once")
              << '\n';
}

// To have no late tick at all: take out what came during the work. A loop over a select with a
// default would do that and nothing else, as fast as the processor can.
weft::task<> never_late(int turns)
{
    const weft::ticker every(period);
    const auto ticks = every.channel();
    for (int i = 0; i < turns; ++i) {
        auto tick = co_await ticks.receive();
        if (!tick) co_return;
        co_await weft::sleep(period + period / 2); // the work overruns the interval
        if (ticks.try_receive()) std::cout << "skipped one\n";
    }
}

weft::task<> program()
{
    co_await after_long_work("drop ", weft::late_ticks::drop); // Go's way, and the default
    co_await after_long_work("skip ", weft::late_ticks::skip);
    co_await after_long_work("burst", weft::late_ticks::burst);
    co_await never_late(2);
}

int main()
{
    weft::run(program);
}

// Output:
// drop : the oldest tick, the others are dropped
// skip : the newest tick, the others are dropped
// burst: the oldest tick, the others follow at once
// skipped one
// skipped one
