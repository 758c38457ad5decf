// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/threads.hpp>

#include <cstdint>
#include <source_location>

/// Where the scheduler tells those who look on: the trace, the profiles of waiting, the watchdog. While
/// nobody looks on, a hook is one relaxed load and a branch that is not taken.

namespace weft::inline v0_1::detail {

class scheduler;
class trace_ring;
class worker;
struct goroutine;
struct lock_owner;
enum class wait_reason : std::uint8_t;

/// Who looks on; bits of `observers`.
struct observer_bit {
    static constexpr std::uint32_t trace = 1, blocks = 2, contention = 4, latency = 8, slices = 16;
    /// Those that want to know how long a goroutine waited, and so read the clock.
    static constexpr std::uint32_t times = blocks | contention | latency | slices;
    /// Above the bits: how many times a trace was begun, so that a worker sees that this is another one.
    static constexpr unsigned session_shift = 8;
};

#if defined(WEFT_UNOBSERVED) || defined(WEFT_MODEL)

/// To measure what the hooks cost, and in the models, which look at what the rest does.
constexpr bool is_observed() noexcept
{
    return false;
}

#else

/// Read at each switch, written when somebody begins or ends to look on (under a mutex, see `observe`): a cache line
/// that stays with everybody.
struct alignas(cache_line) observer_word {
    atomic<std::uint32_t> bits{0};
};
WEFT_EXPORT inline constinit observer_word observers;

inline bool is_observed() noexcept
{
    return WEFT_UNLIKELY(observers.bits.load(std::memory_order_relaxed) != 0);
}

#endif

/// What `observers` says now; 0 where there are no hooks.
[[nodiscard]] WEFT_EXPORT std::uint32_t observer_bits() noexcept;
/// Sets or clears one bit. Setting `trace` counts a session.
WEFT_EXPORT void observe(std::uint32_t bit, bool on) noexcept;

/// Nanoseconds of the monotonic clock, or ticks of the processor's counter, where that is one: it costs half.
[[nodiscard]] WEFT_EXPORT std::uint64_t ticks() noexcept;
/// How many nanoseconds a tick is, as far as it is known by now.
[[nodiscard]] WEFT_EXPORT double nanos_per_tick() noexcept;

/// A place as one word, to be kept in atomics. On implementations whose `source_location` is more than a pointer, the
/// function's name is left out.
[[nodiscard]] WEFT_EXPORT std::uint64_t site_word(const std::source_location& s) noexcept;
struct site_name {
    const char* function = "";
    const char* file = "";
    std::uint32_t line = 0;
};
[[nodiscard]] WEFT_EXPORT site_name site_of(std::uint64_t word) noexcept;

/// What a worker notes for those who look on.
///
/// Who may touch what: `ring` is set and cleared by `attach_ring` and `detach_ring`; the records in it belong
/// to whoever holds the worker (its state is `running`). The rest is written by the holder, and read by the
/// monitor, which may see a slice's fields from two slices: it asks twice.
struct worker_notes {
    atomic<trace_ring*> ring{nullptr};

    atomic<std::uint64_t> slice_began{0}; ///< in ticks; 0: none runs, or nobody watches slices
    atomic<std::uint64_t> slice_who{0};   ///< the goroutine's number
    atomic<std::uint64_t> slice_site{0};  ///< where it goes on from
    // A slice that was too long, for the monitor to report; `long_ticks` is written last, and cleared by the monitor.
    atomic<std::uint64_t> long_site{0}, long_end{0}, long_who{0}, long_ticks{0};
};

// --- the hooks; each is called behind `is_observed()`. Cold: that moves the calls out of the callers' way,
// which matters more than the look at the flag; the two that are not make a trace too slow when they are.

/// Before its slice: the calling thread holds a worker.
WEFT_EXPORT WEFT_COLD void note_running(goroutine& g, worker& w) noexcept;
/// At the end of its slice, or of its time in an Asio handler; nobody can wake it yet.
WEFT_EXPORT void note_parked(goroutine& g, wait_reason why) noexcept;
/// An Asio handler goes on with it.
WEFT_EXPORT WEFT_COLD void note_resumed(goroutine& g) noexcept;
/// It is about to be put into a run queue; its `reason` still says what it waited for.
WEFT_EXPORT void note_woken(goroutine& g) noexcept;
WEFT_EXPORT WEFT_COLD void note_created(goroutine& g) noexcept;
WEFT_EXPORT WEFT_COLD void note_ended(goroutine& g) noexcept;
/// A lock that was held since `held.site` is handed to `g`, or is to be tried by it. Under the lock's spinlock.
WEFT_EXPORT WEFT_COLD void note_contention(const goroutine& g, const lock_owner& held) noexcept;
/// Makes its name known to the trace.
WEFT_EXPORT WEFT_COLD void note_named(const goroutine& g, const char* name) noexcept;

enum class worker_event : std::uint8_t { on, off, timers_began, timers_ended, stole };
/// By the holder of `w`. `amount` and `other`: how many were stolen from which worker.
WEFT_EXPORT WEFT_COLD void note_worker(worker& w, worker_event e, std::uint64_t amount = 0,
                                       unsigned other = 0) noexcept;

/// Gives a worker of a new scheduler its ring, if there is a trace.
WEFT_EXPORT WEFT_COLD void attach_rings(scheduler& s) noexcept;
/// The worker ends: what is in its ring stays for the trace.
WEFT_EXPORT void detach_ring(worker& w) noexcept;
/// A goroutine of `s` panics: writes the flight recorder's file.
WEFT_EXPORT WEFT_COLD void note_panic() noexcept;

} // namespace weft::inline v0_1::detail
