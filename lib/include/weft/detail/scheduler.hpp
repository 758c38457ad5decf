// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/detail/help_limit.hpp>
#include <weft/detail/observer.hpp>
#include <weft/detail/registry.hpp>
#include <weft/detail/run_queue.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/waiter.hpp>
#include <weft/runtime_options.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/thread_pool.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

namespace weft::inline v0_1::detail {

class conductor;
class side_pool;
class testing_machine;
class timekeeper;

/// A right to run goroutines (Go's P): a run queue and the loop that drains it. Threads come and go
/// through Asio handlers; whichever holds the worker runs its goroutines, one at a time.
///
/// State table of `state_`:
///   idle       nobody holds it and no handler is on its way; its queue is empty.
///   scheduled  a drain handler was posted for it.     idle -> scheduled by whoever wakes it.
///   running    a thread drains it.        idle|scheduled -> running by that thread (CAS);
///              running -> scheduled when its budget is used up; running -> idle when there is
///              nothing to run.
/// A drain handler that finds its worker not `scheduled` does nothing: another thread was faster.
class alignas(2 * cache_line) WEFT_EXPORT worker {
public:
    enum class state : std::uint8_t { idle, scheduled, running };

    worker(scheduler& s, unsigned index) noexcept;
    ~worker() { detach_ring(*this); }
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    void push(goroutine* g) noexcept
    {
        queue_.push(g);
        const std::size_t n = queue_.size();
        if (WEFT_UNLIKELY((n & (help_every - 1)) == 0)) ask_for_help(n);
    }

    /// Takes the worker for the calling thread, if it is in state `from`.
    [[nodiscard]] bool acquire(state from) noexcept
    {
        return state_.load(std::memory_order_relaxed) == from &&
               state_.compare_exchange_strong(from, state::running, std::memory_order_seq_cst);
    }

    /// Drains until nothing is left or the budget is used up. The calling thread holds the worker
    /// and gives it back.
    void drain();

    scheduler& sched;
    const unsigned index;
    registry_shard shard;
    // Goroutine ids are taken from the scheduler in batches. Written by the holder only, read by statistics.
    std::atomic<std::uint64_t> next_id{0}, last_id{0};
    // What statistics count; likewise. Not detail::atomic: no switch points of a model.
    std::atomic<std::uint64_t> yields{0}, spent_budgets{0}, steals{0}, stolen{0};
    clock::time_point now{}; ///< the drain's latest look at the clock

    /// One more, by the holder.
    static void count(std::atomic<std::uint64_t>& n, std::uint64_t by = 1) noexcept
    {
        n.store(n.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
    }
    worker_notes notes;

private:
    friend class scheduler;
    friend class testing_machine;
    static constexpr std::size_t help_every = 32;
    /// A piece of work (an operation, a slice) as large as this makes it likely that help pays; a slice as long as the other,
    /// certain. For the rest it is found out.
    static constexpr std::uint64_t coarse_nanos = 2'000, long_slice_nanos = 200'000;

    goroutine* find_work() noexcept;
    goroutine* steal(worker& victim) noexcept;
    [[nodiscard]] bool worth_stealing(const worker& victim) const noexcept;
    [[nodiscard]] bool helps() noexcept;
    [[nodiscard]] bool welcome() const noexcept;
    [[nodiscard]] bool has_long_slices() const noexcept
    {
        return slice_nanos_.load(std::memory_order_relaxed) >= long_slice_nanos;
    }
    void consolidate(thread_state& me) noexcept;
    bool retire_if_idle() noexcept;
    void hand_back(thread_state& me);
    [[nodiscard]] bool look_around() noexcept;
    void run_slice(goroutine& g, thread_state& me, std::int32_t budget = operation_budget);
    WEFT_NOINLINE void ask_for_help(std::size_t queued) noexcept;

    run_queue queue_;
    atomic<worker*> steal_from_{nullptr}; ///< set by whoever decided that a steal pays
    unsigned until_look_ = 0;
    unsigned look_every_ = 16;
    clock::time_point drain_began_{};
    std::uint64_t seen_injections_ = 0;
    unsigned strikes_ = 0;        ///< looks in a row at which this worker was one too many
    std::uint64_t work_seen_ = 0; ///< at the latest look
    bool large_ = false;          ///< the pieces of work since then were large
    bool stole_ = false;          ///< it runs for the sake of others' goroutines

    alignas(cache_line) atomic<state> state_{state::idle};
    atomic<bool> resting_{false};          ///< its holder waits out a pause
    atomic<std::uint64_t> slices_{0};      ///< written by the holder only
    std::atomic<std::uint64_t> work_{0};   ///< likewise: slices, and the operations in them; a hint
    atomic<std::uint32_t> slice_nanos_{0}; ///< recent mean length of a slice
    /// Its present slice has lasted since the monitor looked last, and starts no goroutines: nobody should wait for it.
    /// Set by the monitor, cleared by it and the holder.
    std::atomic<bool> slow_{false};
};

/// Counters of a scheduler, each read for itself.
struct scheduler_statistics {
    struct of_worker {
        std::size_t queued = 0; ///< in its run queue
        std::uint64_t slices = 0, yields = 0, spent_budgets = 0, steals = 0, stolen = 0;
    };
    std::uint64_t created = 0; ///< goroutines, so far
    std::uint64_t parks =
        0; ///< slices that ended in a wait; reckoned from the others, and never less than before
    std::size_t injected = 0;     ///< in the injection queue
    std::uint64_t injections = 0; ///< so far
    std::size_t timers = 0;       ///< pending
    std::size_t blocking_threads = 0;
    std::vector<of_worker> workers{};
};

/// The machine under `runtime`: workers, the injection queue, the registry, the monitor thread.
///
/// Lifetime: owned by the `runtime` and by handlers on their way. One that goroutines in an Asio
/// context of somebody else's still refer to is kept when its runtime ends (`detail/world.hpp`).
class WEFT_EXPORT scheduler : public std::enable_shared_from_this<scheduler> {
public:
    /// The only way to make one: threads that refer to it start after it is whole. With a conductor (see
    /// detail/conductor.hpp) it has one worker, which that one runs.
    static std::shared_ptr<scheduler>
    make(runtime_options o, std::optional<asio::any_io_executor> outer, conductor* c = nullptr);
    scheduler(runtime_options options, std::optional<asio::any_io_executor> host, conductor* c);
    ~scheduler();
    scheduler(const scheduler&) = delete;
    scheduler& operator=(const scheduler&) = delete;

    // --- goroutines
    void start(goroutine& g, const std::source_location& site) noexcept;
    void enroll(goroutine& g, const std::source_location& site) noexcept;
    void retire(goroutine& g) noexcept;
    void inject(goroutine* g) noexcept;
    void panic(goroutine& g, std::exception_ptr e) noexcept;
    [[nodiscard]] bool stopping() const noexcept
    {
        return stopping_.load(std::memory_order_seq_cst); // one half of "entered, then looks"
    }

    // --- lifetime
    [[nodiscard]] std::size_t live() noexcept;
    /// Waits until no goroutine is left, at most until `deadline`; false when time ran out.
    bool wait_idle(std::optional<clock::time_point> deadline);
    /// Stops the threads and unwinds what is still parked.
    void stop() noexcept;

    // --- observation
    /// What its goroutines' `since` is reckoned from: a bubble's own time, whoever asks, and real time for all others, also
    /// where a bubble asks.
    [[nodiscard]] time_point time() const noexcept
    {
        return bubble == 0 ? std::chrono::steady_clock::now()
                           : time_point(duration(bubble_time_.load(std::memory_order_relaxed)));
    }
    [[nodiscard]] unsigned procs() const noexcept { return static_cast<unsigned>(workers_.size()); }
    /// Runs `f` while no worker runs a goroutine (those in one slice for longer than a moment
    /// excepted). False: it did not, because the runtime ends, or somebody else kept the world stopped until `limit`.
    bool with_world_stopped(const std::function<void()>& f,
                            std::optional<std::chrono::steady_clock::time_point> limit = {});
    /// For one who waits for somebody who may want to stop the world: rests meanwhile, if this is a worker's thread.
    void rest_if_asked();
    [[nodiscard]] scheduler_statistics statistics();
    /// No goroutine has this id or a higher one yet, apart from a batch for each worker.
    [[nodiscard]] std::uint64_t next_ids() const noexcept
    {
        return ids_.load(std::memory_order_relaxed);
    }
    [[nodiscard]] std::vector<registry_shard*> shards();
    [[nodiscard]] std::vector<worker*> all_workers() const;
    /// Makes the monitor look now, if it sleeps.
    void rouse_monitor() noexcept { wake_monitor(); }
    [[nodiscard]] registry_shard& outside_shard() noexcept { return outside_; }
    /// As `shards`, for those who may not allocate: 0 is the outside shard; null: there are no more.
    [[nodiscard]] registry_shard* shard_at(std::size_t i) noexcept
    {
        if (i == 0) return &outside_;
        return i <= workers_.size() ? &workers_[i - 1]->shard : nullptr;
    }

    // --- the executor's needs
    /// Takes a worker for a handler, if one is free. False: the runtime is over, nothing may run.
    [[nodiscard]] bool enter_worker(worker*& held) noexcept;
    /// Gives it back, after running what the handler woke if `drain`.
    void leave_worker(worker* w, bool drain);
    void work_started() noexcept;
    void work_finished() noexcept;
    /// Between the two the calling thread may use the scheduler and its host, although it holds no
    /// worker: the end waits for it. After the second it may not.
    void enter_from_outside() noexcept { entered_.fetch_add(1, std::memory_order_seq_cst); }
    void leave_from_outside() noexcept { entered_.fetch_sub(1, std::memory_order_release); }

    [[nodiscard]] side_pool& blocking_pool() noexcept { return *side_; }
    [[nodiscard]] timekeeper& timers() noexcept { return *timers_; }
    [[nodiscard]] bool embedded() const noexcept { return embedded_; }

    /// Null in production.
    [[nodiscard]] conductor* conducted_by() const noexcept
    {
        return conductor_.load(std::memory_order_acquire);
    }

    /// Set by run(): a program of goroutines alone, whose deadlock can be told.
    atomic<bool> whole_program{false};

    /// Goroutines, or tracked executors, that an Asio context of somebody else's still holds, or
    /// threads that are letting go of them.
    [[nodiscard]] bool has_orphans() noexcept;

    const std::uint64_t number; ///< no other scheduler of the process has it
    const bubble_id bubble;     ///< follows from the number; 0 in production
    const runtime_options options;
    const std::shared_ptr<const panic_policy>
        on_panic;                     ///< options.on_panic, for those who outlive the runtime
    asio::any_io_executor host;       ///< blocking.possibly
    asio::any_io_executor host_never; ///< blocking.never
    asio::any_io_executor host_again; ///< blocking.never, preferably on the same thread

private:
    friend class worker;
    friend class testing_machine;

    void post_drain(worker& w, const asio::any_io_executor& how);
    /// False: nobody is idle.
    bool wake_worker(worker& victim) noexcept;
    /// What waits behind a long slice, when all others have something to do.
    void give_to_all(worker& from) noexcept;
    void wake_for_injected() noexcept;
    /// Another worker would be one more than pays.
    [[nodiscard]] bool enough_help() noexcept;
    void look_at_help(clock::time_point now) noexcept;
    [[nodiscard]] bool anybody_awake() const noexcept;
    void wake_monitor() noexcept;
    void monitor_loop();
    void pay_attention(worker* w);
    void seize_workers() noexcept;
    void unwind_parked(bool blocking_calls_too) noexcept;
    [[nodiscard]] bool take_out(goroutine& g) noexcept;
    [[nodiscard]] std::uint64_t activity() const noexcept;
    void hold_host(int by);
    [[nodiscard]] bool all_idle() const noexcept;
    [[nodiscard]] bool deadlocked() noexcept;
    void exit_if_deadlocked();

    std::optional<asio::thread_pool> pool_;
    std::vector<std::unique_ptr<worker>> workers_;
    std::unique_ptr<side_pool> side_;
    std::unique_ptr<timekeeper> timers_;

    alignas(cache_line) run_queue injected_;
    /// How many there ever were: a worker going idle looks twice.
    atomic<std::uint64_t> injections_{0};
    /// Threads that hold no worker of this scheduler and use it all the same; stop() waits for them.
    atomic<std::uint32_t> entered_{0};
    registry_shard outside_; ///< goroutines spawned from foreign threads
    atomic<std::uint64_t> ids_{1};
    std::atomic<std::uint64_t> parks_shown_{0}; ///< the most that statistics ever told
    std::uint64_t seed_;                        ///< of the goroutines' random choices
    /// Null in production. Set to null by a conductor that goes, who then waits until nobody from outside is inside.
    atomic<conductor*> conductor_;
    std::atomic<duration::rep> bubble_time_{0}; ///< written by the conductor

    help_limit help_;

    /// True makes every worker leave its drain loop's fast path at the next slice boundary.
    alignas(cache_line) atomic<bool> attention_{false};
    atomic<bool> stopping_{false};
    atomic<bool> paused_{false}; ///< written under pause_mutex_
    atomic<unsigned> joins_waiting_{0};
    atomic<std::int64_t> external_work_{0};
    atomic<int> without_worker_{0};         ///< handlers that run although no worker was free
    atomic<goroutine*> taken_out_{nullptr}; ///< of what it is parked on, by stop(), just now

    os_mutex join_mutex_;
    os_condition join_changed_;

    os_mutex pause_mutex_;
    os_condition pause_changed_;
    os_mutex world_mutex_; ///< one stopper of the world at a time

    os_mutex host_mutex_; ///< embedded only: guards the two below
    std::int64_t host_holds_ = 0;
    std::optional<asio::any_io_executor> host_guard_;
    const bool embedded_;

    os_mutex monitor_mutex_;
    os_condition monitor_wake_;
    atomic<bool> monitor_asleep_{false};
    bool monitor_stop_ = false; ///< guarded by monitor_mutex_
    os_thread monitor_;
};

/// Never inlined: a coroutine may change threads, and a cached address would follow it.
WEFT_EXPORT thread_state& this_thread_state() noexcept;

/// The scheduler the calling thread works for; null: none.
[[nodiscard]] WEFT_EXPORT scheduler* scheduler_here() noexcept;
/// As scheduler_here; misuse_error naming `what` when there is none.
WEFT_EXPORT scheduler& current_scheduler(const char* what);

} // namespace weft::inline v0_1::detail
