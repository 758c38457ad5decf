// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Labels say on whose behalf a goroutine works. Those that it starts have them, too, and every dump
// and profile shows them.

#include <weft/weft.hpp>

#include <iostream>
#include <string>

weft::task<> query(weft::receive_channel<void> answer)
{
    co_await answer.receive();
}

weft::task<> handle(std::string user, weft::receive_channel<void> answer)
{
    const weft::label_scope labels{{"route", "/users"}, {"user", user}};
    co_await weft::spawn(query, answer).join(); // inherits both
}

weft::task<> program()
{
    auto answer = weft::make_channel<void>();
    auto one = weft::spawn(handle, "ada", answer);
    auto two = weft::spawn(handle, "alan", answer);
    for (int i = 0; i < 4; ++i) co_await weft::this_goroutine::yield(); // they wait by now

    for (const auto& g : weft::debug::goroutines()) {
        if (g.wait_reason != "chan receive") continue;
        for (const auto& [key, value] : g.labels) std::cout << key << '=' << value << ' ';
        std::cout << "waits\n";
    }
    answer.close();
    co_await one.join();
    co_await two.join();
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Unordered output:
// route=/users user=ada waits
// route=/users user=alan waits
