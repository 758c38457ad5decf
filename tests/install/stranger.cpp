// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

/// A program that knows weft only as an installed package.

#include <weft/weft.hpp>

int main()
{
    return weft::run([]() -> weft::task<int> {
        auto numbers = weft::make_channel<int>();
        weft::go([numbers]() mutable -> weft::task<void> {
            for (int n : {1, 2, 3}) co_await numbers.send(n);
            numbers.close();
        });
        int sum = 0;
        while (auto n = co_await numbers.receive()) sum += *n;
        co_return sum == 6 ? 0 : 1;
    });
}
