// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/threads.hpp>

#include <atomic>
#include <utility>

namespace weft::inline v0_1::detail {

/// A lock with an owner, who takes it all the time and pays no locked instruction for it; others take it rarely and pay
/// for both sides. The owner may be one thread after another, if something else orders them, as a worker's holders.
///
/// Who may touch what:
///   inside_  written by the owner only: it is in the section, or about to look whether it may be.
///   wanted_  written under mutex_: others are in the section, or wait for the owner to leave it.
/// Each side stores its flag and then looks at the other's; that the store is seen before the look is the barrier of
/// `barrier_everywhere`, or where there is none that of sequentially consistent operations on both sides.
/// Who finds the other there gives way: the owner leaves again and queues at the mutex, the others wait for it to leave.
class biased_lock {
public:
    enum class party : unsigned char {
        owner,
        other,
        equal, ///< of a lock that nobody owns: everybody is
    };

    /// The lock held, until `leave` or the end of the scope.
    class guard {
    public:
        guard(biased_lock& l, party who) noexcept : lock_(l)
        {
            if (WEFT_LIKELY(who == party::owner && l.enter())) return;
            l.mutex_.lock();
            holds_ = who == party::other ? hold::against_owner : hold::mutex;
            if (who == party::other) l.keep_owner_out();
        }
        guard(const guard&) = delete;
        guard& operator=(const guard&) = delete;
        ~guard() { leave(); }

        void leave() noexcept
        {
            const hold was = std::exchange(holds_, hold::nothing);
            if (WEFT_LIKELY(was == hold::inside)) return lock_.leave();
            if (was == hold::nothing) return;
            if (was == hold::against_owner) lock_.wanted_.store(false, std::memory_order_release);
            lock_.mutex_.unlock();
        }

    private:
        enum class hold : unsigned char { inside, mutex, against_owner, nothing };

        biased_lock& lock_;
        hold holds_ = hold::inside;
    };

private:
    bool enter() noexcept
    {
        if (WEFT_LIKELY(cheap_)) {
            inside_.store(true, std::memory_order_relaxed);
            std::atomic_signal_fence(std::memory_order_seq_cst);
            if (WEFT_LIKELY(!wanted_.load(std::memory_order_acquire))) return true;
        } else {
            inside_.exchange(true, std::memory_order_seq_cst);
            if (!wanted_.load(std::memory_order_seq_cst)) return true;
        }
        leave();
        return false;
    }
    void leave() noexcept { inside_.store(false, std::memory_order_release); }

    WEFT_NOINLINE void keep_owner_out() noexcept
    {
        wanted_.exchange(true, std::memory_order_seq_cst);
        if (cheap_) barrier_everywhere();
        for (unsigned i = 0; inside_.load(std::memory_order_seq_cst); ++i)
            i < 64 ? spin() : yield_thread();
    }

    const bool cheap_ = has_barrier_everywhere();
    atomic<bool> inside_{false};
    atomic<bool> wanted_{false};
    os_mutex mutex_; ///< not a spinlock: the barrier is a system call
};

} // namespace weft::inline v0_1::detail
