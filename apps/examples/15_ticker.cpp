// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A ticker: something at regular intervals, until the context ends. What sends on a channel must
// look at the context there, too, or it waits for a receiver that has left.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::task<int> read_sensor(weft::context ctx, weft::send_channel<int> readings)
{
    const weft::ticker every(2ms); // ends with its scope
    int polls = 0;
    for (;;) {
        auto tick = co_await weft::select{every.channel().receive(), ctx.done()};
        if (tick.index() == 1) co_return polls;
        auto sent = co_await weft::select{readings.send(++polls), ctx.done()};
        if (sent.index() == 1) co_return polls;
    }
}

// The same for a goroutine that is bound to a context: the end of it interrupts every wait, and is
// the normal end of the goroutine.
weft::task<> read_bound(weft::send_channel<int> readings)
{
    const weft::ticker every(2ms);
    for (int polls = 1;; ++polls) {
        co_await every.channel().receive();
        co_await readings.send(polls);
    }
}

weft::task<> program()
{
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto a = weft::make_channel<int>(), b = weft::make_channel<int>();
    auto poller = weft::spawn(read_sensor, ctx, a);
    weft::go(ctx, read_bound, b);
    for (int i = 0; i < 3; ++i) {
        const int first = *co_await a.receive(), second = *co_await b.receive();
        std::cout << first << ' ' << second << '\n';
    }
    cancel();
    const int polls = co_await poller.join();
    std::cout << (polls >= 3 ? "stopped\n" : "stopped early\n");
}

int main()
{
    weft::run(program);
}

// Output:
// 1 1
// 2 2
// 3 3
// stopped
