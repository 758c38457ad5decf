// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <atomic>

namespace weft::detail {

/// A one-byte lock for critical sections of a few dozen instructions.
///
/// Invariant: no user code, allocation, logging or system call runs while one is held. That is why a
/// plain store releases it (one locked instruction per lock/unlock pair) and why a waiter first spins,
/// then yields the processor, then sleeps: the owner can only be away because it was descheduled.
class spinlock {
public:
    spinlock() = default;
    spinlock(const spinlock&) = delete;
    spinlock& operator=(const spinlock&) = delete;

    void lock() noexcept
    {
        if (WEFT_UNLIKELY(held_.exchange(true, std::memory_order_acquire))) lock_slow();
    }

    [[nodiscard]] bool try_lock() noexcept
    {
        return !held_.load(std::memory_order_relaxed) &&
               !held_.exchange(true, std::memory_order_acquire);
    }

    void unlock() noexcept { held_.store(false, std::memory_order_release); }

private:
    WEFT_NOINLINE void lock_slow() noexcept;

    std::atomic<bool> held_{false};
};

} // namespace weft::detail
