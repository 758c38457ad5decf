// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A parallel map: the items of a range, several at a time. The results keep the order of the items;
// the first exception stops the rest, and nothing runs any more when the call returns.

#include <weft/pattern.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
namespace pattern = weft::pattern;

weft::task<std::size_t> length(const std::string& word)
{
    co_await weft::sleep(word.size() * 1ms); // the longest are done last
    co_return word.size();
}

weft::task<int> picky(int n)
{
    if (n == 3) throw std::invalid_argument("not 3");
    co_await weft::sleep(1h); // interrupted
    co_return n;
}

weft::task<> program()
{
    const std::vector<std::string> words{"channel", "go", "select", "context"};
    const auto lengths = co_await pattern::parallel_map(weft::background(), words, 3, length);
    for (std::size_t i = 0; i < words.size(); ++i)
        std::cout << words[i] << ' ' << lengths[i] << '\n';

    const std::vector<int> numbers{1, 2, 3, 4, 5};
    try {
        (void)co_await pattern::parallel_map(weft::background(), numbers, 4, picky);
    } catch (const std::invalid_argument& e) {
        std::cout << "stopped: " << e.what() << '\n';
    }
}

int main()
{
    weft::run(program);
}

// Output:
// channel 7
// go 2
// select 6
// context 7
// stopped: not 3
