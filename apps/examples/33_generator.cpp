// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Generators: values one after the other, each made when it is asked for. They may wait in between,
// be built on each other, and be left before they have ended.

#include <weft/pattern/generator.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

using namespace std::chrono_literals;
using weft::pattern::generator;

/// Never ends: whoever asks no more destroys it, and what is local in it.
generator<int> squares()
{
    const weft::defer gone([] { std::cout << "squares: gone\n"; });
    for (int i = 1;; ++i) co_yield i* i;
}

/// The lines of a text that comes in pieces, from wherever.
generator<std::string> lines(weft::receive_channel<std::string> pieces)
{
    std::string rest;
    while (auto piece = co_await pieces.receive()) {
        rest += *piece;
        for (auto end = rest.find('\n'); end != rest.npos; end = rest.find('\n')) {
            co_yield rest.substr(0, end);
            rest.erase(0, end + 1);
        }
    }
    if (!rest.empty()) co_yield rest;
}

/// On top of another one.
generator<std::string> numbered(generator<std::string> from)
{
    int n = 0;
    while (auto line = co_await from.next()) co_yield std::to_string(++n) + ": " + *line;
}

weft::task<> program()
{
    {
        auto g = squares();
        while (auto v = co_await g.next()) {
            if (*v > 20) break;
            std::cout << *v << '\n';
        }
    }

    auto pieces = weft::make_channel<std::string>();
    weft::go([pieces]() -> weft::task<> {
        for (const char* piece : {"to be\nor", " not", " to be\nthat", " is it"}) {
            co_await weft::sleep(1ms);
            co_await pieces.send(piece);
        }
        pieces.close();
    });
    auto text = numbered(lines(pieces));
    while (auto line = co_await text.next()) std::cout << *line << '\n';
}

int main()
{
    weft::run(program);
}

// Output:
// 1
// 4
// 9
// 16
// squares: gone
// 1: to be
// 2: or not to be
// 3: that is it
