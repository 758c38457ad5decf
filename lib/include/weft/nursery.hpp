// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/group_state.hpp>
#include <weft/task.hpp>
#include <weft/this_goroutine.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

/// `nursery`: a scope that does not end before its goroutines have.

namespace weft::inline v0_1 {

/// Where goroutines are started that must not outlive a scope:
///
///     auto both = [&](nursery& n) -> task<> {
///         n.go(copy, std::ref(client), std::ref(server));
///         n.go(copy, std::ref(server), std::ref(client));
///         co_return;
///     };
///     co_await nursery::run(ctx, both);             // returns when both have ended
///
/// The body and the goroutines are bound to the nursery's context. That ends with the first exception of any of them, and with
/// the parent; so one failure ends them all. They may use what lives around the call, by reference.
///
/// @par Thread safety  safe, from goroutines.
/// @par Ordering       the end of each goroutine happens-before the return of `run`.
/// @par Source         Trio's nurseries, with weft's contexts.
class WEFT_EXPORT nursery {
public:
    nursery(const nursery&) = delete;
    nursery& operator=(const nursery&) = delete;
    ~nursery() { state_->abandon(); }

    /// Runs `body(nursery&)`, which returns a task or is plain code, in a goroutine, and waits until that and all that were
    /// started in the nursery have ended. Returns what the body did. Without a context the parent is the one that the calling
    /// goroutine is bound to.
    ///
    /// @throws  the first exception; one by which a goroutine does what the context asks of it counts only if there is
    ///          no other. Further ones are dropped. `error` with the context's code if that ended, of the parent or of the calling
    ///          goroutine, and this ended the body or another goroutine.
    /// @throws misuse_error  "cannot create context from nil parent".
    /// @par Cancellation  it ends the nursery's context, and still waits until all have ended.
    template <class F>
        requires detail::goroutine_function<std::decay_t<F>, nursery&>
    [[nodiscard]] static auto run(const context& parent, F&& body,
                                  std::source_location at = std::source_location::current())
    {
        using R = detail::awaited_t<std::decay_t<F>, nursery&>;
        return scope<R, std::decay_t<F>>(parent, std::forward<F>(body), at);
    }
    template <class F>
        requires detail::goroutine_function<std::decay_t<F>, nursery&>
    [[nodiscard]] static auto run(F&& body,
                                  std::source_location at = std::source_location::current())
    {
        return run(this_goroutine::get_context(), std::forward<F>(body), at);
    }

    [[nodiscard]] context get_context() const noexcept { return state_->ctx(); }

    /// Starts a goroutine bound to the nursery's context, as `weft::go` does. For the body, and what was started here.
    template <class F>
        requires detail::goroutine_function<std::decay_t<F>>
    void go(F&& f, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<F>(f));
    }
    template <class F, class A>
        requires detail::goroutine_function<std::decay_t<F>, std::decay_t<A>>
    void go(F&& f, A&& a, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<F>(f), std::forward<A>(a));
    }
    template <class F, class A, class B>
        requires detail::goroutine_function<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>>
    void go(F&& f, A&& a, B&& b, std::source_location at = std::source_location::current())
    {
        start(at, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b));
    }
    /// Three and more arguments: the place is not known.
    template <class F, class A, class B, class C, class... More>
        requires detail::goroutine_function<std::decay_t<F>, std::decay_t<A>, std::decay_t<B>,
                                            std::decay_t<C>, std::decay_t<More>...>
    void go(F&& f, A&& a, B&& b, C&& c, More&&... more)
    {
        start({}, std::forward<F>(f), std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
              std::forward<More>(more)...);
    }

private:
    explicit nursery(const context& parent) : state_(std::make_shared<detail::group_state>(parent))
    {
    }

    template <class... Args>
    void start(const std::source_location& at, Args&&... args)
    {
        static_cast<void>(state_->admit(true)); // there is no limit
        detail::start_member("nursery::go", at, detail::group_ticket(state_, false), state_->ctx(),
                             std::forward<Args>(args)...);
    }

    /// What `scope` shares with the goroutine of the body: a runtime that ends unwinds the two in any order.
    template <class R, class F>
    struct common;

    template <class R, class F>
    static task<R> scope(context parent, F body, std::source_location at)
    {
        const auto all = std::make_shared<common<R, F>>(parent, std::move(body));
        all->n.start(at, &run_body<R, F>, all);
        co_await join(all->n.state_);
        if constexpr (!std::is_void_v<R>) co_return std::move(*all->result);
    }

    template <class R, class F>
    static task<> run_body(std::shared_ptr<common<R, F>> all)
    {
        if constexpr (detail::is_task<detail::call_result_t<F, nursery&>>::value) {
            if constexpr (std::is_void_v<R>) co_await std::invoke(all->body, all->n);
            else all->result.emplace(co_await std::invoke(all->body, all->n));
        } else {
            if constexpr (std::is_void_v<R>) std::invoke(all->body, all->n);
            else all->result.emplace(std::invoke(all->body, all->n));
        }
        co_return;
    }

    static task<> join(std::shared_ptr<detail::group_state> state);

    const std::shared_ptr<detail::group_state> state_;
};

template <class R, class F>
struct nursery::common {
    common(const context& parent, F&& f) : body(std::move(f)), n(parent) {}

    F body;
    nursery n;
    std::optional<std::conditional_t<std::is_void_v<R>, bool, R>> result;
};

} // namespace weft::inline v0_1
