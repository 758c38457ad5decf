// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `backoff`: the delays, their jitter, and when they end.

#include "testing.hpp"

#include <weft/backoff.hpp>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <vector>

using namespace std::chrono_literals;
using weft::backoff;
using weft::backoff_sequence;
using weft::duration;

namespace {

std::vector<duration> pauses(const backoff& policy, int most)
{
    backoff_sequence s(policy);
    std::vector<duration> all;
    for (int i = 0; i < most; ++i) {
        const auto pause = s.next();
        if (!pause) break;
        all.push_back(*pause);
    }
    return all;
}

} // namespace

TEST_CASE("policies without a sense are misuse")
{
    const auto make = [](const backoff& b) { return backoff_sequence(b); };
    const double nan = std::numeric_limits<double>::quiet_NaN();
    const double inf = std::numeric_limits<double>::infinity();
    CHECK_MISUSE(make({.initial = -1ns}), "backoff: negative delay");
    CHECK_MISUSE(make({.max = -1ns}), "backoff: negative delay");
    for (const double m : {0.99, -2.0, nan, inf}) {
        CHECK_MISUSE(make({.multiplier = m}), "backoff: multiplier outside of [1, inf)");
    }
    for (const double j : {-0.01, 1.01, nan}) {
        CHECK_MISUSE(make({.jitter = j}), "backoff: jitter outside of [0, 1]");
    }
    CHECK_MISUSE(make({.max_elapsed = -1ns}), "backoff: negative max_elapsed");
    CHECK_MISUSE(make({.max_attempts = 0}), "backoff: max_attempts below 1");
}

TEST_CASE("without jitter the delays grow by the multiplier, up to the largest")
{
    using list = std::vector<duration>;
    CHECK(pauses({.initial = 10ms, .max = 50ms, .jitter = 0}, 5) ==
          list{10ms, 20ms, 40ms, 50ms, 50ms});
    CHECK(pauses({.initial = 10ms, .multiplier = 1, .jitter = 0}, 3) == list{10ms, 10ms, 10ms});
    CHECK(pauses({.initial = 2s, .max = 1s, .jitter = 0}, 2) == list{1s, 1s});
    CHECK(pauses({.initial = 0s, .jitter = 0}, 2) == list{0s, 0s});
    const auto far =
        pauses({.initial = 1h, .max = duration::max(), .multiplier = 1e300, .jitter = 0}, 3);
    CHECK(far == list{1h, duration::max(), duration::max()});
}

TEST_CASE("full jitter is the default: from zero up to the delay, and all over")
{
    duration least = duration::max(), most = duration::zero();
    for (int i = 0; i < 1000; ++i) {
        const auto p = pauses({.initial = 100ms, .max = 200ms}, 3);
        CHECK(p[0] >= 0ms);
        CHECK(p[0] < 100ms);
        CHECK(p[1] < 200ms);
        CHECK(p[2] < 200ms);
        least = std::min(least, p[0]);
        most = std::max(most, p[0]);
    }
    CHECK(least < 10ms); // 0.9^1000
    CHECK(most > 90ms);
}

TEST_CASE("a part of the delay may be left to chance")
{
    duration least = duration::max(), most = duration::zero();
    for (int i = 0; i < 1000; ++i) {
        const auto p = pauses({.initial = 100ms, .jitter = 0.25}, 1);
        CHECK(p[0] >= 75ms);
        CHECK(p[0] <= 100ms);
        least = std::min(least, p[0]);
        most = std::max(most, p[0]);
    }
    CHECK(least < 78ms);
    CHECK(most > 97ms);
}

TEST_CASE("attempts are counted, and end it")
{
    backoff_sequence s({.initial = 1ms, .max_attempts = 3});
    CHECK(s.attempts() == 0);
    CHECK(s.next().has_value());
    CHECK(s.attempts() == 1);
    CHECK(s.next().has_value());
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(s.next().has_value());
        CHECK(s.attempts() == 3);
    }
    s.reset();
    CHECK(s.attempts() == 0);
    CHECK(s.next().has_value());
    CHECK(pauses({.max_attempts = 1}, 9).empty());
}

TEST_CASE("no pause ends after max_elapsed")
{
    const auto t0 = weft::clock::now();
    backoff_sequence s({.initial = 10ms, .jitter = 0, .max_elapsed = 100ms}, t0);
    CHECK(s.next_at(t0 + 1ms) == 10ms);
    CHECK(s.next_at(t0 + 12ms) == 20ms);
    CHECK(s.next_at(t0 + 60ms) == 40ms); // to the very end
    CHECK_FALSE(s.next_at(t0 + 100ms).has_value());
    s.reset(t0 + 1s);
    CHECK(s.next_at(t0 + 1s) == 10ms);
    CHECK_FALSE(s.next_at(t0 + 1081ms).has_value());
    CHECK(s.attempts() == 2);
}
