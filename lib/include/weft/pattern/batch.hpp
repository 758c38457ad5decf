// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/after.hpp>
#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/detail/relay.hpp>
#include <weft/detail/timer_shard.hpp>
#include <weft/error.hpp>
#include <weft/pattern/pipeline.hpp>
#include <weft/select.hpp>
#include <weft/task.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <source_location>
#include <utility>
#include <vector>

/// `batch`: single values as lists.

namespace weft::inline v0_1::detail {

/// Takes what comes into `values` until there are `n`, or `wait` has passed since the first, or `in` is closed; empty only
/// then.
template <class T>
task<> fill_batch(const receive_channel<T>& in, std::size_t n, std::optional<duration> wait,
                  std::vector<T>& values)
{
    auto value = co_await in.receive();
    if (!value) co_return;
    values.push_back(std::move(*value));
    std::optional<time_point> end;
    if (wait) end = moment(nanos_after(nanos(clock::now()), *wait));
    while (values.size() < n) {
        if (auto more = in.try_receive()) { // most often there is one: no timer then
            values.push_back(std::move(*more));
        } else if (end) {
            select_biased next{in.receive(), at(*end)};
            auto s = co_await next;
            if (s.index() == 1 || !s.template get<0>()) co_return;
            values.push_back(std::move(*s.template get<0>()));
        } else {
            auto last = co_await in.receive();
            if (!last) co_return;
            values.push_back(std::move(*last));
        }
    }
}

template <class T>
task<> make_batches(context ctx, receive_channel<T> in, std::size_t n, std::optional<duration> wait,
                    std::shared_ptr<outlet<std::vector<T>>> out)
{
    for (;;) {
        ctx.throw_if_done();
        std::vector<T> values;
        co_await fill_batch<T>(in, n, wait, values);
        if (values.empty()) co_return;
        co_await out->send(std::move(values));
    }
}

template <pattern_scope S, value_channel C>
auto start_batch(S& scope, const C& in, std::int64_t n, std::optional<duration> wait,
                 const std::source_location& at) -> receive_channel<std::vector<input_value_t<C>>>
{
    using T = input_value_t<C>;
    if (n <= 0) throw_misuse("batch: non-positive size");
    if (wait && *wait <= duration::zero()) throw_misuse("batch: non-positive duration");
    const auto from = checked_input(in, "batch: nil channel");
    auto out = std::make_shared<outlet<std::vector<T>>>(0);
    auto receiver = out->receiver();
    auto work = [ctx = context_of(scope), from, n, wait, out = std::move(out)] {
        return make_batches<T>(ctx, from, static_cast<std::size_t>(n), wait, out);
    };
    start_in(scope, std::move(work), at);
    return receiver;
}

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::pattern {

/// A channel that brings what comes from `in` in lists of `n`, in order. A list that is not full when `wait` has passed since its
/// first value is sent as it is, and so is the last one, when `in` is closed. None is empty.
///
/// While a list waits for its consumer nothing is taken from `in`.
///
/// One goroutine, in `scope` (see stage.hpp). When the scope ends the channel is closed; the list that is being filled or waits
/// for its consumer is lost.
///
/// @throws misuse_error  "batch: non-positive size", "batch: non-positive duration", "batch: nil channel", "cannot create
///                       context from nil parent".
template <detail::pattern_scope S, detail::value_channel C>
[[nodiscard]] auto batch(S&& scope, const C& in, std::int64_t n, duration wait,
                         std::source_location at = std::source_location::current())
{
    return detail::start_batch(scope, in, n, wait, at);
}
/// The same by size alone.
template <detail::pattern_scope S, detail::value_channel C>
[[nodiscard]] auto batch(S&& scope, const C& in, std::int64_t n,
                         std::source_location at = std::source_location::current())
{
    return detail::start_batch(scope, in, n, std::nullopt, at);
}

} // namespace weft::inline v0_1::pattern
