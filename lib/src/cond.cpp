// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/cond.hpp>

#include <weft/error.hpp>

#include <utility>

namespace weft {

using detail::waiter;
using detail::wake_list;

cond::~cond()
{
    if (line_.empty()) return;
    lock.lock();
    while (ticket* t = line_.pop_front()) {
        t->state_ = ticket::state::orphan;
        if (t->waiter_) t->waiter_->orphan = true;
    }
    lock.unlock();
}

cond::ticket::ticket(cond& c, mutex::guard& g) : cond_(c)
{
    if (g.get() != &c.mutex_) detail::throw_misuse("cond: wait without the lock");
    c.lock.lock();
    c.note_use();
    c.line_.push_back(this);
    c.lock.unlock();
}

cond::ticket::~ticket()
{
    if (taken_ || state_ == state::orphan) return;
    cond_.lock.lock();
    const bool signalled = state_ == state::signalled;
    if (!signalled) cond_.line_.remove(this);
    cond_.lock.unlock();
    if (signalled) cond_.signal();
}

task<> cond::wait(mutex::guard& g)
{
    ticket t(*this, g);
    g.unlock();
    co_await signal_operation(t);
    g = co_await mutex_.lock();
    t.taken();
}

void cond::wake(bool all) noexcept
{
    detail::with_lock(*this, [&](wake_list& wakes) {
        note_use();
        while (ticket* t = line_.pop_front()) {
            t->state_ = ticket::state::signalled;
            if (waiter* w = std::exchange(t->waiter_, nullptr)) {
                w->queued = false;
                if (w->contest && !w->contest->win(w)) {
                    // Its context was faster, and it will see no signal.
                    t->taken_ = true;
                    continue;
                }
                w->ok = true;
                wakes.push(w);
            }
            if (!all) return;
        }
    });
}

} // namespace weft
