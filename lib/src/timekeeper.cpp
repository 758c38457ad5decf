// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/timekeeper.hpp>

#include <weft/detail/scheduler.hpp>

#include <asio/bind_executor.hpp>

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

namespace weft::inline v0_1::detail {

namespace {

/// How many entries are taken out of a wheel under one lock, and how often before those that were woken have a turn.
constexpr std::size_t most_at_once = 128;
constexpr int most_times = 8;

/// Where the calling thread changed a wheel; see `changed_timer`.
thread_local std::shared_ptr<scheduler> unarmed;

thread_local timer_shard* being_rung_here = nullptr;

void arm(std::shared_ptr<scheduler> s) noexcept
{
    if (WEFT_UNLIKELY(s != nullptr)) s->timers().arm();
}

} // namespace

// ---------------------------------------------------------------- shard

rung timer_shard::ring(std::int64_t now) noexcept
{
    if (being_rung_.exchange(true, std::memory_order_acq_rel)) return rung::elsewhere;
    worker* const noted = is_observed() ? this_thread_state().held : nullptr;
    if (noted) note_worker(*noted, worker_event::timers_began);
    timer_shard* const outer = std::exchange(rung_here(), this);
    bool more = true, alone = true;
    for (int i = 0; more && alone && i < most_times; ++i) {
        wake_list due;
        lock.lock();
        more = wheel_.advance(now, due, most_at_once);
        earliest_.store(wheel_.next(), std::memory_order_relaxed);
        lock.unlock();
        due.wake_all();
        if (WEFT_LIKELY(rung_here() == this)) continue;
        alone =
            more && !being_rung_.exchange(true, std::memory_order_acq_rel); // see let_others_ring
        if (alone) rung_here() = this;
    }
    rung_here() = outer;
    if (noted) note_worker(*noted, worker_event::timers_ended);
    if (alone) being_rung_.exchange(false, std::memory_order_acq_rel);
    return more ? rung::some : rung::all;
}

void timer_shard::let_others_ring() noexcept
{
    lock.lock();
    auto s = keeper_ ? keeper_->keep_alive() : nullptr;
    lock.unlock();
    being_rung_.exchange(false, std::memory_order_acq_rel);
    arm(std::move(s));
}

void about_to_call_the_user() noexcept
{
    if (timer_shard* s = std::exchange(rung_here(), nullptr)) s->let_others_ring();
}

timer_shard*& rung_here() noexcept
{
    return being_rung_here;
}

std::int64_t timer_shard::pass_over_idle()
{
    std::int64_t first = timer_wheel::never;
    std::vector<alarm*> idle;
    idle.reserve(size());
    lock.lock();
    wheel_.for_each([&](waiter& w) noexcept {
        timer_entry& e = timer_wheel::entry(w);
        if (!e.hold || idle.size() == idle.capacity()) {
            first = std::min(first, e.when);
        } else if (alarm& a = *static_cast<alarm::entry&>(e).self; a.hold()) {
            idle.push_back(&a);
        }
    });
    lock.unlock();
    std::erase_if(idle, [&](alarm* a) {
        if (a->is_idle()) return false;
        first = std::min(first, a->wanted());
        a->drop();
        return true;
    });
    for (alarm* a : idle) {
        if (first < last_moment) {
            a->pass_over(first);
            a->settle(0);
        }
        a->drop();
    }
    return first;
}

void timer_shard::close() noexcept
{
    wake_list forgotten;
    lock.lock();
    keeper_ = nullptr;
    while (waiter* w = wheel_.pop_any()) {
        timer_entry& e = timer_wheel::entry(*w);
        if (e.hold ? !e.hold(e) : (w->contest && !w->contest->win(w))) continue;
        w->ok = false; // an alarm comes for the last time, and finds no keeper
        forgotten.push(w);
    }
    earliest_.store(timer_wheel::never, std::memory_order_relaxed);
    alarm* spare = std::exchange(spare_, nullptr);
    lock.unlock();
    forgotten.wake_all();
    while (spare) delete std::exchange(spare, spare->next_spare_);
}

std::shared_ptr<scheduler> timer_shard::to_arm() const noexcept
{
    if (!keeper_) return nullptr;
    const worker* w = this_thread_state().held;
    if (WEFT_LIKELY(w && &w->sched.timers() == keeper_)) return nullptr;
    return keeper_->keep_alive();
}

alarm* timer_shard::take_spare() noexcept
{
    alarm* a = spare_;
    if (a) {
        spare_ = a->next_spare_;
        --spares_;
    }
    return a;
}

bool timer_shard::put_aside(alarm& a) noexcept
{
    constexpr unsigned most = 64;
    if (spares_ == most || !keeper_) return false;
    a.next_spare_ = spare_;
    spare_ = &a;
    ++spares_;
    return true;
}

// ---------------------------------------------------------------- alarm

alarm::alarm(timer_shard& s) noexcept : shard_(&s)
{
    this->fire = [](wake_callback* c) noexcept { static_cast<alarm*>(c)->rung(); };
    w_.contest = nullptr;
    w_.whom = wake_target(static_cast<wake_callback&>(*this));
    w_.slot = static_cast<timer_entry*>(&entry_);
    w_.queued = false;
    entry_.self = this;
    entry_.hold = [](timer_entry& e) noexcept {
        alarm& a = *static_cast<entry&>(e).self;
        a.ringing_ = a.hold();
        return a.ringing_;
    };
    shard_->lock.lock();
    shard_->enter();
    shard_->lock.unlock();
}

alarm::~alarm()
{
    shard_->lock.lock();
    auto changed = shard_->remove(w_) ? shard_->to_arm() : nullptr;
    const bool last = shard_->leave();
    shard_->lock.unlock();
    arm(std::move(changed));
    if (last) delete shard_;
}

bool alarm::put_aside() noexcept
{
    shard_->lock.lock();
    auto changed = shard_->remove(w_) ? shard_->to_arm() : nullptr;
    const bool kept = shard_->put_aside(*this);
    shard_->lock.unlock();
    arm(std::move(changed));
    return kept;
}

void alarm::place(std::int64_t now) noexcept
{
    const std::int64_t when = wanted();
    if (w_.queued && entry_.when == when) return;
    shard_->remove(w_);
    if (when == timer_wheel::never || !shard_->keeper()) return;
    entry_.when = when;
    shard_->push(w_, now);
}

bool alarm::settle(std::int64_t now) noexcept
{
    shard_->lock.lock();
    settle_locked(now);
    const bool open = shard_->keeper() != nullptr;
    auto changed = shard_->to_arm();
    shard_->lock.unlock();
    arm(std::move(changed));
    return open;
}

std::shared_ptr<scheduler> alarm::sched() const noexcept
{
    shard_->lock.lock();
    auto s = shard_->keeper() ? shard_->keeper()->keep_alive() : nullptr;
    shard_->lock.unlock();
    return s;
}

void alarm::rung() noexcept
{
    // `entry_` is left alone while `ringing_`, and the lock under which that was set has been released since.
    const std::int64_t at = entry_.when;
    shard_->lock.lock();
    const bool open = shard_->keeper() != nullptr;
    shard_->lock.unlock();
    open ? ring(at) : lost();
    shard_->lock.lock();
    ringing_ = false;
    place(at);
    shard_->lock.unlock();
    drop();
}

// ---------------------------------------------------------------- timekeeper

timekeeper::timekeeper(scheduler& s, unsigned shards) : sched_(s)
{
    for (unsigned i = 0; i < shards; ++i) shards_.push_back(new timer_shard(*this, s.bubble));
    if (s.bubble == 0) asio_timer_.emplace(s.host); // a bubble's time comes without waiting
}

timekeeper::~timekeeper()
{
    for (timer_shard* s : shards_) {
        s->lock.lock();
        const bool last = s->leave();
        s->lock.unlock();
        if (last) delete s;
    }
}

timer_shard& timekeeper::shard() noexcept
{
    const worker* w = this_thread_state().held;
    return *shards_[w && &w->sched == &sched_ ? w->index : 0];
}

void timekeeper::arm() noexcept
{
    const std::int64_t armed = armed_for_.fetch_add(0, std::memory_order_acq_rel);
    const std::int64_t first = earliest();
    // A host's context must not stay for a timer that was stopped.
    const bool idle_host = first == timer_wheel::never && first != armed && sched_.embedded();
    if (first >= armed && !idle_host) return;
    std::lock_guard lock(mutex_);
    if (!asio_timer_) return;
    try {
        set_asio_timer();
    } catch (...) {
        // No memory: the next worker that goes idle tries again.
        armed_for_.exchange(timer_wheel::never, std::memory_order_acq_rel);
    }
}

void timekeeper::set_asio_timer()
{
    std::int64_t when = earliest();
    if (when == timer_wheel::never) {
        armed_for_.exchange(timer_wheel::never, std::memory_order_acq_rel);
        when = earliest(); // somebody may have pushed, and seen that a thread would wake up
        if (when == timer_wheel::never) {
            ++generation_;
            asio_timer_->cancel();
            return;
        }
    }
    if (when >= armed_for_.load(std::memory_order_relaxed)) return;
    armed_for_.exchange(when, std::memory_order_acq_rel);
    asio_timer_->expires_at(moment(when));
    asio_timer_->async_wait([keep = sched_.shared_from_this(), this,
                             mine = ++generation_](const auto&) { on_asio_timer(mine); });
}

void timekeeper::on_asio_timer(std::uint64_t mine)
{
    {
        std::lock_guard lock(mutex_);
        if (!asio_timer_ || mine != generation_) return; // set again meanwhile
        armed_for_.exchange(timer_wheel::never, std::memory_order_acq_rel);
    }
    rung how = rung::all;
    {
        worker_scope scope(sched_); // its end runs what was woken
        if (scope.admitted()) how = ring(nanos(clock::now()));
    }
    // A worker may have gone idle when this was still set, and the scope found none.
    if (how != rung::elsewhere) arm();
}

void timekeeper::close() noexcept
{
    for (timer_shard* s : shards_) s->close();
}

void timekeeper::disarm() noexcept
{
    std::optional<os_timer> dropped; // cancels, which posts: after the lock
    std::lock_guard lock(mutex_);
    ++generation_;
    dropped.swap(asio_timer_);
}

std::shared_ptr<scheduler> timekeeper::keep_alive() const noexcept
{
    return sched_.weak_from_this().lock();
}

void changed_timer(timer_shard& s) noexcept
{
    auto changed = s.to_arm();
    if (WEFT_LIKELY(!changed) || changed->stopping()) return;
    // One select with moments of several other runtimes: the rare case in which this happens under a lock.
    if (unarmed && unarmed != changed) arm_changed_timers();
    unarmed = std::move(changed);
}

std::shared_ptr<scheduler>& changed_here() noexcept
{
    return unarmed;
}

void arm_changed_timers() noexcept
{
    arm(std::exchange(unarmed, nullptr));
}

} // namespace weft::inline v0_1::detail
