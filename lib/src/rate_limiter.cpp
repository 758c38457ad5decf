// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/rate_limiter.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/error.hpp>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <string>
#include <system_error>

namespace weft::inline v0_1 {

namespace detail {

namespace {

// Times and durations end at their limits instead of overflowing.

duration between(time_point from, time_point to) noexcept
{
    const duration a = from.time_since_epoch(), b = to.time_since_epoch();
    if (a < duration::zero() && b > duration::max() + a) return duration::max();
    if (a > duration::zero() && b < duration::min() + a) return duration::min();
    return b - a;
}

time_point shifted(time_point t, duration d) noexcept
{
    const duration e = t.time_since_epoch();
    if (d > duration::zero() && e > duration::max() - d) return time_point::max();
    if (d < duration::zero() && e < duration::min() - d) return time_point::min();
    return t + d;
}

/// How long a wait may take that begins at `now`. Without a deadline as long as a wait for ever, which the end of its
/// context ends.
duration longest_until(time_point deadline, time_point now) noexcept
{
    return deadline == time_point::max() ? duration::max() : between(now, deadline);
}

double tokens_in(duration d, double rate) noexcept
{
    if (rate <= 0) return 0;
    if (std::isinf(rate)) return d > duration::zero() ? rate : 0;
    return std::chrono::duration<double>(d).count() * rate;
}

duration time_for(double tokens, double rate) noexcept
{
    if (rate <= 0) return duration::max();
    using ticks = std::chrono::duration<double, duration::period>;
    const double n = ticks(std::chrono::duration<double>(tokens / rate)).count();
    if (n >= static_cast<double>(duration::max().count())) return duration::max();
    if (n <= static_cast<double>(duration::min().count())) return duration::min();
    return duration(static_cast<duration::rep>(n));
}

double checked_rate(double per_second)
{
    if (!(per_second >= 0)) throw_misuse("rate: negative rate");
    return per_second;
}

int checked_burst(int burst)
{
    if (burst < 0) throw_misuse("rate: negative burst");
    return burst;
}

int checked_tokens(int n)
{
    if (n < 0) throw_misuse("rate: negative number of tokens");
    return n;
}

} // namespace

/// The bucket. `tokens_` is how many there were at `last_`; `last_event_` is the latest moment that
/// was promised to anybody.
class limiter_state {
public:
    limiter_state(double rate, int burst) noexcept : rate_(rate), burst_(burst), tokens_(burst) {}

    /// Takes `n` tokens if they are to be had within `longest`; those that are to be had only
    /// later, only if `in_advance`.
    limiter_answer take(time_point t, int n, duration longest, bool in_advance,
                        token_grant& into) noexcept
    {
        std::lock_guard one(lock_);
        if (std::isinf(rate_)) {
            into = {true, 0, rate_, t};
            return limiter_answer::granted;
        }
        const double left = tokens_at_locked(t) - n;
        const duration pause = left < 0 ? time_for(-left, rate_) : duration::zero();
        if (n > burst_) return limiter_answer::over_burst;
        if (pause > longest) return limiter_answer::too_late;
        if (pause > duration::zero() && !in_advance) return limiter_answer::later;
        into = {true, n, rate_, shifted(t, pause)};
        last_ = t;
        tokens_ = left;
        last_event_ = into.when_to_act;
        return pause > duration::zero() ? limiter_answer::later : limiter_answer::granted;
    }

    /// Tokens that were promised after `g` was are not given back: they were reckoned with `g` in
    /// place.
    /// Nor are those whose moment has passed, since they may have been used; `unused` knows better.
    void give_back(const token_grant& g, time_point t, bool unused) noexcept
    {
        std::lock_guard one(lock_);
        if (std::isinf(rate_) || g.tokens == 0 || (g.when_to_act < t && !unused)) return;
        const double back = g.tokens - tokens_in(between(g.when_to_act, last_event_), g.rate);
        if (back <= 0) return;
        tokens_ = std::min(tokens_at_locked(t) + back, static_cast<double>(burst_));
        last_ = t;
        if (g.when_to_act == last_event_) {
            const time_point before = shifted(g.when_to_act, time_for(-g.tokens, g.rate));
            if (before >= t) last_event_ = before;
        }
    }

    void set_rate(time_point t, double rate) noexcept
    {
        std::lock_guard one(lock_);
        tokens_ = tokens_at_locked(t);
        last_ = t;
        rate_ = rate;
    }

    void set_burst(time_point t, int burst) noexcept
    {
        std::lock_guard one(lock_);
        tokens_ = tokens_at_locked(t);
        last_ = t;
        burst_ = burst;
    }

    double rate() noexcept
    {
        std::lock_guard one(lock_);
        return rate_;
    }

    int burst() noexcept
    {
        std::lock_guard one(lock_);
        return burst_;
    }

    double tokens(time_point t) noexcept
    {
        std::lock_guard one(lock_);
        return tokens_at_locked(t);
    }

private:
    [[nodiscard]] double tokens_at_locked(time_point t) const noexcept
    {
        const duration passed = t < last_ ? duration::zero() : between(last_, t);
        return std::min(tokens_ + tokens_in(passed, rate_), static_cast<double>(burst_));
    }

    spinlock lock_;
    double rate_; ///< guarded by lock_, as all below; infinite: no limit
    int burst_;
    double tokens_;
    time_point last_ = time_point::min();
    time_point last_event_ = time_point::min();
};

} // namespace detail

// ---------------------------------------------------------------- reservation

duration reservation::delay_from(time_point t) const noexcept
{
    const time_point when = time_to_act();
    if (when == time_point::max()) return duration::max();
    return std::max(detail::between(t, when), duration::zero());
}

void reservation::cancel_at(time_point t) noexcept
{
    if (!grant_.ok) return;
    state_->give_back(grant_, t, false);
    grant_.tokens = 0;
}

// ---------------------------------------------------------------- wait

bool limiter_wait_operation::attempt(detail::waiter& w, detail::wake_list&) noexcept
{
    w.ok = shard_->keeper() != nullptr;
    if (!w.ok) return true;
    const time_point now = clock::now();
    answer_ = state_->take(now, n_, detail::longest_until(deadline_, now), false, grant_);
    return answer_ != detail::limiter_answer::later;
}

void limiter_wait_operation::enqueue(detail::waiter& w) noexcept
{
    const time_point now = clock::now();
    answer_ = state_->take(now, n_, detail::longest_until(deadline_, now), true, grant_);
    // Others may have changed the limiter since the attempt; a refusal, too, is told when the timer
    // rings.
    holds_ = answer_ == detail::limiter_answer::later || answer_ == detail::limiter_answer::granted;
    entry_.when = detail::nanos(holds_ ? grant_.when_to_act : now);
    entry_.when = std::min(entry_.when, detail::timer_wheel::never - 1);
    w.slot = &entry_;
    shard_->push(w, detail::nanos(now));
    detail::changed_timer(*shard_);
}

void limiter_wait_operation::dequeue(detail::waiter& w) noexcept
{
    if (!holds_ && answer_ == detail::limiter_answer::later) return; // it stands nowhere
    const bool stood = shard_->remove(w);
    if (stood) detail::changed_timer(*shard_);
    // Alone, and no longer in the wheel: the timer was faster, and it has happened. In a select
    // only losers come here.
    if (stood || w.contest) give_back();
}

void limiter_wait_operation::give_back() noexcept
{
    if (std::exchange(holds_, false)) state_->give_back(grant_, clock::now(), true);
}

void limiter_wait_operation::finish(detail::waiter& w)
{
    const auto text = [&](const char* why) {
        return "rate: Wait(n=" + std::to_string(n_) + ") " + why;
    };
    if (!w.ok) {
        give_back();
        throw error(errc::stopped);
    }
    holds_ = false;
    if (answer_ == detail::limiter_answer::over_burst) {
        throw error(std::make_error_code(std::errc::invalid_argument),
                    text("exceeds limiter's burst ") + std::to_string(state_->burst()));
    }
    if (answer_ == detail::limiter_answer::too_late) {
        throw error(make_error_code(errc::deadline_exceeded),
                    text("would exceed context deadline"));
    }
}

// ---------------------------------------------------------------- limiter

double limiter::every(duration interval) noexcept
{
    if (interval <= duration::zero()) return inf;
    return 1 / std::chrono::duration<double>(interval).count();
}

limiter::limiter(double per_second, int burst)
    : state_(std::make_shared<detail::limiter_state>(detail::checked_rate(per_second),
                                                     detail::checked_burst(burst)))
{
}

bool limiter::allow_at(time_point t, int n) const
{
    detail::token_grant g;
    return state_->take(t, detail::checked_tokens(n), duration::zero(), false, g) ==
           detail::limiter_answer::granted;
}

reservation limiter::reserve_at(time_point t, int n, duration longest) const
{
    reservation r;
    state_->take(t, detail::checked_tokens(n), longest, true, r.grant_);
    if (r.grant_.ok) r.state_ = state_;
    return r;
}

limiter_wait_operation limiter::waiting(int n, time_point deadline) const
{
    detail::checked_tokens(n);
    return {state_, detail::current_scheduler("limiter::wait").timers().shard(), n, deadline};
}

void limiter::set_rate_at(time_point t, double per_second) const
{
    state_->set_rate(t, detail::checked_rate(per_second));
}

void limiter::set_burst_at(time_point t, int burst) const
{
    state_->set_burst(t, detail::checked_burst(burst));
}

double limiter::rate() const noexcept
{
    return state_->rate();
}

int limiter::burst() const noexcept
{
    return state_->burst();
}

double limiter::tokens_at(time_point t) const noexcept
{
    return state_->tokens(t);
}

} // namespace weft::inline v0_1
