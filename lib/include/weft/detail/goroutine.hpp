// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/asio_frame.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/observer.hpp>
#include <weft/detail/panic_trace.hpp>
#include <weft/detail/random.hpp>
#include <weft/detail/threads.hpp>

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>

namespace weft::inline v0_1::detail {

class binding;
class label_set;
class scheduler;
struct goroutine;
struct registry_shard;

/// Why a goroutine does not run; `wait_reason_text` gives Go's words for it.
enum class wait_reason : std::uint8_t {
    running,
    runnable,
    contending, ///< in a run queue; its operation is tried, again or at last, before it goes on
    asio_operation,
    blocking_call,
    chan_receive,
    chan_send,
    chan_receive_nil,
    chan_send_nil,
    select,
    select_no_cases,
    join,
    pending,
    sleep,
    context_done,
    mutex_lock,
    rw_mutex_lock,
    rw_mutex_lock_shared,
    cond,
    wait_group,
    semaphore,
    event,
    latch,
    barrier,
    settle,
};

WEFT_EXPORT const char* wait_reason_text(wait_reason r) noexcept;

/// It stands in a run queue, or is about to.
[[nodiscard]] constexpr bool is_queued(wait_reason r) noexcept
{
    return r == wait_reason::runnable || r == wait_reason::contending;
}

/// It is parked: for something that has not come yet, as far as its waker has said.
[[nodiscard]] constexpr bool is_waiting(wait_reason r) noexcept
{
    return r != wait_reason::running && !is_queued(r);
}

/// What every frame of a goroutine knows about its place in it. Filled at the frame's first await.
struct promise_core {
    goroutine* self = nullptr;
    promise_core* caller = nullptr;
    std::source_location site; ///< of the latest `co_await` in this frame
};

/// Who holds a lock, and where it was taken.
struct lock_owner {
    /// One word for the goroutine and its runtime, so that a lock is no larger than it must be; see `key_of`.
    /// 0: nobody, or it is no lock.
    std::uint64_t key = 0;
    std::source_location site;

    static constexpr unsigned id_bits = 48;
    [[nodiscard]] std::uint64_t goroutine() const noexcept
    {
        return key & ((std::uint64_t{1} << id_bits) - 1);
    }
    /// The low bits of the number of the goroutine's runtime.
    [[nodiscard]] std::uint16_t runtime() const noexcept
    {
        return static_cast<std::uint16_t>(key >> id_bits);
    }
};

/// What a goroutine is parked on; empty when it stands in no queue.
struct parked_operation {
    struct verbs {
        /// Takes it back out of every queue it stands in and returns true, or returns false when a
        /// waker has already claimed it: then the goroutine is about to be made ready, or is. With
        /// `woken` the caller knows that (it took the goroutine from a run queue): then only the
        /// queues of a select's other cases are left, and what woke it is not touched any more.
        bool (*withdraw)(void* driver, bool woken) noexcept;
        /// Whether something that does not belong to the bubble `b` can end the wait.
        bool (*reaches_out)(const void* driver, bubble_id b) noexcept;
        /// Of the lock it waits for; asked while the world is stopped.
        lock_owner (*owner)(const void* driver) noexcept;
        /// Of one that is `contending`, when its turn has come: true if it may go on; false if it waits (again),
        /// and then it may be running elsewhere.
        bool (*retry)(void* driver, goroutine&) noexcept;
    };

    [[nodiscard]] explicit operator bool() const noexcept { return verb != nullptr; }
    bool withdraw(bool woken) const noexcept { return verb->withdraw(driver, woken); }

    void* driver = nullptr;
    const verbs* verb = nullptr;
};

/// The part of a goroutine's record that every switch touches; kept together, on as few cache lines
/// as it takes. See `goroutine`.
struct goroutine_switch {
    goroutine* next_run = nullptr; ///< the queue the goroutine stands in
    frame_base* top_frame = nullptr;
    thread_slot thread; ///< engaged exactly while the goroutine does not run
    promise_core* top_core = nullptr;
    scheduler* sched = nullptr; ///< null until the goroutine is registered
    clock::time_point
        since{};           ///< when its latest slice began, to the drain's last look at the clock
    fast_random random{1}; ///< seeded when it is registered
    std::int32_t budget = 0;
    atomic<wait_reason> reason{wait_reason::runnable};
    bool ends_by_context = false; ///< the exception that is leaving it is no panic
    std::uint16_t runtime = 0;    ///< low bits of its runtime's number
    parked_operation parked_on;
    binding* bound = nullptr; ///< to a context that can end
};

/// What few goroutines have.
struct goroutine_extras {
    std::string name;
    bool renaming = false; ///< a signal handler must not read the name just now
    panic_trace trace;     ///< of an exception on its way out
};

/// The goroutine record. It lives in the promise of the goroutine's bottom frame, so a goroutine
/// costs no allocation beyond its frames, and dies with that frame.
///
/// Who may touch what:
///  - `next_run` belongs to the queue the goroutine stands in (run queue, injection queue);
///  - `thread`, `top_frame`, `top_core`, `parked_on`, `since` are written by the goroutine's own
///    thread before it is published (channel unlocked, queue pushed) and read by whoever resumes
///    it, after taking it;
///  - `top_core` may be read by a dump, under the shard's lock, while `reason` is not `running`;
///  - `stamp` belongs to its own thread until it is published, then to whoever takes it;
///  - `budget`, `random` belong to the running goroutine;
///  - `reason` may be read by anybody at any time;
///  - the list hook, `extras` and `labels` are guarded by the shard's lock; the goroutine itself, and a signal
///    handler on its thread, may read the last two without it.
struct WEFT_EXPORT goroutine : goroutine_switch, list_hook {
    goroutine() = default;
    goroutine(const goroutine&) = delete;
    goroutine& operator=(const goroutine&) = delete;
    ~goroutine();

    registry_shard* shard = nullptr;
    std::uint64_t id = 0;
    std::uint64_t parent = 0;
    std::source_location spawn_site;
    std::unique_ptr<goroutine_extras> extras;
    const label_set* labels = nullptr; ///< a reference is held; see labels.hpp
    std::uint64_t stamp =
        0; ///< when it was parked or woken, in ticks; only while somebody looks on
};

/// What a lock remembers of who took it: ids are unique only within a runtime.
inline std::uint64_t key_of(const goroutine& g) noexcept
{
    return std::uint64_t{g.runtime} << lock_owner::id_bits | g.id;
}

/// How many immediately ready operations a goroutine may run before it yields.
inline constexpr std::int32_t operation_budget = 128;

WEFT_EXPORT extern constinit thread_local thread_state this_thread
    WEFT_FAST_THREAD_LOCAL; ///< read at each park

/// The calling thread stops running `g`, be it in the middle of somebody else's handler.
inline void forget_current(goroutine& g) noexcept
{
    if (this_thread.current == &g) this_thread.current = nullptr;
}

/// Stores the running goroutine's continuation in its record; `top_frame` and `top_core` are set.
/// Called after suspension, with whatever lock still keeps wakers away; the goroutine may run
/// elsewhere once that is released.
inline void park(goroutine& g, parked_operation on, wait_reason why) noexcept
{
    if (is_observed()) note_parked(g, why);
    g.parked_on = on;
    g.reason.store(why, std::memory_order_release); // a dump may read now
    forget_current(g);
    g.thread.put(std::move(*g.top_frame->detach_thread()));
}

/// Makes a parked goroutine runnable: on the calling worker's queue, else through the injection
/// queue.
WEFT_EXPORT void ready(goroutine& g) noexcept;
/// As `ready`, but its operation is to be tried again first.
WEFT_EXPORT void ready_to_contend(goroutine& g) noexcept;

/// Puts the goroutine, just parked by its own thread, at the tail of the run queue.
WEFT_EXPORT void requeue(goroutine& g) noexcept;
/// The same for one that yields or whose budget is spent: it is counted.
WEFT_EXPORT void requeue_yielded(goroutine& g) noexcept;

/// Registers a goroutine started by asio::co_spawn at its first await.
WEFT_EXPORT void adopt(goroutine& g, const asio_thread& t) noexcept;

/// Brackets an Asio operation: between the two the goroutine belongs to Asio.
WEFT_EXPORT void enter_foreign(goroutine& g) noexcept;
WEFT_EXPORT void leave_foreign(goroutine& g) noexcept;

/// Called by the innermost frame when it is destroyed although the goroutine does not run: whoever
/// owned it dropped it. A dump must not find the frame any more.
WEFT_EXPORT void forget_frame(goroutine& g, const promise_core& frame) noexcept;

/// The goroutine's extras, made at the first call. Only by the goroutine itself.
WEFT_EXPORT goroutine_extras& extras_of(goroutine& g);

/// Adds the frame's site to the trace of the exception that is leaving it.
WEFT_EXPORT void trace_panic(goroutine& g, const std::source_location& site) noexcept;

/// Called when an exception leaves the goroutine's function.
WEFT_EXPORT void report_panic(goroutine& g, std::exception_ptr e) noexcept;

} // namespace weft::inline v0_1::detail
