// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A pipeline: stages with as many workers as each deserves. A stage waits for the next one, all the
// way to the source, so nothing piles up; and the first exception ends them all.

#include <weft/pattern.hpp>
#include <weft/weft.hpp>

#include <iostream>
#include <optional>
#include <string>
#include <vector>

namespace pattern = weft::pattern;

std::optional<int> parse(const std::string& line)
{
    if (line.empty()) return std::nullopt; // left out
    return std::stoi(line);
}

weft::task<long> square(int n)
{
    co_await weft::this_goroutine::yield();
    co_return static_cast<long>(n) * n;
}

weft::task<> program()
{
    long sum = 0;
    const auto add = [&sum](long n) { sum += n; };
    {
        pattern::pipeline p;
        std::vector<std::string> text{"1", "2", "", "3", "", "4"};
        auto lines = pattern::source(p, std::move(text));
        auto numbers = pattern::stage(p, lines, 2, parse);
        auto squares = pattern::stage(p, numbers, 4, square);
        pattern::sink(p, squares, 1, add);
        co_await p.wait();
        std::cout << "sum " << sum << '\n';
    }
    {
        pattern::pipeline p;
        std::vector<std::string> text{"1", "two", "3"};
        auto lines = pattern::source(p, std::move(text));
        auto numbers = pattern::stage(p, lines, 1, parse);
        pattern::sink(p, numbers, 1, add);
        try {
            co_await p.wait();
        } catch (const std::exception&) {
            std::cout << "two is no number; all stages have ended\n";
        }
    }
}

int main()
{
    weft::run(program);
}

// Output:
// sum 30
// two is no number; all stages have ended
