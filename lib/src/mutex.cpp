// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/mutex.hpp>

namespace weft::inline v0_1 {

using detail::waiter;
using detail::wake_list;

mutex::~mutex()
{
    sync_object::lock.lock(); // also for nobody: who takes a waiter out may be at it still
    waiters_.orphan_all();
    if (woken_) { // its turn may still come
        woken_->slot = nullptr;
        woken_->let_go();
    }
    sync_object::lock.unlock();
}

/// Locked. Nobody holds the mutex any more.
void mutex::wake_next(wake_list& wakes) noexcept
{
    if (woken_) {
        woken_->ok =
            false; // it had been handed the lock, which somebody else has unlocked: it must try
        return;
    }
    if (waiter* w = waiters_.pop_claimed()) hand_to(*w, wakes);
}

/// Locked. Nobody holds the mutex; `w` stands in no queue, and its wait is decided.
void mutex::hand_to(waiter& w, wake_list& wakes) noexcept
{
    const detail::goroutine* g = w.whom.as_goroutine();
    if (detail::is_observed() && g) note_contention(*g, owner_);
    w.ok = true;
    if (w.whom.contending()) {
        w.slot = this;
        woken_ = &w;
        // A bound goroutine that waits again would have to be watched by its context again.
        w.ok = g->bound || w.index >= most_in_vain;
    } else {
        owner_.site = *static_cast<const std::source_location*>(w.slot);
    }
    held_ = w.ok;
    owner_.key = held_ && g ? detail::key_of(*g) : 0;
    wakes.push(&w);
}

/// Locked. `w`'s turn has come.
bool mutex::retry(waiter& w, const std::source_location& at) noexcept
{
    const std::uint64_t key = detail::key_of(*w.whom.as_goroutine());
    if (woken_ == &w) {
        woken_ = nullptr;
        w.slot = nullptr;
        ++w.index;
        if (w.ok) {
            owner_ = {key, at};
            return true;
        }
    }
    return w.ok = take(key, at);
}

/// Locked. `w` was woken, and is being destroyed instead.
void mutex::undo(waiter& w, wake_list& wakes) noexcept
{
    if (woken_ != &w) return;
    woken_ = nullptr;
    w.slot = nullptr;
    if (w.ok) let_go(wakes);
    else if (!held_) wake_next(wakes);
}

} // namespace weft::inline v0_1
