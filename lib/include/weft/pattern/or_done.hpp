// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/detail/relay.hpp>
#include <weft/pattern/pipeline.hpp>

#include <memory>
#include <source_location>
#include <utility>

/// `or_done`: a channel that ends with a context.

namespace weft::inline v0_1::pattern {

/// A channel that brings what comes from `in`, and is closed when `in` is, or when the context of `scope` (see stage.hpp) ends:
///
///     auto events = pattern::or_done(ctx, subscription);
///     while (auto e = co_await events.receive()) ...
///
/// At the end at most one value has been taken and is lost, and nothing more is taken. Where that matters, or a goroutine is
/// too much, it is `in.receive(ctx)` that one wants, which throws at the end.
///
/// @throws misuse_error  "or_done: nil channel", "cannot create context from nil parent".
template <detail::pattern_scope S, detail::input_channel C>
[[nodiscard]] auto or_done(S&& scope, const C& in,
                           std::source_location at = std::source_location::current())
    -> detail::input_t<C>
{
    using T = detail::input_value_t<C>;
    auto from = detail::checked_input(in, "or_done: nil channel");
    auto out = std::make_shared<detail::outlet<T>>(0);
    auto receiver = out->receiver();
    detail::pump_body<T> body{detail::context_of(scope), std::move(from), std::move(out)};
    detail::start_in(scope, std::move(body), at);
    return receiver;
}

} // namespace weft::inline v0_1::pattern
