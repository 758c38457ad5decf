// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A program with known goroutines that dies: for the test of the gdb commands.

#include <weft/weft.hpp>

#include <chrono>
#include <cstdlib>

namespace {

weft::task<> inner(weft::channel<int> ch)
{
    co_await ch.receive();
}

weft::task<> outer(weft::channel<int> ch)
{
    weft::this_goroutine::set_name("outermost");
    co_await inner(ch);
}

} // namespace

int main()
{
    weft::run(
        []() -> weft::task<> {
            auto ch = weft::make_channel<int>();
            weft::go(outer, ch);
            for (int i = 0; i < 3; ++i) {
                weft::go([]() -> weft::task<> {
                    weft::this_goroutine::set_name("two\nlines");
                    co_await weft::sleep(std::chrono::hours(1));
                });
            }
            co_await weft::sleep(std::chrono::milliseconds(50));
            std::abort();
        },
        weft::runtime_options{.procs = 2});
}
