// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

/// `spawn`: a goroutine with a result.

namespace weft::inline v0_1 {

namespace detail {

WEFT_EXPORT void report_unseen_failure(const panic_policy& policy, std::exception_ptr e) noexcept;

/// Where the result of a spawned goroutine waits to be fetched.
///
/// Invariant: `done_` is set once, under the lock, after `value_` or `failure_`. Held by the
/// goroutine and by the handles; who lets go last looks whether a failure was ever seen.
template <class T>
class join_state final : public waitable {
    using stored = std::conditional_t<std::is_void_v<T>, bool, T>;

public:
    void set_value(stored v) noexcept(std::is_nothrow_move_constructible_v<stored>)
    {
        value_.emplace(std::move(v));
    }

    /// `quiet`: nobody has to see it.
    void set_failure(std::exception_ptr e, bool quiet) noexcept
    {
        failure_ = std::move(e);
        quiet_ = quiet;
    }

    /// Publishes the outcome and wakes who waits for it.
    void finish() noexcept
    {
        wake_list wakes;
        lock.lock();
        done_ = true;
        release_all(waiters_, wakes);
        lock.unlock();
        wakes.wake_all();
    }

    [[nodiscard]] bool done_locked() const noexcept { return done_; }
    wait_queue& waiters() noexcept { return waiters_; }

    /// The outcome, after `done_`. The value can be fetched once, a failure any number of times.
    T take()
    {
        lock.lock();
        const bool again = fetched_;
        fetched_ = true;
        lock.unlock();
        if (failure_) std::rethrow_exception(failure_);
        if (!value_) throw error(errc::stopped);
        if constexpr (!std::is_void_v<T>) {
            if (again) throw_misuse("join of a goroutine whose result was already taken");
            return std::move(*value_);
        }
    }

    explicit join_state(std::shared_ptr<const panic_policy> p) noexcept : policy_(std::move(p)) {}

    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }

    /// The failure, if nobody else holds a reference any more: taken out of the state, which then has none.
    [[nodiscard]] std::exception_ptr take_unseen() noexcept
    {
        if (refs_.load(std::memory_order_acquire) != 1 || fetched_ || quiet_) return nullptr;
        return std::exchange(failure_, nullptr);
    }

    /// Lets go of one reference. The last one reports the failure, if nobody saw it.
    void release() noexcept
    {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        if (failure_ && !fetched_ && !quiet_) report_unseen_failure(*policy_, failure_);
        delete this;
    }

private:
    detail::atomic<unsigned> refs_{2};
    /// What to do about a failure nobody saw; it outlives the runtime, as a handle may.
    const std::shared_ptr<const panic_policy> policy_;
    bool done_ = false;    ///< guarded by lock
    bool fetched_ = false; ///< guarded by lock
    wait_queue waiters_;   ///< guarded by lock
    std::optional<stored> value_;
    std::exception_ptr failure_;
    bool quiet_ = false; ///< the failure is what a context asked for
};

/// A counted reference to the result.
template <class T>
class join_ref {
public:
    join_ref() noexcept = default;
    explicit join_ref(join_state<T>* s) noexcept : state_(s) {}
    join_ref(const join_ref& o) noexcept : state_(o.state_)
    {
        if (state_) state_->retain();
    }
    join_ref(join_ref&& o) noexcept : state_(std::exchange(o.state_, nullptr)) {}
    join_ref& operator=(join_ref o) noexcept
    {
        std::swap(state_, o.state_);
        return *this;
    }
    ~join_ref()
    {
        if (state_) state_->release();
    }
    [[nodiscard]] join_state<T>* get() const noexcept { return state_; }

private:
    join_state<T>* state_ = nullptr;
};

/// The goroutine's end of the result. Publishes the outcome once, also when the goroutine is
/// unwound.
template <class T>
class join_promise {
public:
    explicit join_promise(join_state<T>* s) noexcept : state_(s) {}
    join_promise(join_promise&& o) noexcept : state_(std::exchange(o.state_, nullptr)) {}
    join_promise& operator=(join_promise&&) = delete;
    ~join_promise()
    {
        if (!state_) return;
        state_->finish();
        state_->release();
    }

    [[nodiscard]] join_state<T>* operator->() const noexcept { return state_; }

private:
    join_state<T>* state_;
};

/// The current goroutine ends because the context it is bound to has ended.
inline bool ends_by_context() noexcept
{
    const goroutine* g = this_thread_state().current;
    return g && g->ends_by_context;
}

/// What a spawned goroutine runs. The outcome is published when the callable and its arguments are gone: who joins may
/// have lent them something.
template <class T, class F, class... Args>
struct spawned_call {
    using work = ticketed_call<join_promise<T>, F, Args...>;
    work call;

    task<> operator()()
    {
        join_state<T>& result = *call.ticket.operator->();
        try {
            if constexpr (work::is_async) {
                if constexpr (std::is_void_v<T>) {
                    co_await call();
                    result.set_value(true);
                } else {
                    result.set_value(co_await call());
                }
            } else if constexpr (std::is_void_v<T>) {
                call();
                result.set_value(true);
            } else {
                result.set_value(call());
            }
        } catch (...) {
            result.set_failure(std::current_exception(), ends_by_context());
        }
        // With the handle dropped it is as with `go`: the exception escapes.
        if (auto unseen = result.take_unseen()) std::rethrow_exception(unseen);
        co_return;
    }
};

} // namespace detail

/// The operation `join_handle::join` returns: `void(std::exception_ptr, T)`, for `void` without the
/// T.
template <class T>
class [[nodiscard]] join_operation : public detail::asio_operation<join_operation<T>> {
public:
    using result_type = T;

    explicit join_operation(const detail::join_ref<T>& ref) noexcept : ref_(ref) {}

    detail::waitable* target() const noexcept { return ref_.get(); }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        w.ok = ref_.get()->done_locked();
        return w.ok;
    }
    void enqueue(detail::waiter& w) noexcept { ref_.get()->waiters().push(w); }
    void dequeue(detail::waiter& w) noexcept { ref_.get()->waiters().remove(w); }
    T finish(detail::waiter&) { return ref_.get()->take(); }
    detail::wait_reason reason() const noexcept { return detail::wait_reason::join; }
    detail::join_ref<T> retain() const noexcept { return ref_; }

private:
    detail::join_ref<T> ref_;
};

/// The result of a goroutine started with `spawn`. Copies are the same result; all dropped, the
/// goroutine goes on as with `go`, and an exception nobody fetched is a panic: nothing is
/// swallowed.
///
/// @par Thread safety  distinct handles: safe. one shared handle object: unsafe to assign, else
///                     safe.
template <class T>
class [[nodiscard]] join_handle {
public:
    join_handle() noexcept = default;
    explicit join_handle(detail::join_ref<T> ref) noexcept : ref_(std::move(ref)) {}

    /// Waits for the goroutine to end: its result, or its exception rethrown. The value is moved
    /// out, so a second `join` of a non-void result is a misuse_error. Also a select case.
    ///
    /// @throws error  errc::stopped: the runtime ended first.
    [[nodiscard]] join_operation<T> join() const noexcept { return join_operation<T>(ref_); }
    /// As join, but stops waiting when `ctx` ends; the goroutine goes on.
    template <detail::context_like Context>
    [[nodiscard]] auto join(const Context& ctx) const
    {
        return context_operation<join_operation<T>>(ctx, join());
    }

    explicit operator bool() const noexcept { return ref_.get() != nullptr; }

private:
    detail::join_ref<T> ref_;
};

namespace detail {

template <class... Args>
auto spawn_at(const std::source_location& at, Args&&... args)
{
    return start_arguments<Args&&...>::apply(
        "spawn",
        [&]<class F, class... Rest>(scheduler& s, F&& f, Rest&&... rest) {
            using T = awaited_t<std::decay_t<F>, std::decay_t<Rest>...>;
            auto* state = new join_state<T>(s.on_panic);
            join_ref<T> mine(state);
            join_promise<T> theirs(state);
            using call = spawned_call<T, std::decay_t<F>, std::decay_t<Rest>...>;
            start_goroutine(
                s, at,
                call{{std::move(theirs), std::forward<F>(f), {std::forward<Rest>(rest)...}}});
            return join_handle<T>(std::move(mine));
        },
        std::forward<Args>(args)...);
}

} // namespace detail

/// Starts a goroutine as `go` does and returns a handle to its result:
///
///     auto h = spawn(f, args...);   ...   auto result = co_await h.join();
///
/// The argument rules are those of `go`.
template <detail::startable F>
auto spawn(F&& f, std::source_location at = std::source_location::current())
{
    return detail::spawn_at(at, std::forward<F>(f));
}
template <class A, class B>
    requires detail::startable<A, B>
auto spawn(A&& a, B&& b, std::source_location at = std::source_location::current())
{
    return detail::spawn_at(at, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B, class C>
    requires detail::startable<A, B, C>
auto spawn(A&& a, B&& b, C&& c, std::source_location at = std::source_location::current())
{
    return detail::spawn_at(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
}
template <class A, class B, class C, class D>
    requires detail::startable<A, B, C, D>
auto spawn(A&& a, B&& b, C&& c, D&& d, std::source_location at = std::source_location::current())
{
    return detail::spawn_at(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                            std::forward<D>(d));
}
/// Five and more arguments: the place is not known.
template <class A, class B, class C, class D, class... More>
    requires(sizeof...(More) > 0 && detail::startable<A, B, C, D, More...>)
auto spawn(A&& a, B&& b, C&& c, D&& d, More&&... more)
{
    return detail::spawn_at({}, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                            std::forward<D>(d), std::forward<More>(more)...);
}

} // namespace weft::inline v0_1
