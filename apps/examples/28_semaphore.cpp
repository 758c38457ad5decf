// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A semaphore: at most so many at once. Permits are given out in order, and may be taken several at
// a time.

#include <weft/weft.hpp>

#include <algorithm>
#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

weft::task<> program()
{
    weft::semaphore slots(3);
    weft::wait_group all;
    int now = 0, most = 0, done = 0;
    const auto job = [&]() -> weft::task<> {
        const auto slot = co_await slots.hold(); // given back at the end of the scope
        most = std::max(most, ++now);
        co_await weft::sleep(1ms);
        --now;
        ++done;
    };
    for (int i = 0; i < 10; ++i) all.go(job);
    co_await all.wait();
    std::cout << done << " jobs, at most " << most << " at once\n";

    // All of them: nobody else has any now.
    co_await slots.acquire(3);
    std::cout << (slots.try_acquire() ? "another one?\n" : "none left\n");
    // A wait that is given up takes nothing.
    const auto [ctx, cancel] = weft::with_timeout(weft::background(), 5ms);
    try {
        co_await slots.acquire(ctx, 2);
    } catch (const weft::error& e) {
        std::cout << e.what() << '\n';
    }
    slots.release(3);
    std::cout << slots.available() << " free\n";
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Output:
// 10 jobs, at most 3 at once
// none left
// context deadline exceeded
// 3 free
