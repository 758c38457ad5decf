// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/select_core.hpp>

#include <weft/detail/conductor.hpp>
#include <weft/detail/scheduler.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>

namespace weft::inline v0_1::detail {

fast_random& thread_random() noexcept
{
    if (goroutine* g = this_thread_state().current) return g->random;
    if (clock::is_virtual()) {
        if (conductor* c = current_conductor()) return c->random();
    }
    thread_local fast_random outside(reinterpret_cast<std::uintptr_t>(&outside));
    return outside;
}

void select_core::lock() noexcept
{
    const auto first = [](const select_case* a, const select_case* b) noexcept {
        return before(a->target->order, b->target->order);
    };
    if (count_ == 2 && cases_[0].target && cases_[1].target) {
        // The common select. In registers: the general way stores both pointers and reads them back
        // as one vector, which stalls the processor longer than all the rest takes.
        select_case* low = &cases_[0];
        select_case* high = &cases_[1];
        if (first(high, low)) std::swap(low, high);
        by_address_[0] = low;
        by_address_[1] = high;
        lockable_ = 2;
        low->target->lock.lock();
        if (high->target != low->target) high->target->lock.lock();
        return;
    }
    for (std::uint32_t i = 0; i < count_; ++i) {
        if (cases_[i].target) by_address_[lockable_++] = &cases_[i];
    }
    // Cases of one channel stand in its line as they are written, however many there are.
    std::sort(by_address_, by_address_ + lockable_,
              [first](const select_case* a, const select_case* b) noexcept {
                  return a->target == b->target ? a->w.index < b->w.index : first(a, b);
              });
    const waitable* last = nullptr;
    for (std::uint32_t i = 0; i < lockable_; ++i) {
        waitable* t = by_address_[i]->target;
        if (t != last) t->lock.lock();
        last = t;
    }
    if (lockable_ == 0) nowhere.lock.lock();
}

void select_core::unlock() noexcept
{
    if (lockable_ == 0) return nowhere.lock.unlock();
    const waitable* last = nullptr;
    for (std::uint32_t i = lockable_; i-- > 0;) {
        waitable* t = by_address_[i]->target;
        if (t != last) t->lock.unlock();
        last = t;
    }
}

/// True: case `i` is done, and chosen.
inline bool select_core::attempt(std::uint32_t i, wake_list& wakes) noexcept
{
    select_case& c = cases_[i];
    if (!c.target || !c.verb->attempt(c.op, c.w, wakes)) return false;
    chosen_ = i;
    return true;
}

bool select_core::poll_all(fast_random& random, select_order order, wake_list& wakes) noexcept
{
    if (order == select_order::biased) {
        for (std::uint32_t i = 0; i < count_; ++i) {
            if (attempt(i, wakes)) return true;
        }
        return false;
    }
    if (WEFT_UNLIKELY(random.asks())) return poll_asked(wakes);
    if (count_ == 2) {
        const std::uint32_t first = random.next() & 1;
        return attempt(first, wakes) || attempt(first ^ 1, wakes);
    }
    // A random permutation, drawn only as far as it is needed: uniform among the ready cases.
    for (std::uint32_t i = 0; i < count_; ++i) poll_[i] = i;
    for (std::uint32_t i = 0; i < count_; ++i) {
        std::swap(poll_[i], poll_[i + random.below(count_ - i)]);
        if (attempt(poll_[i], wakes)) return true;
    }
    return false;
}

/// The conductor says where to begin, and is told where it ended: so it can try each ready case once.
WEFT_NOINLINE bool select_core::poll_asked(wake_list& wakes) noexcept
{
    if (count_ < 2) return count_ == 1 && attempt(0, wakes);
    const std::uint32_t first = ask_conductor(count_);
    for (std::uint32_t i = 0; i < count_; ++i) {
        const std::uint32_t at = (first + i) % count_;
        if (attempt(at, wakes)) {
            tell_conductor(at >= first ? at : count_ - 1);
            return true;
        }
    }
    tell_conductor(count_ - 1);
    return false;
}

bool select_core::reaches_out(bubble_id b) const noexcept
{
    return std::any_of(by_address_, by_address_ + lockable_,
                       [b](const select_case* c) { return c->target->bubble != b; });
}

bool select_core::start(fast_random& random, select_order order, wake_list& wakes) noexcept
{
    lock();
    if (!poll_all(random, order, wakes)) {
        for (std::uint32_t i = 0; i < lockable_; ++i) by_address_[i]->w.orphan = false;
        return false;
    }
    unlock();
    return true;
}

void select_core::publish(wake_target whom) noexcept
{
    for (std::uint32_t i = 0; i < lockable_; ++i) {
        select_case& c = *by_address_[i];
        c.w.contest = &claim_;
        c.w.whom = whom;
        c.verb->enqueue(c.op, c.w);
    }
    // With one target unlocked a waker may resume the select, and its `settle` then waits for the
    // locks of the other cases. So the arrays may be read while one target is still locked, and not
    // after the last unlock. A select whose targets are all one channel has just that last unlock.
    waitable* pending = nullptr;
    for (std::uint32_t i = lockable_; i-- > 0;) {
        waitable* t = by_address_[i]->target;
        if (t == pending) continue;
        if (pending) pending->lock.unlock();
        pending = t;
    }
    (pending ? pending : &nowhere)->lock.unlock();
}

void select_core::leave_queues(const waiter* except) noexcept
{
    if (lockable_ == 0) { // who waits nowhere may still be on its way there
        nowhere.lock.lock();
        nowhere.lock.unlock();
    }
    for (std::uint32_t i = 0; i < lockable_; ++i) {
        select_case& c = *by_address_[i];
        if (&c.w == except || c.w.is_orphan()) continue;
        wake_list wakes;
        c.target->lock.lock();
        c.verb->dequeue(c.op, c.w, wakes);
        c.target->lock.unlock();
        wakes.wake_all();
    }
}

void select_core::settle() noexcept
{
    const waiter* winner = claim_.winner();
    chosen_ = winner->index;
    leave_queues(winner);
}

bool select_core::withdraw() noexcept
{
    static waiter nobody;
    if (chosen_ != no_case) return false; // decided without waiting: it stands nowhere
    const bool undecided = claim_.win(&nobody);
    // Whoever took it out before has left the queues; what it stood in may have gone since.
    if (undecided || claim_.winner() != &nobody) leave_queues(claim_.winner());
    return undecided;
}

} // namespace weft::inline v0_1::detail
