// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/scheduler.hpp>
#include <weft/detail/side_pool.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <exception>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

/// `blocking`: a call that blocks its thread, made on the side pool.

namespace weft::inline v0_1 {

/// The operation `blocking` returns.
template <class F>
class [[nodiscard]] blocking_operation {
    using result = std::invoke_result_t<F&>;
    using stored = std::conditional_t<
        std::is_void_v<result>, bool,
        std::conditional_t<std::is_reference_v<result>, std::add_pointer_t<result>, result>>;

public:
    explicit blocking_operation(F f) : f_(std::move(f)) {}

    class driver final : detail::blocking_job {
    public:
        explicit driver(blocking_operation& op) noexcept : op_(op)
        {
            this->run = [](detail::blocking_job* job) noexcept {
                static_cast<driver*>(job)->call();
            };
            this->wake = [](detail::blocking_job* job) noexcept {
                detail::ready(*static_cast<driver*>(job)->self_);
            };
        }
        bool start(detail::goroutine& g) noexcept
        {
            op_.failure_ = nullptr; // of an earlier call
            if (WEFT_LIKELY(!g.sched->conducted_by())) return false;
            op_.failure_ = std::make_exception_ptr(
                misuse_error("blocking: in a testing::bubble, which runs on one thread"));
            return true;
        }
        void publish(detail::goroutine& g) noexcept
        {
            self_ = &g;
            try {
                g.sched->blocking_pool().submit(*this);
            } catch (...) { // no thread to be had
                op_.failure_ = std::current_exception();
                detail::ready(g);
            }
        }
        void abandon() noexcept {}
        result finish()
        {
            if (op_.failure_) std::rethrow_exception(op_.failure_);
            if constexpr (std::is_reference_v<result>) {
                return static_cast<result>(**op_.value_);
            } else if constexpr (!std::is_void_v<result>) {
                return std::move(*op_.value_);
            }
        }
        [[nodiscard]] detail::wait_reason reason() const noexcept
        {
            return detail::wait_reason::blocking_call;
        }
        bool withdraw(bool) noexcept { return false; } // the call is on its way and will end

    private:
        void call() noexcept
        {
            try {
                if constexpr (std::is_void_v<result>) {
                    std::invoke(op_.f_);
                } else if constexpr (std::is_reference_v<result>) {
                    op_.value_.emplace(&std::invoke(op_.f_));
                } else {
                    op_.value_.emplace(std::invoke(op_.f_));
                }
            } catch (...) {
                op_.failure_ = std::current_exception();
            }
        }

        blocking_operation& op_;
        detail::goroutine* self_ = nullptr;
    };

private:
    F f_;
    std::optional<stored> value_;
    std::exception_ptr failure_;
};

/// Runs `f()` on a thread of its own kind, so that a call that blocks (a file, a C library, a long
/// computation) does not hold up goroutines; awaits its result or exception.
///
/// @throws misuse_error  in a `testing::bubble`.
/// @par Suspends     always.
/// @par Cancellation none: a call in progress cannot be interrupted; ending the runtime waits for
///                   it.
/// @par Thread safety  `f` runs on another thread while the goroutine waits; no other
///                   synchronisation is needed between the two.
template <class F>
[[nodiscard]] auto blocking(F f)
{
    return blocking_operation<F>(std::move(f));
}

} // namespace weft::inline v0_1
