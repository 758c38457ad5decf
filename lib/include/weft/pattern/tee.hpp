// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/detail/relay.hpp>
#include <weft/error.hpp>
#include <weft/pattern/pipeline.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <source_location>
#include <utility>
#include <vector>

/// `tee`: one channel's values, all of them to several.

namespace weft::inline v0_1::detail {

template <class T>
using outlets = std::vector<std::unique_ptr<outlet<T>>>;

template <class T>
task<> copy_to_all(context ctx, receive_channel<T> in, std::shared_ptr<outlets<T>> outs)
{
    for (;;) {
        ctx.throw_if_done();
        auto value = co_await in.receive();
        if (!value) co_return;
        for (std::size_t i = 0; i + 1 < outs->size(); ++i) {
            T copy(*value);
            co_await (*outs)[i]->send(std::move(copy));
        }
        co_await outs->back()->send(std::move(*value));
    }
}

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::pattern {

/// `n` channels, each of which brings all that comes from `in`, in order. They are closed when `in` is.
///
/// Each has room for `capacity` values: so far one consumer can be ahead of another, and then waits for the slowest. With room
/// for one at least, a goroutine that reads a value from each of them may do so in any order. One consumer that stops holds
/// up all, until the scope ends.
///
/// One goroutine, in `scope` (see stage.hpp). When the scope ends the channels are closed; the value that was on its way may
/// have reached some of them and not the others.
///
/// @throws misuse_error  "tee: non-positive number of channels", "tee: no room", "tee: nil channel", "cannot create context
///                       from nil parent".
template <detail::pattern_scope S, detail::value_channel C>
    requires std::copy_constructible<detail::input_value_t<C>>
[[nodiscard]] auto tee(S&& scope, const C& in, std::int64_t n, std::size_t capacity = 1,
                       std::source_location at = std::source_location::current())
    -> std::vector<detail::input_t<C>>
{
    using T = detail::input_value_t<C>;
    if (n <= 0) detail::throw_misuse("tee: non-positive number of channels");
    if (capacity == 0) detail::throw_misuse("tee: no room");
    const auto from = detail::checked_input(in, "tee: nil channel");
    auto outs = std::make_shared<detail::outlets<T>>();
    std::vector<receive_channel<T>> receivers;
    for (std::int64_t i = 0; i < n; ++i) {
        outs->push_back(std::make_unique<detail::outlet<T>>(capacity));
        receivers.push_back(outs->back()->receiver());
    }
    auto work = [ctx = detail::context_of(scope), from, outs = std::move(outs)] {
        return detail::copy_to_all<T>(ctx, from, outs);
    };
    detail::start_in(scope, std::move(work), at);
    return receivers;
}

} // namespace weft::inline v0_1::pattern
