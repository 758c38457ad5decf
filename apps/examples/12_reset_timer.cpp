// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// One timer for all turns of a loop: set anew by each line, it fires when the lines stop. `stop`
// and `reset` take back a moment that nobody has received, so nothing has to be drained.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;

constexpr auto idle_limit = 200ms;

weft::task<> read_lines(weft::receive_channel<std::string> lines)
{
    weft::timer idle(idle_limit);
    for (;;) {
        auto s = co_await weft::select{lines.receive(), idle.channel().receive()};
        if (s.index() == 1) break;
        std::cout << "line: " << *s.get<0>() << '\n';
        if (*s.get<0>() == "slow") {
            co_await weft::sleep(idle_limit + 10ms);
            std::cout << "it has fired meanwhile\n";
        }
        const bool had_to_be_stopped = idle.reset(idle_limit); // true: nobody had received it
        if (!had_to_be_stopped) std::cout << "never printed\n";
    }
    std::cout << "idle\n";
    std::cout << (idle.stop() ? "still armed\n" : "it was received: nothing to stop\n");
}

weft::task<> program()
{
    auto lines = weft::make_channel<std::string>(3);
    for (const char* line : {"one", "slow", "two"}) co_await lines.send(line);
    co_await read_lines(lines);
}

int main()
{
    weft::run(program);
}

// Output:
// line: one
// line: slow
// it has fired meanwhile
// line: two
// idle
// it was received: nothing to stop
