// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A broadcast: every subscriber gets every value, and says what is to become of those that it has no
// room for. The publisher waits for the one who must not miss any; it does not wait for the others.

#include <weft/pattern/broadcast.hpp>
#include <weft/weft.hpp>

#include <iostream>
#include <string>
#include <utility>

using weft::pattern::broadcast;
using weft::pattern::broadcast_policy;
using weft::pattern::subscription;

/// Reads all there is, once it is allowed to.
weft::task<std::string> reader(subscription<int> prices, weft::receive_channel<void> begin)
{
    co_await begin.receive();
    std::string text;
    while (auto p = co_await prices.receive()) text += ' ' + std::to_string(*p);
    if (prices.missed() != 0) text += ", missed " + std::to_string(prices.missed());
    if (prices.cut_off()) text += ", cut off";
    co_return text;
}

weft::task<> program()
{
    const broadcast<int> prices;
    auto begin = weft::make_channel<void>();
    auto at_once = weft::make_channel<void>();
    at_once.close();

    auto book = weft::spawn(reader, prices.subscribe(broadcast_policy::block, 1), at_once);
    auto first = weft::spawn(reader, prices.subscribe(broadcast_policy::drop_newest, 2), begin);
    auto last = weft::spawn(reader, prices.subscribe(broadcast_policy::drop_oldest, 2), begin);
    auto strict = weft::spawn(reader, prices.subscribe(broadcast_policy::disconnect, 2), begin);

    for (int price = 1; price <= 5; ++price) co_await prices.publish(price);
    prices.close();
    begin.close();

    std::cout << "block:" << co_await book.join() << '\n';
    std::cout << "drop_newest:" << co_await first.join() << '\n';
    std::cout << "drop_oldest:" << co_await last.join() << '\n';
    std::cout << "disconnect:" << co_await strict.join() << '\n';
}

int main()
{
    weft::run(program);
}

// Output:
// block: 1 2 3 4 5
// drop_newest: 1 2, missed 3
// drop_oldest: 4 5, missed 3
// disconnect: 1 2, missed 1, cut off
