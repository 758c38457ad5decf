// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/wait_group.hpp>

#include <weft/detail/spinlock.hpp>

#include <cstddef>
#include <memory>

namespace weft::inline v0_1 {

/// Held by the group and by its tickets. Its lock is taken before the group's.
struct wait_group::link {
    detail::spinlock lock;
    wait_group* group;       ///< null: it has gone
    std::size_t tickets = 0; ///< guarded by lock
};

wait_group::~wait_group()
{
    if (link_) {
        link_->lock.lock();
        link_->group = nullptr;
        const bool last = link_->tickets == 0;
        link_->lock.unlock();
        if (last) delete link_;
    }
    orphan(waiters_);
}

wait_group::link& wait_group::linked()
{
    lock.lock();
    link* there = link_;
    lock.unlock();
    if (there) return *there;
    auto made = std::make_unique<link>();
    made->group = this;
    lock.lock();
    if (!link_) link_ = made.release();
    there = link_;
    lock.unlock();
    return *there;
}

wait_group::ticket::ticket(wait_group& g) : link_(&g.linked())
{
    g.add();
    link_->lock.lock();
    ++link_->tickets;
    link_->lock.unlock();
}

wait_group::ticket::~ticket()
{
    if (!link_) return;
    detail::wake_list wakes;
    link_->lock.lock();
    bool counted = true;
    if (link_->group) counted = link_->group->count(-1, wakes);
    const bool last = --link_->tickets == 0 && !link_->group;
    link_->lock.unlock(); // a group that somebody destroys now waits for this
    wakes.wake_all();
    if (last) delete link_;
    if (!counted)
        detail::throw_misuse(
            "negative WaitGroup counter"); // the user's own `done`: ends the program
}

} // namespace weft::inline v0_1
