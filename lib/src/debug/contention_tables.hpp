// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

/// What the hooks count for the profiles of waiting, and what they ask the watchdog. Times are in ticks.

namespace weft::inline v0_1::detail {

enum class trace_kind : std::uint8_t;
struct goroutine;

/// `g`, which still stands where it waited, has waited for so long.
void count_block(const goroutine& g, std::uint64_t waited) noexcept;
/// For a lock that had been taken at `site`.
void count_contention(std::uint64_t site, std::uint64_t waited) noexcept;
/// From runnable to running.
void count_latency(unsigned worker, std::uint64_t waited) noexcept;
/// Whether this one is to be measured.
[[nodiscard]] bool is_latency_sampled() noexcept;

/// The watchdog's limit.
[[nodiscard]] std::uint64_t longest_slice_ticks() noexcept;

/// Of the goroutine that runs here, if one does.
void note_user(trace_kind k, std::uint64_t text, std::uint64_t task) noexcept;

/// Taken since somebody began to look on who has not before: an earlier one says nothing. 0 never is.
[[nodiscard]] bool is_of_now(std::uint64_t stamp) noexcept;

/// By each round of a monitor, while there is a trace.
void trace_beat() noexcept;

} // namespace weft::inline v0_1::detail
