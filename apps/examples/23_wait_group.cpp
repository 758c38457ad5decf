// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A wait group: counts goroutines, and waits for the last of them. Counting comes before starting,
// so that nobody waits for too few; `wait_group::go` does both.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <vector>

using namespace std::chrono_literals;

weft::task<> square(int n, int& into)
{
    co_await weft::sleep(1ms);
    into = n * n;
}

weft::task<> program()
{
    std::vector<int> results(5);
    weft::wait_group all;
    for (int i = 0; i < 5; ++i) all.go(square, i, std::ref(results[i]));
    co_await all.wait(); // what they wrote can be read now
    for (const int r : results) std::cout << r << (r < 16 ? ' ' : '\n');

    // By hand, where what is counted is no goroutine of ours.
    all.add(2);
    weft::go([&all]() -> weft::task<> {
        co_await weft::sleep(1ms);
        all.done();
    });
    all.done();

    // A wait can be given up; the group goes on.
    const auto [ctx, cancel] = weft::with_timeout(weft::background(), 1s);
    co_await all.wait(ctx);
    std::cout << "all done\n";

    try {
        all.done();
    } catch (const weft::misuse_error& e) {
        std::cout << e.what() << '\n';
    }
}

int main()
{
    weft::run(program);
}

// Output:
// 0 1 4 9 16
// all done
// negative WaitGroup counter
