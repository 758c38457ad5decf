// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/trace_ring.hpp>

#include <algorithm>

namespace weft::inline v0_1::detail {

trace_ring::copy trace_ring::read() const
{
    copy c;
    const std::uint64_t before = head_.load(std::memory_order_acquire);
    const std::uint64_t first = before > capacity() ? before - capacity() : 0;
    c.records.reserve(static_cast<std::size_t>(before - first));
    for (std::uint64_t n = first; n != before; ++n) {
        const slot& s = slots_[n & mask_];
        c.records.push_back(
            {s[0].load(std::memory_order_relaxed), s[1].load(std::memory_order_relaxed),
             s[2].load(std::memory_order_relaxed), s[3].load(std::memory_order_relaxed)});
    }
    c.running = running.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_acquire);
    const std::uint64_t after = head_.load(std::memory_order_relaxed);
    if (after != before) c.running = 0;
    const std::uint64_t kept_from =
        after + in_the_making > capacity() ? after + in_the_making - capacity() : 0;
    if (kept_from > first) {
        const auto torn = static_cast<std::ptrdiff_t>(std::min(kept_from, before) - first);
        c.records.erase(c.records.begin(), c.records.begin() + torn);
    }
    c.lost = before - c.records.size();
    return c;
}

void shared_trace_ring::put(const trace_record& r, std::uint32_t thread) noexcept
{
    const std::uint64_t n = next_.fetch_add(1, std::memory_order_relaxed);
    slot& s = slots_[n % capacity];
    std::uint64_t turn = s.turn.load(std::memory_order_relaxed);
    const std::uint64_t mine = 2 * (n + 1);
    if ((turn & 1) != 0 || turn > mine ||
        !s.turn.compare_exchange_strong(turn, mine | 1, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
        dropped_.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    std::atomic_thread_fence(
        std::memory_order_release); // who sees what follows sees the turn taken
    s.words[0].store(r.ticks, std::memory_order_relaxed);
    s.words[1].store(r.who, std::memory_order_relaxed);
    s.words[2].store(r.a, std::memory_order_relaxed);
    s.words[3].store(r.b, std::memory_order_relaxed);
    s.words[4].store(thread, std::memory_order_relaxed);
    s.turn.store(mine, std::memory_order_release);
}

shared_trace_ring::copy shared_trace_ring::read() const
{
    copy c;
    const std::uint64_t end = next_.load(std::memory_order_acquire);
    const std::uint64_t first = end > capacity ? end - capacity : 0;
    c.lost = first + dropped_.load(std::memory_order_relaxed);
    c.records.reserve(static_cast<std::size_t>(end - first));
    for (std::uint64_t n = first; n != end; ++n) {
        const slot& s = slots_[n % capacity];
        const std::uint64_t turn = s.turn.load(std::memory_order_acquire);
        if (turn != 2 * (n + 1)) continue; // not written yet, or written over
        const trace_record r{
            s.words[0].load(std::memory_order_relaxed), s.words[1].load(std::memory_order_relaxed),
            s.words[2].load(std::memory_order_relaxed), s.words[3].load(std::memory_order_relaxed)};
        const auto thread = static_cast<std::uint32_t>(s.words[4].load(std::memory_order_relaxed));
        std::atomic_thread_fence(std::memory_order_acquire);
        if (s.turn.load(std::memory_order_relaxed) != turn) continue;
        c.records.push_back({r, thread});
    }
    return c;
}

} // namespace weft::inline v0_1::detail
