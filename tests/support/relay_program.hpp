// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/weft.hpp>

#include <stdexcept>

namespace weft_test {

/// Three goroutines and two channels: numbers go there and come back, in order.
inline weft::task<> three_goroutines_two_channels()
{
    auto there = weft::make_channel<int>(), back = weft::make_channel<int>();
    weft::go([there, back]() -> weft::task<> {
        while (auto v = co_await there.receive()) co_await back.send(*v);
        back.close();
    });
    weft::go([there]() -> weft::task<> {
        for (int i = 0; i < 3; ++i) co_await there.send(i);
        there.close();
    });
    int next = 0;
    while (auto v = co_await back.receive()) {
        if (*v != next++) throw std::runtime_error("out of order");
    }
    if (next != 3) throw std::runtime_error("lost");
}

} // namespace weft_test
