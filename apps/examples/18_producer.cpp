// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A producer that ends when nobody wants its values any more: it sends under the consumer's
// context, which the consumer's scope ends, on whatever way it is left.

#include <weft/weft.hpp>

#include <iostream>

weft::task<> count(weft::context ctx, weft::send_channel<int> numbers,
                   weft::send_channel<void> over)
{
    const weft::defer end([&] {
        numbers.close(); // the sender closes
        over.close();
    });
    for (int n = 1;; ++n) {
        auto s = co_await weft::select{numbers.send(n), ctx.done()};
        if (s.index() == 1) co_return;
    }
}

weft::task<int> first_multiple(int of, int above, weft::send_channel<void> over)
{
    auto [ctx, cancel] = weft::with_cancel(weft::background()); // `cancel` is called at its end
    auto numbers = weft::make_channel<int>();
    weft::go(count, ctx, numbers, over);
    while (auto n = co_await numbers.receive()) {
        if (*n > above && *n % of == 0) co_return *n; // leaves the producer in the middle of a send
    }
    co_return 0;
}

weft::task<> program()
{
    auto over = weft::make_channel<void>();
    const int n = co_await first_multiple(7, 100, over);
    std::cout << n << '\n';
    co_await over.receive();
    std::cout << "the producer has ended\n";
}

int main()
{
    weft::run(program);
}

// Output:
// 105
// the producer has ended
