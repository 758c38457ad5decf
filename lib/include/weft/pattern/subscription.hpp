// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/broadcast_core.hpp>
#include <weft/detail/detached.hpp>
#include <weft/error.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

/// `subscription`: what one subscriber of a `broadcast` gets.

namespace weft::inline v0_1::pattern {

template <class T>
class broadcast;

/// The operation `subscription::receive` returns: `void(std::exception_ptr, std::optional<T>)`.
template <class T>
class [[nodiscard]] subscription_receive
    : public weft::detail::asio_operation<subscription_receive<T>> {
    using node = weft::detail::broadcast_value<T>;
    using subscriber = weft::detail::broadcast_subscriber<T>;

public:
    using result_type = std::optional<T>;

    explicit subscription_receive(std::shared_ptr<subscriber> s) noexcept : from_(std::move(s)) {}
    subscription_receive(subscription_receive&& o) noexcept
        : from_(std::move(o.from_)),
          node_(std::exchange(o.node_, nullptr)),
          dead_(std::move(o.dead_))
    {
    }
    subscription_receive& operator=(subscription_receive&&) = delete;
    ~subscription_receive() { dead_.drop(node_); }

    weft::detail::waitable* target() const noexcept { return from_->core.get(); }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list& wakes) noexcept
    {
        return w.ok = from_->core->receive_locked(*from_, node_, wakes, dead_);
    }
    void enqueue(weft::detail::waiter& w) noexcept
    {
        w.slot = &node_;
        from_->receivers.push(w);
    }
    void dequeue(weft::detail::waiter& w) noexcept { from_->receivers.remove(w); }
    result_type finish(weft::detail::waiter&) { return take(); }
    weft::detail::wait_reason reason() const noexcept
    {
        return weft::detail::wait_reason::chan_receive;
    }
    weft::detail::kept_by_owner retain() const noexcept { return {}; }

    /// Unlocked: what was received. Whoever has the last reference need not copy.
    std::optional<T> take()
    {
        if (!node_) return std::nullopt;
        if (node_->shared()) return *node_->value;
        return std::move(*node_->value);
    }

private:
    std::shared_ptr<subscriber> from_;
    node* node_ = nullptr;
    weft::detail::broadcast_bin<T> dead_;
};

/// What a subscriber gets. Movable; empty after that, and then all but destruction and assignment is misuse ("use of an
/// empty subscription"). Destroyed, it unsubscribes: publishers that waited for it go on, goroutines that still receive
/// from it get nothing.
///
/// @par Thread safety  safe, but for moves; all but waiting also from ordinary threads. Goroutines that share one share
///                     the values.
template <class T>
class [[nodiscard]] subscription {
public:
    subscription(subscription&&) noexcept = default;
    subscription& operator=(subscription&& o) noexcept
    {
        subscription old(std::move(*this));
        state_ = std::move(o.state_);
        return *this;
    }
    ~subscription()
    {
        if (state_) state_->core->unsubscribe(*state_);
    }

    /// Receives the oldest value that it has not got. Also a select case. With a context it gives up when that ends: `error`
    /// with its code; then nothing was received.
    ///
    /// @return  empty: there will be none any more. The broadcast is closed, or this one was cut off.
    /// @throws  what T's copy constructor throws; then the value is lost to this subscriber.
    [[nodiscard]] subscription_receive<T> receive() const
    {
        state();
        return subscription_receive<T>(state_);
    }
    [[nodiscard]] auto receive(const context& ctx) const
    {
        return context_operation<subscription_receive<T>>(ctx, receive());
    }
    /// A value that is there already.
    [[nodiscard]] std::optional<T> try_receive() const
    {
        auto op = receive();
        weft::detail::with_lock(*op.target(), [&](weft::detail::wake_list& wakes) {
            weft::detail::waiter w;
            op.attempt(w, wakes);
        });
        return op.take();
    }

    /// How many values were published that it will never get, because its buffer was full.
    [[nodiscard]] std::uint64_t missed() const
    {
        return look([](const state_type& s) { return s.missed; });
    }
    /// It was too slow, under broadcast_policy::disconnect.
    [[nodiscard]] bool cut_off() const
    {
        return look([](const state_type& s) { return s.cut_off; });
    }
    /// How many values wait in its buffer.
    [[nodiscard]] std::size_t size() const
    {
        return look([](const state_type& s) { return s.buffer.size(); });
    }
    [[nodiscard]] std::size_t capacity() const { return state().buffer.capacity(); }

    /// False: moved from.
    explicit operator bool() const noexcept { return state_ != nullptr; }

private:
    friend class broadcast<T>;
    using state_type = weft::detail::broadcast_subscriber<T>;

    explicit subscription(std::shared_ptr<state_type> s) noexcept : state_(std::move(s)) {}

    state_type& state() const
    {
        if (!state_) weft::detail::throw_misuse("use of an empty subscription");
        return *state_;
    }
    template <class F>
    auto look(F f) const
    {
        return weft::detail::with_lock(*state().core, [&](auto&) { return f(*state_); });
    }

    std::shared_ptr<state_type> state_;
};

} // namespace weft::inline v0_1::pattern
