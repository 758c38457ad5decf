// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/random.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

/// Who runs next: the three ways in which a schedule is decided, be it of goroutines in a bubble or of
/// threads in a model.

namespace weft::inline v0_1::testing {

using weft::detail::fast_random;

/// In production a goroutine gives way after so many operations that were ready. One that goes on alone for longer
/// here is taken to have yielded: else a loop that waits for another task may keep that one from running.
inline constexpr unsigned longest_run = 128;

/// Counts the turns that one task takes in a row while others could.
class endurance {
public:
    /// True: it has had enough.
    bool spent(std::uint64_t latest, bool alone) noexcept
    {
        turns_ = !alone && latest == who_ ? turns_ + 1 : 0;
        who_ = latest;
        if (turns_ < longest_run) return false;
        turns_ = 0;
        return true;
    }
    void reset() noexcept { turns_ = 0; }

private:
    std::uint64_t who_ = 0;
    unsigned turns_ = 0;
};

/// A task is whatever takes turns; these say what a strategy asks of it.
///  - `id_of(task)`      small, and the same whenever the same choices were made;
///  - `has_yielded(task)`  it has asked to run after the others;
///  - `forget_yield(task)` it has fallen behind them.
template <class Task>
class strategy {
public:
    strategy() = default;
    strategy(const strategy&) = delete;
    strategy& operator=(const strategy&) = delete;
    virtual ~strategy() = default;

    /// An index into `runnable`, which is not empty. `latest` is the id of the task that ran last.
    virtual std::size_t pick(std::span<Task* const> runnable, std::uint64_t latest) = 0;

    /// Of the tasks' own generators; 0: they ask `choose`.
    [[nodiscard]] virtual std::uint64_t seed() const noexcept = 0;
    virtual std::uint32_t choose(std::uint32_t) noexcept { return 0; }
    virtual void chose(std::uint32_t) noexcept {}
};

/// What a seed says. The number alone replays a schedule, so it also tells the strategy.
struct schedule_seed {
    bool by_priority = false;
    unsigned change_points = 1; ///< 1 to 4
    unsigned length_log2 = 0;   ///< of how many steps the change points are drawn from
    std::uint64_t random = 0;   ///< 55 bits

    static schedule_seed of(std::uint64_t n) noexcept
    {
        return {(n & 1) != 0, static_cast<unsigned>(n >> 1 & 3) + 1,
                static_cast<unsigned>(n >> 3 & 63), n >> 9};
    }
    [[nodiscard]] std::uint64_t number() const noexcept
    {
        return random << 9 | std::uint64_t{length_log2} << 3 |
               std::uint64_t{change_points - 1} << 1 | (by_priority ? 1u : 0u);
    }
    /// The n-th of those that follow from `first`, which is the 0th: random and priority by turns.
    static std::uint64_t nth(std::uint64_t first, std::uint64_t n, std::uint64_t longest) noexcept;
};

/// Uniform at each step.
template <class Task>
class random_strategy final : public strategy<Task> {
public:
    explicit random_strategy(std::uint64_t seed) noexcept : seed_(seed), random_(seed) {}

    std::size_t pick(std::span<Task* const> runnable, std::uint64_t) override
    {
        return runnable.size() == 1 ? 0
                                    : random_.below(static_cast<std::uint32_t>(runnable.size()));
    }
    [[nodiscard]] std::uint64_t seed() const noexcept override { return seed_ | 1; }

private:
    std::uint64_t seed_;
    fast_random random_;
};

/// The task of the highest priority runs; at each change point the one that ran falls behind all others, and
/// so does one that yields.
template <class Task>
class priority_strategy final : public strategy<Task> {
public:
    explicit priority_strategy(std::uint64_t seed) : seed_(seed), random_(seed)
    {
        const schedule_seed s = schedule_seed::of(seed);
        const auto length = std::uint32_t{1} << std::min(s.length_log2, 31u);
        for (unsigned i = 0; i < s.change_points; ++i) {
            change_at_.push_back(random_.below(length) + 1);
        }
    }

    std::size_t pick(std::span<Task* const> runnable, std::uint64_t latest) override
    {
        ++step_;
        const bool change =
            std::find(change_at_.begin(), change_at_.end(), step_) != change_at_.end() ||
            endurance_.spent(latest, runnable.size() == 1);
        std::size_t best = 0;
        std::uint64_t highest = 0;
        for (std::size_t i = 0; i < runnable.size(); ++i) {
            Task& t = *runnable[i];
            std::uint64_t& p = priority_of(id_of(t));
            if (has_yielded(t) || (change && id_of(t) == latest)) {
                p = --lowest_;
                forget_yield(t);
            }
            if (p > highest) {
                highest = p;
                best = i;
            }
        }
        return best;
    }
    [[nodiscard]] std::uint64_t seed() const noexcept override { return seed_ | 1; }

private:
    std::uint64_t& priority_of(std::uint64_t id)
    {
        const auto at = static_cast<std::size_t>(id);
        if (at >= priorities_.size()) priorities_.resize(std::max<std::size_t>(16, 2 * at), 0);
        std::uint64_t& p = priorities_[at];
        if (p == 0) p = (std::uint64_t{1} << 32) + random_.next();
        return p;
    }

    std::uint64_t seed_;
    fast_random random_;
    std::uint64_t step_ = 0;
    endurance endurance_;
    std::uint64_t lowest_ = std::uint64_t{1} << 32; ///< sinks; new ones draw from above
    std::vector<std::uint64_t> priorities_;         ///< by id; 0: not drawn yet
    std::vector<std::uint64_t> change_at_;
};

/// All schedules with so many pre-emptions, depth first: each run repeats the choices of the one before but for
/// the last one that had an alternative left. It is fair: who gives way does so until those it may wait for have run.
template <class Task>
class systematic_strategy final : public strategy<Task> {
public:
    explicit systematic_strategy(unsigned bound) noexcept : bound_(bound) {}

    std::size_t pick(std::span<Task* const> runnable, std::uint64_t latest) override
    {
        const bool spent = endurance_.spent(latest, runnable.size() == 1);
        const std::size_t next = runnable.size() == 1 ? 0 : decide(runnable, latest, spent);
        turn& t = turn_of(id_of(*runnable[next]));
        t.taken = ++turns_;
        t.spent = false;
        return next;
    }
    [[nodiscard]] std::uint64_t seed() const noexcept override { return 0; }

    std::uint32_t choose(std::uint32_t n) noexcept override
    {
        if (n <= 1) return 0;
        if (depth_ == trail_.size()) {
            trail_.push_back({0, n});
        } else if (trail_[depth_].of != n) {
            diverged_ = true;
            return 0;
        }
        return trail_[depth_++].value;
    }

    void chose(std::uint32_t at) noexcept override
    {
        if (depth_ != 0 && !diverged_) trail_[depth_ - 1].value = at;
    }

    /// Prepares the next run. False: there is none.
    bool advance() noexcept
    {
        if (depth_ < trail_.size()) diverged_ = true; // it has ended sooner
        if (diverged_) return false;
        depth_ = 0;
        preemptions_ = 0;
        endurance_.reset();
        last_turns_.clear();
        turns_ = 0;
        while (!trail_.empty() && trail_.back().value + 1 >= trail_.back().of) trail_.pop_back();
        if (trail_.empty()) return false;
        ++trail_.back().value;
        return true;
    }
    /// The program did something else than before, on the same choices.
    [[nodiscard]] bool diverged() const noexcept { return diverged_; }

private:
    struct point {
        std::uint32_t value, of;
    };
    struct turn {
        std::uint64_t taken = 0; ///< when it ran last
        bool spent = false;      ///< it has had enough since
    };

    turn& turn_of(std::uint64_t id)
    {
        const auto at = static_cast<std::size_t>(id);
        if (at >= last_turns_.size()) last_turns_.resize(std::max<std::size_t>(16, 2 * at));
        return last_turns_[at];
    }
    bool waits_its_turn(const Task& t) { return !has_yielded(t) && !turn_of(id_of(t)).spent; }

    std::size_t decide(std::span<Task* const> runnable, std::uint64_t latest, bool spent)
    {
        const auto n = static_cast<std::uint32_t>(runnable.size());
        const auto it = std::find_if(runnable.begin(), runnable.end(),
                                     [latest](const Task* t) { return id_of(*t) == latest; });
        if (it == runnable.end()) {
            // Those that wake each other for ever, as a ticker and its clock, keep nobody from running.
            const std::size_t patient = longest_ago(runnable, n);
            const bool starves =
                turns_ - turn_of(id_of(*runnable[patient])).taken > 4 * longest_run;
            return starves ? patient : choose(n);
        }
        const auto before = static_cast<std::uint32_t>(it - runnable.begin());
        if (has_yielded(**it) || spent) {
            turn_of(latest).spent = true;
            return let_others_go_first(runnable, before);
        }
        if (preemptions_ == bound_) return before;
        const std::uint32_t value = choose(n);
        if (value == 0) return before;
        ++preemptions_;
        return value - 1 < before ? value - 1 : value;
    }

    /// It costs nothing to go on with one that has not given way itself, or, when all have, with the one that ran
    /// longest ago: two that wait for a third would else keep it from running. Any other costs a pre-emption.
    std::size_t let_others_go_first(std::span<Task* const> runnable, std::size_t who)
    {
        candidates_.clear();
        for (std::size_t i = 0; i < runnable.size(); ++i) {
            if (i != who && waits_its_turn(*runnable[i])) candidates_.push_back(i);
        }
        if (candidates_.empty()) candidates_.push_back(longest_ago(runnable, who));
        const std::size_t free = candidates_.size();
        if (preemptions_ < bound_) {
            for (std::size_t i = 0; i < runnable.size(); ++i) {
                if (i != who &&
                    std::find(candidates_.begin(), candidates_.end(), i) == candidates_.end())
                    candidates_.push_back(i);
            }
        }
        const std::uint32_t value = choose(static_cast<std::uint32_t>(candidates_.size()));
        if (value >= free) ++preemptions_;
        return candidates_[value];
    }

    std::size_t longest_ago(std::span<Task* const> runnable, std::size_t who)
    {
        std::size_t best = who == 0 ? 1 : 0;
        for (std::size_t i = best + 1; i < runnable.size(); ++i) {
            if (i != who &&
                turn_of(id_of(*runnable[i])).taken < turn_of(id_of(*runnable[best])).taken)
                best = i;
        }
        return best;
    }

    const unsigned bound_;
    unsigned preemptions_ = 0;
    endurance endurance_;
    std::uint64_t turns_ = 0;
    std::vector<turn> last_turns_;        ///< by id
    std::vector<std::size_t> candidates_; ///< kept for its room
    std::vector<point> trail_;
    std::size_t depth_ = 0;
    bool diverged_ = false;
};

/// The strategy a seed stands for.
template <class Task>
std::unique_ptr<strategy<Task>> strategy_of(std::uint64_t seed)
{
    if (schedule_seed::of(seed).by_priority) return std::make_unique<priority_strategy<Task>>(seed);
    return std::make_unique<random_strategy<Task>>(seed);
}

inline std::uint64_t schedule_seed::nth(std::uint64_t first, std::uint64_t n,
                                        std::uint64_t longest) noexcept
{
    if (n == 0) return first;
    schedule_seed s;
    fast_random mix(first + n * 2 + 1);
    const std::uint64_t high = mix.next();
    s.random = (high << 32 | mix.next()) >> 9;
    s.by_priority = n % 2 == 1;
    s.change_points = static_cast<unsigned>(n / 2 % 4) + 1;
    for (; longest != 0; longest >>= 1) ++s.length_log2;
    return s.number();
}

} // namespace weft::inline v0_1::testing
