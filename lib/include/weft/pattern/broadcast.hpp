// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/broadcast_core.hpp>
#include <weft/detail/detached.hpp>
#include <weft/error.hpp>
#include <weft/pattern/subscription.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

/// `broadcast`: each value to every subscriber.

namespace weft::inline v0_1::pattern {

template <class T>
class broadcast;

/// The operation `broadcast::publish` returns: `void(std::exception_ptr)`.
template <class T>
class [[nodiscard]] publish_operation : public weft::detail::asio_operation<publish_operation<T>> {
    using node = weft::detail::broadcast_value<T>;

public:
    using result_type = void;
    using value_type = T;

    publish_operation(const broadcast<T>& to, T&& v) : to_(to), node_(new node(std::move(v))) {}
    publish_operation(publish_operation&& o) noexcept
        : to_(o.to_), node_(std::exchange(o.node_, nullptr)), dead_(std::move(o.dead_))
    {
    }
    publish_operation& operator=(publish_operation&&) = delete;
    ~publish_operation() { dead_.drop(node_); }

    /// The value, as long as it was not published.
    [[nodiscard]] T& unsent() noexcept { return *node_->value; }

    // The operation protocol (detail/operation.hpp).
    weft::detail::waitable* target() const noexcept { return to_.handle_.get(); }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list& wakes) noexcept
    {
        return to_.handle_->publish_locked(node_, w.ok, wakes, dead_);
    }
    void enqueue(weft::detail::waiter& w) noexcept
    {
        w.slot = &node_;
        to_.handle_->publishers().push(w);
    }
    void dequeue(weft::detail::waiter& w) noexcept { to_.handle_->publishers().remove(w); }
    void finish(weft::detail::waiter& w)
    {
        if (WEFT_UNLIKELY(!w.ok)) weft::detail::throw_misuse("publish on closed broadcast");
    }
    weft::detail::wait_reason reason() const noexcept
    {
        return weft::detail::wait_reason::chan_send;
    }
    weft::detail::kept_by_owner retain() const noexcept { return {}; }

private:
    broadcast<T> to_;
    node* node_; ///< null: it was published
    weft::detail::broadcast_bin<T> dead_;
};

/// Publishes each value to all who are subscribed at that moment. Each subscriber has a buffer of its own, and says what is to
/// be done when it is full; see `broadcast_policy`.
///
///     broadcast<quote> quotes;
///     auto s = quotes.subscribe(broadcast_policy::drop_oldest, 16);
///     go([s = std::move(s)]() -> task<> { while (auto q = co_await s.receive()) show(*q); });
///     co_await quotes.publish(q);
///
/// A handle: copies are the same broadcast. The last one to go closes it.
///
/// A value is published to all or to none, at one instant, so all subscribers see the same order. That is also why one
/// `block` subscriber that is slow keeps the value from all others. Each subscriber gets a copy of its own; the last one to
/// take it gets the value itself. For what is large or must not be copied use `std::shared_ptr<const T>`.
///
/// @par Thread safety  safe; all but waiting also from ordinary threads.
/// @par Cancellation   total.
/// @par Ordering       a publish happens-before the receives of its value return. Publishers that wait are served first in,
///                     first out.
/// @par Complexity     publish: one allocation, and the lock for a few steps for each subscriber.
/// @par Requires       T copy constructible, nothrow move constructible (it is moved under a lock), nothrow destructible.
template <class T>
class broadcast {
    static_assert(std::is_object_v<T> && std::is_copy_constructible_v<T> &&
                      std::is_nothrow_move_constructible_v<T> && std::is_nothrow_destructible_v<T>,
                  "weft::pattern::broadcast<T>: T must be copy constructible, nothrow move "
                  "constructible and nothrow destructible; use std::shared_ptr<const T> instead");

public:
    using value_type = T;

    /// @throws std::bad_alloc
    broadcast()
    {
        auto core = std::make_shared<core_type>();
        core_ = core;
        auto* c = core.get();
        handle_ = std::shared_ptr<core_type>(
            c, [core = std::move(core)](core_type* of) noexcept { of->close(); });
    }
    broadcast(const broadcast&) noexcept = default; // no moves: a handle is never empty
    broadcast& operator=(const broadcast&) noexcept = default;

    /// Publishes `value`; waits while the buffer of a `block` subscriber is full. Also a select case. With a context it
    /// gives up when that ends: `error` with its code; then nobody got the value. Without subscribers the value goes.
    /// @throws misuse_error  "publish on closed broadcast": closed before or while waiting; nobody got the value.
    [[nodiscard]] publish_operation<T> publish(T value) const
    {
        return publish_operation<T>(*this, std::move(value));
    }
    [[nodiscard]] auto publish(const context& ctx, T value) const
    {
        return context_operation<publish_operation<T>>(ctx, publish(std::move(value)));
    }

    /// Publishes without waiting. False: it would wait; `value` is untouched.
    /// @throws misuse_error  "publish on closed broadcast".
    [[nodiscard]] bool try_publish(T&& value) const
    {
        weft::detail::broadcast_bin<T> dead;
        auto* room = new weft::detail::broadcast_value<T>();
        bool ok = false;
        const bool decided = weft::detail::with_lock(*handle_, [&](weft::detail::wake_list& wakes) {
            return handle_->publish_locked(room, value, ok, wakes, dead);
        });
        dead.drop(room);
        if (decided && !ok) weft::detail::throw_misuse("publish on closed broadcast");
        return decided;
    }
    [[nodiscard]] bool try_publish(const T& value) const
    {
        T copy(value);
        return try_publish(std::move(copy));
    }

    /// What is published from now on. Of a closed one: nothing.
    /// @throws misuse_error    "broadcast: subscription without a buffer": `capacity` is 0.
    /// @throws std::bad_alloc
    [[nodiscard]] subscription<T> subscribe(broadcast_policy policy, std::size_t capacity) const
    {
        if (capacity == 0) weft::detail::throw_misuse("broadcast: subscription without a buffer");
        using state = weft::detail::broadcast_subscriber<T>;
        subscription<T> s(std::make_shared<state>(core_, policy, capacity));
        core_->subscribe(*s.state_);
        return s;
    }

    /// No more values. Subscriptions end after what they have; publishers that wait get the misuse error.
    /// @throws misuse_error  "close of closed broadcast".
    void close() const
    {
        if (!handle_->close()) weft::detail::throw_misuse("close of closed broadcast");
    }
    [[nodiscard]] bool closed() const noexcept { return handle_->closed(); }
    /// How many are subscribed, and not cut off.
    [[nodiscard]] std::size_t subscribers() const noexcept { return handle_->subscribers(); }

private:
    friend class publish_operation<T>;
    using core_type = weft::detail::broadcast_core<T>;

    std::shared_ptr<core_type> core_;   ///< what subscriptions share
    std::shared_ptr<core_type> handle_; ///< the same, one for all handles; its end closes
};

} // namespace weft::inline v0_1::pattern
