// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/detail/relay.hpp>
#include <weft/error.hpp>
#include <weft/pattern/pipeline.hpp>

#include <cstdint>
#include <memory>
#include <source_location>
#include <utility>
#include <vector>

/// `fan_out`: one channel's values spread over several.

namespace weft::inline v0_1::pattern {

/// `n` channels; each value that comes from `in` goes to one of them, whose consumer is free sooner. All are closed when `in`
/// is.
///
/// One goroutine for each channel, in `scope` (see stage.hpp), which holds the next value ready: one whose consumer does not
/// come keeps that value, and the others go on. When the scope ends they are closed, and what is held ready is lost, at most
/// one value each. Where consumers need no channels of their own they may as well all receive from `in`.
///
/// @throws misuse_error  "fan_out: non-positive number of channels", "fan_out: nil channel", "cannot create context from nil
///                       parent".
template <detail::pattern_scope S, detail::input_channel C>
[[nodiscard]] auto fan_out(S&& scope, const C& in, std::int64_t n,
                           std::source_location at = std::source_location::current())
    -> std::vector<detail::input_t<C>>
{
    using T = detail::input_value_t<C>;
    if (n <= 0) detail::throw_misuse("fan_out: non-positive number of channels");
    const auto from = detail::checked_input(in, "fan_out: nil channel");
    std::vector<receive_channel<T>> outs;
    std::vector<detail::pump_body<T>> pumps;
    for (std::int64_t i = 0; i < n; ++i) {
        auto out = std::make_shared<detail::outlet<T>>(0);
        outs.push_back(out->receiver());
        pumps.push_back({detail::context_of(scope), from, std::move(out)});
    }
    detail::start_all_in(scope, std::move(pumps), at);
    return outs;
}

} // namespace weft::inline v0_1::pattern
