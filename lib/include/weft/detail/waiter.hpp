// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/detail/threads.hpp>

#include <atomic>
#include <cstdint>

namespace weft::inline v0_1::detail {

struct waiter;

/// Something that is told instead of a goroutine (a completion handler, a waiting thread).
struct wake_callback {
    void (*fire)(wake_callback*) noexcept;
};

/// Whom a waker wakes: a goroutine or a callback, told apart by the lowest bits of the address. A goroutine may be
/// one that contends: when its turn comes, its operation is tried again (`parked_operation::verbs::retry`).
class wake_target {
public:
    wake_target() noexcept {} // NOLINT: raw, as the waiter it is part of
    explicit wake_target(goroutine& g) noexcept : bits_(reinterpret_cast<std::uintptr_t>(&g)) {}
    explicit wake_target(wake_callback& c) noexcept
        : bits_(reinterpret_cast<std::uintptr_t>(&c) | is_callback)
    {
    }

    /// What `wake` does from now on; not for callbacks.
    void set_contending(bool on) noexcept { bits_ = on ? bits_ | contends : bits_ & ~contends; }

    void wake() const noexcept
    {
        if (WEFT_LIKELY((bits_ & (is_callback | contends)) == 0)) {
            ready(*reinterpret_cast<goroutine*>(bits_));
        } else if (bits_ & contends) {
            ready_to_contend(*reinterpret_cast<goroutine*>(bits_ & ~contends));
        } else {
            auto* c = reinterpret_cast<wake_callback*>(bits_ & ~is_callback);
            c->fire(c);
        }
    }

    [[nodiscard]] bool contending() const noexcept { return (bits_ & contends) != 0; }
    /// Null: it is a callback.
    [[nodiscard]] goroutine* as_goroutine() const noexcept
    {
        return bits_ & is_callback ? nullptr : reinterpret_cast<goroutine*>(bits_ & ~contends);
    }

private:
    static constexpr std::uintptr_t is_callback = 1, contends = 2;

    std::uintptr_t bits_;
};

/// Decides who wakes a waiter that stands in several queues. The first `win` succeeds, all others
/// fail.
class claim {
public:
    [[nodiscard]] bool win(waiter* by) noexcept
    {
        waiter* nobody = nullptr;
        return winner_.compare_exchange_strong(nobody, by, std::memory_order_acq_rel,
                                               std::memory_order_acquire);
    }
    [[nodiscard]] waiter* winner() const noexcept
    {
        return winner_.load(std::memory_order_acquire);
    }
    [[nodiscard]] bool open() const noexcept { return winner() == nullptr; }

private:
    atomic<waiter*> winner_{nullptr};
};

/// One operation standing in one wait queue. It lives in the waiting frame (or the detached
/// operation), so waiting allocates nothing.
///
/// Who may touch what: while `queued`, everything is guarded by the lock of the queue's owner. A
/// waker that took the waiter out (and won `contest`, if there is one) owns it until `wake`; after
/// that call it must not be touched, since the operation may be gone.
///
/// It starts raw: an operation that need not wait uses `ok` alone, and pays for nothing else (a
/// store before the channel's locked instruction costs more than it looks).
struct waiter : list_hook {
    waiter() noexcept {} // NOLINT: raw on purpose

    claim* contest; ///< null: the operation waits in this queue alone
    void* slot;     ///< where the partner takes the value from or puts it
    wake_target whom;
    std::uint32_t index; ///< of the select case
    bool ok;             ///< the outcome: happened, or the channel was closed
    bool queued;
    bool orphan; ///< see `is_orphan`; set from the moment that it has to wait

    void wake() noexcept { whom.wake(); }

    /// It has no more to do with what it waited for, which may have gone: that went while it stood there, or somebody
    /// took it out whom another case had been faster than. Asked without that lock.
    [[nodiscard]] bool is_orphan() const noexcept
    {
        return std::atomic_ref(const_cast<bool&>(orphan)).load(std::memory_order_acquire);
    }
    /// Locked. If it stands in other queues too, it is not to be touched after that.
    void let_go() noexcept { std::atomic_ref(orphan).store(true, std::memory_order_release); }
};

/// FIFO of waiters; guarded by the lock of the waitable it belongs to.
class wait_queue {
public:
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

    void push(waiter& w) noexcept
    {
        w.queued = true;
        list_.push_back(&w);
    }
    void push_front(waiter& w) noexcept
    {
        w.queued = true;
        list_.push_front(&w);
    }

    void remove(waiter& w) noexcept
    {
        if (!w.queued) return;
        w.queued = false;
        list_.remove(&w);
    }

    /// How many stand here that can still be woken; looks at `most`.
    [[nodiscard]] std::size_t count_open(std::size_t most) const noexcept
    {
        std::size_t n = 0;
        for (waiter* w = list_.front(); w && most != 0; w = intrusive_list<waiter>::next(w), --most)
            n += !w->contest || w->contest->open();
        return n;
    }

    /// Takes out the first waiter that can still be woken, and those before it, whom another case has won.
    waiter* pop_claimed() noexcept
    {
        while (waiter* w = list_.pop_front()) {
            w->queued = false;
            if (!w->contest || w->contest->win(w)) return w;
            w->let_go();
        }
        return nullptr;
    }

    /// The first waiter that can still be woken, left where it is, for those who first see whether it can be served.
    /// Those another case has won stay, too: they leave by their operation, which may have to see to those behind.
    [[nodiscard]] waiter* front_open() const noexcept
    {
        waiter* w = list_.front();
        while (w && w->contest && !w->contest->open()) w = intrusive_list<waiter>::next(w);
        return w;
    }

    /// Takes out `w`, which stands here. False: another case has won it; then the next one has to be seen to.
    [[nodiscard]] bool claim_from(waiter& w) noexcept
    {
        remove(w);
        if (!w.contest || w.contest->win(&w)) return true;
        w.let_go();
        return false;
    }

    /// What they wait for goes. They wait for ever, and may be taken back without it, once: they stay `queued`.
    void orphan_all() noexcept
    {
        while (waiter* w = list_.pop_front()) w->let_go();
    }

private:
    intrusive_list<waiter> list_;
};

/// Waiters collected under a lock, to be woken after it. They were taken out of their queue, so its
/// links are free to be used here.
class wake_list {
public:
    void push(waiter* w) noexcept
    {
        static_cast<list_hook*>(w)->next = nullptr;
        (head_ ? static_cast<list_hook*>(tail_)->next : head_) = w;
        tail_ = w;
    }

    /// Puts `w` where `before(a, b)` says: behind those that do not come after it. Quick at the end.
    template <class Before>
    void push_sorted(waiter* w, Before before) noexcept
    {
        if (!head_ || !before(w, tail_)) return push(w);
        list_hook** at = &head_;
        while (!before(w, static_cast<waiter*>(*at))) at = &(*at)->next;
        static_cast<list_hook*>(w)->next = *at;
        *at = w;
    }

    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }

    void wake_all() noexcept
    {
        list_hook* h = head_;
        while (h) {
            auto* w = static_cast<waiter*>(h);
            h = h->next; // read before the wake: after it the waiter is gone
            w->wake();
        }
        head_ = nullptr;
    }

private:
    list_hook* head_ = nullptr;
    waiter* tail_; ///< set while there is a head
};

/// Locked: lets everybody go on who waits in `q`, with the outcome `ok`.
inline void release_all(wait_queue& q, wake_list& wakes, bool ok = true) noexcept
{
    while (waiter* w = q.pop_claimed()) {
        w->ok = ok;
        wakes.push(w);
    }
}

/// The bubble of the runtime that the calling thread works for.
WEFT_EXPORT bubble_id bubble_of_runtime() noexcept;

/// The bubble that the calling thread runs; in production one look.
inline bubble_id current_bubble() noexcept
{
    return WEFT_UNLIKELY(clock::is_virtual()) ? bubble_of_runtime() : bubble_id{0};
}

/// Base of everything that can be waited for.
struct waitable {
    /// It belongs to the bubble in which it is made.
    waitable() noexcept : bubble(current_bubble()) {}
    constexpr explicit waitable(bubble_id b) noexcept : bubble(b) {}

    spinlock lock;
    const bubble_id bubble;
    [[no_unique_address]] lock_order order; ///< of the locks of a select
};

/// Locked: notes for the bubbles concerned when the calling thread is not of the bubble `w` belongs to.
WEFT_EXPORT void note_visit(const waitable& w) noexcept;

/// Where they wait that wait for nothing (a nil channel, a select without cases). Its lock keeps whoever takes
/// them back away until they are fully suspended, as the lock of a channel does.
WEFT_EXPORT inline constinit waitable nowhere{bubble_id{0}};

} // namespace weft::inline v0_1::detail
