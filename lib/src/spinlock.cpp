// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/spinlock.hpp>

#include <chrono>
#include <thread>

namespace weft::detail {

void spinlock::lock_slow() noexcept
{
    constexpr unsigned spins = 64, yields = 16;
    for (unsigned round = 0;; ++round) {
        for (unsigned i = 0; i < spins; ++i) {
            if (!held_.load(std::memory_order_relaxed) &&
                !held_.exchange(true, std::memory_order_acquire)) {
                return;
            }
            cpu_pause();
        }
        // The owner was descheduled: let it run.
        if (round < yields) {
            std::this_thread::yield();
        } else {
            std::this_thread::sleep_for(std::chrono::microseconds(50));
        }
    }
}

} // namespace weft::detail
