// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What is done once, what is used again, and what needs no lock at all.

#include <weft/weft.hpp>

#include <atomic>
#include <chrono>
#include <iostream>
#include <string>
#include <vector>

using namespace std::chrono_literals;

weft::task<std::string> load_config()
{
    std::cout << "loading\n"; // seen once
    co_await weft::sleep(1ms);
    co_return "colour=blue";
}

weft::task<> program()
{
    // Whoever asks first makes the value; the others wait for it.
    weft::once_value config(load_config);
    std::atomic<int> asked = 0; // one number: no lock is needed
    weft::wait_group all;
    for (int i = 0; i < 5; ++i) {
        all.go([&]() -> weft::task<> {
            const std::string& c = co_await config.get();
            if (c == "colour=blue") asked.fetch_add(1, std::memory_order_relaxed);
        });
    }
    co_await all.wait();
    std::cout << asked << " asked, all got it\n";

    weft::once greeting;
    for (int i = 0; i < 3; ++i) co_await greeting.call([] { std::cout << "hello, once\n"; });

    // Buffers that are dear to make go back to the pool at the end of their scope.
    int made = 0;
    weft::object_pool buffers([&made] {
        ++made;
        return std::vector<char>(64 * 1024);
    });
    for (int i = 0; i < 1000; ++i) {
        const auto b = buffers.get();
        (*b)[0] = 'x';
    }
    std::cout << made << " buffer made for 1000 uses\n";
}

int main()
{
    weft::run(program);
}

// Output:
// loading
// 5 asked, all got it
// hello, once
// 1 buffer made for 1000 uses
