// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/channel_core.hpp>
#include <weft/detail/detached.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <iterator>
#include <optional>
#include <type_traits>
#include <utility>

/// Channels: typed conduits between goroutines, with Go's rules.

namespace weft::inline v0_1 {

template <class T>
class channel;
template <class T>
class send_channel;
template <class T>
class receive_channel;

/// What a channel is doing at one moment.
struct channel_statistics {
    std::size_t size = 0;              ///< values in the buffer
    std::size_t capacity = 0;          ///< of the buffer
    std::size_t waiting_senders = 0;   ///< counted up to 4,096
    std::size_t waiting_receivers = 0; ///< likewise; selects among them
    bool closed = false;
};

namespace detail {

/// What a `channel<void>` carries.
struct signal {};

template <class T>
using element_t = std::conditional_t<std::is_void_v<T>, signal, T>;

/// `optional<T>`, or for a `channel<void>` a plain `bool`.
template <class T>
using received_t = std::conditional_t<std::is_void_v<T>, bool, std::optional<element_t<T>>>;

template <class T>
received_t<T> to_received(std::optional<element_t<T>>&& v)
{
    if constexpr (std::is_void_v<T>) {
        return v.has_value();
    } else {
        return std::move(v);
    }
}

/// A counted reference to a channel's core; null is the nil channel.
template <class T>
class channel_ref {
public:
    using core = channel_core<element_t<T>>;

    channel_ref() noexcept = default;
    explicit channel_ref(core* c, bool retain) noexcept : core_(c)
    {
        if (core_ && retain) core_->retain();
    }
    channel_ref(const channel_ref& o) noexcept : channel_ref(o.core_, true) {}
    channel_ref(channel_ref&& o) noexcept : core_(std::exchange(o.core_, nullptr)) {}
    channel_ref& operator=(channel_ref o) noexcept
    {
        std::swap(core_, o.core_);
        return *this;
    }
    ~channel_ref()
    {
        if (core_) core_->release();
    }

    [[nodiscard]] core* get() const noexcept { return core_; }

private:
    core* core_ = nullptr;
};

/// What all three handle types share: identity and observation.
template <class T>
class channel_handle {
public:
    /// Number of buffered values; 0 for nil. Waiting senders do not count.
    [[nodiscard]] std::size_t size() const noexcept { return core() ? core()->size() : 0; }
    /// Buffer capacity; 0 for unbuffered and nil.
    [[nodiscard]] std::size_t capacity() const noexcept { return core() ? core()->capacity() : 0; }
    [[nodiscard]] bool closed() const noexcept { return core() && core()->closed(); }
    /// Closed and empty: every further receive returns at once, with nothing.
    [[nodiscard]] bool drained() const noexcept { return core() && core()->drained(); }
    /// For those who look from outside; all zero for nil. It takes longer than the others, with the channel locked.
    [[nodiscard]] channel_statistics statistics() const noexcept
    {
        channel_statistics s;
        if (!core()) return s;
        s.capacity = core()->capacity();
        core()->look(s.size, s.waiting_senders, s.waiting_receivers, s.closed);
        return s;
    }
    /// False for the nil channel.
    explicit operator bool() const noexcept { return core() != nullptr; }
    /// The same channel (copies of one handle), or both nil.
    friend bool operator==(const channel_handle& a, const channel_handle& b) noexcept
    {
        return a.core() == b.core();
    }

protected:
    using core_type = channel_core<element_t<T>>;

    channel_handle() noexcept = default;
    explicit channel_handle(channel_ref<T> ref) noexcept : ref_(std::move(ref)) {}

    [[nodiscard]] core_type* core() const noexcept { return ref_.get(); }
    [[nodiscard]] const channel_ref<T>& ref() const noexcept { return ref_; }

private:
    channel_ref<T> ref_;
};

} // namespace detail

/// The operation `channel::send` returns. Await it, put it in a `select`, or give it a completion
/// token: `void(std::exception_ptr)`.
template <class T>
class [[nodiscard]] send_operation : public detail::asio_operation<send_operation<T>> {
    using core = detail::channel_core<detail::element_t<T>>;

public:
    using result_type = void;
    using value_type = detail::element_t<T>;

    send_operation(core* c, value_type&& v) noexcept : core_(c), value_(std::move(v)) {}

    /// The value, as long as it was not sent.
    [[nodiscard]] value_type& unsent() noexcept { return value_; }

    // The operation protocol (detail/operation.hpp).
    detail::waitable* target() const noexcept { return core_; }
    bool attempt(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        return core_->send_locked(value_, w.ok, wakes);
    }
    void enqueue(detail::waiter& w) noexcept
    {
        w.slot = &value_;
        core_->senders().push(w);
    }
    void dequeue(detail::waiter& w) noexcept { core_->senders().remove(w); }
    void finish(detail::waiter& w)
    {
        if (WEFT_UNLIKELY(!w.ok)) detail::throw_misuse("send on closed channel");
    }
    detail::wait_reason reason() const noexcept
    {
        return core_ ? detail::wait_reason::chan_send : detail::wait_reason::chan_send_nil;
    }
    detail::channel_ref<T> retain() const noexcept { return detail::channel_ref<T>(core_, true); }

private:
    core* core_;
    value_type value_;
};

/// The operation `channel::receive` returns. Await it, put it in a `select`, or give it a
/// completion token: `void(std::exception_ptr, std::optional<T>)`, for `channel<void>`
/// `void(std::exception_ptr, bool)`.
template <class T>
class [[nodiscard]] receive_operation : public detail::asio_operation<receive_operation<T>> {
    using core = detail::channel_core<detail::element_t<T>>;

public:
    using result_type = detail::received_t<T>;

    explicit receive_operation(core* c) noexcept : core_(c) {}

    detail::waitable* target() const noexcept { return core_; }
    bool attempt(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        return core_->receive_locked(value_, w.ok, wakes);
    }
    void enqueue(detail::waiter& w) noexcept
    {
        w.slot = &value_;
        core_->receivers().push(w);
    }
    void dequeue(detail::waiter& w) noexcept { core_->receivers().remove(w); }
    result_type finish(detail::waiter&) { return detail::to_received<T>(std::move(value_)); }
    detail::wait_reason reason() const noexcept
    {
        return core_ ? detail::wait_reason::chan_receive : detail::wait_reason::chan_receive_nil;
    }
    detail::channel_ref<T> retain() const noexcept { return detail::channel_ref<T>(core_, true); }

private:
    core* core_;
    std::optional<detail::element_t<T>> value_;
};

/// The operation `channel::receive_up_to` returns: `void(std::exception_ptr, std::size_t)`.
template <class T, class Out>
class [[nodiscard]] receive_many_operation
    : public detail::asio_operation<receive_many_operation<T, Out>> {
    using core = detail::channel_core<detail::element_t<T>>;

public:
    using result_type = std::size_t;

    receive_many_operation(core* c, std::size_t most, Out out)
        : core_(c), most_(most), out_(std::move(out))
    {
    }

    detail::waitable* target() const noexcept { return core_; }
    bool attempt(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        if (most_ == 0) return true;
        return core_->receive_locked(first_, w.ok, wakes);
    }
    void enqueue(detail::waiter& w) noexcept
    {
        w.slot = &first_;
        core_->receivers().push(w);
    }
    void dequeue(detail::waiter& w) noexcept { core_->receivers().remove(w); }

    /// The first value is here; the rest is what can be had without waiting. The output iterator is
    /// the user's code, so it runs without the lock, and one value at a time: if it throws, nothing
    /// is lost but the value it was given.
    result_type finish(detail::waiter&)
    {
        std::size_t n = 0;
        while (first_) {
            *out_ = std::move(*first_);
            ++out_;
            first_.reset();
            if (++n == most_) break;
            core_->try_receive(first_);
        }
        return n;
    }
    detail::wait_reason reason() const noexcept
    {
        return core_ ? detail::wait_reason::chan_receive : detail::wait_reason::chan_receive_nil;
    }
    detail::channel_ref<T> retain() const noexcept { return detail::channel_ref<T>(core_, true); }

private:
    core* core_;
    std::size_t most_;
    Out out_;
    std::optional<detail::element_t<T>> first_;
};

/// A channel: a handle; copies are the same channel, and the last one to go destroys it with what
/// is still buffered. Default constructed it is *nil*: sends and receives wait for ever.
///
/// Unbuffered (capacity 0), a send and a receive meet. Buffered, a send waits only while the buffer
/// is full and a receive only while it is empty. Values, waiting senders and waiting receivers are
/// each served first in, first out.
///
/// @par Thread safety  distinct handles: safe. one shared handle object: unsafe to assign, else
///                     safe.
/// @par Cancellation   total: an operation happened, or had no effect.
/// @par Ordering       a send happens-before the matching receive returns; the k-th receive
///                     happens-before the (k + capacity)-th send returns; a close happens-before a
///                     receive that sees it.
/// @par Requires       T nothrow move constructible (values move under a lock) and nothrow
///                     destructible.
/// @par Lifetime       an operation (`send(...)`, `receive()`) refers to the channel of the handle
///                     it came from; while it waits, somebody must hold a handle. The token form
///                     holds one itself.
/// @par Source         Go spec "Channel types", "Send statements", "Receive operator", "Close".
template <class T>
class channel : public detail::channel_handle<T> {
public:
    using value_type = detail::element_t<T>;

    channel() noexcept = default;

    /// Sends `value`; suspends until a receiver or a buffer slot takes it.
    ///
    /// @throws misuse_error  "send on closed channel": closed before or while waiting; nothing was
    ///                       sent.
    /// @par Suspends  only when no receiver waits and the buffer is full.
    [[nodiscard]] send_operation<T> send(value_type value) const noexcept
        requires(!std::is_void_v<T>)
    {
        return {this->core(), std::move(value)};
    }
    /// Sends a signal. @copydetails send
    [[nodiscard]] send_operation<T> send() const noexcept
        requires std::is_void_v<T>
    {
        return {this->core(), value_type{}};
    }

    /// As send, but gives up when `ctx` ends: with `error`, and nothing sent.
    template <detail::context_like Context>
    [[nodiscard]] auto send(const Context& ctx, value_type value) const
        requires(!std::is_void_v<T>)
    {
        return context_operation<send_operation<T>>(ctx, send(std::move(value)));
    }
    template <detail::context_like Context>
    [[nodiscard]] auto send(const Context& ctx) const
        requires std::is_void_v<T>
    {
        return context_operation<send_operation<T>>(ctx, send());
    }

    /// Receives the oldest value; suspends until there is one or the channel is closed.
    ///
    /// @return `std::optional<T>`, empty when the channel is closed and drained; `channel<void>`: a
    ///         bool.
    [[nodiscard]] receive_operation<T> receive() const noexcept
    {
        return receive_operation<T>(this->core());
    }
    /// As receive, but gives up when `ctx` ends: with `error`, and nothing received.
    template <detail::context_like Context>
    [[nodiscard]] auto receive(const Context& ctx) const
    {
        return context_operation<receive_operation<T>>(ctx, receive());
    }

    /// Receives at least one value and up to `most`, as many as are there, into `out`.
    ///
    /// @return how many; 0: closed and drained (or `most` is 0).
    template <class Out>
    [[nodiscard]] receive_many_operation<T, Out> receive_up_to(std::size_t most, Out out) const
        requires(!std::is_void_v<T>)
    {
        return {this->core(), most, std::move(out)};
    }
    template <detail::context_like Context, class Out>
    [[nodiscard]] auto receive_up_to(const Context& ctx, std::size_t most, Out out) const
        requires(!std::is_void_v<T>)
    {
        return context_operation<receive_many_operation<T, Out>>(
            ctx, receive_up_to(most, std::move(out)));
    }

    /// Sends without waiting. False: it would wait, and `value` is untouched.
    /// @throws misuse_error  "send on closed channel".
    [[nodiscard]] bool try_send(value_type&& value) const
        requires(!std::is_void_v<T>)
    {
        return this->core() && this->core()->try_send(value);
    }
    [[nodiscard]] bool try_send(const value_type& value) const
        requires(!std::is_void_v<T> && std::is_copy_constructible_v<value_type>)
    {
        value_type copy(value);
        return try_send(std::move(copy));
    }
    [[nodiscard]] bool try_send() const
        requires std::is_void_v<T>
    {
        value_type s;
        return this->core() && this->core()->try_send(s);
    }

    /// Receives without waiting: empty when nothing is there (see `drained()` for "and never will
    /// be").
    [[nodiscard]] detail::received_t<T> try_receive() const
    {
        std::optional<value_type> v;
        if (this->core()) this->core()->try_receive(v);
        return detail::to_received<T>(std::move(v));
    }

    /// No more values will be sent. Waiting receivers get "closed"; senders still waiting get the
    /// misuse error and keep their values; buffered values can still be received.
    /// @throws misuse_error  "close of closed channel", "close of nil channel".
    void close() const
    {
        if (!this->core()) detail::throw_misuse("close of nil channel");
        this->core()->close();
    }

private:
    template <class U>
    friend channel<U> make_channel(std::size_t capacity);
    friend class send_channel<T>;
    friend class receive_channel<T>;

    explicit channel(detail::channel_ref<T> ref) noexcept
        : detail::channel_handle<T>(std::move(ref))
    {
    }
};

/// The sending half of a channel; made from a `channel<T>`.
template <class T>
class send_channel : public detail::channel_handle<T> {
public:
    using value_type = detail::element_t<T>;

    send_channel() noexcept = default;
    send_channel(const channel<T>& c) noexcept : detail::channel_handle<T>(c.ref()) {}

    /// As `channel::send`, `try_send`, `close`.
    template <class... V>
    [[nodiscard]] send_operation<T> send(V&&... value) const
        requires(sizeof...(V) == (std::is_void_v<T> ? 0 : 1) &&
                 requires(const channel<T>& c) { c.send(std::forward<V>(value)...); })
    {
        if constexpr (sizeof...(V) == 0) {
            return {this->core(), value_type{}};
        } else {
            return {this->core(), value_type(std::forward<V>(value)...)};
        }
    }
    template <detail::context_like Context, class... V>
    [[nodiscard]] auto send(const Context& ctx, V&&... value) const
        requires(sizeof...(V) == (std::is_void_v<T> ? 0 : 1) &&
                 requires(const channel<T>& c) { c.send(std::forward<V>(value)...); })
    {
        return context_operation<send_operation<T>>(ctx, send(std::forward<V>(value)...));
    }
    template <class... V>
    [[nodiscard]] bool try_send(V&&... value) const
        requires requires(const channel<T>& c) { c.try_send(std::forward<V>(value)...); }
    {
        return as_channel().try_send(std::forward<V>(value)...);
    }
    void close() const { as_channel().close(); }

private:
    [[nodiscard]] channel<T> as_channel() const noexcept { return channel<T>(this->ref()); }
};

/// The receiving half of a channel; made from a `channel<T>`.
template <class T>
class receive_channel : public detail::channel_handle<T> {
public:
    using value_type = detail::element_t<T>;

    receive_channel() noexcept = default;
    receive_channel(const channel<T>& c) noexcept : detail::channel_handle<T>(c.ref()) {}
    /// For the library's own rooms.
    explicit receive_channel(detail::channel_ref<T> ref) noexcept
        : detail::channel_handle<T>(std::move(ref))
    {
    }

    /// As `channel::receive`, `receive_up_to`, `try_receive`.
    [[nodiscard]] receive_operation<T> receive() const noexcept
    {
        return receive_operation<T>(this->core());
    }
    template <detail::context_like Context>
    [[nodiscard]] auto receive(const Context& ctx) const
    {
        return context_operation<receive_operation<T>>(ctx, receive());
    }
    template <class Out>
    [[nodiscard]] receive_many_operation<T, Out> receive_up_to(std::size_t most, Out out) const
        requires(!std::is_void_v<T>)
    {
        return {this->core(), most, std::move(out)};
    }
    template <detail::context_like Context, class Out>
    [[nodiscard]] auto receive_up_to(const Context& ctx, std::size_t most, Out out) const
        requires(!std::is_void_v<T>)
    {
        return context_operation<receive_many_operation<T, Out>>(
            ctx, receive_up_to(most, std::move(out)));
    }
    [[nodiscard]] detail::received_t<T> try_receive() const
    {
        return channel<T>(this->ref()).try_receive();
    }
};

/// Makes a channel with room for `capacity` buffered values; 0: unbuffered.
/// @throws misuse_error    "makechan: size out of range".
/// @throws std::bad_alloc
template <class T>
[[nodiscard]] channel<T> make_channel(std::size_t capacity = 0)
{
    using core = detail::channel_core<detail::element_t<T>>;
    return channel<T>(detail::channel_ref<T>(new core(capacity), false));
}

} // namespace weft::inline v0_1
