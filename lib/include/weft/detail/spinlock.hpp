// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/threads.hpp>

namespace weft::inline v0_1::detail {

/// A one-byte lock for critical sections of a few dozen instructions.
///
/// Invariant: no user code, allocation, logging or system call runs while one is held. That is why
/// a plain store releases it (one locked instruction per lock/unlock pair) and why a waiter first
/// spins, then yields the processor, then sleeps: the owner can only be away because it was
/// descheduled. While one thread is alone (detail/solo.hpp) it locks nothing at all.
class WEFT_EXPORT spinlock {
public:
    spinlock() = default;
    spinlock(const spinlock&) = delete;
    spinlock& operator=(const spinlock&) = delete;

    void lock() noexcept
    {
        if (enter_solo()) return;
        if (WEFT_UNLIKELY(held_.exchange(true, std::memory_order_acquire))) lock_slow();
    }

    void unlock() noexcept
    {
        if (!leave_solo()) held_.store(false, std::memory_order_release);
    }

private:
    WEFT_NOINLINE void lock_slow() noexcept;

    atomic<bool> held_{false};
};

} // namespace weft::inline v0_1::detail
