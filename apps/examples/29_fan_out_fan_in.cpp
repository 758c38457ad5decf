// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Fan-out and fan-in: several workers take from one channel and send to another, which is closed
// when the last of them has ended.

#include <weft/weft.hpp>

#include <iostream>

weft::task<> worker(weft::receive_channel<int> in, weft::send_channel<long> out)
{
    while (const auto n = co_await in.receive()) {
        const long square = static_cast<long>(*n) * *n;
        co_await out.send(square);
    }
}

weft::task<> program()
{
    auto in = weft::make_channel<int>();
    auto out = weft::make_channel<long>();

    weft::go([in]() -> weft::task<> {
        for (int i = 1; i <= 1000; ++i) co_await in.send(i);
        in.close(); // the one who sends, and nobody else
    });
    weft::go([in, out]() -> weft::task<> {
        weft::wait_group workers;
        for (int i = 0; i < 4; ++i) workers.go(worker, in, out);
        co_await workers.wait();
        out.close(); // now nobody sends any more
    });

    long sum = 0;
    int results = 0;
    while (const auto r = co_await out.receive()) {
        sum += *r;
        ++results;
    }
    std::cout << results << " results, sum " << sum << '\n';
}

int main()
{
    weft::run(program);
}

// Output:
// 1000 results, sum 333833500
