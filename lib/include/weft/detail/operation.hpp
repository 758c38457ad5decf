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

namespace weft {

class context;
template <class Op>
class context_operation; // context.hpp

} // namespace weft

namespace weft::detail {

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
///  - `dequeue(w)`        locked: takes `w` out again if it still stands there;
///  - `finish(w)`         unlocked, once done: the result, or throws;
///  - `reason()`          why the goroutine waits;
///  - `owner()`           of a lock, and only there: who holds it.
///
/// An operation refers to its channel without owning it, as an iterator does; `retain()` gives the
/// handle that keeps the channel alive, for operations that outlive the expression.
template <class Op>
concept operation = requires(Op& op, const Op& cop, waiter& w, wake_list& wakes) {
    typename Op::result_type;
    { cop.target() } noexcept -> std::same_as<waitable*>;
    { op.attempt(w, wakes) } noexcept -> std::same_as<bool>;
    { op.enqueue(w) } noexcept;
    { op.dequeue(w) } noexcept;
    { op.finish(w) } -> std::same_as<typename Op::result_type>;
    { cop.reason() } noexcept -> std::same_as<wait_reason>;
    { cop.retain() };
};

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
///  - `withdraw()`    see `parked_operation`, as for `reaches_out(b)` and `owner()`, which a driver may
///                    leave out.
/// Drivers that work without a goroutine too (completion tokens) take `begin` and `publish_to`
/// instead.
template <operation Op>
class single_wait {
public:
    using result_type = typename Op::result_type;

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
        if (!op_.attempt(w_, wakes)) return false;
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
        if constexpr (requires(const Op& op) { op.owner(); }) return op_.owner();
        else return {};
    }
    result_type finish() { return op_.finish(w_); }

    bool withdraw(bool woken = false) noexcept
    {
        if (woken) return false; // it stood in one queue, which may be gone
        waitable* t = op_.target();
        if (!t) {
            nowhere.lock.lock();
            const bool waited = std::exchange(w_.queued, false);
            nowhere.lock.unlock();
            return waited;
        }
        t->lock.lock();
        const bool was_queued = w_.queued;
        op_.dequeue(w_);
        t->lock.unlock();
        return was_queued;
    }

private:
    Op& op_;
    waiter w_;
};

/// The coroutine face of a driver (`single_wait`, a select, ...): `start`, `publish`, `finish`,
/// `reason`.
template <class Driver>
class parking_awaiter {
public:
    template <class... Args>
    explicit parking_awaiter(promise_core& p, Args&&... args)
        : core_(p), driver_(std::forward<Args>(args)...)
    {
    }

    bool await_ready() noexcept
    {
        goroutine& g = *core_.self;
        done_ = driver_.start(g);
        return WEFT_LIKELY(done_) && WEFT_LIKELY(--g.budget > 0);
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
        if (WEFT_UNLIKELY(!done_)) {
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
        if (done_) { // the budget is spent: give others a turn
            park(g, {}, wait_reason::runnable);
            requeue(g);
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
        };
        park(g, {&driver_, &verbs}, driver_.reason());
        if (WEFT_UNLIKELY(g.bound != nullptr) && !g.bound->begin_wait()) {
            driver_.abandon(); // its context has ended
            g.parked_on = {};  // it stands in no queue that unwinding would have to clear
            ready(g);
            return;
        }
        driver_.publish(g); // from here on this frame may be running elsewhere
    }

    promise_core& core_;
    bool done_;
    Driver driver_;
};

} // namespace weft::detail
