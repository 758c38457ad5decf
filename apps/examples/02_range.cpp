// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Ranging over a channel: the sender closes it, the receiver reads until it is drained.

#include <weft/weft.hpp>

#include <iostream>
#include <utility>

weft::task<> fibonacci(int n, weft::send_channel<int> out)
{
    int a = 0, b = 1;
    for (int i = 0; i < n; ++i) {
        co_await out.send(a);
        b = std::exchange(a, b) + b;
    }
    out.close(); // whoever sends says that no more will come
}

weft::task<> numbers()
{
    auto sequence = weft::make_channel<int>(4);
    weft::go(fibonacci, 10, sequence);
    while (auto n = co_await sequence.receive()) { // empty once closed and drained
        std::cout << *n << ' ';
    }
    std::cout << "end\n";
}

int main()
{
    weft::run(numbers);
}

// Output:
// 0 1 1 2 3 5 8 13 21 34 end
