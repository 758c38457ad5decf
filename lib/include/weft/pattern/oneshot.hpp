// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/detached.hpp>
#include <weft/detail/oneshot_core.hpp>
#include <weft/error.hpp>

#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

/// `oneshot`: one value, from one half to the other, once.

namespace weft::inline v0_1::pattern {

/// The operation `oneshot_receiver::receive` returns: `void(std::exception_ptr, std::optional<T>)`.
template <class T>
class [[nodiscard]] oneshot_receive : public weft::detail::asio_operation<oneshot_receive<T>> {
public:
    using result_type = std::optional<T>;

    explicit oneshot_receive(std::shared_ptr<weft::detail::oneshot_core<T>> core) noexcept
        : core_(std::move(core))
    {
    }

    weft::detail::waitable* target() const noexcept { return core_.get(); }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list&) noexcept
    {
        return w.ok = core_->receive_locked(value_);
    }
    void enqueue(weft::detail::waiter& w) noexcept
    {
        w.slot = &value_;
        core_->receivers().push(w);
    }
    void dequeue(weft::detail::waiter& w) noexcept { core_->receivers().remove(w); }
    result_type finish(weft::detail::waiter&) noexcept { return std::move(value_); }
    weft::detail::wait_reason reason() const noexcept
    {
        return weft::detail::wait_reason::chan_receive;
    }
    weft::detail::kept_by_owner retain() const noexcept { return {}; }

private:
    std::shared_ptr<weft::detail::oneshot_core<T>> core_;
    std::optional<T> value_;
};

/// The operation `oneshot_sender::abandoned` returns: `void(std::exception_ptr)`.
template <class T>
class [[nodiscard]] oneshot_abandoned : public weft::detail::asio_operation<oneshot_abandoned<T>> {
public:
    using result_type = void;

    explicit oneshot_abandoned(std::shared_ptr<weft::detail::oneshot_core<T>> core) noexcept
        : core_(std::move(core))
    {
    }

    weft::detail::waitable* target() const noexcept { return core_.get(); }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list&) noexcept
    {
        return w.ok = core_->abandoned_locked();
    }
    void enqueue(weft::detail::waiter& w) noexcept { core_->watchers().push(w); }
    void dequeue(weft::detail::waiter& w) noexcept { core_->watchers().remove(w); }
    void finish(weft::detail::waiter&) noexcept {}
    weft::detail::wait_reason reason() const noexcept { return weft::detail::wait_reason::event; }
    weft::detail::kept_by_owner retain() const noexcept { return {}; }

private:
    std::shared_ptr<weft::detail::oneshot_core<T>> core_;
};

/// The half that brings the value. Movable; empty after that, and then all but destruction is misuse ("use of an empty
/// oneshot_sender"). Destroyed without a value, it ends the receiver's wait.
/// @par Thread safety  safe, but for moves; all but waiting also from ordinary threads.
template <class T>
class oneshot_sender {
public:
    explicit oneshot_sender(std::shared_ptr<weft::detail::oneshot_core<T>> core) noexcept
        : core_(std::move(core))
    {
    }
    oneshot_sender(oneshot_sender&&) noexcept = default;
    oneshot_sender& operator=(oneshot_sender&& o) noexcept
    {
        oneshot_sender old(std::move(*this));
        core_ = std::move(o.core_);
        return *this;
    }
    ~oneshot_sender()
    {
        if (core_) core_->end_sender();
    }

    /// Brings the value. Never waits. False: the receiver has gone, and `value` is untouched. True is no promise that it
    /// will be received: the receiver may go without looking.
    /// @throws misuse_error  "set of a oneshot that was set".
    bool set(T&& value)
    {
        const auto o = core().set(value);
        if (o == core_type::outcome::again)
            weft::detail::throw_misuse("set of a oneshot that was set");
        return o == core_type::outcome::sent;
    }
    bool set(const T& value)
        requires std::is_copy_constructible_v<T>
    {
        T copy(value);
        return set(std::move(copy));
    }

    /// Waits until the receiver has gone, so that work for it can be given up. Also a select case. With a context it
    /// gives up when that ends: `error` with its code.
    [[nodiscard]] oneshot_abandoned<T> abandoned() const
    {
        core();
        return oneshot_abandoned<T>(core_);
    }
    [[nodiscard]] auto abandoned(const context& ctx) const
    {
        return context_operation<oneshot_abandoned<T>>(ctx, abandoned());
    }
    [[nodiscard]] bool is_abandoned() const
    {
        return weft::detail::with_lock(core(), [this](auto&) { return core_->abandoned_locked(); });
    }

    /// False: moved from.
    explicit operator bool() const noexcept { return core_ != nullptr; }

private:
    using core_type = weft::detail::oneshot_core<T>;

    core_type& core() const
    {
        if (!core_) weft::detail::throw_misuse("use of an empty oneshot_sender");
        return *core_;
    }

    std::shared_ptr<core_type> core_;
};

/// The half that gets the value. Movable; empty after that, and then all but destruction is misuse ("use of an empty
/// oneshot_receiver"). Destroyed, it takes a value that nobody has fetched with it; goroutines that still wait get nothing.
/// @par Thread safety  safe, but for moves; all but waiting also from ordinary threads.
template <class T>
class oneshot_receiver {
public:
    explicit oneshot_receiver(std::shared_ptr<weft::detail::oneshot_core<T>> core) noexcept
        : core_(std::move(core))
    {
    }
    oneshot_receiver(oneshot_receiver&&) noexcept = default;
    oneshot_receiver& operator=(oneshot_receiver&& o) noexcept
    {
        oneshot_receiver old(std::move(*this));
        core_ = std::move(o.core_);
        return *this;
    }
    ~oneshot_receiver()
    {
        if (core_) core_->end_receiver();
    }

    /// Waits for the value. Also a select case. With a context it gives up when that ends: `error` with its code; the
    /// value stays, or will come.
    /// @return  empty: the sender went without a value, or it was fetched before, as with a closed channel.
    [[nodiscard]] oneshot_receive<T> receive() const
    {
        check();
        return oneshot_receive<T>(core_);
    }
    [[nodiscard]] auto receive(const context& ctx) const
    {
        return context_operation<oneshot_receive<T>>(ctx, receive());
    }
    /// The value, if it is there.
    [[nodiscard]] std::optional<T> try_receive() const
    {
        check();
        std::optional<T> v;
        weft::detail::with_lock(*core_, [&](auto&) { core_->receive_locked(v); });
        return v;
    }

    /// False: moved from.
    explicit operator bool() const noexcept { return core_ != nullptr; }

private:
    void check() const
    {
        if (!core_) weft::detail::throw_misuse("use of an empty oneshot_receiver");
    }

    std::shared_ptr<weft::detail::oneshot_core<T>> core_;
};

/// Both halves of a new one:
///
///     auto [result, wait] = oneshot<int>();
///     go([result = std::move(result)]() mutable { result.set(42); });
///     auto v = co_await wait.receive();             // empty: nobody will set it any more
///
/// What a channel of capacity 1 that is closed after its value would be, with the rule in its type; and each half sees
/// that the other has gone.
///
/// @par Cancellation  total: the value was received, or is still there.
/// @par Ordering      the set happens-before the return of the receive.
/// @par Requires      T nothrow move constructible (it is moved under a lock) and nothrow destructible.
template <class T>
struct oneshot {
    static_assert(std::is_object_v<T> && std::is_nothrow_move_constructible_v<T> &&
                      std::is_nothrow_destructible_v<T>,
                  "weft::pattern::oneshot<T>: T must be nothrow move constructible and nothrow "
                  "destructible, because it is moved under a lock");

    /// @throws std::bad_alloc
    oneshot() : oneshot(std::make_shared<weft::detail::oneshot_core<T>>()) {}

    oneshot_sender<T> sender;
    oneshot_receiver<T> receiver;

private:
    explicit oneshot(std::shared_ptr<weft::detail::oneshot_core<T>> core)
        : sender(core), receiver(std::move(core))
    {
    }
};

} // namespace weft::inline v0_1::pattern
