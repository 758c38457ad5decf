// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/gate_operation.hpp>
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

namespace weft::inline v0_1 {

class wait_group;

/// The operation `wait_group::wait` returns: `void(std::exception_ptr)`.
using wait_group_operation = detail::gate_operation<wait_group, detail::wait_reason::wait_group>;

/// Counts what is still to be done; `wait` waits for zero. It can be used again and again.
///
///     wait_group all;
///     for (auto& part : parts) all.go(work, std::ref(part));
///     co_await all.wait();
///
/// @par Thread safety  safe, from goroutines; all but `wait` also from ordinary threads.
/// @par Ordering       a `done` happens-before the return of each `wait` that it lets go on.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever. Those that `go`
///                     started count nothing any more then.
/// @par Source         Go sync.WaitGroup.
class WEFT_EXPORT wait_group : private detail::sync_object {
public:
    wait_group() = default;
    ~wait_group();

    /// Call it before what it counts begins. Zero lets everybody go on who waits.
    /// @throws misuse_error  "negative WaitGroup counter", "WaitGroup counter overflow"; nothing has changed then.
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
    [[nodiscard]] wait_group_operation wait() noexcept { return wait_group_operation(*this); }
    template <detail::context_like Context>
    [[nodiscard]] auto wait(const Context& ctx)
    {
        return context_operation<wait_group_operation>(ctx, wait());
    }

private:
    friend wait_group_operation;

    /// What the tickets know of their group, which may go before them: as when `main` throws between `go` and `wait`.
    struct link;

    /// Counts a goroutine down when it has ended, or never began.
    class ticket {
    public:
        explicit ticket(wait_group& g);
        ticket(ticket&& o) noexcept : link_(std::exchange(o.link_, nullptr)) {}
        ticket& operator=(ticket&&) = delete;
        ~ticket();

    private:
        link* link_;
    };

    [[nodiscard]] bool is_open_locked() const noexcept { return count_ == 0; }
    link& linked();
    bool count(std::int64_t n, detail::wake_list& wakes) noexcept;

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

    link* link_ = nullptr;       ///< guarded by lock; made by the first `go`
    std::int64_t count_ = 0;     ///< guarded by lock
    detail::wait_queue waiters_; ///< guarded by lock; empty while the count is zero
};

/// False: the count would become negative, or too large.
inline bool wait_group::count(std::int64_t n, detail::wake_list& wakes) noexcept
{
    lock.lock();
    note_use();
    const bool fits = n <= std::numeric_limits<std::int64_t>::max() - count_ && count_ + n >= 0;
    if (WEFT_LIKELY(fits)) {
        count_ += n;
        if (count_ == 0) detail::release_all(waiters_, wakes);
    }
    lock.unlock();
    return fits;
}

inline void wait_group::add(std::int64_t n)
{
    detail::wake_list wakes;
    if (WEFT_UNLIKELY(!count(n, wakes))) {
        detail::throw_misuse(n < 0 ? "negative WaitGroup counter" : "WaitGroup counter overflow");
    }
    wakes.wake_all();
}

} // namespace weft::inline v0_1
