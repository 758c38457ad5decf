// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A deadline for a whole request: the context goes down the calls as the first argument, and
// whatever waits, waits under it. A call can shorten the time, not extend it. Values of the request
// go along.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct request_id { // a key: names a value, and its type
    using type = std::string;
};

weft::task<std::string> query(weft::context ctx, weft::duration takes)
{
    co_await weft::sleep(ctx, takes); // throws when the context ends first
    co_return "rows for " + *ctx.value<request_id>();
}

weft::task<std::string> fetch(weft::context ctx, weft::duration takes)
{
    auto [longer, cancel] = weft::with_timeout(ctx, 24h);
    if (longer.deadline() != ctx.deadline())
        throw std::logic_error("got more time than the caller has");
    const std::string rows = co_await query(longer, takes);
    co_return rows;
}

weft::task<> handle(weft::context parent, std::string id, weft::duration takes)
{
    auto [timed, cancel] = weft::with_timeout(parent, 50ms);
    const auto ctx = weft::with_value<request_id>(timed, id);
    try {
        std::cout << co_await fetch(ctx, takes) << '\n';
    } catch (const weft::error& e) {
        std::cout << id << ": " << e.what() << '\n';
        if (e.code() == std::errc::timed_out) std::cout << "answer 504\n";
    }
}

weft::task<> program()
{
    co_await handle(weft::background(), "a quick one", 0ms);
    co_await handle(weft::background(), "a slow one", 1h);
    auto [server, shut_down] = weft::with_cancel(weft::background());
    shut_down();
    co_await handle(server, "a late one", 1h);
}

int main()
{
    weft::run(program);
}

// Output:
// rows for a quick one
// a slow one: context deadline exceeded
// answer 504
// a late one: context canceled
