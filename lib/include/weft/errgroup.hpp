// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/group_state.hpp>
#include <weft/task.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// `errgroup`: goroutines that work on parts of one job, and the first exception of any of them.

namespace weft::inline v0_1 {

/// Starts goroutines, at most so many at a time as the limit says, and waits for them.
///
///     errgroup g(ctx);
///     for (const auto& url : urls) co_await g.go(fetch, g.get_context(), url);
///     co_await g.wait();                            // throws what was thrown first
///
/// The first exception of a goroutine ends the group's context, at once and with that exception as its cause. The others
/// run on: they are not bound to that context, and look at it themselves, or are started with it: `g.go(g.get_context(), f)`.
///
/// Destroyed without `wait`, the group ends its context, and its goroutines run on; they use nothing of the group's.
/// Exceptions that nobody fetched, by `wait` or `errors`, are panics then, and so is each one that follows; but for those by
/// which a goroutine does what its context, or the group's, asks of it.
///
/// @par Thread safety  safe, from goroutines; `try_go` with an executor, `errors`, `set_limit` and `get_context` also from
///                     ordinary threads.
/// @par Ordering       the end of a goroutine happens-before the return of each `wait` that it lets go on.
/// @par Source         golang.org/x/sync/errgroup.
class WEFT_EXPORT errgroup {
public:
    /// @throws misuse_error  "cannot create context from nil parent".
    explicit errgroup(const context& parent = background())
        : state_(std::make_shared<detail::group_state>(parent))
    {
    }
    errgroup(const errgroup&) = delete;
    errgroup& operator=(const errgroup&) = delete;
    ~errgroup() { state_->abandon(); }

    /// Ends with the first exception, when `wait` returns, and with the parent.
    [[nodiscard]] context get_context() const noexcept { return state_->ctx(); }

    /// Starts a goroutine: `co_await g.go(f, args...);`. At the limit it first waits until another one of the group has ended.
    /// The argument rules are those of `weft::go`. `wait` waits for those, too, that still wait to start.
    ///
    /// @par Suspends     only at the limit; else the goroutine is started by the call itself, and no frame is made.
    /// @par Cancellation total: it throws, and nothing was started.
    template <detail::startable F>
    [[nodiscard]] auto go(F&& f, std::source_location at = std::source_location::current())
    {
        return start(at, std::forward<F>(f));
    }
    template <class A, class B>
        requires detail::startable<A, B>
    [[nodiscard]] auto go(A&& a, B&& b, std::source_location at = std::source_location::current())
    {
        return start(at, std::forward<A>(a), std::forward<B>(b));
    }
    template <class A, class B, class C>
        requires detail::startable<A, B, C>
    [[nodiscard]] auto go(A&& a, B&& b, C&& c,
                          std::source_location at = std::source_location::current())
    {
        return start(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
    }
    /// Four and more arguments: the place is not known.
    template <class A, class B, class C, class D, class... More>
        requires detail::startable<A, B, C, D, More...>
    [[nodiscard]] auto go(A&& a, B&& b, C&& c, D&& d, More&&... more)
    {
        return start({}, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                     std::forward<D>(d), std::forward<More>(more)...);
    }

    /// Starts a goroutine unless the limit is reached. False: it is, and the arguments are untouched.
    template <detail::startable F>
    [[nodiscard]] bool try_go(F&& f, std::source_location at = std::source_location::current())
    {
        return try_start(at, std::forward<F>(f));
    }
    template <class A, class B>
        requires detail::startable<A, B>
    [[nodiscard]] bool try_go(A&& a, B&& b,
                              std::source_location at = std::source_location::current())
    {
        return try_start(at, std::forward<A>(a), std::forward<B>(b));
    }
    template <class A, class B, class C>
        requires detail::startable<A, B, C>
    [[nodiscard]] bool try_go(A&& a, B&& b, C&& c,
                              std::source_location at = std::source_location::current())
    {
        return try_start(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
    }
    template <class A, class B, class C, class D, class... More>
        requires detail::startable<A, B, C, D, More...>
    [[nodiscard]] bool try_go(A&& a, B&& b, C&& c, D&& d, More&&... more)
    {
        return try_start({}, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                         std::forward<D>(d), std::forward<More>(more)...);
    }

    /// How many goroutines of the group there may be at a time. Negative: any number, as at first. 0: none can start.
    /// @throws misuse_error  "errgroup: modify limit while N goroutines in the group are still active"; those that wait to
    ///                       start are among the N.
    void set_limit(int n) { state_->set_limit(n); }

    /// Waits until all goroutines of the group have ended, those that others of them started, too. Then it ends the context,
    /// with the first exception as its cause if there is one, and rethrows that. May be called again, and goroutines started
    /// after it; the first exception stays the first.
    ///
    /// @par Cancellation  with a context, or in a goroutine that is bound to one, it gives up waiting when that ends: `error`
    ///                    with its code. The group goes on.
    [[nodiscard]] task<> wait();
    [[nodiscard]] task<> wait(context ctx);

    /// All exceptions so far, in the order in which they came.
    [[nodiscard]] std::vector<std::exception_ptr> errors() const { return state_->failures(); }

private:
    template <class... Args>
    auto start(const std::source_location& at, Args&&... args)
    {
        const bool free = state_->admit(true) == detail::group_state::admission::admitted;
        detail::group_ticket ticket(state_, free);
        std::optional<task<>> work;
        if (free) {
            detail::start_member("errgroup::go", at, std::move(ticket),
                                 std::forward<Args>(args)...);
        } else {
            work.emplace(start_later<std::decay_t<Args>...>(std::move(ticket), at,
                                                            std::forward<Args>(args)...));
        }
        return detail::brief_task(std::move(work), [] {});
    }

    template <class... Args>
    static task<> start_later(detail::group_ticket ticket, std::source_location at, Args... args)
    {
        co_await ticket->slot();
        ticket.got_slot();
        detail::start_member("errgroup::go", at, std::move(ticket), std::move(args)...);
    }

    template <class... Args>
    bool try_start(const std::source_location& at, Args&&... args)
    {
        if (state_->admit(false) == detail::group_state::admission::refused) return false;
        detail::start_member("errgroup::try_go", at, detail::group_ticket(state_, true),
                             std::forward<Args>(args)...);
        return true;
    }

    const std::shared_ptr<detail::group_state> state_;
};

} // namespace weft::inline v0_1
