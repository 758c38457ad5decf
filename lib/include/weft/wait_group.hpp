// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <functional>
#include <limits>
#include <source_location>
#include <type_traits>
#include <utility>

/// `wait_group`: waiting for a number of goroutines.

namespace weft {

class wait_group_operation;

/// Counts what is still to be done; `wait` waits for zero. It can be used again and again.
///
///     wait_group all;
///     for (auto& part : parts) all.go(work, std::ref(part));
///     co_await all.wait();
///
/// @par Thread safety  safe, from goroutines; all but `wait` also from ordinary threads.
/// @par Ordering       a `done` happens-before the return of each `wait` that it lets go on.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         Go sync.WaitGroup.
class wait_group : private detail::sync_object {
public:
    wait_group() = default;
    ~wait_group() { orphan(waiters_); }

    /// Call it before what it counts begins. Zero lets everybody go on who waits.
    /// @throws misuse_error  "negative WaitGroup counter"; nothing has changed then.
    void add(std::int64_t n = 1);
    void done() { add(-1); }

    /// Starts a goroutine as `weft::go` does, counted until it ends, however it does. The argument rules are those of `go`.
    template <detail::startable F>
    void go(F&& f, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<F>(f));
    }
    template <class A, class B>
        requires detail::startable<A, B>
    void go(A&& a, B&& b, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<A>(a), std::forward<B>(b));
    }
    template <class A, class B, class C>
        requires detail::startable<A, B, C>
    void go(A&& a, B&& b, C&& c, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
    }
    /// Four and more arguments: the place is not known.
    template <class A, class B, class C, class D, class... More>
        requires detail::startable<A, B, C, D, More...>
    void go(A&& a, B&& b, C&& c, D&& d, More&&... more)
    {
        start({}, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d),
              std::forward<More>(more)...);
    }

    /// Waits until the count is zero. Also a select case. With a context it gives up when that ends: `error` with its code.
    [[nodiscard]] wait_group_operation wait() noexcept;
    template <detail::context_like Context>
    [[nodiscard]] auto wait(const Context& ctx);

private:
    friend class wait_group_operation;

    /// Counts a goroutine down when it has ended, or never began.
    class ticket {
    public:
        explicit ticket(wait_group& g) : group_(&g) { g.add(); }
        ticket(ticket&& o) noexcept : group_(std::exchange(o.group_, nullptr)) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket()
        {
            if (group_) group_->done();
        }

    private:
        wait_group* group_;
    };

    template <class... Args>
    void start(const std::source_location& at, Args&&... args)
    {
        detail::start_arguments<Args&&...>::apply(
            "wait_group::go",
            [&]<class F, class... Rest>(detail::scheduler& s, F&& f, Rest&&... rest) {
                using counted =
                    detail::ticketed_call<ticket, std::decay_t<F>, std::decay_t<Rest>...>;
                detail::start_goroutine(
                    s, at, run<counted>,
                    counted{ticket(*this), std::forward<F>(f), {std::forward<Rest>(rest)...}});
            },
            std::forward<Args>(args)...);
    }

    template <class Work>
    static task<> run(Work w)
    {
        if constexpr (Work::is_async) (void)co_await w();
        else (void)w();
        co_return;
    }

    std::int64_t count_ = 0;     ///< guarded by lock
    detail::wait_queue waiters_; ///< guarded by lock; empty while the count is zero
};

/// The operation `wait_group::wait` returns: `void(std::exception_ptr)`.
class [[nodiscard]] wait_group_operation : public detail::asio_operation<wait_group_operation> {
public:
    using result_type = void;

    explicit wait_group_operation(wait_group& g) noexcept : group_(&g) {}

    detail::waitable* target() const noexcept { return group_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        group_->note_use();
        return w.ok = group_->count_ == 0;
    }
    void enqueue(detail::waiter& w) noexcept { group_->waiters_.push(w); }
    void dequeue(detail::waiter& w) noexcept { group_->waiters_.remove(w); }
    void finish(detail::waiter&) noexcept {}
    detail::wait_reason reason() const noexcept { return detail::wait_reason::wait_group; }
    detail::kept_by_owner retain() const noexcept { return {}; }

private:
    wait_group* group_;
};

inline wait_group_operation wait_group::wait() noexcept
{
    return wait_group_operation(*this);
}
template <detail::context_like Context>
auto wait_group::wait(const Context& ctx)
{
    return context_operation<wait_group_operation>(ctx, wait());
}

inline void wait_group::add(std::int64_t n)
{
    detail::wake_list wakes;
    lock.lock();
    note_use();
    const bool too_many = n > std::numeric_limits<std::int64_t>::max() - count_;
    const bool negative = count_ + (too_many ? 0 : n) < 0;
    if (WEFT_LIKELY(!negative && !too_many)) {
        count_ += n;
        if (count_ == 0) release_all(waiters_, wakes);
    }
    lock.unlock();
    if (WEFT_UNLIKELY(negative)) detail::throw_misuse("negative WaitGroup counter");
    if (WEFT_UNLIKELY(too_many)) detail::throw_misuse("WaitGroup counter overflow");
    wakes.wake_all();
}

} // namespace weft
