// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/spawn.hpp>

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

/// What the patterns call for each item: `f(item)` or `f(ctx, item)`, a task or plain code.

namespace weft::inline v0_1::detail {

template <class F, class... Item>
concept item_function_with_context = goroutine_function<F, const context&, Item...>;

template <class F, class... Item>
concept item_function = item_function_with_context<F, Item...> || goroutine_function<F, Item...>;

template <class F, class... Item>
decltype(auto) call_item(F& f, const context& ctx, Item&&... item)
{
    if constexpr (item_function_with_context<F, Item...>) {
        return std::invoke(f, ctx, std::forward<Item>(item)...);
    } else {
        static_cast<void>(ctx);
        return std::invoke(f, std::forward<Item>(item)...);
    }
}

/// What the call returns, and what that comes to once awaited. They do not exist for what cannot be called: overloads look
/// at them.
template <class F, class... Item>
struct item_call {};
template <class F, class... Item>
    requires item_function_with_context<F, Item...>
struct item_call<F, Item...> : std::invoke_result<F&, const context&, Item...> {};
template <class F, class... Item>
    requires(!item_function_with_context<F, Item...> && goroutine_function<F, Item...>)
struct item_call<F, Item...> : std::invoke_result<F&, Item...> {};

template <class F, class... Item>
using item_call_t = typename item_call<F, Item...>::type;
template <class F, class... Item>
using item_result_t = typename awaited<std::remove_cvref_t<item_call_t<F, Item...>>>::type;

} // namespace weft::inline v0_1::detail
