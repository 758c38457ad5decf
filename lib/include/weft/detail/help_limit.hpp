// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/config.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>

namespace weft::inline v0_1::detail {

/// How many workers may run at a time: as many as pay. Goroutines that do next to nothing, or fight for one channel, get on
/// better on one processor than on many. Whether more workers pay is tried out: the work that gets done is counted in windows
/// of some 60 us, with the present number and with twice of it. The larger one stays if it gets `least_gain` as much done;
/// if not, the next trial waits, each time twice as long. Now and then half of them is tried, since what a program does
/// changes. For work in pieces so large that it should pay, all are let in at first, and it is found out whether fewer do.
///
/// All of it is a hint. Whoever wins `looking_` may touch what it guards; the others go on.
///
///   steady    the limit is in force, and the median of the last windows is what a trial is measured by.
///   up, down  a trial; the first window after a change does not count.
///
/// @par Thread safety  safe
class WEFT_EXPORT help_limit {
public:
    explicit help_limit(unsigned procs) noexcept : most_(procs) {}

    [[nodiscard]] unsigned get() const noexcept { return limit_.load(std::memory_order_relaxed); }

    /// Somebody wants one more than the limit, for work in `large` pieces. True: all may come.
    bool ask(bool large) noexcept
    {
        if (!wanted_.load(std::memory_order_relaxed)) {
            wanted_.store(true, std::memory_order_relaxed);
        }
        return large && get() < most_ && untried_.load(std::memory_order_relaxed) && let_all_in();
    }

    /// Called now and then by whoever runs. `count_work()` says how many pieces of work were done so far.
    template <class CountWork>
    void look(clock::time_point now, CountWork count_work) noexcept
    {
        if (now.time_since_epoch().count() < window_end_.load(std::memory_order_relaxed)) return;
        if (looking_.test_and_set(std::memory_order_acquire)) return;
        close_window(now, count_work());
        looking_.clear(std::memory_order_release);
    }

private:
    enum class phase : unsigned char { steady, up, down };

    /// Of the last windows. At least one, where it is asked.
    class latest_rates {
    public:
        void push(double rate) noexcept;
        [[nodiscard]] std::span<const double> known() const noexcept
        {
            return {rates_.data(), std::min(pushed_, rates_.size())};
        }
        [[nodiscard]] double median() const noexcept;

    private:
        std::array<double, 5> rates_{};
        std::size_t pushed_ = 0;
    };

    bool let_all_in() noexcept;
    void close_window(clock::time_point now, std::uint64_t work) noexcept;
    void judge(clock::time_point now, double rate) noexcept;
    void more_pays(clock::time_point now) noexcept;
    void more_does_not_pay(clock::time_point now) noexcept;
    void try_out(phase p, unsigned limit) noexcept;
    void settle(unsigned limit) noexcept;
    void set_limit(unsigned limit) noexcept;

    const unsigned most_;
    std::atomic<unsigned> limit_{1};
    std::atomic<bool> wanted_{false};
    // The two are written by whoever looks.
    std::atomic<clock::rep> window_end_{0}; ///< in clock ticks since its epoch
    std::atomic<bool> untried_{true};       ///< nothing says that more would not pay
    std::atomic_flag looking_{};

    // Guarded by looking_.
    phase phase_ = phase::steady;
    bool fresh_ = true;         ///< the window's rate does not count: something changed in it
    clock::time_point began_{}; ///< of the window
    std::uint64_t work_ = 0;    ///< done before it
    latest_rates rates_;        ///< at the present limit, per tick
    double base_ = 0;           ///< the rate that a trial is measured by
    unsigned before_ = 1;       ///< the limit before the trial
    clock::time_point next_up_{}, next_down_{};
    clock::duration pause_{}, pause_down_{};
};

} // namespace weft::inline v0_1::detail
