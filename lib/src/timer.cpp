// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/timer.hpp>

#include <weft/after.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/error.hpp>
#include <weft/ticker.hpp>

#include <algorithm>
#include <utility>

namespace weft::inline v0_1 {

// ---------------------------------------------------------------- after, at

after_operation after(duration d)
{
    detail::timer_shard& shard = detail::current_scheduler("after").timers().shard();
    const std::int64_t now = detail::nanos(clock::now());
    return after_operation(shard, detail::nanos_after(now, d), now);
}

after_operation at(time_point t)
{
    detail::timer_shard& shard = detail::current_scheduler("at").timers().shard();
    // The largest moment never comes, but it is a moment.
    return after_operation(shard, std::min(detail::nanos(t), detail::last_moment), 0);
}

// ---------------------------------------------------------------- timer_state

namespace detail {

timer_shard& timer_shard_of(scheduler& s) noexcept
{
    return s.timers().shard();
}

timer_state::timer_state(timer_shard& s, kind k) noexcept
    : alarm(s), channel_(static_cast<timer_feed&>(*this)), kind_(k)
{
    this->timer_feed::take = [](timer_feed* f, std::optional<time_point>& into) noexcept {
        return static_cast<timer_state*>(f)->take(into);
    };
    this->timer_feed::drop = [](timer_feed* f) noexcept { static_cast<timer_state*>(f)->unused(); };
}

timer_state* timer_state::make(scheduler& s, duration first, duration period, late_ticks late)
{
    timer_shard& shard = s.timers().shard();
    const std::int64_t now = nanos(clock::now());
    const std::int64_t when = nanos_after(now, first);
    shard.lock.lock();
    if (auto* t = static_cast<timer_state*>(shard.take_spare())) {
        t->channel_.revive();
        t->begin(when, period, late);
        t->settle_locked(now);
        auto changed = shard.to_arm();
        shard.lock.unlock();
        if (changed) changed->timers().arm();
        return t;
    }
    shard.lock.unlock();
    auto* t = new timer_state(shard, kind::channel);
    t->begin(when, period, late);
    t->settle(now);
    return t;
}

void timer_state::begin(std::int64_t when, duration period, late_ticks late) noexcept
{
    armed_ = true;
    late_ = late;
    when_ = when;
    period_ = nanos_of(period);
    missed_ = 0;
    want(when);
}

bool timer_state::set(duration first, duration period) noexcept
{
    const std::int64_t now = nanos(clock::now());
    const std::int64_t when = nanos_after(now, first);
    channel_.lock.lock();
    const bool was = std::exchange(armed_, true);
    when_ = when;
    period_ = nanos_of(period);
    want(when);
    if (calls_function() && !was) channel_.retain();
    channel_.lock.unlock();
    if (!settle(now)) lost();
    return was;
}

bool timer_state::unset() noexcept
{
    channel_.lock.lock();
    const bool was = std::exchange(armed_, false);
    want(timer_wheel::never);
    channel_.lock.unlock();
    if (was) {
        settle(0);
        if (calls_function()) channel_.release(); // its owner holds another one
    }
    return was;
}

/// The runtime has ended: a function timer will not be called, and does not keep itself.
void timer_state::lost() noexcept
{
    if (calls_function()) unset();
}

std::uint64_t timer_state::missed() noexcept
{
    channel_.lock.lock();
    const std::uint64_t n = missed_;
    channel_.lock.unlock();
    return n;
}

/// The tick that is due at `now`, or has been for a while; sets what comes after it.
std::int64_t timer_state::tick(std::int64_t now) noexcept
{
    const std::int64_t due = when_;
    if (period_ == 0) {
        armed_ = false;
        return due;
    }
    if (late_ == late_ticks::burst) {
        when_ = nanos_after(due, std::chrono::nanoseconds(period_));
        return due;
    }
    const std::int64_t others = (now - due) / period_; // that came in the meantime
    missed_ += static_cast<std::uint64_t>(others);
    const std::int64_t newest = due + others * period_;
    const std::int64_t from = late_ == late_ticks::delay && others > 0 ? now : newest;
    when_ = nanos_after(from, std::chrono::nanoseconds(period_));
    return late_ == late_ticks::skip ? newest : due;
}

bool timer_state::take(std::optional<time_point>& into) noexcept
{
    if (!armed_) return false;
    const std::int64_t now = nanos(clock::now());
    if (when_ > now) return false;
    into.emplace(moment(tick(now)));
    return true;
}

void timer_state::ring(std::int64_t at) noexcept
{
    wake_list wakes;
    channel_.lock.lock();
    const std::int64_t now = period_ != 0 ? nanos(clock::now()) : at;
    while (armed_ && when_ <= now) {
        waiter* r = channel_.receivers().pop_claimed();
        if (!r) break;
        static_cast<std::optional<time_point>*>(r->slot)->emplace(moment(tick(now)));
        r->ok = true;
        wakes.push(r);
    }
    want_after(now);
    channel_.lock.unlock();
    wakes.wake_all();
}

/// Locked. Whoever waited has what was due at `now`.
void timer_state::want_after(std::int64_t now) noexcept
{
    if (!armed_) {
        want(timer_wheel::never);
    } else if (when_ > now) {
        want(when_);
    } else { // it lies there; a ticker's next receiver will wait for the one after
        want(period_ == 0
                 ? timer_wheel::never
                 : nanos_after(now - (now - when_) % period_, std::chrono::nanoseconds(period_)));
    }
}

bool timer_state::is_idle() noexcept
{
    channel_.lock.lock();
    const bool idle = !calls_function() && channel_.receivers().empty();
    channel_.lock.unlock();
    return idle;
}

void timer_state::pass_over(std::int64_t until) noexcept
{
    channel_.lock.lock();
    if (channel_.receivers().empty()) want_after(until);
    channel_.lock.unlock();
}

bool timer_state::take_turn(std::int64_t at) noexcept
{
    channel_.lock.lock();
    const bool due = armed_ && when_ <= at;
    if (due) armed_ = false;
    want(armed_ ? when_ : timer_wheel::never);
    channel_.lock.unlock();
    if (due) channel_.release();
    return due;
}

void timer_state::unused() noexcept
{
    armed_ = false;
    want(timer_wheel::never);
    if (calls_function() || !put_aside()) delete this;
}

} // namespace detail

// ---------------------------------------------------------------- timer

timer::timer(duration d) : timer(executor(detail::current_scheduler("timer")), d) {}

timer::timer(const executor& ex, duration d)
    : ref_(detail::timer_state::make(ex.sched(), d, duration::zero(), late_ticks::drop))
{
}

bool timer::stop()
{
    if (!ref_) detail::throw_misuse("time: Stop called on uninitialized Timer");
    return ref_->unset();
}

bool timer::reset(duration d)
{
    if (!ref_) detail::throw_misuse("time: Reset called on uninitialized Timer");
    return ref_->set(d, duration::zero());
}

// ---------------------------------------------------------------- ticker

ticker::ticker(duration period, late_ticks late)
    : ticker(executor(detail::current_scheduler("ticker")), period, late)
{
}

ticker::ticker(const executor& ex, duration period, late_ticks late)
{
    if (period <= duration::zero()) detail::throw_misuse("non-positive interval for NewTicker");
    ref_ = detail::timer_ref(detail::timer_state::make(ex.sched(), period, period, late));
}

void ticker::stop()
{
    if (!ref_) detail::throw_misuse("time: Stop called on uninitialized Ticker");
    ref_->unset();
}

void ticker::reset(duration period)
{
    if (period <= duration::zero()) detail::throw_misuse("non-positive interval for Ticker.Reset");
    if (!ref_) detail::throw_misuse("time: Reset called on uninitialized Ticker");
    ref_->set(period, period);
}

std::uint64_t ticker::missed() const
{
    if (!ref_) detail::throw_misuse("time: missed called on uninitialized Ticker");
    return ref_->missed();
}

receive_channel<time_point> tick(duration period)
{
    if (period <= duration::zero()) return {};
    return ticker(period).channel();
}

} // namespace weft::inline v0_1
