// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <chrono>
#include <string_view>

/// What the monitor does for those who look on.

namespace weft::inline v0_1::detail {

class scheduler;

/// How often the monitor has to look, also while nothing runs; zero: it may sleep.
[[nodiscard]] clock::duration watch_interval() noexcept;

/// In each round of the monitor, with no lock held. `next_look` is the caller's, zero at first.
void watch_round(scheduler& s, std::chrono::steady_clock::time_point& next_look);

/// Only others, or a timer, can end such a wait; by its text (goroutines.cpp).
bool waits_for_goroutines(std::string_view text) noexcept;

} // namespace weft::inline v0_1::detail
