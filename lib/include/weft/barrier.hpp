// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstdint>

/// `barrier`: goroutines that wait for each other, again and again.

namespace weft::inline v0_1 {

/// Lets `count` goroutines go on when all of them have arrived, and begins anew.
///
/// @par Thread safety  safe, from goroutines.
/// @par Ordering       each arrival happens-before the return of all waits of its round.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         std::barrier.
class barrier : private detail::sync_object {
public:
    class wait_operation;

    /// @throws misuse_error  "barrier: count must be positive".
    explicit barrier(std::int64_t count) : count_(count)
    {
        if (count <= 0) detail::throw_misuse("barrier: count must be positive");
    }
    ~barrier() { orphan(waiters_); }

    /// Arrives and waits for the others. True for the one that came last.
    ///
    /// With a context it gives up when that ends, and has not arrived: `error` with its code. If that is the very moment in
    /// which the last one arrives, the others go on all the same.
    [[nodiscard]] wait_operation arrive_and_wait() noexcept;
    template <detail::context_like Context>
    [[nodiscard]] auto arrive_and_wait(const Context& ctx);

private:
    const std::int64_t count_;
    std::int64_t waiting_ = 0;   ///< guarded by lock; how many stand in `waiters_`
    detail::wait_queue waiters_; ///< guarded by lock
};

/// The operation `barrier::arrive_and_wait` returns: `void(std::exception_ptr, bool)`.
class [[nodiscard]] barrier::wait_operation : public detail::asio_operation<wait_operation> {
public:
    using result_type = bool;

    explicit wait_operation(barrier& b) noexcept : barrier_(&b) {}

    detail::waitable* target() const noexcept { return barrier_; }
    bool attempt(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        barrier_->note_use();
        if (barrier_->waiting_ + 1 < barrier_->count_) return false;
        barrier_->waiting_ = 0;
        detail::release_all(barrier_->waiters_, wakes, false); // none of them is the last one
        return w.ok = true;
    }
    void enqueue(detail::waiter& w) noexcept
    {
        ++barrier_->waiting_;
        barrier_->waiters_.push(w);
    }
    void dequeue(detail::waiter& w) noexcept
    {
        if (!w.queued) return;
        --barrier_->waiting_;
        barrier_->waiters_.remove(w);
    }
    bool finish(detail::waiter& w) noexcept { return w.ok; }
    detail::wait_reason reason() const noexcept { return detail::wait_reason::barrier; }
    detail::kept_by_owner retain() const noexcept { return {}; }

private:
    barrier* barrier_;
};

inline barrier::wait_operation barrier::arrive_and_wait() noexcept
{
    return wait_operation(*this);
}
template <detail::context_like Context>
auto barrier::arrive_and_wait(const Context& ctx)
{
    return context_operation<wait_operation>(ctx, arrive_and_wait());
}

} // namespace weft::inline v0_1
