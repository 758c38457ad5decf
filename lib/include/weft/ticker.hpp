// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/detail/timer_state.hpp>
#include <weft/executor.hpp>

#include <cstdint>

/// `ticker`: moments at regular intervals, on a channel.

namespace weft::inline v0_1 {

/// Delivers a moment on its channel every `period`, the first one after one period. Ticks stay on the grid that begins
/// with the ticker, however late one is received; what happens to late ones, `late_ticks` says.
///
/// The channel looks unbuffered, as a timer's does. `stop` does not close it: a receiver goes on waiting.
///
/// A handle that can be moved. The last one to go of it and its channel's ends the ticker.
///
/// @par Thread safety  distinct objects: safe. shared objects: all but moving safe.
/// @par Lifetime       may outlive its runtime, and then never ticks.
/// @par Source         Go time.Ticker; the policies beside `drop` follow tokio's MissedTickBehavior.
class WEFT_EXPORT ticker {
public:
    /// No ticker: its channel is nil, the rest is misuse.
    ticker() noexcept = default;
    /// @throws misuse_error  "non-positive interval for NewTicker"; not called on a weft runtime: pass its executor.
    explicit ticker(duration period, late_ticks late = late_ticks::drop);
    ticker(const executor& ex, duration period, late_ticks late = late_ticks::drop);

    /// Where the ticks arrive: each is the moment at which it was due.
    [[nodiscard]] receive_channel<time_point> channel() const noexcept { return ref_.channel(); }

    /// No more ticks; after it returned, none can be received.
    /// @throws misuse_error  "time: Stop called on uninitialized Ticker".
    void stop();

    /// Starts anew, with another period; the first tick is one period from now.
    /// @throws misuse_error  "non-positive interval for Ticker.Reset"; "time: Reset called on uninitialized Ticker".
    void reset(duration period);

    /// How many ticks were dropped because nobody received them in time.
    [[nodiscard]] std::uint64_t missed() const;

    explicit operator bool() const noexcept { return static_cast<bool>(ref_); }

private:
    detail::timer_ref ref_;
};

/// The channel of a ticker that ends with the channel's last handle; nil if `period` is not positive.
/// @par Source  Go time.Tick.
[[nodiscard]] WEFT_EXPORT receive_channel<time_point> tick(duration period);

} // namespace weft::inline v0_1
