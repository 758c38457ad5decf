// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Debounce: a row of calls becomes one, with the latest arguments, once it has been quiet.
// Throttle: the first call at once, then at most one an interval. Neither loses the last call.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

weft::task<> program()
{
    auto found = weft::make_channel<std::string>();
    auto look_up = [found](std::string text) -> weft::task<> {
        co_await weft::sleep(1ms); // it never runs twice at once, however long it takes
        co_await found.send("found " + text);
    };

    const weft::debounce search(100ms, look_up);
    for (const char* typed : {"w", "we", "wef", "weft"}) search(typed);
    std::cout << (search.pending() ? "waiting for a pause\n" : "");
    std::cout << *co_await found.receive() << '\n';

    search("weft?");
    search.flush(); // now: Enter was pressed
    std::cout << *co_await found.receive() << '\n';

    search("forgotten");
    search.cancel(); // so does the end of `search`

    auto shown = weft::make_channel<int>(4);
    const weft::throttle show(100ms, [shown](int percent) { (void)shown.try_send(percent); });
    for (int percent = 0; percent <= 100; ++percent) show(percent);
    const int first = *co_await shown.receive(), last = *co_await shown.receive();
    std::cout << first << "%, " << last << "%\n";
}

int main()
{
    weft::run(program);
}

// Output:
// waiting for a pause
// found weft
// found weft?
// 0%, 100%
