// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "strategy.hpp"

#include <algorithm>

namespace weft::testing {

bool has_yielded(const goroutine& g) noexcept
{
    return g.budget < 0; // an operation that spends the budget leaves it at zero
}

// ---------------------------------------------------------------- seed

schedule_seed schedule_seed::of(std::uint64_t n) noexcept
{
    return {(n & 1) != 0, static_cast<unsigned>(n >> 1 & 3) + 1,
            static_cast<unsigned>(n >> 3 & 63), n >> 9};
}

std::uint64_t schedule_seed::number() const noexcept
{
    return random << 9 | std::uint64_t{length_log2} << 3 |
           std::uint64_t{change_points - 1} << 1 | (by_priority ? 1u : 0u);
}

// ---------------------------------------------------------------- random

std::size_t random_strategy::pick(std::span<goroutine* const> runnable, std::uint64_t)
{
    return runnable.size() == 1 ? 0 : random_.below(static_cast<std::uint32_t>(runnable.size()));
}

// ---------------------------------------------------------------- priority

priority_strategy::priority_strategy(std::uint64_t seed) : seed_(seed), random_(seed)
{
    const schedule_seed s = schedule_seed::of(seed);
    const auto length = static_cast<std::uint32_t>(1) << std::min(s.length_log2, 31u);
    for (unsigned i = 0; i < s.change_points; ++i) change_at_.push_back(random_.below(length) + 1);
}

std::uint64_t& priority_strategy::priority_of(const goroutine& g)
{
    const auto at = static_cast<std::size_t>(g.id);
    if (at >= priorities_.size()) priorities_.resize(std::max<std::size_t>(16, 2 * at), 0);
    std::uint64_t& p = priorities_[at];
    if (p == 0) p = (std::uint64_t{1} << 32) + random_.next();
    return p;
}

std::size_t priority_strategy::pick(std::span<goroutine* const> runnable, std::uint64_t latest)
{
    ++step_;
    const bool change = std::find(change_at_.begin(), change_at_.end(), step_) != change_at_.end();
    std::size_t best = 0;
    std::uint64_t highest = 0;
    for (std::size_t i = 0; i < runnable.size(); ++i) {
        goroutine& g = *runnable[i];
        std::uint64_t& p = priority_of(g);
        if (has_yielded(g) || (change && g.id == latest)) {
            p = --lowest_;
            g.budget = 0; // it falls once
        }
        if (p > highest) {
            highest = p;
            best = i;
        }
    }
    return best;
}

// ---------------------------------------------------------------- systematic

std::uint32_t systematic_strategy::choose(std::uint32_t n) noexcept
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

void systematic_strategy::chose(std::uint32_t at) noexcept
{
    if (depth_ != 0 && !diverged_) trail_[depth_ - 1].value = at;
}

std::size_t systematic_strategy::pick(std::span<goroutine* const> runnable, std::uint64_t latest)
{
    const auto n = static_cast<std::uint32_t>(runnable.size());
    if (n == 1) return 0;
    const auto it = std::find_if(runnable.begin(), runnable.end(),
                                 [latest](const goroutine* g) { return g->id == latest; });
    if (it == runnable.end()) return choose(n);
    const auto before = static_cast<std::uint32_t>(it - runnable.begin());
    const auto other = [before](std::uint32_t i) { return i < before ? i : i + 1; };
    if (has_yielded(**it)) return other(choose(n - 1)); // it lets the others go first, for nothing
    if (preemptions_ == bound_) return before;
    const std::uint32_t value = choose(n);
    if (value == 0) return before;
    ++preemptions_;
    return other(value - 1);
}

bool systematic_strategy::advance() noexcept
{
    depth_ = 0;
    preemptions_ = 0;
    while (!trail_.empty() && trail_.back().value + 1 >= trail_.back().of) trail_.pop_back();
    if (trail_.empty()) return false;
    ++trail_.back().value;
    return true;
}

} // namespace weft::testing
