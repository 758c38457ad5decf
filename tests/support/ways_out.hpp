// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/weft.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

namespace weft_test {

/// What `hold()` takes, held to the end of a scope, is free again after each way out of it: the end, an exception, an early
/// co_return. `taken()` checks it inside, `is_free()` after it.
template <class Hold, class Taken, class IsFree>
weft::task<> on_every_way_out(Hold hold, Taken taken, IsFree is_free)
{
    const auto uses = [&](int way) -> weft::task<> {
        const auto held = co_await hold();
        CHECK(taken());
        if (way == 1) throw std::runtime_error("way out");
        if (way == 2) co_return;
        co_await weft::this_goroutine::yield();
    };
    for (const int way : {0, 1, 2}) {
        bool threw = false;
        try {
            co_await uses(way);
        } catch (const std::runtime_error&) {
            threw = true;
        }
        CHECK(threw == (way == 1));
        CHECK(is_free());
    }
}

} // namespace weft_test
