// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// No fault: what a dump looks like.

#include <weft/weft.hpp>

#include <iostream>

// [snippet dump]
weft::task<int> next(weft::receive_channel<int> in)
{
    auto v = co_await in.receive();
    co_return v.value_or(0);
}

weft::task<> worker(weft::receive_channel<int> in)
{
    weft::this_goroutine::set_name("worker");
    for (;;) co_await next(in);
}

weft::task<> sender(weft::send_channel<int> out)
{
    co_await out.send(1);
}

weft::task<> look()
{
    auto jobs = weft::make_channel<int>();
    auto log = weft::make_channel<int>();
    weft::go(worker, jobs);
    weft::go(sender, log);
    co_await jobs.send(1);
    weft::debug::dump(std::cerr);
}
// [snippet end]

int main()
{
    weft::run(look, {.procs = 1});
}

// Shows:
// goroutine 1 "main" [running]:
// created by main()
//     dump.cpp:41
//
// goroutine 2 "worker" [chan receive]:
// next(weft::receive_channel<int>)
//     dump.cpp:13
// worker(weft::receive_channel<int>)
//     dump.cpp:20
// created by goroutine 1 at look()
//     dump.cpp:32
//
// goroutine 3 [chan send]:
// sender(weft::send_channel<int>)
//     dump.cpp:25
// created by goroutine 1 at look()
//     dump.cpp:33
