// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/detail/threads.hpp>
#include <weft/mutex.hpp>
#include <weft/task.hpp>

#include <asio/cancellation_state.hpp>
#include <asio/this_coro.hpp>

#include <type_traits>
#include <utility>

/// `cond`: goroutines that wait until something guarded by a mutex has changed.

namespace weft::inline v0_1 {

/// A condition of a mutex.
///
///     auto g = co_await m.lock();
///     while (!ready) co_await changed.wait(g);      // or: co_await changed.wait(g, [&] { return ready; });
///
/// First in, first out. No signal is lost: who waits stands in line before the mutex is unlocked; and one whose
/// context ends at the moment of its signal passes it on.
///
/// @par Thread safety  safe, from goroutines; `signal` and `broadcast` also from ordinary threads, with the mutex locked
///                     or not.
/// @par Ordering       a signal happens-before the return of the wait that it ends.
/// @par Lifetime       it must outlive what uses it, and its mutex must outlive it.
/// @par Source         Go sync.Cond. It can be neither copied nor moved.
class WEFT_EXPORT cond : private detail::sync_object {
public:
    explicit cond(mutex& m) noexcept : mutex_(m) {}
    ~cond();

    /// Unlocks the mutex, which `g` holds, waits for a signal, and locks it again.
    ///
    /// With a context, or in a goroutine that is bound to one, it gives up when that ends, and throws `error` with its code.
    /// It does not wait for the mutex then: `g` holds nothing. If the context had ended before the call, it throws at
    /// once, and `g` still holds the mutex: `g.owns_lock()` tells.
    ///
    /// @throws misuse_error  "cond: wait without the lock": `g` does not hold its mutex.
    [[nodiscard]] task<> wait(mutex::guard& g);
    template <detail::context_like Context>
    [[nodiscard]] task<> wait(Context ctx, mutex::guard& g);

    /// Waits until `holds()`, which is called with the mutex locked.
    template <class Predicate>
        requires std::is_invocable_r_v<bool, Predicate&>
    [[nodiscard]] task<> wait(mutex::guard& g, Predicate holds)
    {
        while (!holds()) co_await wait(g);
    }
    template <detail::context_like Context, class Predicate>
        requires std::is_invocable_r_v<bool, Predicate&>
    [[nodiscard]] task<> wait(Context ctx, mutex::guard& g, Predicate holds)
    {
        while (!holds()) co_await wait(ctx, g);
    }

    /// Lets the first go on that waits; nothing if nobody does.
    void signal() noexcept { wake(false); }
    /// Lets all go on that wait.
    void broadcast() noexcept { wake(true); }

private:
    /// A place in the line, taken while the mutex is held; it lives in the frame of the wait.
    /// All of it is guarded by the condition's lock.
    ///
    /// State table:
    ///   in_line    it stands in `line_`.
    ///   signalled  by `signal`, and its goroutine does not have the mutex yet; in `called_`.
    ///   released   likewise, by `broadcast`.
    ///   over       it stands nowhere: its goroutine has the mutex, or its context was faster than the signal, or the
    ///              condition has gone. Seen without the lock, since that may have gone, too.
    class ticket : public detail::list_hook {
    public:
        ticket(cond& c, mutex::guard& g);
        /// Leaves. A signal that it has, and that its goroutine did not take, goes to the next.
        ~ticket();
        ticket(const ticket&) = delete;
        ticket& operator=(const ticket&) = delete;

        /// Its goroutine has the mutex again.
        void taken() noexcept;

    private:
        friend class cond;
        enum class state : unsigned char { in_line, signalled, released, over };

        [[nodiscard]] state get() const noexcept { return state_.load(std::memory_order_relaxed); }
        void set(state s) noexcept { state_.store(s, std::memory_order_relaxed); }

        cond& cond_;
        detail::waiter* waiter_ = nullptr; ///< of its goroutine, once that is parked
        detail::atomic<state> state_{state::in_line};
    };

    /// Waits for the signal of a ticket.
    class signal_operation : public detail::asio_operation<signal_operation> {
    public:
        using result_type = void;

        explicit signal_operation(ticket& t) noexcept : ticket_(&t) {}

        detail::waitable* target() const noexcept { return &ticket_->cond_; }
        bool attempt(detail::waiter& w, detail::wake_list&) noexcept
        {
            return w.ok = ticket_->get() != ticket::state::in_line;
        }
        void enqueue(detail::waiter& w) noexcept
        {
            w.queued = true;
            ticket_->waiter_ = &w;
        }
        void dequeue(detail::waiter& w) noexcept
        {
            w.queued = false;
            ticket_->waiter_ = nullptr;
        }
        void finish(detail::waiter&) noexcept {}
        detail::wait_reason reason() const noexcept { return detail::wait_reason::cond; }
        detail::kept_by_owner retain() const noexcept { return {}; }

    private:
        ticket* ticket_;
    };

    /// The calling goroutine's own context has ended, or its slot's cancellation lasts. Asked before the mutex is
    /// unlocked, which the wait itself would do too late.
    static void throw_if_interrupted(const asio::cancellation_state& present);
    void wake(bool all) noexcept;

    mutex& mutex_;
    detail::intrusive_list<ticket> line_; ///< guarded by lock
    detail::intrusive_list<ticket>
        called_; ///< guarded by lock; they have their signal, and not the mutex
};

template <detail::context_like Context>
task<> cond::wait(Context ctx, mutex::guard& g)
{
    ctx.throw_if_done();
    const asio::cancellation_state present = co_await asio::this_coro::cancellation_state;
    throw_if_interrupted(present);
    ticket t(*this, g);
    g.unlock();
    co_await context_operation<signal_operation>(ctx, signal_operation(t));
    g = co_await mutex_.lock(ctx);
    t.taken();
}

} // namespace weft::inline v0_1
