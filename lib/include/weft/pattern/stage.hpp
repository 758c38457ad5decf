// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/detail/item_function.hpp>
#include <weft/detail/relay.hpp>
#include <weft/detail/stage_work.hpp>
#include <weft/error.hpp>
#include <weft/pattern/pipeline.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <ranges>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// `source`, `stage`, `sink`: from a range through functions to an end.
///
/// `scope` is a context, or a `pipeline` or errgroup whose members the goroutines become. They are bound to its context and end
/// with it. An exception of a function is a pipeline's or a group's failure, which ends all its stages; with a context only
/// it is a panic.
///
/// A consumer that stops before a channel is closed must end the context, or the stages behind it wait for ever. Channels of
/// a scope that has ended are closed: who must know whether that was all asks the context, or `pipeline::wait`. What a stage
/// had taken by then and not delivered is lost: at most one value for each of its goroutines, and what is buffered.
///
/// All of them throw `misuse_error` "cannot create context from nil parent" for a nil context, and "pattern: the group is at its
/// limit" for an errgroup whose limit lets no more goroutines in.

namespace weft::inline v0_1::pattern {

/// A channel that brings the elements of `range`, moved out of it if it is a container; it is closed after the last. The range
/// is moved or copied in; what a view refers to has to stay.
template <detail::pattern_scope S, std::ranges::input_range R>
    requires(!detail::source_function<R>)
[[nodiscard]] auto source(S&& scope, R range, std::size_t capacity = 0,
                          std::source_location at = std::source_location::current())
    -> receive_channel<std::ranges::range_value_t<R>>
{
    using work = detail::range_source<R>;
    auto all = std::make_shared<work>(detail::context_of(scope), std::move(range), capacity);
    auto out = all->receiver();
    detail::start_workers(scope, 1, std::move(all), at);
    return out;
}

/// A channel that brings what `f()`, or `f(ctx)`, returns each time, an optional or a task of one; it is closed after the first
/// that is empty.
template <detail::pattern_scope S, detail::source_function F>
[[nodiscard]] auto source(S&& scope, F f, std::size_t capacity = 0,
                          std::source_location at = std::source_location::current())
    -> receive_channel<typename detail::passed_on<detail::item_result_t<F>>::type>
{
    using work = detail::function_source<F>;
    auto all = std::make_shared<work>(detail::context_of(scope), std::move(f), capacity);
    auto out = all->receiver();
    detail::start_workers(scope, 1, std::move(all), at);
    return out;
}

/// A channel that brings `f` of what comes from `in`. `f(value)`, or `f(ctx, value)`, returns a result, or an optional, whose
/// empty ones are left out, or a task of either. It is one object, which all workers call at once.
///
/// The channel is closed when `in` is closed and all workers are done. The results of one worker stay in order; with several
/// of them one may overtake another. The channel is unbuffered unless `capacity` says otherwise: a stage waits for the next
/// one, all the way to the source.
///
/// @throws misuse_error  "stage: non-positive number of workers", "stage: nil channel".
template <detail::pattern_scope S, detail::value_channel C, class F>
    requires detail::item_function<F, detail::input_value_t<C>> &&
             (!std::is_void_v<detail::item_result_t<F, detail::input_value_t<C>>>)
[[nodiscard]] auto stage(S&& scope, const C& in, std::int64_t workers, F f,
                         std::size_t capacity = 0,
                         std::source_location at = std::source_location::current())
{
    using work = detail::stage_work<detail::input_value_t<C>, F>;
    if (workers <= 0) detail::throw_misuse("stage: non-positive number of workers");
    auto from = detail::checked_input(in, "stage: nil channel");
    auto all =
        std::make_shared<work>(detail::context_of(scope), std::move(from), std::move(f), capacity);
    auto out = all->receiver();
    detail::start_workers(scope, workers, std::move(all), at);
    return out;
}

/// The end of a pipeline: `f(value)`, or `f(ctx, value)`, a task or plain code, for all that comes from `in`. `pipeline::wait`
/// waits for it.
///
/// @throws misuse_error  "sink: non-positive number of workers", "sink: nil channel".
template <detail::pattern_scope S, detail::value_channel C, class F>
    requires detail::item_function<F, detail::input_value_t<C>>
void sink(S&& scope, const C& in, std::int64_t workers, F f,
          std::source_location at = std::source_location::current())
{
    using work = detail::sink_work<detail::input_value_t<C>, F>;
    if (workers <= 0) detail::throw_misuse("sink: non-positive number of workers");
    auto from = detail::checked_input(in, "sink: nil channel");
    auto all = std::make_shared<work>(detail::context_of(scope), std::move(from), std::move(f));
    detail::start_workers(scope, workers, std::move(all), at);
}

/// All that comes from `in`, to its end.
/// @throws error  `ctx` ended first; what had come is lost.
/// @throws misuse_error  "collect: nil channel".
template <detail::value_channel C>
[[nodiscard]] auto collect(const context& ctx, const C& in)
    -> task<std::vector<detail::input_value_t<C>>>
{
    using T = detail::input_value_t<C>;
    return [](context until, receive_channel<T> from) -> task<std::vector<T>> {
        std::vector<T> all;
        for (;;) {
            auto value = co_await from.receive(until);
            if (!value) break;
            all.push_back(std::move(*value));
        }
        until.throw_if_done(); // closed by the end of a scope: that was not all
        co_return all;
    }(ctx, detail::checked_input(in, "collect: nil channel"));
}

} // namespace weft::inline v0_1::pattern
