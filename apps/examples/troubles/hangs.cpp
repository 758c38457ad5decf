// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: `squares` does not close what it sends to, so `program` waits for a value that nobody
// sends. The deadlock report names the place.

#include <weft/weft.hpp>

#include <iostream>

// [snippet hangs]
weft::task<> squares(weft::receive_channel<int> in, weft::send_channel<int> out)
{
    while (auto n = co_await in.receive()) co_await out.send(*n * *n);
    // the fault: nobody closes `out`
}

weft::task<> program()
{
    auto numbers = weft::make_channel<int>();
    auto results = weft::make_channel<int>();
    weft::go(squares, numbers, results);
    co_await numbers.send(3);
    numbers.close();
    while (auto r = co_await results.receive()) std::cout << *r << std::endl;
}
// [snippet end]

int main()
{
    weft::run(program);
}

// Exit status: 2

// Shows:
// 9
// fatal error: all goroutines are asleep - deadlock!
//
// goroutine 1 "main" [chan receive]:
// program()
//     hangs.cpp:25
// created by main()
//     hangs.cpp:31
