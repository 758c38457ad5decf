// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A bug that shows on some schedules only: look for it on a thousand of them, see it again, repair it,
// and look at all schedules.

#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <iostream>
#include <memory>
#include <stdexcept>

/// Two goroutines draw from one account. Each looks first, and then takes: in between it may not wait.
weft::task<> draw_twice(bool repaired)
{
    auto balance = std::make_shared<int>(100);
    auto over = weft::make_channel<void>();
    for (int i = 0; i < 2; ++i) {
        weft::go([balance, over, repaired]() -> weft::task<> {
            if (*balance >= 100) {
                if (repaired) *balance -= 100;
                co_await weft::this_goroutine::yield(); // asks somebody, writes a log, ...
                if (!repaired) *balance -= 100;
            }
            co_await over.send();
        });
    }
    for (int i = 0; i < 2; ++i) co_await over.receive();
    if (*balance < 0) throw std::runtime_error("the account is overdrawn");
}

int main()
{
    const auto wrong = [] { return draw_twice(false); };
    const auto right = [] { return draw_twice(true); };

    // explore() would throw, and print WEFT_SEED=...
    const auto found = weft::testing::find_failure(wrong, {.schedules = 1000});
    if (!found) return 1;
    try {
        weft::testing::bubble(wrong, {.seed = found->seed}); // the same schedule
    } catch (const std::exception& e) {
        std::cout << e.what() << '\n';
    }

    const auto all = weft::testing::exhaustive(right, 2);
    std::cout << (all.complete ? "repaired\n" : "not all were run\n");
}

// Output:
// the account is overdrawn
// repaired
