// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/backoff.hpp>

#include <weft/detail/select_core.hpp>
#include <weft/error.hpp>

#include <algorithm>

namespace weft::inline v0_1 {

namespace {

backoff checked(backoff p)
{
    if (p.initial < duration::zero() || p.max < duration::zero())
        detail::throw_misuse("backoff: negative delay");
    if (!(p.multiplier >= 1 && p.multiplier <= std::numeric_limits<double>::max()))
        detail::throw_misuse("backoff: multiplier outside of [1, inf)");
    if (!(p.jitter >= 0 && p.jitter <= 1))
        detail::throw_misuse("backoff: jitter outside of [0, 1]");
    if (p.max_elapsed < duration::zero()) detail::throw_misuse("backoff: negative max_elapsed");
    if (p.max_attempts < 1) detail::throw_misuse("backoff: max_attempts below 1");
    return p;
}

double ticks(duration d) noexcept
{
    return static_cast<double>(d.count());
}

/// In [0, 1).
double chance() noexcept
{
    constexpr double two_to_the_32 = 4294967296.0;
    return detail::thread_random().next() / two_to_the_32;
}

} // namespace

backoff_sequence::backoff_sequence(const backoff& policy, time_point start)
    : policy_(checked(policy))
{
    reset(start);
}

void backoff_sequence::reset(time_point start) noexcept
{
    start_ = start;
    delay_ = ticks(std::min(policy_.initial, policy_.max));
    attempts_ = 0;
}

std::optional<duration> backoff_sequence::next_at(time_point now)
{
    if (attempts_ < policy_.max_attempts) ++attempts_;
    if (attempts_ == policy_.max_attempts) return std::nullopt;
    const double pause = delay_ * (1 - policy_.jitter) + delay_ * policy_.jitter * chance();
    delay_ = std::min(delay_ * policy_.multiplier, ticks(policy_.max));
    const duration d = pause < ticks(duration::max()) ? duration(static_cast<duration::rep>(pause))
                                                      : duration::max();
    if (policy_.max_elapsed != duration::max()) {
        const duration left = policy_.max_elapsed - std::max(now - start_, duration::zero());
        if (d > left) return std::nullopt;
    }
    return d;
}

} // namespace weft::inline v0_1
