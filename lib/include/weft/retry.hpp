// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/backoff.hpp>
#include <weft/context.hpp>
#include <weft/sleep.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

/// `retry`: another attempt after a pause.

namespace weft::inline v0_1 {

/// What `permanent` throws: a failure that another attempt would not help. It is a `std::exception`
/// of its own, with the text of the failure, for those who meet it outside of `retry`.
class WEFT_EXPORT permanent_failure : public std::exception {
public:
    explicit permanent_failure(std::exception_ptr cause);

    [[nodiscard]] const std::exception_ptr& cause() const noexcept { return cause_; }
    [[nodiscard]] const char* what() const noexcept override { return text_->c_str(); }

private:
    std::exception_ptr cause_;
    std::shared_ptr<const std::string> text_;
};

/// Wraps a failure so that `retry` stops at once and throws the failure itself:
///
///     if (status == 404) throw permanent(not_found(url));
///     catch (const bad_request&) { throw permanent(std::current_exception()); }
///
/// @throws misuse_error  "permanent: no exception": a null pointer.
[[nodiscard]] WEFT_EXPORT permanent_failure permanent(std::exception_ptr failure);
template <class E>
    requires(!std::convertible_to<E, std::exception_ptr>)
[[nodiscard]] permanent_failure permanent(E failure)
{
    return permanent(std::make_exception_ptr(std::move(failure)));
}

/// What `retry` tells its observer.
struct retry_event {
    int attempt;                ///< the number of the attempt that failed, from 1
    std::exception_ptr failure; ///< of that attempt
    duration pause;             ///< before the next one
};

namespace detail {

/// What all retries of the process have done so far.
struct retry_statistics {
    std::uint64_t retries = 0;  ///< failed attempts after which there was to be another one
    std::uint64_t given_up = 0; ///< failed attempts that were the last, `permanent` ones among them
};
[[nodiscard]] retry_statistics retries_so_far() noexcept;

template <class F>
concept counts_attempts = goroutine_function<F, int>;

template <class F>
struct attempt_result {
    using type = awaited_t<F>;
};
template <counts_attempts F>
struct attempt_result<F> {
    using type = awaited_t<F, int>;
};

/// The state of one `retry`, without the type of its function.
class WEFT_EXPORT retry_state {
public:
    retry_state(context ctx, const backoff& policy) : ctx_(std::move(ctx)), pauses_(policy)
    {
        static_cast<void>(ctx_.node());
    }

    [[nodiscard]] const context& ctx() const noexcept { return ctx_; }
    [[nodiscard]] int attempt() const noexcept { return pauses_.attempts() + 1; }

    /// In the handler of an attempt's exception: how long to pause, or throws what `retry` is to
    /// throw.
    duration failed();
    [[nodiscard]] retry_event event(duration pause) const
    {
        return {pauses_.attempts(), last_, pause};
    }

    /// Throws the context's error, with the last failure nested in it.
    [[noreturn]] void interrupted(const error& e) const;

private:
    context ctx_;
    backoff_sequence pauses_;
    std::exception_ptr last_;
};

template <class F>
auto attempt(F& f, int number)
{
    if constexpr (counts_attempts<F>) {
        return std::invoke(f, number);
    } else {
        static_cast<void>(number);
        return std::invoke(f);
    }
}

template <class T, class F, class Observer>
task<T> retry(retry_state state, F f, Observer observe)
{
    state.ctx().throw_if_done();
    for (;;) {
        duration pause;
        try {
            if constexpr (is_task<decltype(attempt(f, 1))>::value) {
                co_return co_await attempt(f, state.attempt());
            } else {
                co_return attempt(f, state.attempt());
            }
        } catch (...) {
            pause = state.failed();
        }
        observe(state.event(pause));
        std::optional<error> ended; // no co_await in a handler, and no throw from one
        try {
            co_await sleep(state.ctx(), pause);
        } catch (const error& e) {
            ended = e;
        }
        if (ended) state.interrupted(*ended);
    }
}

} // namespace detail

/// Calls `f` until it does not throw, with the pauses of `policy` between the attempts, and returns
/// its result. `f` returns a `task`, or is plain code; if it takes an `int`, it gets the number of
/// the attempt, from 1.
///
///     auto load = [&](int attempt) { return fetch(url, attempt); };
///     auto page = co_await retry(ctx, {.initial = 50ms, .max_attempts = 5}, load);
///
/// Any exception is a failure, but for these,
/// which end it at once: one wrapped by `permanent`, which is thrown itself; a `misuse_error`,
/// which is a mistake of the program. When no attempt is left, the last failure is thrown as it is,
/// without a pause after it.
///
/// When `ctx` ends in a pause, or has ended when an attempt fails: `error` with the context's code,
/// which also derives from `std::nested_exception` and holds the last failure. The context that the
/// goroutine is bound to counts as well, unless a `shield` holds. An attempt that itself ends by the
/// context's code is thrown as it is: an `error` with nothing nested, as when the context had ended
/// before the first attempt. An attempt that runs is not interrupted by `ctx`: give it to `f`. If it
/// has ended before the first attempt, there is none.
///
/// `observe` is called with a `retry_event` before each pause: for counting and logging. It must
/// not wait. What it throws ends the retry.
///
/// @throws misuse_error  "use of a nil context"; a policy that makes no sense, see
///                       `backoff_sequence`. At the call.
/// @par Suspends     as `f` does, and in the pauses.
/// @par Cancellation interrupted in a pause: as when `ctx` ends.
template <class F, class Observer>
    requires(detail::counts_attempts<F> || detail::goroutine_function<F>) &&
            std::invocable<Observer&, const retry_event&>
[[nodiscard]] auto retry(const context& ctx, const backoff& policy, F f, Observer observe)
    -> task<typename detail::attempt_result<F>::type>
{
    return detail::retry<typename detail::attempt_result<F>::type>(
        detail::retry_state(ctx, policy), std::move(f), std::move(observe));
}
template <class F>
    requires(detail::counts_attempts<F> || detail::goroutine_function<F>)
[[nodiscard]] auto retry(const context& ctx, const backoff& policy, F f)
    -> task<typename detail::attempt_result<F>::type>
{
    return weft::retry(ctx, policy, std::move(f), [](const retry_event&) noexcept {});
}

} // namespace weft::inline v0_1
