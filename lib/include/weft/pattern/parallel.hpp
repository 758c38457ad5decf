// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/parallel_job.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// `parallel_map`, `parallel_for_each`, `parallel_reduce`: the items of a range, several at a time.
///
/// What they have in common:
///
/// At most `limit` goroutines, each of which takes the next item when it is done with one. `f` is called as `f(item)`, or as
/// `f(ctx, item)` with the context its goroutine is bound to, and returns a `task` or is plain code. It is one object, which
/// several goroutines call at once. A range that is an lvalue is referred to, and has to stay until the end; `f` gets its
/// elements by reference. One that is an rvalue is moved in; `f` gets its elements as rvalues. The elements of a view such
/// as `std::views::transform` are made by several goroutines at once.
///
/// The first exception ends the context of those that run, which interrupts them; the items not begun are dropped; when all
/// goroutines have ended it is rethrown. When `ctx` has ended, or ends before the last item is done, or the caller is
/// interrupted, it is the same: `error` with the code. In any case nothing of it runs any more when they return.
///
/// @par Thread safety  the call is part of the calling goroutine.
/// @par Ordering       the call happens-before each `f`, and each `f` happens-before the return.
/// @par Complexity     `limit` goroutines and a few allocations for all items together.

namespace weft::inline v0_1::pattern {

/// The results of `f`, in the order of the items:
///
///     auto load = [&](const std::string& url) -> task<page> { return fetch(url); };
///     auto pages = co_await pattern::parallel_map(ctx, urls, 8, load);
///
/// @throws misuse_error  "parallel_map: non-positive limit", "cannot create context from nil parent"; at the call.
template <std::ranges::input_range R, class F>
    requires detail::item_function<F, detail::indexed_item_t<R>> &&
             (!std::is_void_v<detail::item_result_t<F, detail::indexed_item_t<R>>>)
[[nodiscard]] auto parallel_map(const context& ctx, R&& range, std::int64_t limit, F f,
                                std::source_location at = std::source_location::current())
    -> task<std::vector<detail::item_result_t<F, detail::indexed_item_t<R>>>>
{
    using T = detail::item_result_t<F, detail::indexed_item_t<R>>;
    if (limit <= 0) detail::throw_misuse("parallel_map: non-positive limit");
    using job = detail::parallel_job<R, F, detail::map_sink<T>>;
    return detail::map_in_parallel<T>(
        std::make_shared<job>(ctx, std::forward<R>(range), std::move(f), detail::map_sink<T>()),
        static_cast<std::size_t>(limit), at);
}

/// Calls `f` for each item, and drops what it returns.
///
/// @throws misuse_error  "parallel_for_each: non-positive limit", "cannot create context from nil parent"; at the call.
template <std::ranges::input_range R, class F>
    requires detail::item_function<F, detail::indexed_item_t<R>>
[[nodiscard]] task<> parallel_for_each(const context& ctx, R&& range, std::int64_t limit, F f,
                                       std::source_location at = std::source_location::current())
{
    if (limit <= 0) detail::throw_misuse("parallel_for_each: non-positive limit");
    using job = detail::parallel_job<R, F, detail::no_sink>;
    auto all = std::make_shared<job>(ctx, std::forward<R>(range), std::move(f), detail::no_sink());
    all->cut(1);
    return detail::run_parallel(std::move(all), static_cast<std::size_t>(limit), at);
}

/// `init` and the results of `map` put together from left to right by `combine(sum, next)`, plain code, which several
/// goroutines call at once. It must be associative, but need not be commutative: the order of the items is kept.
///
/// How the sums are grouped depends on the number of items alone, not on `limit` or on who was faster: with floating-point
/// numbers, too, the same items bring the same sum. More than 1024 goroutines it does not use.
///
/// @throws misuse_error  "parallel_reduce: non-positive limit", "cannot create context from nil parent"; at the call.
template <std::ranges::input_range R, class T, class Map, class Combine>
    requires detail::item_function<Map, detail::indexed_item_t<R>> &&
             std::constructible_from<T, detail::item_result_t<Map, detail::indexed_item_t<R>>> &&
             std::is_invocable_r_v<T, Combine&, T, T>
[[nodiscard]] task<T> parallel_reduce(const context& ctx, R&& range, std::int64_t limit, T init,
                                      Map map, Combine combine,
                                      std::source_location at = std::source_location::current())
{
    if (limit <= 0) detail::throw_misuse("parallel_reduce: non-positive limit");
    using sink = detail::reduce_sink<T, Combine>;
    using job = detail::parallel_job<R, Map, sink>;
    return detail::reduce_in_parallel<T>(std::make_shared<job>(ctx, std::forward<R>(range),
                                                               std::move(map),
                                                               sink{std::move(combine), {}}),
                                         static_cast<std::size_t>(limit), std::move(init), at);
}

} // namespace weft::inline v0_1::pattern
