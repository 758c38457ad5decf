// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A bug that shows on some schedules only: look for it on a thousand of them.

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <iostream>
#include <memory>
#include <stdexcept>

/// Two goroutines draw from one account; each looks first, then takes. In between the other may have
/// taken it already.
weft::task<> draw_twice()
{
    auto balance = std::make_shared<int>(100);
    auto over = weft::make_channel<void>();
    for (int i = 0; i < 2; ++i) {
        weft::go([balance, over]() -> weft::task<> {
            if (*balance >= 100) {
                co_await weft::this_goroutine::yield(); // asks somebody, writes a log, ...
                *balance -= 100;
            }
            co_await over.send();
        });
    }
    for (int i = 0; i < 2; ++i) co_await over.receive();
    if (*balance < 0) throw std::runtime_error("the account is overdrawn");
}

int main()
{
    // explore() would throw, and print WEFT_SEED=... to see it again.
    const auto found = weft::testing::find_failure(draw_twice, {.schedules = 1000});
    if (!found) return 1;
    try {
        weft::testing::bubble(draw_twice, {.seed = found->seed}); // the same schedule
    } catch (const std::exception& e) {
        std::cout << e.what() << '\n';
    }
    // All schedules on which nobody is held up: there it does not happen.
    const auto all = weft::testing::exhaustive(draw_twice, 0, {.schedules = 1});
    std::cout << all.schedules << " schedule without a fault\n";
}

// Output:
// the account is overdrawn
// 1 schedule without a fault
