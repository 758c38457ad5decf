// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// An error group: goroutines that work on parts of one job. The first one that fails ends the
// group's context; the others see that, and `wait` throws what the first one threw.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

weft::task<> fetch(weft::context ctx, std::string url, int& fetched)
{
    if (url == "bad") throw std::runtime_error("no such host: bad");
    co_await weft::sleep(ctx, url == "slow" ? 1h : 1ms);
    ++fetched;
}

weft::task<> program()
{
    int fetched = 0;
    weft::errgroup all;
    all.set_limit(2); // at most two at once: the third waits for a place
    for (const char* url : {"a", "b", "c"}) {
        co_await all.go(fetch, all.get_context(), url, std::ref(fetched));
    }
    co_await all.wait();
    std::cout << fetched << " fetched\n";

    weft::errgroup some;
    for (const char* url : {"slow", "bad", "slow"}) {
        co_await some.go(fetch, some.get_context(), url, std::ref(fetched));
    }
    try {
        co_await some.wait(); // for all three; the slow ones were cancelled
    } catch (const std::exception& e) {
        std::cout << e.what() << '\n';
    }
    std::cout << some.errors().size() << " errors, " << some.get_context().err().message() << '\n';
}

int main()
{
    weft::run(program, {.procs = 1});
}

// Output:
// 3 fetched
// no such host: bad
// 3 errors, context canceled
