// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/sometimes.hpp>

#include <mutex>

namespace weft::inline v0_1 {

namespace {

/// Unsigned, so that the distance of any two moments is right.
std::uint64_t ticks(duration d) noexcept
{
    return static_cast<std::uint64_t>(d.count());
}

std::uint64_t ticks(time_point t) noexcept
{
    return ticks(t.time_since_epoch());
}

} // namespace

bool sometimes::due_at(time_point t) noexcept
{
    std::lock_guard one(lock_);
    const std::uint64_t n = count_++;
    const auto first = static_cast<std::uint64_t>(when_.first);
    const auto every = static_cast<std::uint64_t>(when_.every);
    const bool timed = when_.interval > duration::zero();
    const bool yes = n == 0 || (when_.first > 0 && n < first) ||
                     (when_.every > 0 && n % every == 0) ||
                     (timed && t > last_ && ticks(t) - ticks(last_) >= ticks(when_.interval));
    if (yes && timed) last_ = t;
    return yes;
}

} // namespace weft::inline v0_1
