// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/conductor.hpp>

#include <weft/detail/scheduler.hpp>

#include <array>
#include <atomic>

namespace weft::inline v0_1::detail {

constinit thread_local const std::chrono::steady_clock::time_point* virtual_time = nullptr;

namespace {

/// The bubbles with a visit that was not looked at yet, each in the place of its number. Two that share
/// a place can hide each other: of 64 bubbles at the same time one would have to be visited, too.
constinit std::array<std::atomic<bubble_id>, 64> visited{};

std::atomic<bubble_id>& visit_of(bubble_id b) noexcept
{
    return visited[b % visited.size()];
}

} // namespace

bubble_id bubble_of_runtime() noexcept
{
    const scheduler* s = scheduler_here();
    return s ? s->bubble : bubble_id{0};
}

conductor* current_conductor() noexcept
{
    const scheduler* s = scheduler_here();
    return s ? s->conducted_by() : nullptr;
}

void note_visit(const waitable& w) noexcept
{
    const bubble_id here = current_bubble();
    if (here == w.bubble) return;
    visit_of(w.bubble).store(w.bubble, std::memory_order_relaxed);
    if (here != 0) visit_of(here).store(here, std::memory_order_relaxed);
}

bool was_visited(bubble_id b) noexcept
{
    std::atomic<bubble_id>& v = visit_of(b);
    if (v.load(std::memory_order_relaxed) != b) return false;
    v.store(0, std::memory_order_relaxed);
    return true;
}

std::uint32_t ask_conductor(std::uint32_t n) noexcept
{
    conductor* c = current_conductor();
    return c ? c->choose(n) : 0;
}

void tell_conductor(std::uint32_t at) noexcept
{
    if (conductor* c = current_conductor()) c->chose(at);
}

} // namespace weft::inline v0_1::detail
