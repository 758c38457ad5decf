// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A worker pool: jobs on one channel, results on another, as many workers as the work deserves.

#include <weft/weft.hpp>

#include <cstdint>
#include <iostream>
#include <vector>

struct job {
    int number;
};
struct result {
    int number;
    std::uint64_t steps;
};

/// How many steps the Collatz sequence takes from n to 1.
std::uint64_t collatz(std::uint64_t n)
{
    std::uint64_t steps = 0;
    for (; n != 1; ++steps) n = n % 2 ? 3 * n + 1 : n / 2;
    return steps;
}

weft::task<> worker(weft::receive_channel<job> jobs, weft::send_channel<result> results)
{
    while (auto j = co_await jobs.receive()) { // each job goes to exactly one worker
        const result r{j->number, collatz(static_cast<std::uint64_t>(j->number))};
        co_await results.send(r);
    }
}

weft::task<> pool()
{
    auto jobs = weft::make_channel<job>(16);
    auto results = weft::make_channel<result>(16);

    std::vector<weft::join_handle<void>> workers;
    for (int i = 0; i < 4; ++i) workers.push_back(weft::spawn(worker, jobs, results));
    weft::go([=]() -> weft::task<> {
        for (int n = 1; n <= 10'000; ++n) {
            const job j{n};
            co_await jobs.send(j);
        }
        jobs.close();
        for (const auto& w : workers) co_await w.join();
        results.close();
    });

    int count = 0;
    result longest{};
    while (auto r = co_await results.receive()) {
        ++count;
        if (r->steps > longest.steps) longest = *r;
    }
    std::cout << count << " results\n"
              << longest.number << " takes longest: " << longest.steps << " steps\n";
}

int main()
{
    weft::run(pool);
}

// Output:
// 10000 results
// 6171 takes longest: 261 steps
