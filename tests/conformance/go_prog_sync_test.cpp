// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Programs with locks. Sources of the rules: csp csp_test.go.

#include "testing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <vector>

using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;

namespace {

/// Five philosophers: who eats, and whether two ever ate with one fork.
class table {
public:
    void eat(std::size_t philosopher, std::size_t left, std::size_t right)
    {
        if (++in_use_[left] != 1 || ++in_use_[right] != 1) ++violations_;
        ++eaten_[philosopher];
        --in_use_[left];
        --in_use_[right];
    }
    void check(std::size_t meals) const
    {
        CHECK(violations_ == 0);
        for (auto n : eaten_) CHECK(n == meals);
    }

private:
    std::array<std::size_t, 5> eaten_{};
    std::array<std::atomic<int>, 5> in_use_{};
    std::atomic<int> violations_{0};
};

} // namespace

TEST_CASE("PROG-03 philosophers with forks that are mutexes, taken in one order")
{
    on_procs([]() -> task<> {
        const std::size_t meals = count(1000);
        table five;
        std::array<weft::mutex, 5> forks;
        team philosophers;
        for (std::size_t i = 0; i < 5; ++i) {
            philosophers.go([&, i]() -> task<> {
                const std::size_t first = std::min(i, (i + 1) % 5);
                const std::size_t second = std::max(i, (i + 1) % 5);
                for (std::size_t meal = 0; meal < meals; ++meal) {
                    auto one = co_await forks[first].lock();
                    co_await weft::this_goroutine::yield(); // give the others a chance to go wrong
                    auto other = co_await forks[second].lock();
                    five.eat(i, first, second);
                }
            });
        }
        co_await philosophers.join();
        five.check(meals);
        for (auto& fork : forks) {
            CHECK(fork.try_lock());
            fork.unlock();
        }
    });
}

TEST_CASE("PROG-03 philosophers with forks that are channels, and a semaphore of four seats")
{
    on_procs([]() -> task<> {
        const std::size_t meals = count(1000);
        table five;
        std::vector<weft::channel<void>> forks;
        for (int i = 0; i < 5; ++i) forks.push_back(weft::make_channel<void>(1));
        weft::semaphore seats(4);
        team philosophers;
        for (std::size_t i = 0; i < 5; ++i) {
            philosophers.go([&, i]() -> task<> {
                const std::size_t left = i;
                const std::size_t right =
                    (i + 1) % 5; // in a circle: five at a time would get stuck
                for (std::size_t meal = 0; meal < meals; ++meal) {
                    auto seat = co_await seats.hold();
                    co_await forks[left].send();
                    co_await weft::this_goroutine::yield();
                    co_await forks[right].send();
                    five.eat(i, left, right);
                    co_await forks[right].receive();
                    co_await forks[left].receive();
                }
            });
        }
        co_await philosophers.join();
        five.check(meals);
        CHECK(seats.available() == 4);
    });
}
