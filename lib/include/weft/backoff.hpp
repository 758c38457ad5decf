// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <chrono>
#include <limits>
#include <optional>

/// `backoff`: longer and longer pauses between attempts.

namespace weft::inline v0_1 {

/// How long to pause between the attempts at something, and when to give up.
///
/// The k-th delay is `initial * multiplier^(k-1)`, at most `max`. `jitter` is the share of it that
/// chance decides: 1, the default, draws the pause from all of [0, delay), so that many who failed
/// together do not come back together; 0 pauses for the delay exactly; 0.5 draws from [delay/2,
/// delay).
struct backoff {
    static constexpr int no_limit = std::numeric_limits<int>::max();

    duration initial = std::chrono::milliseconds(100); ///< not negative
    duration max = std::chrono::seconds(30);           ///< not negative
    double multiplier = 2;                             ///< at least 1
    double jitter = 1;                                 ///< in [0, 1]
    /// No pause that would end later than this after the beginning; `duration::max()`: no limit.
    duration max_elapsed = duration::max();
    int max_attempts = no_limit; ///< at least 1
};

/// The pauses of one `backoff`, one after the other. Ask for one after each failure:
///
///     backoff_sequence pauses({.initial = 50ms, .max_attempts = 5});
///     while (!attempt()) {
///         const auto pause = pauses.next();
///         if (!pause) break; // give up
///         co_await sleep(*pause);
///     }
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
class WEFT_EXPORT backoff_sequence {
public:
    /// `max_elapsed` counts from here, or from `start`.
    /// @throws misuse_error  "backoff: negative delay", "backoff: multiplier outside of [1, inf)",
    ///                       "backoff: jitter outside of [0, 1]", "backoff: negative max_elapsed",
    ///                       "backoff: max_attempts below 1".
    explicit backoff_sequence(const backoff& policy, time_point start = clock::now());

    /// An attempt has failed: how long to pause before the next one. Empty: there is to be none.
    [[nodiscard]] std::optional<duration> next() { return next_at(clock::now()); }
    [[nodiscard]] std::optional<duration> next_at(time_point now);

    /// How many attempts have failed.
    [[nodiscard]] int attempts() const noexcept { return attempts_; }

    /// Begins anew, after a success.
    void reset(time_point start = clock::now()) noexcept;

private:
    backoff policy_;
    time_point start_;
    double delay_; ///< the next one, in ticks of the clock, not above the policy's `max`
    int attempts_ = 0;
};

} // namespace weft::inline v0_1
