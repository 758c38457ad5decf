// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A trace of two stages, for Perfetto (https://ui.perfetto.dev): 38_trace FILE writes it there.

#include <weft/debug/region.hpp>
#include <weft/debug/trace.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

using namespace std::chrono_literals;

weft::task<> bake(weft::send_channel<int> out)
{
    weft::this_goroutine::set_name("baker");
    for (int i = 0; i < 3; ++i) {
        const weft::debug::region r("bake"); // spans the wait
        co_await weft::sleep(1ms);
        co_await out.send(i);
    }
    out.close();
}

weft::task<> program()
{
    auto cakes = weft::make_channel<int>();
    weft::go(bake, cakes);
    int eaten = 0;
    while (co_await cakes.receive()) ++eaten;
    std::cout << eaten << " cakes\n";
}

int main(int argc, char** argv)
{
    std::ostringstream story;
    weft::debug::trace t;
    weft::run(program);
    t.stop(story);
    if (argc > 1) std::ofstream(argv[1]) << story.str();
    for (const char* word : {"baker", "bake", "chan receive"}) {
        if (story.str().find('"' + std::string(word)) != std::string::npos) {
            std::cout << "it has: " << word << '\n';
        }
    }
}

// Output:
// 3 cakes
// it has: baker
// it has: bake
// it has: chan receive
