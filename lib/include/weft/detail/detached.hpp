// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/operation.hpp>
#include <weft/detail/timekeeper.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/error.hpp>
#include <asio/execution/outstanding_work.hpp>
#include <asio/post.hpp>
#include <asio/prefer.hpp>
#include <asio/system_error.hpp>
#include <asio/system_executor.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

/// The completion-token form of every operation: `op(token)`.

namespace weft::inline v0_1::detail {

template <class R>
struct completion {
    using signature = void(std::exception_ptr, R);
};
template <>
struct completion<void> {
    using signature = void(std::exception_ptr);
};

/// An operation started with a completion handler instead of `co_await`.
///
/// One heap node (from the handler's allocator) holds the handler, the operation and its driver.
/// The driver decides whether a waker or a cancellation through the handler's slot completes it.
/// The handler is always posted, never called from within the initiation or under a waker's feet.
template <class Op, class Driver, class Handler>
class detached : wake_callback {
    using executor_type = asio::associated_executor_t<Handler, asio::system_executor>;
    using tracked = std::decay_t<
        asio::prefer_result_t<executor_type, asio::execution::outstanding_work_t::tracked_t>>;
    using allocator = typename std::allocator_traits<
        asio::associated_allocator_t<Handler>>::template rebind_alloc<detached>;
    using result = typename Op::result_type;

public:
    using handle = decltype(std::declval<const Op&>().retain());

    static void launch(Op op, handle keep, Handler handler)
    {
        allocator a(asio::get_associated_allocator(handler));
        detached* d = std::allocator_traits<allocator>::allocate(a, 1);
        try {
            ::new (static_cast<void*>(d))
                detached(std::move(op), std::move(keep), std::move(handler));
        } catch (...) {
            std::allocator_traits<allocator>::deallocate(a, d, 1);
            throw;
        }
        d->begin();
    }

private:
    /// Emplaced in the handler's cancellation slot.
    struct canceller {
        detached* self;
        void operator()(asio::cancellation_type type)
        {
            if (type == asio::cancellation_type::none || !self->waits_) return;
            const bool withdrawn = self->driver_.withdraw();
            arm_changed_timers();
            if (withdrawn) {
                self->complete(
                    std::make_exception_ptr(asio::system_error(asio::error::operation_aborted)));
            }
        }
    };

    detached(Op op, handle keep, Handler handler)
        : op_(std::move(op)),
          keep_(std::move(keep)),
          handler_(std::move(handler)),
          work_(asio::prefer(asio::get_associated_executor(handler_, asio::system_executor()),
                             asio::execution::outstanding_work.tracked)),
          driver_(op_)
    {
    }

    void begin()
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) slot.template emplace<canceller>(canceller{this});
        if (driver_.begin()) {
            complete(nullptr);
        } else {
            waits_ = true; // and the waiter means something
            this->fire = [](wake_callback* c) noexcept {
                static_cast<detached*>(c)->complete(nullptr);
            };
            driver_.publish_to(wake_target(static_cast<wake_callback&>(*this)));
            arm_changed_timers(); // the node may be gone by now
        }
    }

    void complete(std::exception_ptr failure) noexcept
    {
        const tracked ex = work_; // the node may be gone before post returns
        // A context that ends drops the closure; then the node goes with it, and a future is broken, not lost.
        asio::post(ex, [node = std::unique_ptr<detached, dropper>(this),
                        failure = std::move(failure)]() mutable {
            node.release()->deliver(std::move(failure));
        });
    }

    struct dropper {
        void operator()(detached* d) const noexcept { static_cast<void>(d->destroy()); }
    };

    void deliver(std::exception_ptr failure)
    {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected()) slot.clear();
        if constexpr (std::is_void_v<result>) {
            if (!failure) guarded([&] { driver_.finish(); }, failure);
            Handler h = destroy();
            std::move(h)(std::move(failure));
        } else {
            std::optional<result> value; // a result need not be assignable
            if (!failure) guarded([&] { value.emplace(driver_.finish()); }, failure);
            if (!value) value.emplace();
            Handler h = destroy();
            std::move(h)(std::move(failure), std::move(*value));
        }
    }

    template <class F>
    static void guarded(F f, std::exception_ptr& failure) noexcept
    {
        try {
            f();
        } catch (...) {
            failure = std::current_exception();
        }
        arm_changed_timers(); // of a select's other cases
    }

    /// Frees the node before the handler runs, as Asio promises.
    Handler destroy()
    {
        Handler h(std::move(handler_));
        allocator a(asio::get_associated_allocator(h));
        this->~detached();
        std::allocator_traits<allocator>::deallocate(a, this, 1);
        return h;
    }

    Op op_;
    handle keep_;
    Handler handler_;
    tracked work_;
    bool waits_ = false; ///< written once, during initiation
    Driver driver_;
};

/// The driver of an operation: its own, or the one for operations that wait in one queue.
template <class Op>
struct driver_of {
    using type = single_wait<Op>;
};
template <class Op>
    requires requires { typename Op::driver; }
struct driver_of<Op> {
    using type = typename Op::driver;
};

/// Gives an operation its completion-token call operator, and with it a place in plain Asio
/// coroutines.
template <class Derived>
struct asio_operation {
    /// Depends on the token in name only: `Derived` is incomplete here.
    template <class Token>
    using signature = typename completion<
        typename std::enable_if_t<!std::is_void_v<Token>, Derived>::result_type>::signature;

    template <class Token>
        requires asio::completion_token_for<Token, signature<Token>>
    auto operator()(Token&& token) &&
    {
        return initiate(std::forward<Token>(token));
    }

    template <class Token>
        requires asio::completion_token_for<Token, signature<Token>>
    auto operator()(Token&& token) &
    {
        return initiate(std::forward<Token>(token));
    }

private:
    template <class Token>
    auto initiate(Token&& token)
    {
        // A token may keep what it is given, and begin later: the handle goes with it.
        Derived& self = static_cast<Derived&>(*this);
        auto keep = self.retain();
        return asio::async_initiate<Token, signature<Token>>(
            [](auto handler, Derived op, decltype(keep) handle) {
                detached<Derived, typename driver_of<Derived>::type, decltype(handler)>::launch(
                    std::move(op), std::move(handle), std::move(handler));
            },
            token, std::move(self), std::move(keep));
    }
};

} // namespace weft::inline v0_1::detail
