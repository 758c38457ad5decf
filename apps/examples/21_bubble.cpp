// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A test in a bubble: an hour of retries takes no time, and what happens when is exact.

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

/// What is to be tested: asks every ten minutes until there is an answer, at most for an hour.
weft::task<int> ask_until(weft::receive_channel<int> answers)
{
    weft::ticker every(10min);
    const auto over = weft::clock::now() + 1h;
    for (;;) {
        auto s =
            co_await weft::select{answers.receive(), every.channel().receive(), weft::at(over)};
        if (s.index() == 0) co_return s.get<0>().value_or(-1);
        if (s.index() == 2) co_return -1;
    }
}

weft::task<> answered_after_a_while()
{
    auto answers = weft::make_channel<int>();
    const auto start = weft::clock::now();
    auto asker = weft::spawn(ask_until, answers);
    co_await weft::sleep(25min);
    co_await answers.send(42);
    const int got = co_await asker.join();
    const auto took = weft::clock::now() - start;
    std::cout << got << " after " << std::chrono::duration_cast<std::chrono::minutes>(took).count()
              << " minutes\n";
}

weft::task<> never_answered()
{
    auto answers = weft::make_channel<int>();
    auto asker = weft::spawn(ask_until, answers);
    co_await weft::testing::settle(); // the others wait now; no time has passed
    std::cout << weft::debug::goroutine_count() << " goroutines\n";
    const int got = co_await asker.join();
    std::cout << got << '\n';
}

int main()
{
    weft::testing::bubble(answered_after_a_while);
    weft::testing::bubble(never_answered);
}

// Output:
// 42 after 25 minutes
// 2 goroutines
// -1
