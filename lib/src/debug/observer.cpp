// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/observer.hpp>

#include "contention_tables.hpp"
#include "trace_session.hpp"

#include <weft/detail/scheduler.hpp>
#include <weft/detail/trace_ring.hpp>

#include <bit>
#include <chrono>
#include <cstring>

#if defined(__x86_64__) && !defined(WEFT_MODEL)
#    include <cpuid.h>
#    include <x86intrin.h>
#    define WEFT_HAS_COUNTER 1
#endif

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

namespace {

std::uint64_t steady_nanos() noexcept
{
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                          std::chrono::steady_clock::now().time_since_epoch())
                                          .count());
}

#if defined(WEFT_HAS_COUNTER)

/// The counter runs at one speed, in every state of the processor.
bool counter_is_a_clock() noexcept
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d & (1u << 8)) != 0;
}
const bool use_counter = counter_is_a_clock();

#else
constexpr bool use_counter = false;
#endif

// Of their own, so that the hooks need not call.

inline std::uint64_t clock_ticks() noexcept
{
#if defined(WEFT_HAS_COUNTER)
    if (WEFT_LIKELY(use_counter)) return __rdtsc();
#endif
    return steady_nanos();
}

inline std::uint32_t current_bits() noexcept
{
#if defined(WEFT_UNOBSERVED) || defined(WEFT_MODEL)
    return 0;
#else
    return observers.bits.load(std::memory_order_relaxed);
#endif
}

inline std::uint64_t word_of(const std::source_location& s) noexcept
{
    if constexpr (sizeof(std::source_location) == sizeof(std::uint64_t)) {
        return std::bit_cast<std::uint64_t>(s);
    } else {
        constexpr unsigned line_bits = 16;
        return (reinterpret_cast<std::uintptr_t>(s.file_name()) << line_bits) |
               (s.line() & ((1u << line_bits) - 1));
    }
}

/// The first moment that anybody looked at.
struct both_clocks {
    std::uint64_t ticks = clock_ticks(), nanos = steady_nanos();
};
const both_clocks& first_look() noexcept
{
    static const both_clocks c;
    return c;
}

/// Moved on by the monitors: see trace_ring.
constinit atomic<std::uint32_t> beat{0};
/// Stamps from before are of an earlier time of looking on.
constinit atomic<std::uint64_t> times_since{0};

} // namespace

std::uint64_t ticks() noexcept
{
    return clock_ticks();
}

double nanos_per_tick() noexcept
{
    if (!use_counter) return 1;
    constexpr std::uint64_t enough = 20'000'000; // to tell the speed to some millionths
    const both_clocks& first = first_look();
    while (steady_nanos() - first.nanos < enough) pause_thread(1ms);
    const both_clocks now;
    return static_cast<double>(now.nanos - first.nanos) /
           static_cast<double>(now.ticks - first.ticks);
}

std::uint64_t site_word(const std::source_location& s) noexcept
{
    return word_of(s);
}

site_name site_of(std::uint64_t word) noexcept
{
    if (word == 0) return {};
    if constexpr (sizeof(std::source_location) == sizeof(std::uint64_t)) {
        const auto s = std::bit_cast<std::source_location>(word);
        return {s.function_name(), s.file_name(), s.line()};
    } else {
        constexpr unsigned line_bits = 16;
        return {"", reinterpret_cast<const char*>(word >> line_bits),
                static_cast<std::uint32_t>(word & ((1u << line_bits) - 1))};
    }
}

std::uint32_t observer_bits() noexcept
{
    return current_bits();
}

void observe([[maybe_unused]] std::uint32_t bit, [[maybe_unused]] bool on) noexcept
{
#if !defined(WEFT_UNOBSERVED) && !defined(WEFT_MODEL)
    static auto* m = new os_mutex;
    const patient_lock lock(*m, patient_lock::forever);
    if (!lock) return; // in a forked child: nobody will let go of it
    static_cast<void>(first_look());
    std::uint32_t now = observers.bits.load(std::memory_order_relaxed);
    const std::uint32_t set = now & ((1u << observer_bit::session_shift) - 1);
    static constinit std::uint32_t sessions = 0; // under the mutex
    if (((set & bit) != 0) == on) return;
    if (on && (bit & observer_bit::times) != 0)
        times_since.store(clock_ticks(), std::memory_order_relaxed);
    if (on && bit == observer_bit::trace) ++sessions;
    const std::uint32_t next = on ? set | bit : set & ~bit;
    // Nobody looks on: the word is 0.
    observers.bits.store(next == 0 ? 0 : next | sessions << observer_bit::session_shift,
                         std::memory_order_release);
#endif
}

bool is_of_now(std::uint64_t stamp) noexcept
{
    return stamp != 0 && stamp >= times_since.load(std::memory_order_relaxed);
}

void trace_beat() noexcept
{
    beat.fetch_add(1, std::memory_order_relaxed);
}

namespace {

/// Closer together than about 100 ns.
constexpr std::uint64_t thick_ticks = 300;
/// So many records in a row may go without a time.
constexpr std::uint32_t most_untimed = 63;

std::uint64_t who(const goroutine& g) noexcept
{
    return trace_record::pack(g.id, g.sched ? g.sched->number : 0);
}

std::uint64_t await_site(const goroutine& g) noexcept
{
    return g.top_core ? word_of(g.top_core->site) : 0;
}

/// The calling thread's number among those that hold no worker.
std::uint32_t outside_number() noexcept
{
    static constinit atomic<std::uint32_t> latest{0};
    thread_local const std::uint32_t mine = latest.fetch_add(1, std::memory_order_relaxed) + 1;
    return mine;
}

/// What the holder of a worker, or else any thread, writes to.
class pen {
public:
    pen(worker* w, std::uint32_t bits) noexcept
        : ring_(w ? w->notes.ring.load(std::memory_order_acquire) : nullptr), worker_(w)
    {
        if (!ring_) return;
        const std::uint32_t session = bits >> observer_bit::session_shift;
        if (WEFT_LIKELY(ring_->own.session == session)) return;
        ring_->own = {};
        ring_->own.session = session;
        ring_->running.store(0, std::memory_order_relaxed);
        ring_->put(time(), trace_record::tag(trace_kind::session), w->sched.number, w->index);
    }

    [[nodiscard]] bool outside() const noexcept { return !worker_; }
    [[nodiscard]] std::uint64_t running() const noexcept
    {
        return ring_ ? ring_->running.load(std::memory_order_relaxed) : 0;
    }

    void run(std::uint64_t who) noexcept
    {
        if (!ring_) return;
        ring_->running.store(who, std::memory_order_relaxed);
        ring_->own.woken = 0;
        ring_->own.told = false;
    }

    /// The end of a slice.
    void end(trace_kind k, std::uint64_t who, unsigned reason, std::uint64_t site) noexcept
    {
        if (!ring_) return note(k, who, site, 0, reason);
        if (WEFT_UNLIKELY(running() != who))
            ring_->put(trace_record::unknown_time, trace_record::tag(trace_kind::began) | who, 0,
                       0);
        ring_->put(time(), trace_record::tag(k, reason) | who, site, ring_->own.woken);
        run(0);
    }

    /// What the program itself says has its time: who says it may have come from another worker.
    void tell(trace_kind k, std::uint64_t who, std::uint64_t a, std::uint64_t b) noexcept
    {
        if (ring_) ring_->own.spare = 0;
        note(k, who, a, b);
    }

    /// Anything else.
    void note(trace_kind k, std::uint64_t who, std::uint64_t a = 0, std::uint64_t b = 0,
              unsigned reason = 0) noexcept
    {
        if (ring_) {
            open();
            ring_->put(time(), trace_record::tag(k, reason) | who, a, b);
        } else if (!worker_) {
            trace_session::the().outside().put(
                {clock_ticks(), trace_record::tag(k, reason) | who, a, b}, outside_number());
        } // else it came before its ring
    }

    void wake(std::uint64_t who) noexcept
    {
        // Where the clock is not read, the slice's own record is enough.
        if (ring_ && ring_->own.spare != 0 && ring_->own.woken == 0 && !ring_->own.told &&
            running() != 0) {
            ring_->own.woken = who;
        } else {
            note(trace_kind::woken, who);
        }
    }

    /// Another goroutine runs inside the slice that is being run, or inside a handler.
    void resume(std::uint64_t who) noexcept
    {
        note(trace_kind::began, who);
        if (!ring_) return;
        ring_->running.store(who, std::memory_order_relaxed);
        ring_->own.told = true;
    }

private:
    /// Before something is told of the slice that runs.
    void open() noexcept
    {
        if (ring_->own.told || running() == 0) return;
        ring_->own.told = true;
        ring_->put(0, trace_record::tag(trace_kind::opened) | running(), 0, 0);
        if (const std::uint64_t w = std::exchange(ring_->own.woken, 0))
            ring_->put(0, trace_record::tag(trace_kind::woken) | w, 0, 0);
    }

    /// Now; 0: not long after the last record.
    std::uint64_t time() noexcept
    {
        auto& o = ring_->own;
        const std::uint32_t now_beat = beat.load(std::memory_order_relaxed);
        if (o.spare != 0 && o.beat == now_beat) {
            --o.spare;
            ++o.untimed;
            return 0;
        }
        const std::uint64_t now = clock_ticks();
        o.spare = now - o.last_time < thick_ticks * (o.untimed + 1) ? most_untimed : 0;
        o.untimed = 0;
        o.beat = now_beat;
        o.last_time = now;
        return now;
    }

    trace_ring* ring_;
    worker* worker_;
};

// ---------------------------------------------------------------- times

/// The end of a slice that is watched.
void end_watched_slice(worker_notes& n, const goroutine& g, std::uint64_t now,
                       std::uint64_t site) noexcept
{
    const std::uint64_t began = n.slice_began.load(std::memory_order_relaxed);
    if (!is_of_now(began) || n.slice_who.load(std::memory_order_relaxed) != g.id) return;
    n.slice_began.store(0, std::memory_order_relaxed);
    if (now - began < longest_slice_ticks() || n.long_ticks.load(std::memory_order_acquire) != 0)
        return;
    n.long_site.store(n.slice_site.load(std::memory_order_relaxed), std::memory_order_relaxed);
    n.long_end.store(site, std::memory_order_relaxed);
    n.long_who.store(g.id, std::memory_order_relaxed);
    n.long_ticks.store(now - began, std::memory_order_release);
}

WEFT_NOINLINE void time_running(goroutine& g, worker& w, std::uint32_t bits) noexcept
{
    const bool wanted = (bits & observer_bit::latency) != 0 && is_of_now(g.stamp);
    if (!wanted && (bits & observer_bit::slices) == 0) return;
    const std::uint64_t now = clock_ticks();
    if (wanted && now > g.stamp) count_latency(w.index, now - g.stamp);
    if ((bits & observer_bit::slices) == 0) return;
    w.notes.slice_site.store(await_site(g), std::memory_order_relaxed);
    w.notes.slice_who.store(g.id, std::memory_order_relaxed);
    w.notes.slice_began.store(now, std::memory_order_release);
}

WEFT_NOINLINE void time_parked(goroutine& g, wait_reason why, worker* w,
                               std::uint32_t bits) noexcept
{
    const bool runs_again = is_queued(why);
    if (runs_again && (bits & (observer_bit::times & ~observer_bit::latency)) == 0 &&
        !is_latency_sampled()) {
        g.stamp = 0;
        return;
    }
    if (!runs_again && (bits & (observer_bit::times & ~observer_bit::latency)) == 0) return;
    g.stamp = clock_ticks();
    if (w && (bits & observer_bit::slices) != 0)
        end_watched_slice(w->notes, g, g.stamp, await_site(g));
}

WEFT_NOINLINE void time_woken(goroutine& g, std::uint32_t bits) noexcept
{
    constexpr std::uint32_t delays = observer_bit::blocks | observer_bit::contention;
    if ((bits & delays) == 0 && !is_latency_sampled()) {
        g.stamp = 0;
        return;
    }
    const std::uint64_t now = clock_ticks();
    if ((bits & observer_bit::blocks) != 0 && is_of_now(g.stamp) && now > g.stamp)
        count_block(g, now - g.stamp);
    g.stamp = now;
}

WEFT_NOINLINE void note_running_slowly(goroutine& g, worker& w, std::uint32_t bits) noexcept
{
    if (bits & observer_bit::times) time_running(g, w, bits);
    if (bits & observer_bit::trace) pen(&w, bits).run(who(g));
}

WEFT_NOINLINE void note_parked_slowly(goroutine& g, wait_reason why, worker* w,
                                      std::uint32_t bits) noexcept
{
    if (bits & observer_bit::times) time_parked(g, why, w, bits);
    if (bits & observer_bit::trace)
        pen(w, bits).end(trace_kind::parked, who(g), static_cast<unsigned>(why), await_site(g));
}

WEFT_NOINLINE void note_woken_slowly(goroutine& g, std::uint32_t bits) noexcept
{
    if (bits & observer_bit::times) time_woken(g, bits);
    if (bits & observer_bit::trace) pen(this_thread.held, bits).wake(who(g));
}

/// The ring of `w`, if the trace is all there is, and the ring knows it.
inline trace_ring* quick_ring(const worker* w, std::uint32_t bits) noexcept
{
    trace_ring* r = w ? w->notes.ring.load(std::memory_order_acquire) : nullptr;
    return WEFT_LIKELY(r && r->own.session == bits >> observer_bit::session_shift &&
                       (bits & observer_bit::times) == 0)
               ? r
               : nullptr;
}

// The quick cases first. The caller of the next hook is to see a cold function, which this is not.

WEFT_NOINLINE void running_hook(goroutine& g, worker& w) noexcept
{
    const std::uint32_t bits = current_bits();
    trace_ring* r = quick_ring(&w, bits);
    if (WEFT_UNLIKELY(!r)) return note_running_slowly(g, w, bits);
    r->running.store(trace_record::pack(g.id, w.sched.number), std::memory_order_relaxed);
    r->own.woken = 0;
    r->own.told = false;
}

} // namespace

// ---------------------------------------------------------------- the hooks

void note_running(goroutine& g, worker& w) noexcept
{
    running_hook(g, w);
}

void note_parked(goroutine& g, wait_reason why) noexcept
{
    const std::uint32_t bits = current_bits();
    worker* w = this_thread.held;
    trace_ring* r = quick_ring(w, bits);
    if (WEFT_LIKELY(r != nullptr) && r->own.spare != 0 &&
        r->own.beat == beat.load(std::memory_order_relaxed)) {
        const std::uint64_t me = trace_record::pack(g.id, g.sched->number);
        if (WEFT_LIKELY(r->running.load(std::memory_order_relaxed) == me)) {
            --r->own.spare;
            ++r->own.untimed;
            const std::uint64_t tag =
                trace_record::tag(trace_kind::parked, static_cast<unsigned>(why));
            r->put(0, tag | me, await_site(g), r->own.woken);
            r->running.store(0, std::memory_order_relaxed);
            r->own.woken = 0;
            return;
        }
    }
    note_parked_slowly(g, why, w, bits);
}

void note_woken(goroutine& g) noexcept
{
    const std::uint32_t bits = current_bits();
    trace_ring* r = quick_ring(this_thread.held, bits);
    if (WEFT_LIKELY(r != nullptr) && r->own.spare != 0 && r->own.woken == 0 && !r->own.told &&
        r->running.load(std::memory_order_relaxed) != 0) {
        r->own.woken = trace_record::pack(g.id, g.sched->number);
        return;
    }
    note_woken_slowly(g, bits);
}

void note_resumed(goroutine& g) noexcept
{
    const std::uint32_t bits = current_bits();
    worker* w = this_thread.held;
    if (w && (bits & observer_bit::slices)) {
        w->notes.slice_site.store(await_site(g), std::memory_order_relaxed);
        w->notes.slice_who.store(g.id, std::memory_order_relaxed);
        w->notes.slice_began.store(clock_ticks(), std::memory_order_release);
    }
    if (bits & observer_bit::trace) pen(w, bits).resume(who(g));
}

void note_created(goroutine& g) noexcept
{
    const std::uint32_t bits = current_bits();
    if (bits & observer_bit::times) g.stamp = is_latency_sampled() ? clock_ticks() : 0;
    if (bits & observer_bit::trace)
        pen(this_thread.held, bits)
            .note(trace_kind::created, who(g), word_of(g.spawn_site), g.parent);
}

void note_ended(goroutine& g) noexcept
{
    const std::uint32_t bits = current_bits();
    const thread_state& me = this_thread_state();
    const bool runs_here = me.current == &g;
    if (runs_here && me.held && (bits & observer_bit::slices))
        end_watched_slice(me.held->notes, g, clock_ticks(), 0);
    if ((bits & observer_bit::trace) == 0) return;
    if (pen p(me.held, bits); runs_here) p.end(trace_kind::ended, who(g), 0, 0);
    else p.note(trace_kind::gone, who(g));
}

void note_contention(const goroutine& g, const lock_owner& held) noexcept
{
    if ((current_bits() & observer_bit::contention) == 0 || !is_of_now(g.stamp)) return;
    const std::uint64_t now = clock_ticks();
    if (now > g.stamp) count_contention(word_of(held.site), now - g.stamp);
}

void note_named(const goroutine& g, const char* name) noexcept
{
    const std::uint32_t bits = current_bits();
    if ((bits & observer_bit::trace) == 0) return;
    try {
        const std::uint64_t text = trace_session::the().texts.number_of_name(name);
        pen(this_thread_state().held, bits).note(trace_kind::named, who(g), text);
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // No memory: it has no name in the trace.
    }
}

void note_user(trace_kind k, std::uint64_t text, std::uint64_t task) noexcept
{
    const std::uint32_t bits = current_bits();
    if ((bits & observer_bit::trace) == 0) return;
    const thread_state& me = this_thread_state();
    pen(me.held, bits).tell(k, me.current ? who(*me.current) : 0, text, task);
}

void note_worker(worker& w, worker_event e, std::uint64_t amount, unsigned other) noexcept
{
    const std::uint32_t bits = current_bits();
    if ((bits & observer_bit::trace) == 0) return;
    static constexpr trace_kind kinds[] = {// NOLINT(modernize-avoid-c-arrays)
                                           trace_kind::worker_on, trace_kind::worker_off,
                                           trace_kind::timers_began, trace_kind::timers_ended,
                                           trace_kind::stole};
    pen(&w, bits).note(kinds[static_cast<unsigned>(e)], 0, amount, other);
}

void attach_rings(scheduler& s) noexcept
{
    try {
        trace_session::the().attach(s);
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // No memory for a ring: these workers are not in the trace.
    }
}

void detach_ring(worker& w) noexcept
{
    if (w.notes.ring.load(std::memory_order_relaxed)) trace_session::the().detach(w);
}

} // namespace weft::inline v0_1::detail
