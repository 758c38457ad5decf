// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/pool_state.hpp>
#include <weft/join_handle.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

/// `worker_pool`: a number of goroutines that do the jobs of a bounded queue.

namespace weft::inline v0_1::pattern {

/// Some workers, a queue before them, and a function that does a job:
///
///     pattern::worker_pool pool(ctx, 8, 100, [](request r) -> task<response> { ... });
///     auto h = co_await pool.submit(ctx, std::move(r));   // waits for room
///     auto response = co_await h.join();                  // the result of this job, or its exception
///     co_await pool.drain();
///
/// `f` is called as `f(job)` or `f(ctx, job)` with the pool's context, and returns a task or is plain code. It is one object,
/// which all workers call at once. Jobs are begun in the order in which they were accepted. With a queue of size 0 a job is
/// accepted when a worker is free to do it.
///
/// A handle is that of `spawn`: dropped, the job is done all the same, and an exception nobody fetched is a panic, unless it is
/// how the job says that the pool's context ended. It ends no worker.
///
/// When the pool's context ends, because its parent does, by `stop`, or because the pool is destroyed, the jobs that run are
/// interrupted, and those in the queue are dropped. Their handles throw `error` with the context's code.
///
/// A job that waits for its own pool (a `submit` that finds no room, `drain`, `stop`) may wait for itself.
///
/// @tparam Job    what f takes; nothrow move constructible.
/// @tparam Result what f returns, once awaited.
/// @par Thread safety  safe, from goroutines of its runtime.
/// @par Ordering       a submit happens-before the call of f, and that happens-before the return of the handle's join.
template <class Job, class Result = void>
class worker_pool {
public:
    /// @throws misuse_error  "worker_pool: non-positive number of workers", "worker_pool: negative queue size", "cannot create
    ///                       context from nil parent"; not called on a weft runtime.
    template <class F>
        requires detail::item_function<F, Job> &&
                 std::same_as<detail::item_result_t<F, Job>, Result>
    worker_pool(const context& parent, std::int64_t workers, std::int64_t queue_size, F f,
                std::source_location at = std::source_location::current())
        : state_(std::make_shared<detail::pool_work<Job, Result, F>>(parent, workers, queue_size,
                                                                     std::move(f), at))
    {
        detail::pool_state::begin(state_);
    }
    worker_pool(const worker_pool&) = delete;
    worker_pool& operator=(const worker_pool&) = delete;
    /// Ends the context and waits for nobody: see `drain` and `stop`.
    ~worker_pool() { state_->cancel(); }

    [[nodiscard]] const context& get_context() const noexcept { return state_->ctx(); }

    /// Waits until there is room in the queue.
    ///
    /// @throws misuse_error  "worker_pool: submit after drain", also for one that waits then; the job is not done.
    /// @throws error         the pool's context has ended; its code.
    /// @par Cancellation     total: the job was accepted, or is dropped and `error` is thrown.
    [[nodiscard]] task<join_handle<Result>> submit(Job job)
    {
        return submit(background(), std::move(job));
    }
    /// The same until `ctx` ends: then `error` with its code. The job itself does not hear of it.
    [[nodiscard]] task<join_handle<Result>> submit(const context& ctx, Job job)
    {
        return detail::pool_queue<Job, Result>::submit(state_, ctx, std::move(job));
    }

    /// Accepts the job if there is room at once. An empty handle, which is false: there is none, and `job` is as it was.
    ///
    /// @throws misuse_error, error  as submit; `job` is as it was.
    [[nodiscard]] join_handle<Result> try_submit(Job&& job)
        requires std::is_move_assignable_v<Job>
    {
        return state_->try_submit(job);
    }

    /// So many workers from now on. Those that are too many finish the jobs they have begun.
    ///
    /// @throws misuse_error  "worker_pool: non-positive number of workers".
    void resize(std::int64_t workers) { detail::pool_state::resize(state_, workers); }
    [[nodiscard]] std::int64_t workers() const noexcept { return state_->workers(); }
    /// How many accepted jobs nobody has begun.
    [[nodiscard]] std::size_t queued() const noexcept { return state_->queued(); }

    /// Accepts no more jobs, and waits until all that were accepted are done.
    ///
    /// @throws error  the pool's context ended before; its code.
    /// @par Cancellation  when the caller is interrupted, or `limit` ends, the pool is stopped, and waited for; then `error`
    ///                    with that code. So a limit with a deadline makes a shutdown in good order.
    [[nodiscard]] task<> drain(context limit = background())
    {
        state_->close();
        return detail::crew::join(state_, std::move(limit));
    }

    /// Ends the context, and waits until no worker is left, whatever happens to the caller.
    [[nodiscard]] task<> stop()
    {
        state_->cancel();
        return detail::crew::wait(state_);
    }

private:
    const std::shared_ptr<detail::pool_queue<Job, Result>> state_;
};

} // namespace weft::inline v0_1::pattern

namespace weft::inline v0_1::detail {

/// The last parameter of a function that takes a job, perhaps after a context.
template <class F>
struct job_of : job_of<decltype(&F::operator())> {};
template <class R, class... A>
struct job_of<R (*)(A...)> {
    using type = std::remove_cvref_t<std::tuple_element_t<sizeof...(A) - 1, std::tuple<A...>>>;
};
template <class R, class... A>
struct job_of<R (*)(A...) noexcept> : job_of<R (*)(A...)> {};
template <class C, class R, class... A>
struct job_of<R (C::*)(A...)> : job_of<R (*)(A...)> {};
template <class C, class R, class... A>
struct job_of<R (C::*)(A...) const> : job_of<R (*)(A...)> {};
template <class C, class R, class... A>
struct job_of<R (C::*)(A...) noexcept> : job_of<R (*)(A...)> {};
template <class C, class R, class... A>
struct job_of<R (C::*)(A...) const noexcept> : job_of<R (*)(A...)> {};

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::pattern {

/// The types from the function's signature, if it has one.
template <class F>
worker_pool(const context&, std::int64_t, std::int64_t, F)
    -> worker_pool<typename detail::job_of<F>::type,
                   detail::item_result_t<F, typename detail::job_of<F>::type>>;

} // namespace weft::inline v0_1::pattern
