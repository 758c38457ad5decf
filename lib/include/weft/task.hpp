// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/frame_memory.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/operation.hpp>
#include <weft/detail/slot_guard.hpp>
#include <weft/executor.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/strand.hpp>

#include <coroutine>
#include <cstddef>
#include <exception>
#include <new>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

/// `task<T>`, the coroutine type of goroutines, and its promise.

namespace weft::inline v0_1 {

/// A coroutine that runs as (part of) a goroutine. It *is* an Asio awaitable: `asio::co_spawn`
/// takes it, and Asio's own operations are awaited in it.
template <class T = void>
using task = asio::awaitable<T, executor>;

namespace detail {

/// Awaits a child task: a call, not a switch.
template <class U>
class child_awaiter {
public:
    child_awaiter(task<U>&& child, goroutine& self) noexcept : child_(std::move(child)), self_(self)
    {
    }

    bool await_ready() const noexcept { return false; }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) noexcept
    {
        using base = typename Promise::frame_type;
        child_.await_suspend(std::coroutine_handle<base>::from_promise(h.promise()));
    }

    U await_resume()
    {
        // The frame behind `asio::use_awaitable` is not resumed but popped by the completion
        // handler, so its caller is the first to know that the goroutine is back.
        if (self_.reason.load(std::memory_order_relaxed) != wait_reason::running)
            leave_foreign(self_);
        return child_.await_resume();
    }

private:
    task<U> child_;
    goroutine& self_;
};

/// What `co_await` finds done most often, without a frame, and else runs a task for. `finish()` is the result.
template <class Finish>
class [[nodiscard]] brief_task {
public:
    brief_task(std::optional<task<>> work, Finish finish) noexcept
        : work_(std::move(work)), finish_(std::move(finish))
    {
    }

private:
    template <class F>
    friend class brief_awaiter;

    std::optional<task<>> work_;
    Finish finish_;
};

template <class Finish>
class brief_awaiter {
public:
    brief_awaiter(brief_task<Finish>&& b, goroutine& self) : finish_(std::move(b.finish_))
    {
        if (b.work_) child_.emplace(std::move(*b.work_), self);
    }

    bool await_ready() const noexcept { return !child_; }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h) noexcept
    {
        child_->await_suspend(h);
    }
    decltype(auto) await_resume()
    {
        if (child_) child_->await_resume();
        return finish_();
    }

private:
    std::optional<child_awaiter<void>> child_;
    Finish finish_;
};

/// Awaits whatever Asio's own promise can await; the goroutine belongs to Asio meanwhile.
template <class Awaiter>
struct foreign_awaiter {
    goroutine& self;
    Awaiter base;
    bool suspended = false;

    bool await_ready() { return base.await_ready(); }

    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h)
    {
        suspended = true;
        enter_foreign(self);
        base.await_suspend(std::coroutine_handle<void>(h));
    }

    decltype(auto) await_resume()
    {
        if (suspended) leave_foreign(self);
        return base.await_resume();
    }
};

/// Awaits an Asio operation. Keeps it, which Asio's awaiter only refers to. A bound goroutine's is cancelled
/// when the context ends; an operation that was done all the same is reported as such.
template <class Op, class Frame>
class operation_awaiter {
    using guarded = guarded_operation<Op>;

public:
    template <class O>
    operation_awaiter(goroutine& self, Frame& frame, O&& op)
        : op_(Op(std::forward<O>(op)), self.bound ? self.bound->guard() : nullptr),
          inner_{self, frame.Frame::await_transform(std::move(op_))}
    {
    }
    operation_awaiter(operation_awaiter&&) = delete; // `inner_` refers to `op_`

    bool await_ready()
    {
        if (WEFT_UNLIKELY(ended())) throw_interrupted(inner_.self);
        return inner_.await_ready();
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> h)
    {
        inner_.await_suspend(h);
    }
    decltype(auto) await_resume()
    {
        try {
            return inner_.await_resume();
        } catch (...) {
            if (ended() && is_cancellation(std::current_exception()))
                throw_interrupted(inner_.self);
            throw;
        }
    }

private:
    /// A slot's cancellation may have been cleared since; for that, Asio looks at the present state itself.
    [[nodiscard]] bool ended() const noexcept
    {
        const binding* b = inner_.self.bound;
        return b && b->to() == binding::tied_to::context && b->must_end();
    }

    guarded op_;
    foreign_awaiter<decltype(std::declval<Frame&>().Frame::await_transform(
        std::declval<guarded>()))>
        inner_;
};

template <class T>
struct is_task : std::false_type {};
template <class U>
struct is_task<task<U>> : std::true_type {};

template <class T>
struct is_brief_task : std::false_type {};
template <class Finish>
struct is_brief_task<brief_task<Finish>> : std::true_type {};

template <class T>
struct is_other_awaitable : std::false_type {};
template <class U, class Ex>
struct is_other_awaitable<asio::awaitable<U, Ex>>
    : std::bool_constant<!std::is_same_v<Ex, executor>> {};

/// Types that bring their own driver to `co_await` (`select`, `yield`, ...).
template <class T>
concept drivable = requires { typename std::remove_cvref_t<T>::driver; };

/// Types whose awaiter works on the frames of the goroutine itself (`pattern::generator`): it is made of the operation
/// and the awaiting frame's `promise_core`.
template <class T>
concept frame_step = requires { typename std::remove_cvref_t<T>::frame_awaiter; };

/// Asio's frame with weft's eyes: it knows its goroutine, its caller and where it waits, and awaits
/// weft operations without a handler object.
///
/// The Asio base must be the first base: Asio computes coroutine handles from its address.
template <class T>
class promise_base : public asio::detail::awaitable_frame<T, executor>, public promise_core {
public:
    using frame_type = asio::detail::awaitable_frame<T, executor>;

    // Not Asio's recycling: it keeps two blocks a thread.
    void* operator new(std::size_t size) { return allocate_frame(size); }
    void operator delete(void* p, std::size_t size) noexcept { free_frame(p, size); }

    ~promise_base()
    {
        // The bottom frame has taken the record with it.
        if constexpr (!std::is_same_v<T, entry_point>) {
            if (WEFT_UNLIKELY(self && self->reason.load(std::memory_order_relaxed) !=
                                          wait_reason::running)) {
                forget_frame(*self, *this);
            }
        }
    }

    void unhandled_exception() noexcept
    {
        trace(site);
        frame_type::unhandled_exception();
    }

    // Each overload notes the place first.
    template <class Op>
        requires operation<std::remove_cvref_t<Op>>
    auto await_transform(Op&& op,
                         std::source_location at = std::source_location::current()) noexcept
    {
        enter(at);
        return parking_awaiter<single_wait<std::remove_reference_t<Op>>>(*this, op);
    }

    template <drivable Op>
        requires(!operation<std::remove_cvref_t<Op>>)
    auto await_transform(Op&& op, std::source_location at = std::source_location::current())
    {
        enter(at);
        return parking_awaiter<typename std::remove_cvref_t<Op>::driver>(*this, op);
    }

    template <frame_step Op>
    auto await_transform(Op&& op, std::source_location at = std::source_location::current())
    {
        enter(at);
        self->top_core = this;
        return typename std::remove_cvref_t<Op>::frame_awaiter(op, *this);
    }

    template <class U>
    auto await_transform(task<U> child, std::source_location at = std::source_location::current())
    {
        enter(at);
        self->top_core = this; // the child finds its caller there
        return child_awaiter<U>(std::move(child), *self);
    }

    template <class Finish>
    auto await_transform(brief_task<Finish> b,
                         std::source_location at = std::source_location::current())
    {
        enter(at);
        self->top_core = this;
        return brief_awaiter<Finish>(std::move(b), *self);
    }

    /// A coroutine of another executor type runs beside the goroutine, on the same runtime.
    template <class U, class Ex>
        requires(!std::is_same_v<Ex, executor>)
    auto await_transform(asio::awaitable<U, Ex> other,
                         std::source_location at = std::source_location::current())
    {
        enter(at);
        self->top_core = this;
        auto spawned = asio::co_spawn(executor_for<Ex>(), std::move(other), asio::deferred);
        return operation_awaiter<decltype(spawned), frame_type>(*self, *this, std::move(spawned));
    }

    template <class Op>
        requires(!operation<std::remove_cvref_t<Op>> && !drivable<Op> && !frame_step<Op> &&
                 !is_task<std::remove_cvref_t<Op>>::value &&
                 !is_brief_task<std::remove_cvref_t<Op>>::value &&
                 !is_other_awaitable<std::remove_cvref_t<Op>>::value)
    auto await_transform(Op&& op, std::source_location at = std::source_location::current())
    {
        return await_foreign(std::forward<Op>(op), at);
    }

protected:
    void trace(const std::source_location& at) noexcept
    {
        if (self) trace_panic(*self, at);
    }

private:
    /// Asio emits a cancellation wherever the executor runs it: so one that may come needs a strand.
    template <class Ex>
    Ex executor_for() const
    {
        const executor ex = this->attached_thread_->get_executor();
        if constexpr (std::is_constructible_v<Ex, asio::strand<executor>>) {
            if (self->bound) return Ex(asio::strand<executor>(ex));
        }
        return Ex(ex);
    }

    template <class Op>
    auto await_foreign(Op&& op, const std::source_location& at)
    {
        enter(at);
        self->top_core = this;
        if constexpr (asio::is_async_operation<std::decay_t<Op>>::value) {
            return operation_awaiter<std::decay_t<Op>, frame_type>(*self, *this,
                                                                   std::forward<Op>(op));
        } else {
            using awaiter = decltype(frame_type::await_transform(std::forward<Op>(op)));
            return foreign_awaiter<awaiter>{*self,
                                            frame_type::await_transform(std::forward<Op>(op))};
        }
    }

    /// Notes where the frame is.
    void enter(const std::source_location& at) noexcept
    {
        // The analyzer does not see that a promise is constructed.
        if (WEFT_UNLIKELY(!self)) find_self(); // NOLINT(clang-analyzer-core.CallAndMessage)
        site = at;
    }

    void find_self() noexcept;
};

template <class T>
class promise final : public promise_base<T> {};

/// The bottom frame of a goroutine carries its record.
template <>
class promise<entry_point> final : public promise_base<entry_point> {
public:
    void unhandled_exception() noexcept
    {
        if (started_by_go && record.ends_by_context) {
            // As a context asked it to: a normal end.
        } else if (started_by_go) {
            promise_base::trace(site);
            report_panic(record, std::current_exception());
        } else {
            promise_base::unhandled_exception();
        }
    }

    goroutine record;
    bool started_by_go = false; ///< else by asio::co_spawn, which has its own completion handler
};

template <class T>
void promise_base<T>::find_self() noexcept
{
    self = &static_cast<promise<entry_point>*>(this->attached_thread_->entry_point())->record;
    if constexpr (std::is_same_v<T, entry_point>) {
        if (!self->sched) adopt(*self, *this->attached_thread_);
    } else {
        caller = self->top_core;
    }
}

static_assert(alignof(promise<void>) == alignof(asio::detail::awaitable_frame<void, executor>));

} // namespace detail
} // namespace weft::inline v0_1

template <class T, class... Args>
struct std::coroutine_traits<asio::awaitable<T, weft::executor>, Args...> {
    using promise_type = weft::detail::promise<T>;
};
