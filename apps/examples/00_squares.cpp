// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The program of the README: a goroutine between two channels.

// [snippet squares]
#include <weft/weft.hpp>

#include <iostream>

weft::task<> squares(weft::receive_channel<int> in, weft::send_channel<int> out)
{
    while (auto n = co_await in.receive()) { // until `in` is closed and empty
        co_await out.send(*n * *n);
    }
    out.close();
}

weft::task<> program()
{
    auto numbers = weft::make_channel<int>(8);
    auto results = weft::make_channel<int>();
    weft::go(squares, numbers, results); // starts a goroutine
    for (int i = 1; i <= 5; ++i) co_await numbers.send(i);
    numbers.close();
    while (auto r = co_await results.receive()) std::cout << *r << '\n';
}

int main()
{
    weft::run(program); // returns when `program` does
}
// [snippet end]

// Output:
// 1
// 4
// 9
// 16
// 25
