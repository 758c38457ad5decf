// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/detail/relay.hpp>
#include <weft/pattern/pipeline.hpp>

#include <concepts>
#include <memory>
#include <ranges>
#include <source_location>
#include <utility>
#include <vector>

/// `merge`: several channels as one.

namespace weft::inline v0_1::pattern {

/// A channel that brings what comes from any of `ins`; closed when all of them are closed. Values of one channel stay in order.
/// No channels: it is closed at once.
///
/// One goroutine for each channel, in `scope` (see stage.hpp). When the scope ends the channel is closed; at most one value
/// of each input has been taken by then and is lost, and nothing more is taken.
///
/// @throws misuse_error  "merge: nil channel", "cannot create context from nil parent".
template <detail::pattern_scope S, std::ranges::input_range R>
    requires detail::input_channel<std::ranges::range_value_t<R>>
[[nodiscard]] auto merge(S&& scope, R&& ins,
                         std::source_location at = std::source_location::current())
    -> detail::input_t<std::ranges::range_value_t<R>>
{
    using T = detail::input_value_t<std::ranges::range_value_t<R>>;
    auto out = std::make_shared<detail::outlet<T>>(0);
    std::vector<detail::pump_body<T>> pumps;
    for (const auto& in : ins) {
        auto from = detail::checked_input(in, "merge: nil channel");
        pumps.push_back({detail::context_of(scope), std::move(from), out});
    }
    detail::start_all_in(scope, std::move(pumps), at);
    return out->receiver();
}
/// The same of channels that are named one by one.
template <detail::pattern_scope S, detail::input_channel First, detail::input_channel... More>
    requires(std::same_as<detail::input_t<First>, detail::input_t<More>> && ...)
[[nodiscard]] auto merge(S&& scope, const First& first, const More&... more)
    -> detail::input_t<First>
{
    return pattern::merge(scope, std::vector<detail::input_t<First>>{first, more...});
}

} // namespace weft::inline v0_1::pattern
