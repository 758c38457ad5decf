// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/spawn.hpp>

#include <source_location>
#include <utility>

/// `go`: starts a goroutine.

namespace weft::inline v0_1 {

namespace detail {

template <class... Args>
void go_at(const std::source_location& at, Args&&... args)
{
    start_arguments<Args&&...>::apply(
        "go",
        [&](scheduler& s, auto&&... rest) {
            start_goroutine(s, at, std::forward<decltype(rest)>(rest)...);
        },
        std::forward<Args>(args)...);
}

} // namespace detail

/// Starts a goroutine and returns at once:
///
///     go(f, args...)              on the current runtime
///     go(executor, f, args...)    from anywhere: an Asio handler, a plain thread, another runtime
///
/// `f` returns a `task` (or is plain code that never waits). Callable and arguments are moved into
/// the goroutine: a lambda with captures is safe, and what must not be copied is passed with
/// `std::ref`. An exception that escapes `f` is a panic: the runtime's `panic_policy` decides.
///
/// The overloads differ in the number of arguments only, so that the caller's place, which dumps
/// and panics show, can be a trailing default argument.
///
/// @throws misuse_error  the first form, not called on a weft runtime.
/// @par Thread safety  safe.
/// @par Ordering       the call happens-before the first instruction of `f`.
/// @par Source         Go spec "Go statements".
template <detail::startable F>
void go(F&& f, std::source_location at = std::source_location::current())
{
    detail::go_at(at, std::forward<F>(f));
}
template <class A, class B>
    requires detail::startable<A, B>
void go(A&& a, B&& b, std::source_location at = std::source_location::current())
{
    detail::go_at(at, std::forward<A>(a), std::forward<B>(b));
}
template <class A, class B, class C>
    requires detail::startable<A, B, C>
void go(A&& a, B&& b, C&& c, std::source_location at = std::source_location::current())
{
    detail::go_at(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
}
template <class A, class B, class C, class D>
    requires detail::startable<A, B, C, D>
void go(A&& a, B&& b, C&& c, D&& d, std::source_location at = std::source_location::current())
{
    detail::go_at(at, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                  std::forward<D>(d));
}
/// Five and more arguments: the place is not known.
template <class A, class B, class C, class D, class... More>
    requires(sizeof...(More) > 0 && detail::startable<A, B, C, D, More...>)
void go(A&& a, B&& b, C&& c, D&& d, More&&... more)
{
    detail::go_at({}, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c),
                  std::forward<D>(d), std::forward<More>(more)...);
}

} // namespace weft::inline v0_1
