// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/cond.hpp>

#include "ending_here.hpp"

#include <weft/detail/binding.hpp>
#include <weft/error.hpp>

#include <utility>

namespace weft::inline v0_1 {

using detail::waiter;
using detail::wake_list;

cond::~cond()
{
    lock.lock(); // also for nobody: who takes a waiter out may be at it still
    while (ticket* t = line_.pop_front()) {
        t->set(ticket::state::over);
        if (t->waiter_) t->waiter_->let_go();
    }
    while (ticket* t = called_.pop_front()) t->set(ticket::state::over);
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

void cond::ticket::taken() noexcept
{
    if (get() == state::over) return; // the condition has gone meanwhile
    cond_.lock.lock();
    cond_.called_.remove(this);
    set(state::over);
    cond_.lock.unlock();
}

cond::ticket::~ticket()
{
    if (get() == state::over) return;
    cond_.lock.lock();
    const state last = get();
    if (last == state::in_line) cond_.line_.remove(this);
    else if (last != state::over) cond_.called_.remove(this);
    cond_.lock.unlock();
    if (last == state::signalled) cond_.signal();
}

void cond::throw_if_interrupted(const asio::cancellation_state& present)
{
    const detail::goroutine* g = detail::ending_here();
    if (!g) return;
    const bool by_slot = g->bound->to() == detail::binding::tied_to::slot;
    if (by_slot && present.cancelled() == asio::cancellation_type::none) return; // cleared since
    detail::throw_interrupted(*g);
}

task<> cond::wait(mutex::guard& g)
{
    const asio::cancellation_state present = co_await asio::this_coro::cancellation_state;
    throw_if_interrupted(present);
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
            if (waiter* w = std::exchange(t->waiter_, nullptr)) {
                w->queued = false;
                if (w->contest && !w->contest->win(w)) {
                    t->set(ticket::state::over); // its context was faster
                    w->let_go();
                    continue;
                }
                w->ok = true;
                wakes.push(w);
            }
            t->set(all ? ticket::state::released : ticket::state::signalled);
            called_.push_back(t);
            if (!all) return;
        }
    });
}

} // namespace weft::inline v0_1
