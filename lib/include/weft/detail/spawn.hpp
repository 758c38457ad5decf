// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/scheduler.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <functional>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

template <class F, class... Args>
using call_result_t = std::invoke_result_t<F&, Args...>;

/// What a goroutine may run: a callable returning a task, or plain code that never waits.
template <class F, class... Args>
concept goroutine_function =
    std::invocable<F&, Args...> && (is_task<call_result_t<F, Args...>>::value ||
                                    !is_other_awaitable<call_result_t<F, Args...>>::value);

/// The result of the callable once awaited.
template <class R>
struct awaited {
    using type = R;
};
template <class U>
struct awaited<task<U>> {
    using type = U;
};
template <class F, class... Args>
using awaited_t = typename awaited<call_result_t<F, Args...>>::type;

/// A callable with its arguments, and a ticket that goes after them, so that who waits for that finds nothing of them
/// left. One object, because compilers differ in the order in which the parameters of a coroutine go.
template <class Ticket, class F, class... Args>
struct ticketed_call {
    Ticket ticket;
    F f;
    std::tuple<Args...> args;

    decltype(auto) operator()()
    {
        return std::apply(
            [this](Args&... a) -> decltype(auto) { return std::invoke(f, std::move(a)...); }, args);
    }
    static constexpr bool is_async = is_task<call_result_t<F, Args...>>::value;
};

/// The bottom frame of a goroutine: keeps callable and arguments alive for as long as it runs, so a
/// lambda with captures is safe. An exception reaches the promise, which applies the panic policy.
template <class F, class... Args>
asio::awaitable<entry_point, executor> goroutine_body(F f, Args... args)
{
    if constexpr (is_task<call_result_t<F, Args...>>::value) {
        (void)co_await std::invoke(f, std::move(args)...);
    } else {
        (void)std::invoke(f, std::move(args)...);
    }
    co_return;
}

template <class F, class... Args>
void start_goroutine(scheduler& s, const std::source_location& site, F&& f, Args&&... args)
{
    asio_thread t(goroutine_body<std::decay_t<F>, std::decay_t<Args>...>(
                      std::forward<F>(f), std::forward<Args>(args)...),
                  executor(s), asio::cancellation_slot(), asio::cancellation_state());
    auto& p = *static_cast<promise<entry_point>*>(t.entry_point());
    goroutine& g = p.record;
    p.self = &g;
    p.started_by_go = true;
    g.top_frame = &p;
    g.top_core = &p;
    g.thread.put(std::move(t));
    s.start(g, site);
}

/// What `go` and `spawn` accept: optionally an executor, then a callable and its arguments.
template <class A, class... Rest>
struct start_arguments {
    static constexpr bool valid = goroutine_function<std::decay_t<A>, std::decay_t<Rest>...>;
    template <class Start>
    static decltype(auto) apply(const char* what, Start start, A&& f, Rest&&... rest)
    {
        return start(current_scheduler(what), std::forward<A>(f), std::forward<Rest>(rest)...);
    }
};
template <class A, class F, class... Rest>
    requires std::same_as<std::remove_cvref_t<A>, executor>
struct start_arguments<A, F, Rest...> {
    static constexpr bool valid = goroutine_function<std::decay_t<F>, std::decay_t<Rest>...>;
    template <class Start>
    static decltype(auto) apply(const char*, Start start, const executor& ex, F&& f, Rest&&... rest)
    {
        return start(ex.sched(), std::forward<F>(f), std::forward<Rest>(rest)...);
    }
};

template <class... Args>
concept startable = start_arguments<Args...>::valid;

} // namespace weft::inline v0_1::detail
