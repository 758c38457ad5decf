// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A pipeline that can be stopped: each stage is a goroutine that reads one channel and writes the
// next. The prime sieve: a chain of filters that grows by one for each prime found.

#include <weft/weft.hpp>

#include <iostream>

using stop_signal = weft::receive_channel<void>;

weft::task<> count_from(int n, weft::send_channel<int> out, stop_signal stop)
{
    weft::defer no_more([&] { out.close(); });
    for (;; ++n) {
        auto s = co_await weft::select{out.send(n), stop.receive()};
        if (s.index() == 1) co_return; // closed: nobody wants more
    }
}

weft::task<> without_multiples_of(int prime, weft::receive_channel<int> in,
                                  weft::send_channel<int> out, stop_signal stop)
{
    weft::defer no_more([&] { out.close(); });
    while (auto n = co_await in.receive()) { // ends when the stage before ends
        if (*n % prime == 0) continue;
        auto s = co_await weft::select{out.send(*n), stop.receive()};
        if (s.index() == 1) co_return;
    }
}

weft::task<> primes()
{
    auto stop = weft::make_channel<void>();
    auto in = weft::make_channel<int>();
    weft::go(count_from, 2, in, stop);
    for (int i = 0; i < 10; ++i) {
        auto prime = co_await in.receive();
        std::cout << *prime << (i < 9 ? ' ' : '\n');
        auto out = weft::make_channel<int>();
        weft::go(without_multiples_of, *prime, in, out, stop);
        in = out;
    }
    stop.close();                    // a close reaches all stages at once
    while (co_await in.receive()) {} // until the last stage has ended
}

int main()
{
    weft::run(primes);
}

// Output:
// 2 3 5 7 11 13 17 19 23 29
