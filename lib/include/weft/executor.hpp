// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/execution.hpp>
#include <asio/execution_context.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

/// The executor of goroutines: a run-queue layer over an `asio::thread_pool` or a host's executor.

namespace weft::inline v0_1 {

namespace detail {

class scheduler;
class worker;

// Out of line, so that this header does not need the scheduler.
enum class place { dropped, inline_here, dispatched, posted };
WEFT_EXPORT const asio::any_io_executor& host_executor(const scheduler&, bool never_block) noexcept;
WEFT_EXPORT void work_started(scheduler&) noexcept;
WEFT_EXPORT void work_finished(scheduler&) noexcept;

struct goroutine;

/// What the calling thread is doing for weft.
struct thread_state {
    worker* held = nullptr;        ///< the worker this thread holds
    goroutine* current = nullptr;  ///< the goroutine it runs
    unsigned nested = 0;           ///< handlers that run inside of it
    scheduler* guest_of = nullptr; ///< whose handler it runs although no worker was free
};

/// One call of `execute`. While a thread from outside is in it, perhaps in the last lines of Asio's
/// post, the end of the runtime waits: what it posted may have come to an end already.
class WEFT_EXPORT handover {
public:
    handover(scheduler& s, bool never_block) noexcept;
    handover(const handover&) = delete;
    handover& operator=(const handover&) = delete;
    ~handover();

    [[nodiscard]] place where() const noexcept { return where_; }

private:
    scheduler* entered_; ///< null: the thread holds a worker, for which the end waits anyway
    place where_;
};

/// A handler runs inside a goroutine's slice; the goroutine is the current one again after it.
class WEFT_EXPORT nested_run {
public:
    nested_run() noexcept;
    nested_run(const nested_run&) = delete;
    nested_run& operator=(const nested_run&) = delete;
    ~nested_run();

private:
    goroutine* outer_;
};

/// A handler on its way keeps the scheduler alive, and its program from being called deadlocked.
class WEFT_EXPORT queued_work {
public:
    explicit queued_work(scheduler& s);
    queued_work(queued_work&& o) noexcept = default;
    queued_work& operator=(queued_work&&) = delete;
    ~queued_work();

    [[nodiscard]] scheduler& sched() const noexcept { return *sched_; }

private:
    std::shared_ptr<scheduler> sched_;
};

/// Holds a worker of the scheduler for the time an Asio handler runs, and drains its run queue
/// after. What the thread did before (a goroutine that dispatched, another runtime) is put back at
/// the end.
class WEFT_EXPORT worker_scope {
public:
    explicit worker_scope(scheduler& s);
    worker_scope(const worker_scope&) = delete;
    worker_scope& operator=(const worker_scope&) = delete;
    ~worker_scope() noexcept(false); // a handler of the user's may throw out of the drain

    /// False: the runtime ended while the handler was queued; it must not run.
    [[nodiscard]] bool admitted() const noexcept { return admitted_; }

private:
    scheduler& sched_;
    const thread_state outer_;
    worker* worker_ = nullptr;
    bool entered_ = false;
    bool admitted_ = true;
    int exceptions_;
};

} // namespace detail

/// An Asio executor whose handlers may start and wake goroutines on the local run queue.
///
/// @par Thread safety  distinct objects: safe. shared objects: safe.
/// @par Lifetime       refers to a `runtime`, which must outlive its use.
class executor {
public:
    explicit executor(detail::scheduler& s) noexcept : bits_(reinterpret_cast<std::uintptr_t>(&s))
    {
    }
    executor(const executor& other) noexcept : bits_(other.bits_) { start(); }
    executor& operator=(const executor& other) noexcept
    {
        executor copy(other);
        std::swap(bits_, copy.bits_);
        return *this;
    }
    ~executor() { finish(); }

    /// Runs `f` on a thread of the runtime, holding a worker. Once the runtime stopped, destroys
    /// it.
    template <class F>
    void execute(F&& f) const
    {
        detail::scheduler& s = sched();
        const detail::handover scope(s, (bits_ & never_bit) != 0);
        // The runtime is over: what `f` owns is unwound.
        if (scope.where() == detail::place::dropped) return;
        if (scope.where() == detail::place::inline_here) {
            const detail::nested_run nested;
            std::decay_t<F> g(std::forward<F>(f));
            std::move(g)();
            return;
        }
        const auto& host = detail::host_executor(s, scope.where() == detail::place::posted);
        host.execute(
            [work = detail::queued_work(s), g = std::decay_t<F>(std::forward<F>(f))]() mutable {
                detail::worker_scope worker(work.sched());
                if (worker.admitted()) std::move(g)();
            });
    }

    // The Asio executor properties.
    asio::execution_context& query(asio::execution::context_t) const noexcept
    {
        return asio::query(detail::host_executor(sched(), false), asio::execution::context);
    }
    asio::execution::blocking_t query(asio::execution::blocking_t) const noexcept
    {
        if (bits_ & never_bit) return asio::execution::blocking.never;
        return asio::execution::blocking.possibly;
    }
    asio::execution::outstanding_work_t query(asio::execution::outstanding_work_t) const noexcept
    {
        if (bits_ & tracked_bit) return asio::execution::outstanding_work.tracked;
        return asio::execution::outstanding_work.untracked;
    }
    executor require(asio::execution::blocking_t::never_t) const noexcept
    {
        return with(bits_ | never_bit);
    }
    executor require(asio::execution::blocking_t::possibly_t) const noexcept
    {
        return with(bits_ & ~never_bit);
    }
    executor require(asio::execution::outstanding_work_t::tracked_t) const noexcept
    {
        return with(bits_ | tracked_bit);
    }
    executor require(asio::execution::outstanding_work_t::untracked_t) const noexcept
    {
        return with(bits_ & ~tracked_bit);
    }

    friend bool operator==(const executor& a, const executor& b) noexcept
    {
        return a.bits_ == b.bits_;
    }
    friend bool operator!=(const executor& a, const executor& b) noexcept
    {
        return a.bits_ != b.bits_;
    }

    /// For the library's own rooms.
    [[nodiscard]] detail::scheduler& sched() const noexcept
    {
        return *reinterpret_cast<detail::scheduler*>(bits_ & ~all_bits);
    }

private:
    static constexpr std::uintptr_t never_bit = 1, tracked_bit = 2, all_bits = 3;

    executor(std::uintptr_t bits, int) noexcept : bits_(bits) { start(); }
    static executor with(std::uintptr_t bits) noexcept { return executor(bits, 0); }

    void start() const noexcept
    {
        if (bits_ & tracked_bit) detail::work_started(sched());
    }
    void finish() const noexcept
    {
        if (bits_ & tracked_bit) detail::work_finished(sched());
    }

    std::uintptr_t bits_; ///< the scheduler's address, with the two property flags in its low bits
};

} // namespace weft::inline v0_1
