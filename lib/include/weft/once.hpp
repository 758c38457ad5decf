// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/mutex.hpp>
#include <weft/task.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

/// `once` and `once_value`: what is done at the first call only.

namespace weft::inline v0_1 {

namespace detail {

/// The current goroutine is on its way out, because the context it is bound to has ended.
WEFT_EXPORT bool ending_by_context() noexcept;

} // namespace detail

/// Runs one function, once.
///
///     co_await initialised.call(connect);
///
/// @par Thread safety  safe, from goroutines.
/// @par Ordering       the function's end happens-before the return of each `call`.
/// @par Source         Go sync.Once.
class once {
public:
    /// Runs `f`, which may return a task, if this is the first call. Others wait until it has ended. If it throws, that
    /// call rethrows, and it counts as run; but if it ends because its goroutine's context does, the next call runs its own.
    ///
    /// @par Complexity  once it is done: one load, and no frame.
    template <class F>
        requires detail::goroutine_function<std::decay_t<F>>
    [[nodiscard]] auto call(F&& f)
    {
        std::optional<task<>> work;
        if (!done()) work.emplace(run<std::decay_t<F>>(*this, std::forward<F>(f)));
        return detail::brief_task(std::move(work), [] {});
    }

    /// It has run.
    [[nodiscard]] bool done() const noexcept { return done_.load(std::memory_order_acquire); }

private:
    template <class F>
    static task<> run(once& self, F f)
    {
        const auto one = co_await self.mutex_.lock();
        if (self.done()) co_return;
        try {
            if constexpr (detail::is_task<detail::call_result_t<F>>::value)
                (void)co_await std::invoke(f);
            else (void)std::invoke(f);
        } catch (...) {
            if (!detail::ending_by_context()) self.done_.store(true, std::memory_order_release);
            throw;
        }
        self.done_.store(true, std::memory_order_release);
    }

    detail::atomic<bool> done_{false};
    mutex mutex_;
};

/// A value that is made when it is first asked for.
///
///     once_value config([] { return load("app.conf"); });
///     const auto& c = co_await config.get();
///
/// The function, which may return a task, runs once, and is destroyed then. If it throws, every call rethrows that; if it
/// ends because its goroutine's context does, the next call runs it again.
///
/// @par Thread safety  safe, from goroutines.
/// @par Ordering       the function's end happens-before the return of each `get`.
/// @par Source         Go sync.OnceValue.
template <class F>
    requires detail::goroutine_function<F>
class once_value {
    using result = detail::awaited_t<F>;
    using stored = std::conditional_t<std::is_void_v<result>, bool, result>;

public:
    explicit once_value(F f) : f_(std::move(f)) {}

    /// The value; it lives as long as this object. For a function without a result: nothing.
    [[nodiscard]] auto get()
    {
        std::optional<task<>> work;
        if (!once_.done()) work.emplace(ask(*this));
        return detail::brief_task(std::move(work), [this]() -> decltype(auto) { return fetch(); });
    }

private:
    static task<> ask(once_value& self)
    {
        const auto once_only = [&self] { return make(self); };
        co_await self.once_.call(once_only);
    }
    static task<> make(once_value& self)
    {
        try {
            if constexpr (std::is_void_v<result>) {
                if constexpr (detail::is_task<detail::call_result_t<F>>::value)
                    co_await std::invoke(*self.f_);
                else std::invoke(*self.f_);
                self.value_.emplace(true);
            } else if constexpr (detail::is_task<detail::call_result_t<F>>::value) {
                self.value_.emplace(co_await std::invoke(*self.f_));
            } else {
                self.value_.emplace(std::invoke(*self.f_));
            }
        } catch (...) {
            if (detail::ending_by_context()) throw;
            self.failure_ = std::current_exception();
        }
        self.f_.reset();
    }
    std::conditional_t<std::is_void_v<result>, void, const stored&> fetch() const
    {
        if (failure_) std::rethrow_exception(failure_);
        if constexpr (!std::is_void_v<result>) return *value_;
    }

    once once_;
    std::optional<F> f_;
    std::optional<stored> value_;
    std::exception_ptr failure_;
};

} // namespace weft::inline v0_1
