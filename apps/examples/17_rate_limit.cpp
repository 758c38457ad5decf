// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Rate limiting: a bucket of tokens. `wait` lets everything through, but not too fast; `allow`
// drops what is too much. Unlike a ticker, it lets a burst pass after a quiet time.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::task<> paced(weft::receive_channel<int> jobs)
{
    const weft::limiter lim(weft::limiter::every(2ms), 3); // 500 a second, 3 at once
    const auto start = weft::clock::now();
    int done = 0;
    while (auto job = co_await jobs.receive()) {
        co_await lim.wait();
        ++done;
    }
    // Three tokens were there; the other ten came one each 2 ms.
    const bool in_time = weft::clock::now() - start >= 19ms;
    std::cout << done << " jobs, " << (in_time ? "not too fast\n" : "too fast\n");
}

weft::task<> program()
{
    auto jobs = weft::make_channel<int>(13);
    for (int i = 0; i < 13; ++i) co_await jobs.send(i);
    jobs.close();
    co_await paced(jobs);

    const weft::limiter strict(weft::limiter::every(1h), 4);
    int served = 0;
    for (int i = 0; i < 10; ++i) served += strict.allow() ? 1 : 0;
    std::cout << served << " of 10 served, the others turned away\n";

    // A wait that the context would not live to see fails now, not then, and costs no token.
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 1min);
    try {
        co_await strict.wait(ctx);
    } catch (const weft::error& e) {
        std::cout << e.what() << '\n';
    }
}

int main()
{
    weft::run(program);
}

// Output:
// 13 jobs, not too fast
// 4 of 10 served, the others turned away
// rate: Wait(n=1) would exceed context deadline: context deadline exceeded
