// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels, with other threads coming in inside of each operation.

#include "machine.hpp"

using namespace weft_model;
using weft::channel;
using weft::make_channel;
using weft::task;

WEFT_MODEL_CASE(channel_hand_over)
{
    machine m;
    auto c = make_channel<int>();
    m.go([c]() -> task<> { co_await c.send(1); });
    m.go([c]() -> task<> { check(co_await c.receive() == 1); });
    m.join();
}
