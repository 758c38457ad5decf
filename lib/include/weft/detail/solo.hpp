// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <atomic>

/// Locking without locked instructions while one thread is alone.
///
/// A locked instruction costs about as much as all the rest of a channel operation, and the
/// scheduler keeps goroutines that talk to each other on one worker; so most of the time there is
/// nobody to lock out. The *population* is the number of threads that may take weft's spinlocks
/// just now. While it is one, that thread may be *solo*: it enters critical sections by counting
/// `depth` with plain stores. Before anybody joins the population, the solo thread's right is
/// revoked.
///
/// Who may touch what:
///   depth   written by its thread only: how many elided sections it is in.
///   solo    set by its thread when it is the whole population, cleared by whoever joins, both
///           under the population's mutex. A thread inside a section (depth > 0) finishes it and
///           what is nested in it undisturbed: the joiner waits for depth 0.
///   joined  its thread only: whether it is counted.
///
/// Entering is "depth = 1; is solo still set?", joining is "clear solo; is depth 0?": each needs
/// its store to be visible before its load. The joiner pays for both sides with membarrier(2),
/// which makes every running thread of the process execute a full barrier; that takes microseconds,
/// and happens only when a second thread really shows up. Where there is no membarrier, and under
/// ThreadSanitizer, which does not know it, nobody is ever solo.

#if defined(__linux__) && !defined(WEFT_TSAN) && !defined(WEFT_MODEL)
#    define WEFT_SOLO 1
#endif

namespace weft::inline v0_1::detail {

#if defined(WEFT_SOLO)

struct thread_standing {
    std::atomic<unsigned> depth{0};
    std::atomic<bool> solo{false};
    bool joined = false;
};

WEFT_EXPORT extern constinit thread_local thread_standing this_thread_standing
    WEFT_FAST_THREAD_LOCAL; ///< read in every lock

/// Counts the calling thread into the population; with `alone_if_possible` it becomes solo if it is
/// the only one and was not disturbed recently.
WEFT_EXPORT void join_population(bool alone_if_possible) noexcept;
/// Takes the calling thread out again. It holds no lock. A thread that ends leaves by itself.
WEFT_EXPORT void leave_population() noexcept;

/// Every thread of the process that runs just now executes a full barrier, if the system can do that.
WEFT_EXPORT void barrier_everywhere() noexcept;
[[nodiscard]] WEFT_EXPORT bool has_barrier_everywhere() noexcept;

/// True: the calling thread is in the section without having locked anything.
inline bool enter_solo() noexcept
{
    thread_standing& me = this_thread_standing;
    const unsigned depth = me.depth.load(std::memory_order_relaxed);
    if (depth == 0 && !me.solo.load(std::memory_order_relaxed)) {
        if (WEFT_UNLIKELY(!me.joined)) join_population(false);
        return false;
    }
    me.depth.store(depth + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    if (WEFT_LIKELY(depth != 0 || me.solo.load(std::memory_order_relaxed))) return true;
    me.depth.store(0, std::memory_order_release); // revoked in between
    return false;
}

/// True: the section was entered with `enter_solo`, and is left.
inline bool leave_solo() noexcept
{
    thread_standing& me = this_thread_standing;
    const unsigned depth = me.depth.load(std::memory_order_relaxed);
    if (depth == 0) return false;
    me.depth.store(depth - 1, std::memory_order_release);
    return true;
}

#else

inline void join_population(bool) noexcept {}
inline void leave_population() noexcept {}
inline void barrier_everywhere() noexcept {}
[[nodiscard]] inline bool has_barrier_everywhere() noexcept
{
    return false;
}
inline bool enter_solo() noexcept
{
    return false;
}
inline bool leave_solo() noexcept
{
    return false;
}

#endif

} // namespace weft::inline v0_1::detail
