// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/spinlock.hpp>
#include <weft/detail/threads.hpp>

#include <chrono>

namespace weft::inline v0_1::detail {

void spinlock::lock_slow() noexcept
{
    constexpr unsigned spins = 64, yields = 16;
    for (unsigned round = 0;; ++round) {
        for (unsigned i = 0; i < spins; ++i) {
            if (!held_.load(std::memory_order_relaxed) &&
                !held_.exchange(true, std::memory_order_acquire)) {
                return;
            }
            spin();
        }
        // The owner was descheduled: let it run.
        if (round < yields) {
            yield_thread();
        } else {
            pause_thread(std::chrono::microseconds(50));
        }
    }
}

} // namespace weft::inline v0_1::detail
