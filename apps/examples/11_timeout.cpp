// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A quick timeout: a select over the work and `after`. What loses leaves nothing behind, no timer
// to stop and no channel to drain.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

weft::task<> work(weft::duration takes, weft::send_channel<std::string> result)
{
    co_await weft::sleep(takes);
    co_await result.send("the answer");
}

weft::task<std::string> ask(weft::duration takes, weft::duration patience)
{
    // Room for one: when nobody waits any more, the worker leaves its result and goes home.
    auto result = weft::make_channel<std::string>(1);
    weft::go(work, takes, result);

    auto s = co_await weft::select{result.receive(), weft::after(patience)};
    if (s.index() == 1) co_return "timed out";
    co_return *s.get<0>();
}

weft::task<> asks()
{
    std::cout << co_await ask(1ms, 1h) << '\n';
    std::cout << co_await ask(1h, 1ms) << '\n'; // the end of the program unwinds this worker
}

int main()
{
    weft::run(asks);
}

// Output:
// the answer
// timed out
