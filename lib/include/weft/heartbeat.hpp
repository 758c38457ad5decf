// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/context.hpp>
#include <weft/executor.hpp>

#include <memory>

/// `heartbeat`: is a goroutine still at work?

namespace weft::inline v0_1 {

namespace detail {
class heartbeat_state;
}

/// A sign of life. The goroutine that is watched calls `beat` as often as it likes, wherever it
/// makes progress; those who watch see a pulse once a period, or learn that there was silence.
///
///     heartbeat life(ctx, 1s);
///     go(worker, ctx, life);                        // calls life.beat() for each job
///     auto s = co_await select{results.receive(), life.silence().receive()};
///     if (s.index() == 1) restart(worker);          // no beat for 3 s
///
/// A ticker alone would say no more than that the runtime lives: it goes on ticking beside a
/// goroutine that is stuck. So a pulse stands for at least one beat in the period. A goroutine of
/// weft's own sends them.
///
/// A handle: copies are the same heartbeat. It ends with its context, or its last handle; then both
/// channels are closed. So they do when the worker has ended in good order and took its context
/// with it; a closed channel is not silence.
///
/// @par Thread safety  distinct handles: safe. one shared handle object: unsafe to assign, else
///                     safe.
/// @par Ordering       a beat happens-before the receive of a pulse that stands for it.
class WEFT_EXPORT heartbeat {
public:
    /// No heartbeat: its channels are nil, `beat` does nothing, the rest is as if it had never
    /// beaten.
    heartbeat() noexcept = default;

    /// Begins with a beat of its own. Silence is `patience` without a beat; without it, three
    /// periods.
    /// @throws misuse_error  "non-positive interval for heartbeat", "non-positive patience for
    ///                       heartbeat", "cannot create context from nil parent"; not called on a
    ///                       weft runtime: pass its executor.
    heartbeat(const context& ctx, duration period);
    heartbeat(const context& ctx, duration period, duration patience);
    heartbeat(const executor& ex, const context& ctx, duration period, duration patience);

    /// Still at work. Cheap enough for every turn of a loop: it stores the time.
    void beat() const noexcept;

    /// A pulse at the end of each period in which there was a beat: the moment of the latest one.
    /// Whoever comes late finds the newest pulse alone. One channel: each pulse goes to one
    /// receiver.
    [[nodiscard]] receive_channel<time_point> pulses() const noexcept;

    /// The moment of the last beat, as soon as none has come for the patience. Once for each
    /// silence: the next beat ends it, and takes back what nobody has received.
    [[nodiscard]] receive_channel<time_point> silence() const noexcept;

    /// The moment of the latest beat.
    [[nodiscard]] time_point last_beat() const noexcept;
    /// There was a beat within the patience.
    [[nodiscard]] bool alive() const noexcept;

    explicit operator bool() const noexcept { return handle_ != nullptr; }

private:
    struct handle;
    std::shared_ptr<const handle> handle_;
};

} // namespace weft::inline v0_1
