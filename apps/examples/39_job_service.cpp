// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What a worker of a real service is made of: a bounded queue, some workers, a limit of speed, retries
// with pauses, and an end in good order. apps/relay is one that is large.

#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;

class deliverer {
public:
    weft::task<std::string> deliver(weft::context ctx, int parcel)
    {
        const auto policy = weft::backoff{.initial = 1ms, .max = 10ms, .max_attempts = 5};
        auto attempt = [this, parcel](int n) { return try_once(parcel, n); };
        co_await speed_.wait(ctx);
        co_return co_await weft::retry(ctx, policy, attempt);
    }

    [[nodiscard]] int attempts() const { return attempts_; }

private:
    weft::task<std::string> try_once(int parcel, int n)
    {
        ++attempts_;
        co_await weft::sleep(1ms);
        if (parcel == 3) throw weft::permanent(std::runtime_error("no such address"));
        if (parcel % 2 == 0 && n < 3) throw std::runtime_error("nobody at home");
        co_return "parcel " + std::to_string(parcel) + " delivered";
    }

    weft::limiter speed_{1000, 10}; // a thousand a second, ten at once
    std::atomic<int> attempts_ = 0;
};

weft::task<> program(weft::context ctx)
{
    deliverer van;
    auto work = [&van](weft::context pool, int parcel) { return van.deliver(pool, parcel); };
    weft::pattern::worker_pool<int, std::string> pool(ctx, 3, 8, work);
    std::vector<weft::join_handle<std::string>> all;
    for (int parcel = 1; parcel <= 4; ++parcel) {
        all.push_back(co_await pool.submit(ctx, parcel)); // waits while the queue is full
    }
    for (const auto& one : all) {
        try {
            std::cout << co_await one.join() << '\n';
        } catch (const std::exception& e) {
            std::cout << "failed: " << e.what() << '\n';
        }
    }
    co_await pool.drain(); // nothing new; what was accepted is done
    std::cout << van.attempts() << " attempts\n";
}

int main()
{
    weft::run([](weft::context ctx) { return program(ctx); }); // ends with SIGINT and SIGTERM, too
}

// Output:
// parcel 1 delivered
// parcel 2 delivered
// failed: no such address
// parcel 4 delivered
// 8 attempts
