// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/error.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/dispatch.hpp>
#include <asio/error_code.hpp>
#include <asio/strand.hpp>
#include <asio/system_error.hpp>

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>

/// `pending`: an Asio operation as a select case, without losing what it brings.

namespace weft::inline v0_1 {

namespace detail {

/// What a completion signature means to the caller: leading error code or exception thrown, the
/// rest returned.
template <class Signature>
struct outcome_of;
template <class... Args>
struct outcome_of<void(Args...)> {
    using stored = std::tuple<std::decay_t<Args>...>;

    static void check(const asio::error_code& ec)
    {
        if (ec) throw asio::system_error(ec);
    }
    static void check(const std::exception_ptr& e)
    {
        if (e) std::rethrow_exception(e);
    }
    template <class T>
    static constexpr bool is_disposition =
        std::is_same_v<T, asio::error_code> || std::is_same_v<T, std::exception_ptr>;

    static constexpr std::size_t skip = [] {
        if constexpr (sizeof...(Args) == 0) {
            return std::size_t{0};
        } else {
            return std::size_t{is_disposition<std::tuple_element_t<0, stored>> ? 1u : 0u};
        }
    }();

    /// void, the one value, or a tuple of the values.
    static auto take(stored& s)
    {
        if constexpr (skip == 1) check(std::get<0>(s));
        constexpr std::size_t left = sizeof...(Args) - skip;
        if constexpr (left == 1) {
            return std::move(std::get<skip>(s));
        } else if constexpr (left > 1) {
            return [&]<std::size_t... I>(std::index_sequence<I...>) {
                return std::tuple(std::move(std::get<skip + I>(s))...);
            }(std::make_index_sequence<left>());
        }
    }
};

/// The state a pending operation shares with its completion handler, which may outlive the
/// `pending`.
///
/// Asio's cancellation slots are not thread-safe, and a composed operation touches its slot at each
/// step. So all of the operation's handlers, and the cancellation, run on one strand.
template <class Signature>
class pending_state final : public waitable,
                            public std::enable_shared_from_this<pending_state<Signature>> {
    using outcome = outcome_of<Signature>;

public:
    using strand_type = asio::strand<executor>;

    /// Asio completes it: so it lies outside of any bubble.
    explicit pending_state(const executor& ex) : waitable(bubble_id{0}), strand(ex) {}

    struct handler {
        using executor_type = strand_type;
        using cancellation_slot_type = asio::cancellation_slot;

        std::shared_ptr<pending_state> state;

        [[nodiscard]] executor_type get_executor() const noexcept { return state->strand; }
        [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
        {
            return state->signal_.slot();
        }
        template <class... A>
        void operator()(A&&... args)
        {
            state->complete(std::forward<A>(args)...);
        }
    };

    void cancel()
    {
        asio::dispatch(strand, [self = this->shared_from_this()] {
            if (!self->done()) self->signal_.emit(asio::cancellation_type::terminal);
        });
    }

    [[nodiscard]] bool done() noexcept
    {
        lock.lock();
        const bool d = result_.has_value();
        lock.unlock();
        return d;
    }
    [[nodiscard]] bool done_locked() const noexcept { return result_.has_value(); }
    wait_queue& waiters() noexcept { return waiters_; }

    auto take()
    {
        if (!done())
            throw_misuse("pending: the result was asked for before the operation was done");
        return outcome::take(*result_);
    }

    const strand_type strand;

private:
    template <class... A>
    void complete(A&&... args)
    {
        signal_.slot().clear();
        std::optional<typename outcome::stored> fresh(std::in_place, std::forward<A>(args)...);
        wake_list wakes;
        lock.lock();
        result_.swap(fresh);
        release_all(waiters_, wakes);
        lock.unlock();
        wakes.wake_all();
    }

    asio::cancellation_signal signal_;               ///< on the strand
    std::optional<typename outcome::stored> result_; ///< guarded by lock; set once
    wait_queue waiters_;                             ///< guarded by lock
};

} // namespace detail

/// The operation `pending::done` returns: `void(std::exception_ptr)`.
template <class Signature>
class [[nodiscard]] pending_done : public detail::asio_operation<pending_done<Signature>> {
    using state = detail::pending_state<Signature>;

public:
    using result_type = void;

    explicit pending_done(std::shared_ptr<state> s) noexcept : state_(std::move(s)) {}

    detail::waitable* target() const noexcept { return state_.get(); }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        w.ok = state_->done_locked();
        return w.ok;
    }
    void enqueue(detail::waiter& w) noexcept { state_->waiters().push(w); }
    void dequeue(detail::waiter& w) noexcept { state_->waiters().remove(w); }
    void finish(detail::waiter&) noexcept {}
    detail::wait_reason reason() const noexcept { return detail::wait_reason::pending; }
    std::shared_ptr<state> retain() const noexcept { return state_; }

private:
    std::shared_ptr<state> state_;
};

/// An Asio operation that was started once and can be waited for again and again:
///
///     weft::pending read{socket.async_read_some(buffer, asio::deferred)};
///     auto s = co_await weft::select{read.done(), jobs.receive()};
///     if (s.index() == 0) { std::size_t n = read.result(); ... read = weft::pending{...}; }
///
/// An operation of Asio's cannot be undone, so racing it and cancelling the loser loses what it had
/// already brought. A pending operation that loses a select goes on, and its result waits for the
/// next one. That makes socket reads and `concurrent_channel` receives loss-free.
///
/// The buffers and objects that the operation uses must live until it is done. Destroying a
/// `pending` in flight asks the operation to stop, but does not wait for it.
///
/// @par Thread safety  distinct objects: safe. shared objects: `done`, `ready`, `cancel` safe, else
///                     unsafe.
/// @par Cancellation   `cancel()`, from any thread; a goroutine that stops waiting does not cancel
///                     it.
template <class Op>
class pending {
    using signature = asio::completion_signature_of_t<Op>;
    using state = detail::pending_state<signature>;

public:
    /// Starts `op` (`asio::deferred` form); its handlers run on the current goroutine's runtime.
    /// @throws misuse_error  not called in a goroutine.
    explicit pending(Op op) : pending(this_goroutine::get_executor(), std::move(op)) {}
    /// Starts `op`; its handlers run on the runtime of `ex`.
    pending(const executor& ex, Op op) : state_(std::make_shared<state>(ex))
    {
        std::move(op)(typename state::handler{state_});
    }
    pending(pending&&) noexcept = default;
    pending& operator=(pending&& other) noexcept
    {
        pending old(std::move(*this));
        state_ = std::move(other.state_);
        return *this;
    }
    ~pending()
    {
        if (state_ && !state_->done()) state_->cancel();
    }

    /// Waits until the operation is done; also a select case. Ready from then on.
    [[nodiscard]] pending_done<signature> done() const noexcept
    {
        return pending_done<signature>(state_);
    }
    /// As done, but stops waiting when `ctx` ends; the operation goes on.
    template <detail::context_like Context>
    [[nodiscard]] auto done(const Context& ctx) const
    {
        return context_operation<pending_done<signature>>(ctx, done());
    }
    /// Whether it is done, at this moment.
    [[nodiscard]] bool ready() const noexcept { return state_->done(); }

    /// The outcome, moved out: nothing, a value, or a tuple of values.
    /// @throws asio::system_error (or the operation's own exception) if it failed; misuse_error
    ///     before it is done.
    auto result() { return state_->take(); }

    /// Asks the operation to stop; it is done soon after, with whatever result that gives.
    void cancel() { state_->cancel(); }

private:
    std::shared_ptr<state> state_;
};

} // namespace weft::inline v0_1
