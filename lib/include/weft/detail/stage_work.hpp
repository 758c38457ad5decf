// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/context.hpp>
#include <weft/detail/item_function.hpp>
#include <weft/detail/relay.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <source_location>
#include <utility>
#include <vector>

/// What the goroutines of a source, a stage and a sink do.

namespace weft::inline v0_1::detail {

/// A function's result; one that is optional may be none.
template <class R>
struct passed_on {
    using type = R;
    static constexpr bool may_be_none = false;
};
template <class R>
struct passed_on<std::optional<R>> {
    using type = R;
    static constexpr bool may_be_none = true;
};

/// Each of these is shared by the goroutines that run its `work()`.
template <class R>
class range_source : public outlet<std::ranges::range_value_t<R>> {
public:
    range_source(context ctx, R range, std::size_t capacity)
        : outlet<std::ranges::range_value_t<R>>(capacity),
          ctx_(std::move(ctx)),
          range_(std::move(range))
    {
    }
    task<> work()
    {
        for (auto i = std::ranges::begin(range_); i != std::ranges::end(range_); ++i) {
            ctx_.throw_if_done();
            if constexpr (std::ranges::view<R>) co_await this->send(*i);
            else co_await this->send(std::ranges::iter_move(i)); // it is ours
        }
    }

private:
    const context ctx_;
    R range_;
};

template <class F>
class function_source : public outlet<typename passed_on<item_result_t<F>>::type> {
public:
    function_source(context ctx, F f, std::size_t capacity)
        : outlet<typename passed_on<item_result_t<F>>::type>(capacity),
          ctx_(std::move(ctx)),
          f_(std::move(f))
    {
    }
    task<> work()
    {
        for (;;) {
            ctx_.throw_if_done();
            if constexpr (is_task<item_call_t<F>>::value) {
                auto value = co_await call_item(f_, ctx_);
                if (!value) co_return;
                co_await this->send(std::move(*value));
            } else {
                auto value = call_item(f_, ctx_);
                if (!value) co_return;
                co_await this->send(std::move(*value));
            }
        }
    }

private:
    const context ctx_;
    F f_;
};

template <class T, class F>
class stage_work : public outlet<typename passed_on<item_result_t<F, T>>::type> {
    using result = passed_on<item_result_t<F, T>>;

public:
    stage_work(context ctx, receive_channel<T> in, F f, std::size_t capacity)
        : outlet<typename result::type>(capacity),
          ctx_(std::move(ctx)),
          in_(std::move(in)),
          f_(std::move(f))
    {
    }
    task<> work()
    {
        for (;;) {
            ctx_.throw_if_done();
            auto item = co_await in_.receive();
            if (!item) co_return;
            if constexpr (is_task<item_call_t<F, T>>::value) {
                auto value = co_await call_item(f_, ctx_, std::move(*item));
                if constexpr (!result::may_be_none) co_await this->send(std::move(value));
                else if (value) co_await this->send(std::move(*value));
            } else {
                auto value = call_item(f_, ctx_, std::move(*item));
                if constexpr (!result::may_be_none) co_await this->send(std::move(value));
                else if (value) co_await this->send(std::move(*value));
            }
        }
    }

private:
    const context ctx_;
    const receive_channel<T> in_;
    F f_;
};

template <class T, class F>
class sink_work {
public:
    sink_work(context ctx, receive_channel<T> in, F f)
        : ctx_(std::move(ctx)), in_(std::move(in)), f_(std::move(f))
    {
    }
    task<> work()
    {
        for (;;) {
            ctx_.throw_if_done();
            auto item = co_await in_.receive();
            if (!item) co_return;
            if constexpr (is_task<item_call_t<F, T>>::value) {
                static_cast<void>(co_await call_item(f_, ctx_, std::move(*item)));
            } else {
                static_cast<void>(call_item(f_, ctx_, std::move(*item)));
            }
        }
    }

private:
    const context ctx_;
    const receive_channel<T> in_;
    F f_;
};

template <class S, class Work>
void start_workers(S& scope, std::int64_t n, std::shared_ptr<Work> work,
                   const std::source_location& at)
{
    const auto body = [work = std::move(work)] { return work->work(); };
    start_all_in(scope, std::vector(static_cast<std::size_t>(n), body), at);
}

template <class F>
concept source_function = item_function<F> && passed_on<item_result_t<F>>::may_be_none;

} // namespace weft::inline v0_1::detail
