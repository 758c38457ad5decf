// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A worker: runs what is in its queue, looks for more, and goes.

#include <weft/detail/scheduler.hpp>

#include <weft/detail/binding.hpp>
#include <weft/detail/observer.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/timekeeper.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

namespace {

/// How long a drain keeps a thread from Asio's reactor and other handlers.
constexpr auto drain_budget = 100us;
/// The drain looks at the clock about this often.
constexpr auto look_interval = 20us;
constexpr unsigned most_slices_between_looks = 64;

/// A steal moves goroutines away from the caches that hold their data, makes channels travel
/// between cores, and ends the time of locks without locked instructions. It can pay when this much
/// work waits; whether it does, help_limit finds out.
constexpr std::uint64_t worth_queued_nanos = 20'000;
constexpr std::size_t most_stolen = 256;
/// A worker beyond the limit leaves after so many looks in a row.
constexpr unsigned most_strikes = 2;

} // namespace

worker::worker(scheduler& s, unsigned i) noexcept : sched(s), index(i) {}

void worker::drain()
{
    thread_state& me = this_thread_state();
    me.held = this;
    slow_.store(false, std::memory_order_relaxed);
    join_population(true);
    if (sched.monitor_asleep_.load(std::memory_order_seq_cst)) sched.wake_monitor();
    now = drain_began_ = clock::now();
    if (is_observed()) note_worker(*this, worker_event::on);
    until_look_ = look_every_;
    struct give_back {
        worker* w;
        thread_state& me;
        ~give_back()
        {
            if (w) w->hand_back(me); // also when a handler of the user's throws
        }
    } guard{this, me};
    for (;;) {
        if (WEFT_UNLIKELY(sched.attention_.load(std::memory_order_seq_cst))) {
            sched.pay_attention(this);
            if (sched.stopping()) break;
            if (is_observed()) note_worker(*this, worker_event::on); // it may have rested
        }
        goroutine* g = queue_.pop();
        if (!g) g = find_work();
        if (!g) {
            if (is_observed()) note_worker(*this, worker_event::off);
            me.held = nullptr;
            if (retire_if_idle()) {
                guard.w = nullptr;
                leave_population();
                return;
            }
            me.held = this;
            if (is_observed()) note_worker(*this, worker_event::on);
            continue;
        }
        run_slice(*g, me);
        if (--until_look_ == 0) {
            if (!look_around()) {
                guard.w = nullptr;
                consolidate(me);
                return;
            }
            if (now - drain_began_ >= drain_budget) break;
        }
    }
}

/// Lets Asio's reactor and other handlers run, and comes back.
void worker::hand_back(thread_state& me)
{
    if (is_observed()) note_worker(*this, worker_event::off);
    me = {};
    leave_population();
    state_.store(state::scheduled, std::memory_order_seq_cst);
    sched.post_drain(*this, sched.host_again);
}

void worker::run_slice(goroutine& g, thread_state& me, std::int32_t budget)
{
    slices_.store(slices_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (WEFT_UNLIKELY(g.reason.load(std::memory_order_relaxed) == wait_reason::contending)) {
        if (!g.parked_on.verb->retry(g.parked_on.driver, g)) return;
    }
    if (is_observed()) note_running(g, *this);
    // What it spent in its slice before is in its record still; a yield leaves less than nothing there.
    count(work_, 1 + (g.budget < 0 ? 0 : static_cast<std::uint64_t>(operation_budget - g.budget)));
    g.since = now;
    g.budget = budget;
    g.reason.store(wait_reason::running, std::memory_order_relaxed);
    me.current = &g;
    if (WEFT_UNLIKELY(g.bound != nullptr)) g.bound->resume();
    resumer r = g.thread.take();
    r.run(*g.top_frame);
    me.current = nullptr; // the goroutine may be gone, or run elsewhere: `g` is not touched again
}

/// False: this worker should leave the work to the others.
bool worker::look_around() noexcept
{
    const auto t = clock::now();
    const auto passed = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(t - now).count());
    const std::uint64_t slice = passed / look_every_;
    const std::uint64_t work = work_.load(std::memory_order_relaxed);
    large_ = passed >= coarse_nanos * std::max<std::uint64_t>(1, work - work_seen_);
    work_seen_ = work;
    now = t;
    const auto mean = (3 * std::uint64_t{slice_nanos_.load(std::memory_order_relaxed)} + slice) / 4;
    slice_nanos_.store(static_cast<std::uint32_t>(std::min<std::uint64_t>(mean, UINT32_MAX)),
                       std::memory_order_relaxed);
    constexpr auto interval =
        static_cast<std::uint64_t>(std::chrono::nanoseconds(look_interval).count());
    look_every_ = static_cast<unsigned>(std::clamp<std::uint64_t>(
        interval / std::max<std::uint64_t>(slice, 1), 1, most_slices_between_looks));
    until_look_ = look_every_;
    if (const std::size_t waiting = sched.injected_.size()) {
        queue_.push(sched.injected_.take(waiting / sched.workers_.size() + 1));
    }
    if (sched.timers_->earliest() <= nanos(now) &&
        sched.timers_->ring(nanos(now)) != rung::elsewhere) {
        now = clock::now(); // the time it took is no slice's
    }
    arm_changed_timers(); // of other runtimes
    if (sched.workers_.size() > 1) {
        if (slow_.load(std::memory_order_relaxed)) slow_.store(false, std::memory_order_relaxed);
        sched.look_at_help(now);
        if (!helps()) return false;
        ask_for_help(queue_.size());
    }
    join_population(true); // the others may have left
    return true;
}

bool worker::worth_stealing(const worker& victim) const noexcept
{
    const std::uint64_t nanos = victim.slice_nanos_.load(std::memory_order_relaxed);
    return nanos * victim.queue_.size() >= worth_queued_nanos;
}

/// Of the running workers the first ones stay, as many as pay: so somebody always goes on.
bool worker::welcome() const noexcept
{
    unsigned before = 0;
    for (const auto& w : sched.workers_) {
        if (w.get() == this) break;
        before += w->state_.load(std::memory_order_relaxed) == state::running &&
                  !w->slow_.load(std::memory_order_relaxed);
    }
    return before < sched.help_.get();
}

/// One that runs for Asio's handlers is left alone, unless all it does is very small.
bool worker::helps() noexcept
{
    const std::uint64_t slice = slice_nanos_.load(std::memory_order_relaxed);
    const bool may_stay = slice >= (stole_ ? long_slice_nanos : coarse_nanos) || welcome();
    strikes_ = may_stay ? 0 : strikes_ + 1;
    return strikes_ < most_strikes;
}

/// Gives queue and worker back: the others get on better alone.
void worker::consolidate(thread_state& me) noexcept
{
    if (is_observed()) note_worker(*this, worker_event::off);
    strikes_ = 0;
    stole_ = false;
    const goroutine_chain rest = queue_.take(SIZE_MAX);
    me = {};
    // As inject(): from here on `this` is not held.
    scheduler& s = sched;
    s.enter_from_outside();
    state_.store(state::idle, std::memory_order_seq_cst);
    s.injected_.push(rest);
    s.injections_.fetch_add(1, std::memory_order_seq_cst);
    leave_population();
    if (!s.anybody_awake()) s.wake_for_injected();
    s.leave_from_outside();
}

void worker::ask_for_help(std::size_t queued) noexcept
{
    if (queued == 0 || sched.workers_.size() == 1 || !worth_stealing(*this)) return;
    if (has_long_slices() || !sched.enough_help() || sched.help_.ask(large_)) {
        sched.wake_worker(*this);
    }
}

goroutine* worker::steal(worker& victim) noexcept
{
    goroutine_chain taken =
        victim.queue_.take(std::min((victim.queue_.size() + 1) / 2, most_stolen));
    if (is_observed() && !taken.empty())
        note_worker(*this, worker_event::stole, taken.count, victim.index);
    goroutine* g = taken.pop_front();
    if (g) {
        stole_ = true;
        count(steals);
        count(stolen, taken.count + 1);
    }
    queue_.push(taken);
    return g;
}

goroutine* worker::find_work() noexcept
{
    seen_injections_ = sched.injections_.load(std::memory_order_seq_cst);
    if (const std::size_t waiting = sched.injected_.size()) {
        goroutine_chain taken = sched.injected_.take(waiting / sched.workers_.size() + 1);
        goroutine* g = taken.pop_front();
        queue_.push(taken);
        if (g) return g;
    }
    if (worker* victim = steal_from_.exchange(nullptr, std::memory_order_relaxed)) {
        if (goroutine* g = steal(*victim)) return g;
    }
    for (const auto& w : sched.workers_) {
        if (w.get() == this || !worth_stealing(*w)) continue;
        const bool stuck = w->has_long_slices() || w->slow_.load(std::memory_order_relaxed);
        if (!stuck && !welcome()) continue;
        if (goroutine* g = steal(*w)) return g;
    }
    if (!sched.timers_->empty()) now = clock::now();
    rung how{};
    do {
        how = sched.timers_->ring(nanos(now));
        if (goroutine* g = queue_.pop()) return g;
    } while (how == rung::some);
    stole_ = false;
    if (how == rung::all) sched.timers_->arm();
    arm_changed_timers(); // of other runtimes
    return nullptr;
}

/// Gives the worker back when there is nothing to run. Who injects a goroutine first counts it,
/// then looks for an idle worker; here it is the other way round: one of the two sees the other.
bool worker::retire_if_idle() noexcept
{
    const std::uint64_t seen = seen_injections_; // ours only while the worker is held
    state_.store(state::idle, std::memory_order_seq_cst);
    if (sched.injections_.load(std::memory_order_seq_cst) == seen) return true;
    return !acquire(state::idle);
}

} // namespace weft::inline v0_1::detail
