// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/detail/crew.hpp>
#include <weft/detail/item_function.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/error.hpp>
#include <weft/join_handle.hpp>
#include <weft/runtime_options.hpp>
#include <weft/select.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <exception>
#include <limits>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

/// What a worker_pool and its workers share.

namespace weft::inline v0_1::detail {

/// The part that knows neither jobs nor results. The workers are a crew.
class WEFT_EXPORT pool_state : public crew {
public:
    pool_state(const context& parent, std::int64_t workers, std::int64_t queue_size,
               const std::source_location& at);
    virtual ~pool_state() = default;

    /// Starts the first workers.
    static void begin(const std::shared_ptr<pool_state>& self);
    static void resize(const std::shared_ptr<pool_state>& self, std::int64_t workers);
    [[nodiscard]] std::int64_t workers() noexcept;

    /// No more jobs are taken. May be called by several, and again.
    void close() noexcept;

protected:
    virtual void close_queue() noexcept = 0;
    virtual void drop_queued() noexcept = 0;
    /// Takes jobs until there are no more or the worker is to retire.
    virtual task<> serve() = 0;

    /// Brings a permit to a worker that is to retire.
    [[nodiscard]] acquire_operation retirement() { return retirements_.acquire(); }
    [[nodiscard]] const std::shared_ptr<const panic_policy>& policy() const noexcept
    {
        return policy_;
    }
    /// Why no job is taken any more.
    [[noreturn]] void refuse() const;

private:
    static void start_worker(const std::shared_ptr<pool_state>& self);
    static task<> worker(ticket t);

    static constexpr std::int64_t any_number = std::numeric_limits<std::int64_t>::max();

    const std::shared_ptr<const panic_policy> policy_;
    const std::source_location site_;
    semaphore retirements_{any_number}; ///< its permits are handed out by taking workers away
    spinlock lock_;
    std::int64_t wanted_; ///< guarded by lock_
};

/// A job and where its result goes.
template <class Job, class Result>
struct pool_job {
    pool_job(Job&& j, join_promise<Result>&& r) noexcept : result(std::move(r)), job(std::move(j))
    {
    }

    join_promise<Result> result; ///< goes last: who joins finds nothing of the job left
    Job job;
};

/// The part that submits jobs. One that is dropped is told why: its handle throws.
template <class Job, class Result>
class pool_queue : public pool_state {
    using entry = pool_job<Job, Result>;

public:
    pool_queue(const context& parent, std::int64_t workers, std::int64_t queue_size,
               const std::source_location& at)
        : pool_state(parent, workers, queue_size, at),
          queue_(make_channel<entry>(static_cast<std::size_t>(queue_size)))
    {
    }

    static task<join_handle<Result>> submit(std::shared_ptr<pool_queue> self, context ctx, Job job)
    {
        static_cast<void>(ctx.node());
        auto* state = new join_state<Result>(self->policy());
        join_handle<Result> handle{join_ref<Result>(state)};
        entry e(std::move(job), join_promise<Result>(state));
        std::size_t chosen = 0;
        try {
            select_biased room{self->ctx().done(), ctx.done(), self->queue_.send(std::move(e))};
            auto s = co_await room;
            chosen = s.index();
        } catch (const misuse_error&) { // closed
        }
        if (chosen == 0) self->refuse();
        if (chosen == 1) ctx.throw_if_done();
        co_return handle;
    }

    join_handle<Result> try_submit(Job& job)
    {
        if (ctx().err() || queue_.closed()) refuse();
        if (queue_.capacity() != 0 && queue_.size() == queue_.capacity()) return {};
        auto* state = new join_state<Result>(policy());
        join_handle<Result> handle{join_ref<Result>(state)};
        entry e(std::move(job), join_promise<Result>(state));
        bool sent = false;
        bool closed = false;
        try {
            sent = queue_.try_send(std::move(e));
        } catch (const misuse_error&) {
            closed = true;
        }
        if (sent) return handle;
        job = std::move(e.job);
        if (closed) refuse();
        return {};
    }

    [[nodiscard]] std::size_t queued() const noexcept { return queue_.size(); }

protected:
    [[nodiscard]] const channel<entry>& queue() const noexcept { return queue_; }

private:
    void close_queue() noexcept override
    {
        try {
            queue_.close();
        } catch (const misuse_error&) { // somebody else has closed it
        }
    }
    void drop_queued() noexcept override
    {
        while (auto e = queue_.try_receive()) {
            try {
                ctx().throw_if_done();
            } catch (...) {
                e->result->set_failure(std::current_exception(), true);
            }
        }
    }

    const channel<entry> queue_;
};

/// The part that does jobs.
template <class Job, class Result, class F>
class pool_work final : public pool_queue<Job, Result> {
public:
    pool_work(const context& parent, std::int64_t workers, std::int64_t queue_size, F f,
              const std::source_location& at)
        : pool_queue<Job, Result>(parent, workers, queue_size, at), f_(std::move(f))
    {
    }

private:
    task<> serve() override
    {
        constexpr bool is_async = is_task<item_call_t<F, Job>>::value;
        for (;;) {
            this->ctx().throw_if_done();
            select_biased next{this->retirement(), this->queue().receive()};
            auto s = co_await next;
            if (s.index() == 0) co_return;
            auto e = std::move(s.template get<1>());
            if (!e) co_return;
            try {
                if constexpr (std::is_void_v<Result>) {
                    if constexpr (is_async) {
                        co_await call_item(f_, this->ctx(), std::move(e->job));
                    } else {
                        call_item(f_, this->ctx(), std::move(e->job));
                    }
                    e->result->set_value(true);
                } else if constexpr (is_async) {
                    auto result = co_await call_item(f_, this->ctx(), std::move(e->job));
                    e->result->set_value(std::move(result));
                } else {
                    e->result->set_value(call_item(f_, this->ctx(), std::move(e->job)));
                }
            } catch (...) {
                auto failure = std::current_exception();
                const bool as_asked =
                    this->ctx().err() && is_cancellation(failure, this->ctx().err());
                e->result->set_failure(std::move(failure), as_asked);
            }
        }
    }

    F f_;
};

} // namespace weft::inline v0_1::detail
