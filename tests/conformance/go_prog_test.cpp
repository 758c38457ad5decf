// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Whole programs: sieve, ring, philosophers, matrix, factorial, fan-out.

#include "testing.hpp"

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::receive_channel;
using weft::send_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;

namespace {

// ---------------------------------------------------------------- the prime sieve

task<void> generate(send_channel<int> out)
{
    for (int i = 2;; ++i) co_await out.send(i);
}

task<void> filter(receive_channel<int> in, send_channel<int> out, int prime)
{
    for (;;) {
        auto v = co_await in.receive();
        if (*v % prime != 0) co_await out.send(*v);
    }
}

/// As above, but ends with `stop`.
task<void> generate_until(receive_channel<void> stop, send_channel<int> out)
{
    for (int i = 2;; ++i) {
        auto s = co_await weft::select{out.send(i), stop.receive()};
        if (s.index() == 1) co_return;
    }
}

task<void> filter_until(receive_channel<void> stop, receive_channel<int> in, send_channel<int> out,
                        int prime)
{
    for (;;) {
        auto s = co_await weft::select{in.receive(), stop.receive()};
        if (s.index() == 1) co_return;
        const int n = *s.get<0>();
        if (n % prime == 0) continue;
        auto sent = co_await weft::select{out.send(n), stop.receive()};
        if (sent.index() == 1) co_return;
    }
}

// ---------------------------------------------------------------- the systolic array

/// One cell: passes x on to the east and adds its share to the sum that comes from the north.
task<void> cell(int weight, receive_channel<int> west, send_channel<int> east,
                receive_channel<int> north, send_channel<int> south)
{
    while (auto x = co_await west.receive()) {
        auto sum = co_await north.receive();
        co_await south.send(*sum + weight * *x);
        co_await east.send(*x);
    }
    east.close();
}

using matrix = std::vector<std::vector<int>>;

/// What the array with the weights 1..9 makes of the rows of its input.
task<matrix> multiply(matrix rows)
{
    const std::size_t n = 3;
    std::vector<std::vector<channel<int>>> across(n), down(n + 1);
    for (auto& line : across) {
        for (std::size_t i = 0; i <= n; ++i) line.push_back(make_channel<int>());
    }
    for (auto& line : down) {
        for (std::size_t i = 0; i < n; ++i) line.push_back(make_channel<int>());
    }
    team all;
    for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t j = 0; j < n; ++j) {
            all.go([&, i, j]() -> task<void> {
                co_await cell(static_cast<int>(i * n + j + 1), across[i][j], across[i][j + 1],
                              down[i][j], down[i + 1][j]);
            });
        }
        all.go([&, i]() -> task<void> { // the source in the west
            for (auto& row : rows) co_await across[i][0].send(row[i]);
            across[i][0].close();
        });
        all.go([&, i]() -> task<void> { // the sink in the east
            while (auto x = co_await across[i][n].receive()) {}
        });
        all.go([&, i]() -> task<void> { // the source of zeros in the north
            for (std::size_t k = 0; k < rows.size(); ++k) co_await down[0][i].send(0);
        });
    }
    matrix result;
    for (std::size_t k = 0; k < rows.size(); ++k) {
        std::vector<int> sums;
        for (std::size_t j = 0; j < n; ++j) {
            auto sum = co_await down[n][j].receive();
            sums.push_back(*sum);
        }
        result.push_back(sums);
    }
    co_await all.join();
    co_return result;
}

// ---------------------------------------------------------------- recursion as a chain

struct query {
    std::int64_t n;
    channel<std::int64_t> answer;
};

/// Answers n!, asking the next process of the chain for (n - 1)!.
task<void> factorial(receive_channel<query> asked, send_channel<query> next)
{
    while (auto q = co_await asked.receive()) {
        if (q->n < 2) {
            co_await q->answer.send(1);
            continue;
        }
        auto reply = make_channel<std::int64_t>();
        query simpler{q->n - 1, reply};
        co_await next.send(std::move(simpler));
        auto below = co_await reply.receive();
        co_await q->answer.send(q->n * *below);
    }
    next.close();
}

} // namespace

TEST_CASE("PROG-01 a prime sieve prints the first 25 primes, its filters left parked")
{
    const std::vector<int> expected{2,  3,  5,  7,  11, 13, 17, 19, 23, 29, 31, 37, 41,
                                    43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97};
    on_procs(
        [&]() -> task<void> {
            auto numbers = make_channel<int>();
            weft::go(generate, numbers);
            std::vector<int> primes;
            while (primes.size() < expected.size()) {
                auto prime = co_await numbers.receive();
                primes.push_back(*prime);
                auto filtered = make_channel<int>();
                weft::go(filter, numbers, filtered, *prime);
                numbers = filtered;
            }
            CHECK(primes == expected);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("PROG-01 a prime sieve finds the 250th prime and then stops in good order")
{
    on_procs([]() -> task<void> {
        auto stop = make_channel<void>();
        auto numbers = make_channel<int>();
        team all;
        all.go(generate_until, stop, numbers);
        int prime = 0;
        int sum = 0;
        for (int i = 0; i < 250; ++i) {
            auto v = co_await numbers.receive();
            prime = *v;
            sum += prime;
            auto filtered = make_channel<int>();
            all.go(filter_until, stop, numbers, filtered, prime);
            numbers = filtered;
        }
        CHECK(prime == 1583);
        CHECK(sum == 182'109);
        stop.close();
        co_await all.join();
    });
}

TEST_CASE("PROG-02 a token counts down in a ring of 503 goroutines")
{
    on_procs([]() -> task<void> {
        constexpr int members = 503;
        for (const int hops : {1000, static_cast<int>(count(100'000))}) {
            std::vector<channel<int>> links;
            for (int i = 0; i < members; ++i) links.push_back(make_channel<int>());
            auto holder = make_channel<int>();
            team ring;
            for (int i = 0; i < members; ++i) {
                ring.go([&, i]() -> task<void> {
                    auto in = links[static_cast<std::size_t>(i)];
                    auto out = links[static_cast<std::size_t>((i + 1) % members)];
                    while (auto token = co_await in.receive()) {
                        if (*token == 0) {
                            co_await holder.send(i + 1);
                        } else {
                            co_await out.send(*token - 1);
                        }
                    }
                });
            }
            co_await links[0].send(hops);
            auto last = co_await holder.receive();
            CHECK(last == hops % members + 1);
            for (auto& link : links) link.close();
            co_await ring.join();
        }
        CHECK(1000 % members + 1 == 498);
        CHECK(100'000 % members + 1 == 407);
    });
}

TEST_CASE("PROG-03 five philosophers eat a thousand meals each")
{
    on_procs([]() -> task<void> {
        const std::size_t meals = count(1000);
        for (bool four_seats : {false, true}) {
            std::vector<channel<void>> forks;
            for (int i = 0; i < 5; ++i) forks.push_back(make_channel<void>(1));
            auto seats = make_channel<void>(4);
            std::array<std::size_t, 5> eaten{};
            std::array<std::atomic<int>, 5> in_use{};
            std::atomic<int> violations{0};
            team philosophers;
            for (std::size_t i = 0; i < 5; ++i) {
                philosophers.go([&, i]() -> task<void> {
                    std::size_t first = i;
                    std::size_t second = (i + 1) % 5;
                    // Without the limit of four seats the order of the forks prevents the deadlock.
                    if (!four_seats && second < first) std::swap(first, second);
                    for (std::size_t meal = 0; meal < meals; ++meal) {
                        if (four_seats) co_await seats.send();
                        co_await forks[first].send();
                        co_await forks[second].send();
                        if (++in_use[first] != 1 || ++in_use[second] != 1) ++violations;
                        ++eaten[i];
                        --in_use[first];
                        --in_use[second];
                        co_await forks[second].receive();
                        co_await forks[first].receive();
                        if (four_seats) co_await seats.receive();
                    }
                });
            }
            co_await philosophers.join();
            CHECK(violations == 0);
            for (auto n : eaten) CHECK(n == meals);
        }
    });
}

TEST_CASE("PROG-04 a systolic array of nine goroutines multiplies matrices")
{
    on_procs([]() -> task<void> {
        const matrix ones{{1, 1, 1}, {1, 1, 1}, {1, 1, 1}};
        const matrix rising{{1, 1, 1}, {2, 2, 2}, {3, 3, 3}};
        const matrix mixed{{1, 2, 3}, {1, 2, 3}, {1, 2, 3}};
        auto product = co_await multiply(ones);
        CHECK(product == matrix{{12, 15, 18}, {12, 15, 18}, {12, 15, 18}});
        product = co_await multiply(rising);
        CHECK(product == matrix{{12, 15, 18}, {24, 30, 36}, {36, 45, 54}});
        product = co_await multiply(mixed);
        CHECK(product == matrix{{30, 36, 42}, {30, 36, 42}, {30, 36, 42}});
    });
}

TEST_CASE("PROG-07 a chain of eight goroutines computes factorials, query after query")
{
    on_procs([]() -> task<void> {
        std::vector<channel<query>> links;
        for (int i = 0; i < 9; ++i) links.push_back(make_channel<query>());
        team chain;
        for (std::size_t i = 0; i < 8; ++i) chain.go(factorial, links[i], links[i + 1]);
        for (int round = 0; round < 10; ++round) {
            for (auto [n, expected] : {std::pair{0, 1}, {1, 1}, {4, 24}, {8, 40'320}}) {
                auto answer = make_channel<std::int64_t>();
                query q{n, answer};
                co_await links[0].send(std::move(q));
                auto result = co_await answer.receive();
                CHECK(result == expected);
            }
        }
        links[0].close();
        co_await chain.join();
    });
}

TEST_CASE("PROG-10 fan-out to 23 workers and fan-in again: nothing is lost and all end")
{
    on_procs([]() -> task<void> {
        const std::size_t items = count(10'000);
        constexpr std::array values{2, 3, 7, 11, 13, 17, 19, 23, 27, 31};
        auto q = make_channel<int>();
        auto r = make_channel<int>();
        team all;
        team workers;
        for (int i = 0; i < 23; ++i) {
            workers.go([&]() -> task<void> {
                while (auto v = co_await q.receive()) co_await r.send(*v);
            });
        }
        all.go([&]() -> task<void> {
            for (std::size_t i = 0; i < items; ++i) co_await q.send(values[i % values.size()]);
            q.close();
            co_await workers.join();
            r.close();
        });
        std::size_t received = 0;
        std::size_t sum = 0;
        while (auto v = co_await r.receive()) {
            ++received;
            sum += static_cast<std::size_t>(*v);
        }
        CHECK(received == items);
        CHECK(sum == items / 10 * 153);
        CHECK(q.drained());
        CHECK(r.drained());
        co_await all.join();
    });
}
