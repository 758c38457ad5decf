// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/detail/timer_shard.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace weft::inline v0_1 {

/// What a ticker does about ticks that nobody received in time.
enum class late_ticks : std::uint8_t {
    drop,  ///< keeps the oldest one, drops those after it; the next is on the grid again (Go)
    burst, ///< keeps all: they come one after the other without a pause
    delay, ///< as drop, and the grid begins anew when the late one is received
    skip,  ///< keeps the newest one
};

namespace detail {

/// A timer or ticker and its channel, which are one object: the handles of the channel count it.
///
/// The channel never holds a value. `when_` is the moment of the next tick that was not received; it is there to be
/// received as soon as the clock has passed it, whether or not the wheel has rung. So a stop or a reset leaves
/// nothing stale behind, and the bell is only for those who wait already.
///
/// Invariant: while armed and not due, the alarm wants a moment that is not after `when_`.
class WEFT_EXPORT timer_state : public alarm, private timer_feed {
public:
    /// An armed one, with one handle. @throws std::bad_alloc
    static timer_state* make(scheduler& s, duration first, duration period, late_ticks late);

    /// Arms it anew; true if it was armed, or due and not received.
    bool set(duration first, duration period) noexcept;
    /// True if it was armed, or due and not received.
    bool unset() noexcept;
    [[nodiscard]] std::uint64_t missed() noexcept;

    [[nodiscard]] channel_core<time_point>& channel() noexcept { return channel_; }
    [[nodiscard]] bool calls_function() const noexcept { return kind_ == kind::function; }

protected:
    enum class kind : std::uint8_t { channel, function };

    timer_state(timer_shard& s, kind k) noexcept;

    bool hold() noexcept override { return channel_.retain_if_held(); }
    void drop() noexcept override { channel_.release(); }
    void ring(std::int64_t at) noexcept override;
    void lost() noexcept override;
    bool is_idle() noexcept override;
    void pass_over(std::int64_t until) noexcept override;

    /// An armed function timer is kept by itself: nobody has to hold its handle. True: it was due at `at`.
    bool take_turn(std::int64_t at) noexcept;

private:
    void begin(std::int64_t when, duration period, late_ticks late) noexcept;
    bool take(std::optional<time_point>& into) noexcept;
    std::int64_t tick(std::int64_t now) noexcept;
    void want_after(std::int64_t now) noexcept;
    void unused() noexcept;

    channel_core<time_point> channel_;
    const kind kind_;
    bool armed_ = false; ///< guarded by the channel's lock, as all below
    late_ticks late_ = late_ticks::drop;
    std::int64_t when_ = 0;   ///< nanoseconds since the clock's epoch
    std::int64_t period_ = 0; ///< nanoseconds; 0: one shot
    std::uint64_t missed_ = 0;
};

/// What the handles `timer` and `ticker` hold.
class WEFT_EXPORT timer_ref {
public:
    timer_ref() noexcept = default;
    explicit timer_ref(timer_state* t) noexcept : state_(t) {}
    timer_ref(timer_ref&& o) noexcept : state_(std::exchange(o.state_, nullptr)) {}
    timer_ref& operator=(timer_ref&& o) noexcept
    {
        timer_ref old(std::move(*this));
        state_ = std::exchange(o.state_, nullptr);
        return *this;
    }
    ~timer_ref()
    {
        if (state_) state_->channel().release();
    }

    [[nodiscard]] timer_state* operator->() const noexcept { return state_; }
    explicit operator bool() const noexcept { return state_ != nullptr; }

    /// Nil where there is no timer.
    [[nodiscard]] receive_channel<time_point> channel() const noexcept
    {
        const bool has = state_ && !state_->calls_function();
        return receive_channel<time_point>(
            channel_ref<time_point>(has ? &state_->channel() : nullptr, true));
    }

private:
    timer_state* state_ = nullptr;
};

} // namespace detail
} // namespace weft::inline v0_1
