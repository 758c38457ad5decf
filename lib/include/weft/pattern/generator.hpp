// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <concepts>
#include <coroutine>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

/// `generator`: a function that brings one value after the other, and may wait in between.

namespace weft::inline v0_1 {

namespace pattern {
template <class T>
class generator;
}

namespace detail {

/// The promise of a generator: a frame that is put on top of its consumer's at each `next`, and taken off again at each
/// `co_yield`. So it runs in the goroutine of whoever asks, which may be another one each time.
///
/// Invariant: `self` is set exactly while it is on a goroutine's stack of frames; in between it belongs to none.
template <class T>
class generator_promise final : public promise_base<void> {
public:
    /// Keeps the value for as long as the generator stays at the `co_yield`.
    class yielded {
    public:
        template <class U>
        yielded(generator_promise& p, U&& v) : promise_(p), value_(std::forward<U>(v))
        {
        }
        yielded(yielded&&) = delete;

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<>) noexcept
        {
            promise_.value_ = std::addressof(value_);
            promise_.pop_frame(); // who pumps the frames goes on with the consumer's
        }
        void await_resume() const noexcept {}

    private:
        generator_promise& promise_;
        T value_;
    };

    pattern::generator<T> get_return_object() noexcept;

    template <std::convertible_to<T> U = T>
    yielded yield_value(U&& value)
    {
        return yielded(*this, std::forward<U>(value));
    }

    /// On top of `consumer`.
    template <class Frame>
    void enter(Frame& consumer, promise_core& core) noexcept
    {
        this->self = core.self;
        this->caller = &core;
        value_ = nullptr;
        this->push_frame(&consumer);
    }
    /// It is off again: the value, or null at the end.
    T* leave() noexcept
    {
        this->self = nullptr;
        this->caller = nullptr;
        return value_;
    }

private:
    T* value_ = nullptr;
};

/// Destroys a generator's frame, and what lives in it.
struct generator_end {
    template <class Promise>
    void operator()(Promise* body) const noexcept
    {
        static_assert(alignof(Promise) == alignof(typename Promise::frame_type));
        body->destroy();
    }
};

} // namespace detail

namespace pattern {

/// Values one after the other, each made when it is asked for. A coroutine that returns one may `co_yield` values and
/// `co_await` whatever a task may:
///
///     generator<std::string> lines(receive_channel<std::string> in)
///     {
///         while (auto s = co_await in.receive()) co_yield *s + "\\n";
///     }
///
///     auto g = lines(in);
///     while (auto line = co_await g.next()) use(*line);
///
/// It runs as a part of the goroutine that awaits `next`, up to its next `co_yield`; in between it does not run at all.
/// What is local in it is destroyed when it ends, or when the generator is destroyed half way.
///
/// It costs one frame, made at the call, and no goroutine: a value is two calls, without a lock, an allocation or a switch.
/// (A goroutine behind a channel would cost a switch there and back for each, and would have to be ended and joined.) For
/// values that are made ahead, while the consumer works, that is still what is wanted: `go` and a
/// channel.
///
/// @par Thread safety  distinct generators: safe. One: by one goroutine at a time, which need not be the same each time.
/// @par Cancellation   that of what it awaits: in a goroutine bound to a context it is interrupted there as any call is,
///                     and `next` throws that. `next` alone is no place to cancel or to yield, no more than a call is.
/// @par Lifetime       parameters by reference must live as long as it does; a lambda with captures, too. It must not be
///                     moved or destroyed while `next` is awaited.
template <class T>
class [[nodiscard]] generator {
    static_assert(std::is_object_v<T>, "weft::pattern::generator<T>: T must be an object type");
    static_assert(std::is_move_constructible_v<T>,
                  "weft::pattern::generator<T>: T must be move constructible");

    class step;

public:
    using value_type = T;
    using promise_type = weft::detail::generator_promise<T>;

    /// One that has ended.
    generator() noexcept = default;

    /// Lets it run to its next value. Awaited in a task or another generator.
    ///
    /// @return  the value; empty: it has ended, and every further call is so, too.
    /// @throws  what left its body; then it has ended.
    /// @throws misuse_error  "next of a generator that is running".
    [[nodiscard]] step next() noexcept { return step(*this); }

    /// There is nothing more to come. False until `next` has found that out.
    [[nodiscard]] bool ended() const noexcept { return body_ == nullptr; }

private:
    friend promise_type;

    explicit generator(promise_type* body) noexcept : body_(body) {}

    std::unique_ptr<promise_type, weft::detail::generator_end> body_;
};

/// What `next` returns.
template <class T>
class [[nodiscard]] generator<T>::step {
public:
    class frame_awaiter {
    public:
        frame_awaiter(const step& s, weft::detail::promise_core& consumer) noexcept
            : of_(s.of_), consumer_(consumer)
        {
        }
        frame_awaiter(frame_awaiter&&) = delete;
        /// Not resumed: the goroutine is being unwound, and the generator may live longer than it.
        ~frame_awaiter()
        {
            if (inside_) of_.body_.reset();
        }

        bool await_ready() const
        {
            if (WEFT_UNLIKELY(of_.body_ && of_.body_->self != nullptr))
                weft::detail::throw_misuse("next of a generator that is running");
            return of_.body_ == nullptr;
        }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> h) noexcept
        {
            inside_ = true;
            of_.body_->enter(h.promise(), consumer_);
        }
        std::optional<T> await_resume()
        {
            if (!inside_) return std::nullopt;
            inside_ = false;
            if (T* value = of_.body_->leave()) return std::optional<T>(std::move(*value));
            // Its frame goes before the consumer goes on.
            const auto body = std::move(of_.body_);
            body->get();
            return std::nullopt;
        }

    private:
        generator& of_;
        weft::detail::promise_core& consumer_;
        bool inside_ = false;
    };

private:
    friend generator;

    explicit step(generator& g) noexcept : of_(g) {}

    generator& of_;
};

} // namespace pattern

template <class T>
pattern::generator<T> detail::generator_promise<T>::get_return_object() noexcept
{
    this->coro_ = std::coroutine_handle<frame_type>::from_promise(*this);
    return pattern::generator<T>(this);
}

} // namespace weft::inline v0_1
