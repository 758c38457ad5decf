// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/help_limit.hpp>

#include <algorithm>

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

namespace {

/// A window lasts as long as it takes for a fair count, and no longer than that.
constexpr clock::duration window = 60us, longest_window = 500us, before_next_look = 20us;
constexpr std::uint64_t fair_count = 100;
/// So long nobody looked: nothing ran.
constexpr clock::duration lapse = 5ms;

/// What twice as many workers must get done, to stay.
constexpr double least_gain = 1.15;
/// A trial is over when two windows, or the median of all of them, leave no doubt.
constexpr std::size_t windows_of_a_trial = 5, windows_without_doubt = 2;
constexpr double clearly_less = 0.8;

/// Between trials that failed.
constexpr clock::duration first_pause = 1ms, longest_pause = 64ms;

clock::duration longer(clock::duration pause)
{
    return std::clamp(2 * pause, first_pause, longest_pause);
}

} // namespace

void help_limit::latest_rates::push(double rate) noexcept
{
    rates_[pushed_++ % rates_.size()] = rate;
}

double help_limit::latest_rates::median() const noexcept
{
    auto sorted = rates_;
    const auto end = sorted.begin() + (known().end() - known().begin());
    const auto middle = sorted.begin() + (end - sorted.begin()) / 2;
    std::nth_element(sorted.begin(), middle, end);
    return *middle;
}

void help_limit::close_window(clock::time_point now, std::uint64_t work) noexcept
{
    const clock::duration lasted = now - began_;
    if (lasted <= clock::duration::zero()) return; // somebody was held up on the way here
    const std::uint64_t done = work - work_;
    if (lasted < lapse && done < fair_count && lasted < longest_window) {
        window_end_.store((now + before_next_look).time_since_epoch().count(),
                          std::memory_order_relaxed);
        return;
    }
    began_ = now;
    work_ = work;
    window_end_.store((now + window).time_since_epoch().count(), std::memory_order_relaxed);
    if (lasted >= lapse) {
        if (phase_ != phase::steady) settle(before_);
        fresh_ = true;
    }
    if (!fresh_) judge(now, static_cast<double>(done) / static_cast<double>(lasted.count()));
    else fresh_ = false;
}

bool help_limit::let_all_in() noexcept
{
    if (looking_.test_and_set(std::memory_order_acquire)) return false;
    const bool now = untried_.load(std::memory_order_relaxed) && phase_ == phase::steady;
    if (now) {
        settle(most_);
        next_down_ = began_ + first_pause;
    }
    looking_.clear(std::memory_order_release);
    return now;
}

/// A window of `rate` has ended.
void help_limit::judge(clock::time_point now, double rate) noexcept
{
    const unsigned limit = get();
    rates_.push(rate);
    if (phase_ == phase::steady) {
        const bool wanted = wanted_.exchange(false, std::memory_order_relaxed);
        if (wanted && limit < most_ && now >= next_up_) {
            try_out(phase::up, std::min(2 * limit, most_));
        } else if (limit > 1 && now >= next_down_) {
            try_out(phase::down, (limit + 1) / 2);
        }
        return;
    }
    const std::size_t windows = rates_.known().size();
    if (windows < windows_without_doubt) return;
    const bool last = windows == windows_of_a_trial;
    const auto [least, most] = std::ranges::minmax(rates_.known());
    const double typical = rates_.median();
    if (phase_ == phase::up) {
        if ((last ? typical : least) >= least_gain * base_) {
            more_pays(now);
            next_down_ = now + first_pause;
            settle(limit);
        } else if (last || most < clearly_less * base_) {
            more_does_not_pay(now);
            settle(before_);
        }
    } else {
        if (last ? least_gain * typical >= base_ : least >= base_) {
            more_does_not_pay(now);
            pause_down_ = {};
            next_down_ = now;
            settle(limit);
        } else if (last || most < clearly_less * base_) {
            more_pays(now);
            pause_down_ = longer(pause_down_);
            next_down_ = now + pause_down_;
            settle(before_);
        }
    }
}

void help_limit::more_pays(clock::time_point now) noexcept
{
    pause_ = {};
    next_up_ = now;
    untried_.store(true, std::memory_order_relaxed);
}

void help_limit::more_does_not_pay(clock::time_point now) noexcept
{
    pause_ = longer(pause_);
    next_up_ = now + pause_;
    untried_.store(false, std::memory_order_relaxed);
}

void help_limit::try_out(phase p, unsigned limit) noexcept
{
    phase_ = p;
    before_ = get();
    base_ = rates_.median();
    rates_ = {};
    set_limit(limit);
}

void help_limit::settle(unsigned limit) noexcept
{
    phase_ = phase::steady;
    rates_ = {};
    set_limit(limit);
}

void help_limit::set_limit(unsigned limit) noexcept
{
    if (limit == get()) return;
    fresh_ = true;
    limit_.store(limit, std::memory_order_relaxed);
}

} // namespace weft::inline v0_1::detail
