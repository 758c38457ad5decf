// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/context.hpp>
#include <weft/detail/detached.hpp>
#include <weft/detail/timekeeper.hpp>

#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

/// `limiter`: how often something may happen.

namespace weft::inline v0_1 {

namespace detail {

class limiter_state;

/// Tokens that were taken, and from when on they may be used.
struct token_grant {
    bool ok = false;
    int tokens = 0;         ///< what a cancellation can give back
    double rate = 0;        ///< at which the wait was reckoned
    time_point when_to_act; ///< `time_point::max()`: never
};

/// What a limiter says to somebody who is ready to wait.
enum class limiter_answer : std::uint8_t {
    granted,    ///< the tokens were taken; no wait
    later,      ///< the tokens are to be had, or were taken, for a moment in the future
    over_burst, ///< never
    too_late    ///< not before the deadline; nothing was taken
};

} // namespace detail

/// Tokens taken in advance: what `limiter::reserve` returns. The holder waits until `time_to_act`,
/// then acts; or cancels. Dropping it gives nothing back.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
/// @par Source         Go x/time/rate, Reservation.
class [[nodiscard]] WEFT_EXPORT reservation {
public:
    /// A refused one.
    reservation() noexcept = default;
    reservation(reservation&& o) noexcept
        : state_(std::move(o.state_)), grant_(std::exchange(o.grant_, {}))
    {
    }
    reservation& operator=(reservation&& o) noexcept
    {
        state_ = std::move(o.state_);
        grant_ = std::exchange(o.grant_, {});
        return *this;
    }

    /// False: refused, since `n` exceeds the burst or the wait exceeds the longest one allowed.
    /// Nothing was taken then.
    [[nodiscard]] bool ok() const noexcept { return grant_.ok; }
    /// When the holder may act; `time_point::max()`: never, or refused.
    [[nodiscard]] time_point time_to_act() const noexcept
    {
        return grant_.ok ? grant_.when_to_act : time_point::max();
    }
    /// How long that is from now, or from `t`; zero: it may act at once. `duration::max()`: never,
    /// or refused.
    [[nodiscard]] duration delay() const noexcept { return delay_from(clock::now()); }
    [[nodiscard]] duration delay_from(time_point t) const noexcept;

    /// The holder will not act: gives back what has not been promised to later reservations. No
    /// effect when the moment to act has passed, with an infinite rate, or the second time.
    void cancel() noexcept { cancel_at(clock::now()); }
    void cancel_at(time_point t) noexcept;

private:
    friend class limiter;

    std::shared_ptr<detail::limiter_state> state_;
    detail::token_grant grant_;
};

/// The operation `limiter::wait` returns: `void(std::exception_ptr)`. It takes its tokens when it
/// begins to wait, as a reservation does, and gives them back when it does not happen: interrupted,
/// or a case of a select that lost.
class [[nodiscard]] WEFT_EXPORT limiter_wait_operation
    : public detail::asio_operation<limiter_wait_operation> {
public:
    using result_type = void;

    limiter_wait_operation(std::shared_ptr<detail::limiter_state> state, detail::timer_shard& shard,
                           int n, time_point deadline) noexcept
        : state_(std::move(state)), shard_(&shard), n_(n), deadline_(deadline)
    {
    }

    // The operation protocol. The limiter's lock is taken inside the shard's, and nothing inside
    // it.
    detail::waitable* target() const noexcept { return shard_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept;
    void enqueue(detail::waiter& w) noexcept;
    void dequeue(detail::waiter& w) noexcept;
    void finish(detail::waiter& w);
    detail::wait_reason reason() const noexcept { return detail::wait_reason::sleep; }
    detail::timer_shard_ref retain() const noexcept { return detail::timer_shard_ref(*shard_); }

private:
    void give_back() noexcept;

    std::shared_ptr<detail::limiter_state> state_;
    detail::timer_shard* shard_;
    int n_;
    time_point deadline_; ///< of the context; `time_point::max()`: none
    detail::token_grant grant_;
    detail::limiter_answer answer_ = detail::limiter_answer::later;
    bool holds_ = false; ///< took tokens for a wait that is not over
    detail::timer_entry entry_;
};

/// A token bucket: full with `burst` tokens at first, refilled at `per_second`. An event takes a
/// token, or n. `allow` drops or skips what is too much, `reserve` tells how long to wait, `wait`
/// waits.
///
/// Tokens can be taken in advance: then there are fewer than none, and who comes later waits
/// longer. So waiters get their moments in the order in which they came. A change of rate or burst
/// does not alter moments already promised.
///
/// The forms ending in `_at` take the time from the caller. Time that goes back counts as no time
/// passed.
///
/// A handle: copies are the same limiter.
///
/// @par Thread safety  distinct handles: safe. one shared handle object: unsafe to assign, else
///                     safe.
/// @par Lifetime       operations and reservations keep the limiter.
/// @par Complexity     O(1), one lock, no allocation.
/// @par Source         Go x/time/rate, Limiter. It differs in that negative numbers are misuse, and
///                     that a reservation is cancelled once.
class WEFT_EXPORT limiter {
public:
    /// Everything is allowed, whatever the burst.
    static constexpr double inf = std::numeric_limits<double>::infinity();
    /// The rate of one event each `interval`; `inf` if it is not positive.
    [[nodiscard]] static double every(duration interval) noexcept;

    /// @param per_second  tokens a second; 0: none after the first burst; `inf`: no limit.
    /// @param burst       the most tokens there can be, and so the most that can be taken at once.
    /// @throws misuse_error  "rate: negative rate" (also for NaN), "rate: negative burst".
    limiter(double per_second, int burst);
    limiter(const limiter&) = default; // there is no nil limiter: a move is a copy
    limiter& operator=(const limiter&) = default;
    ~limiter() = default;

    /// Waits until `n` tokens are there and takes them.
    ///
    /// @throws misuse_error  "rate: negative number of tokens"; not called on a weft runtime.
    /// @throws error  std::errc::invalid_argument, "rate: Wait(n=4) exceeds limiter's burst 3": at
    ///                once, and never with an infinite rate. An error, as in Go, since the burst
    ///                may change at any time.
    /// @par Suspends     if the tokens are not there.
    /// @par Cancellation total: interrupted, or a case of a select that lost, it gives its tokens
    ///                   back, but for what was promised to others after it.
    [[nodiscard]] limiter_wait_operation wait(int n = 1) const
    {
        return waiting(n, time_point::max());
    }
    /// As wait, but gives up when `ctx` ends: with its code, and the tokens given back.
    ///
    /// @throws error  errc::deadline_exceeded, "rate: Wait(n=4) would exceed context deadline": at
    ///                once, and no token is taken, if they come only after the context's deadline.
    template <detail::context_like Context>
    [[nodiscard]] auto wait(const Context& ctx, int n = 1) const
    {
        return context_operation<limiter_wait_operation>(
            ctx, waiting(n, ctx.deadline().value_or(time_point::max())));
    }

    /// True: `n` tokens were there, and were taken. For events that are dropped when there are too
    /// many.
    /// @throws misuse_error  "rate: negative number of tokens".
    [[nodiscard]] bool allow(int n = 1) const { return allow_at(clock::now(), n); }
    [[nodiscard]] bool allow_at(time_point t, int n = 1) const;

    /// Takes `n` tokens, in advance if need be, and tells when they may be used. Refused if `n`
    /// exceeds the burst, or the wait would be longer than `longest`.
    /// @throws misuse_error  "rate: negative number of tokens".
    reservation reserve(int n = 1, duration longest = duration::max()) const
    {
        return reserve_at(clock::now(), n, longest);
    }
    reservation reserve_at(time_point t, int n = 1, duration longest = duration::max()) const;

    /// @throws misuse_error  as the constructor.
    void set_rate(double per_second) const { set_rate_at(clock::now(), per_second); }
    void set_rate_at(time_point t, double per_second) const;
    void set_burst(int burst) const { set_burst_at(clock::now(), burst); }
    void set_burst_at(time_point t, int burst) const;

    [[nodiscard]] double rate() const noexcept;
    [[nodiscard]] int burst() const noexcept;
    /// How many tokens there are; below zero: so many are promised.
    [[nodiscard]] double tokens() const noexcept { return tokens_at(clock::now()); }
    [[nodiscard]] double tokens_at(time_point t) const noexcept;

private:
    [[nodiscard]] limiter_wait_operation waiting(int n, time_point deadline) const;

    std::shared_ptr<detail::limiter_state> state_;
};

} // namespace weft::inline v0_1
