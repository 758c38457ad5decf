// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: a goroutine computes without giving way, so those on its worker wait. The watchdog names
// the place; the scheduling latency says what it costs the others.

#include <weft/debug/contention.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

// [snippet slow_worker]
int checksum(int rounds)
{
    const auto until = std::chrono::steady_clock::now() + rounds * 1ms; // a long computation
    int sum = 0;
    while (std::chrono::steady_clock::now() < until) ++sum;
    return sum;
}

weft::task<> report(weft::receive_channel<int> orders)
{
    while (auto rounds = co_await orders.receive()) {
        checksum(*rounds); // the fault: weft::blocking, or a yield now and then
    }
}
// [snippet end]

weft::task<> program()
{
    const weft::debug::watchdog dog;
    weft::debug::set_latency_sampling(1);
    auto orders = weft::make_channel<int>(8);
    weft::go(report, orders);
    for (int i = 0; i < 6; ++i) {
        co_await orders.send(40);
        co_await weft::this_goroutine::yield();
    }
    orders.close();
    const auto waits = weft::debug::scheduling_latency();
    std::cout << "from runnable to running, p90: "
              << (waits.quantile(0.9) >= 20ms ? "20 ms or more" : "less than 20 ms") << '\n';
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Shows:
// watchdog: goroutine 2 has run for 11 ms so far, without letting others run, from its start
// watchdog: goroutine 2 has run for 11 ms so far, without letting others run, from slow_worker.cpp:27
// from runnable to running, p90: 20 ms or more
