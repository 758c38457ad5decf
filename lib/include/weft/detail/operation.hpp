// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/binding.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/waiter.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

/// The one protocol between an operation that may wait and those who drive it: a plain `co_await`,
/// a select, and the completion-token form.

namespace weft::inline v0_1 {

class context;
template <class Op>
class context_operation; // context.hpp

} // namespace weft::inline v0_1

namespace weft::inline v0_1::detail {

/// What the forms of an operation that take a context want; only those who include context.hpp can have one.
template <class T>
concept context_like = std::same_as<T, context>;

/// An operation is a movable description of "do this, waiting if need be", with room for its result.
///
///  - `target()`          the waitable whose lock guards it; null: it can never happen (nil
///                        channel);
///  - `attempt(w, wakes)` locked: does it now if it can be done, true then; sets `w.ok`, adds whom
///                        to wake;
///  - `enqueue(w)`        locked: stands `w` in line; a waker does the operation on `w`'s behalf;
///  - `dequeue(w)`        locked: takes `w` out again if it still stands there; or `dequeue(w, wakes)`, where
///                        that lets others through;
///  - `finish(w)`         unlocked, once done: the result, or throws;
///  - `reason()`          why the goroutine waits;
///  - `owner()`           of a lock, and only there: who holds it.
///
/// What is held after it (a lock, a permit) says so with `static constexpr bool holds = true`: a goroutine whose
/// budget is spent then yields before it tries, and not while it keeps others waiting. A lock that woken goroutines
/// must win also has
///
///  - `retry(w, wakes)`   locked: as `attempt`, for one whose turn has come;
///  - `undo(w, wakes)`    locked: it was woken, and will never run.
///
/// An operation refers to its channel without owning it, as an iterator does; `retain()` gives the
/// handle that keeps the channel alive, for operations that outlive the expression.
template <class Op>
concept operation = requires(Op& op, const Op& cop, waiter& w, wake_list& wakes) {
    typename Op::result_type;
    { cop.target() } noexcept -> std::same_as<waitable*>;
    { op.attempt(w, wakes) } noexcept -> std::same_as<bool>;
    { op.enqueue(w) } noexcept;
    requires requires {
        { op.dequeue(w) } noexcept;
    } || requires {
        { op.dequeue(w, wakes) } noexcept;
    };
    { op.finish(w) } -> std::same_as<typename Op::result_type>;
    { cop.reason() } noexcept -> std::same_as<wait_reason>;
    { cop.retain() };
};

/// Locked: takes `w` out of its queue.
template <class Op>
void dequeue(Op& op, waiter& w, wake_list& wakes) noexcept
{
    if constexpr (requires { op.dequeue(w, wakes); }) op.dequeue(w, wakes);
    else op.dequeue(w);
}

/// Drives one operation. Every driver has these verbs:
///
///  - `start(g)`      does it now if that needs no waiting, true then. Else false, *with the locks
///                    held* that keep wakers away, so that nothing needs to be checked twice (Go:
///                    gopark);
///  - `publish(g)`    stands in line and releases the locks; called when the coroutine is fully
///                    suspended. From then on a waker may resume it, so nothing of the frame may be
///                    touched any more;
///  - `abandon()`     instead of publishing: releases the locks; the operation did not happen;
///  - `finish()`      the result, or throws;
///  - `withdraw()`    see `parked_operation`, as for `reaches_out(b)`, `owner()` and `retry(g)`, which a
///                    driver may leave out; one with `retry` has
///  - `postpone(g)`   instead of `start`: it is left to `retry`.
/// Drivers that work without a goroutine too (completion tokens) take `begin` and `publish_to`
/// instead.
template <operation Op>
class single_wait {
public:
    using result_type = typename Op::result_type;
    static constexpr bool holds = requires { requires Op::holds; };

    explicit single_wait(Op& op) noexcept : op_(op) {}

    bool start(goroutine&) noexcept { return begin(); }
    void publish(goroutine& g) noexcept { publish_to(wake_target(g)); }

    bool begin() noexcept
    {
        waitable* t = op_.target();
        if (WEFT_UNLIKELY(!t)) {
            nowhere.lock.lock();
            w_.queued = true; // it can be withdrawn once
            return false;
        }
        wake_list wakes;
        t->lock.lock();
        if (!op_.attempt(w_, wakes)) {
            expect_wait();
            return false;
        }
        t->lock.unlock();
        wakes.wake_all();
        return true;
    }

    void postpone(goroutine& g) noexcept
        requires holds
    {
        w_.whom = wake_target(g);
        w_.queued = false;
        expect_wait();
    }

    /// The goroutine's turn has come: it was woken to contend for what it wants, or has not tried yet.
    bool retry(goroutine& g) noexcept
        requires holds
    {
        if (WEFT_UNLIKELY(g.bound != nullptr)) g.bound->resume(); // a canceller may be at it still
        if (WEFT_UNLIKELY(w_.is_orphan())) {                      // it waits for ever
            nowhere.lock.lock();
            w_.queued = true;
            g.reason.store(op_.reason(), std::memory_order_release);
            const bool ended = g.bound && !g.bound->begin_wait();
            nowhere.lock.unlock(); // from here on a canceller may take it back
            return ended;
        }
        wake_list wakes;
        waitable* t = op_.target();
        t->lock.lock();
        bool done;
        if constexpr (requires { op_.retry(w_, wakes); }) done = op_.retry(w_, wakes);
        else done = op_.attempt(w_, wakes);
        if (!done) {
            g.reason.store(op_.reason(), std::memory_order_release);
            if (WEFT_LIKELY(g.bound == nullptr) || g.bound->begin_wait()) {
                publish(g); // from here on it may be running elsewhere
                return false;
            }
        }
        t->lock.unlock();
        wakes.wake_all();
        return true;
    }

    void publish_to(wake_target whom) noexcept
    {
        waitable* t = op_.target();
        if (WEFT_UNLIKELY(!t)) return nowhere.lock.unlock();
        w_.contest = nullptr;
        w_.whom = whom;
        op_.enqueue(w_);
        t->lock.unlock();
    }

    void abandon() noexcept
    {
        waitable* t = op_.target();
        (t ? t : &nowhere)->lock.unlock();
    }

    [[nodiscard]] wait_reason reason() const noexcept { return op_.reason(); }
    [[nodiscard]] bool reaches_out(bubble_id b) const noexcept
    {
        const waitable* t = op_.target();
        return t && t->bubble != b;
    }
    [[nodiscard]] lock_owner owner() const noexcept
    {
        if constexpr (requires(const Op& op) { op.owner(); }) {
            if (!w_.is_orphan()) return op_.owner();
        }
        return {};
    }
    result_type finish() { return op_.finish(w_); }

    bool withdraw(bool woken = false) noexcept
    {
        wake_list wakes;
        waitable* t = op_.target();
        if (woken) { // it stood in one queue, which may be gone
            if constexpr (requires { op_.undo(w_, wakes); }) {
                if (!w_.slot) return false;
                t->lock.lock();
                op_.undo(w_, wakes);
                t->lock.unlock();
                wakes.wake_all();
            }
            return false;
        }
        if (!t || w_.is_orphan()) {
            nowhere.lock.lock();
            const bool waited = std::exchange(w_.queued, false);
            nowhere.lock.unlock();
            return waited;
        }
        t->lock.lock();
        const bool was_queued = w_.queued;
        dequeue(op_, w_, wakes);
        t->lock.unlock();
        wakes.wake_all();
        return was_queued;
    }

private:
    void expect_wait() noexcept
    {
        w_.orphan = false;
        w_.slot = nullptr;
        w_.index = 0;
    }

    Op& op_;
    waiter w_;
};

/// The coroutine face of a driver (`single_wait`, a select, ...): `start`, `publish`, `finish`,
/// `reason`.
template <class Driver>
class parking_awaiter {
    static constexpr bool can_retry = requires(Driver& d, goroutine& g) { d.retry(g); };

public:
    template <class... Args>
    explicit parking_awaiter(promise_core& p, Args&&... args)
        : core_(p), driver_(std::forward<Args>(args)...)
    {
    }

    bool await_ready() noexcept
    {
        goroutine& g = *core_.self;
        if constexpr (can_retry) {
            if (WEFT_UNLIKELY(g.budget <= 1)) {
                progress_ = progress::untried;
                return false;
            }
        }
        const bool done = driver_.start(g);
        progress_ = done ? progress::done : progress::waits;
        return WEFT_LIKELY(done) && WEFT_LIKELY(--g.budget > 0);
    }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) noexcept
    {
        core_.self->top_frame = &h.promise();
        h.promise().after_suspend(
            [](void* arg) { static_cast<parking_awaiter*>(arg)->suspended(); }, this);
    }

    decltype(auto) await_resume()
    {
        if (WEFT_UNLIKELY(progress_ != progress::done)) {
            const goroutine& g = *core_.self;
            if (WEFT_UNLIKELY(g.bound != nullptr) && g.bound->take_interruption())
                throw_interrupted(g);
        }
        return driver_.finish();
    }

private:
    void suspended() noexcept
    {
        goroutine& g = *core_.self;
        g.top_core = &core_;
        // The budget is spent: others get a turn, after this or before it.
        if (progress_ == progress::done) {
            park(g, {}, wait_reason::runnable);
            requeue_yielded(g);
            return;
        }
        static constexpr parked_operation::verbs verbs{
            [](void* d, bool woken) noexcept { return static_cast<Driver*>(d)->withdraw(woken); },
            [](const void* d, bubble_id b) noexcept {
                if constexpr (requires(const Driver& it) { it.reaches_out(b); })
                    return static_cast<const Driver*>(d)->reaches_out(b);
                else return false;
            },
            [](const void* d) noexcept {
                if constexpr (requires(const Driver& it) { it.owner(); })
                    return static_cast<const Driver*>(d)->owner();
                else return lock_owner();
            },
            [](void* d, goroutine& it) noexcept {
                if constexpr (can_retry) return static_cast<Driver*>(d)->retry(it);
                else return true;
            },
        };
        if constexpr (can_retry) {
            if (progress_ == progress::untried) {
                driver_.postpone(g);
                park(g, {&driver_, &verbs}, wait_reason::contending);
                requeue_yielded(g);
                return;
            }
        }
        park(g, {&driver_, &verbs}, driver_.reason());
        if (WEFT_UNLIKELY(g.bound != nullptr) && !g.bound->begin_wait()) {
            driver_.abandon(); // its context has ended
            g.parked_on = {};  // it stands in no queue that unwinding would have to clear
            ready(g);
            return;
        }
        driver_.publish(g); // from here on this frame may be running elsewhere
    }

    enum class progress : std::uint8_t { waits, done, untried };

    promise_core& core_;
    progress progress_;
    Driver driver_;
};

} // namespace weft::inline v0_1::detail
