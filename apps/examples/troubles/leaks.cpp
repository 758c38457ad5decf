// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: who asks gives up after a while; who answers then waits for ever to be heard. A test's leak
// check finds what is left.

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>

using namespace std::chrono_literals;

// [snippet leaks]
weft::task<> look_up(int key, weft::send_channel<int> out)
{
    co_await weft::sleep(20ms);
    co_await out.send(key + 1); // the fault: nobody may be there any more. make_channel<int>(1)
}

weft::task<int> ask(int key)
{
    auto answer = weft::make_channel<int>();
    weft::go(look_up, key, answer);
    auto s = co_await weft::select{answer.receive(), weft::after(1ms)};
    co_return s.index() == 0 ? *s.get<0>() : 0;
}

weft::task<> test()
{
    for (int key = 0; key < 3; ++key) co_await ask(key);
    auto left = co_await weft::testing::find_leaks_here();
    std::cout << left.size() << " goroutines are left\n";
    weft::debug::print(std::cout, left);
}
// [snippet end]

int main()
{
    weft::run(test);
}

// Shows:
// 3 goroutines are left
// goroutine 2 [chan send]:
// look_up(int, weft::send_channel<int>)
//     leaks.cpp:19
// created by goroutine 1 at ask(int)
//     leaks.cpp:25
//
// goroutine 3 [chan send]:
// look_up(int, weft::send_channel<int>)
//     leaks.cpp:19
// created by goroutine 1 at ask(int)
//     leaks.cpp:25
//
// goroutine 4 [chan send]:
// look_up(int, weft::send_channel<int>)
//     leaks.cpp:19
// created by goroutine 1 at ask(int)
//     leaks.cpp:25
