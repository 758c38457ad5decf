// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/clock.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/timer_state.hpp>
#include <weft/executor.hpp>

#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>

/// `timer`: one moment, on a channel or as a call.

namespace weft::inline v0_1 {

/// Delivers one moment on a channel, once its duration has passed. For a plain timeout `after` is shorter.
///
/// The rules are those of Go 1.23. The channel looks unbuffered: its size and capacity are 0. A timer that is due
/// keeps its moment until somebody receives it. After `stop` or `reset` has returned, nothing of the earlier
/// setting can be received: nothing has to be drained.
///
/// A handle that can be moved. The last one to go of it and its channel's ends the timer.
///
/// @par Thread safety  distinct objects: safe. shared objects: `channel`, `stop` and `reset` safe, else unsafe.
/// @par Lifetime       may outlive its runtime, and then never fires.
/// @par Complexity     O(1) each; memory is used again, so that steady use allocates nothing.
/// @par Source         Go time.Timer.
class WEFT_EXPORT timer {
public:
    /// No timer: `channel` is nil, `stop` and `reset` are misuse.
    timer() noexcept = default;
    /// Due `d` from now; zero and less: at once.
    /// @throws misuse_error  not called on a weft runtime: pass its executor.
    explicit timer(duration d);
    timer(const executor& ex, duration d);
    /// For the library's own rooms.
    explicit timer(detail::timer_ref ref) noexcept : ref_(std::move(ref)) {}

    /// Where the moment arrives: that at which it was due, whenever it is received.
    [[nodiscard]] receive_channel<time_point> channel() const noexcept { return ref_.channel(); }

    /// Ends the timer. True: it had not fired, or nobody had received its moment. Does not close the channel.
    /// With `after_func`, false means that the call was started; it may still be running.
    /// @throws misuse_error  "time: Stop called on uninitialized Timer".
    bool stop();

    /// Sets the timer anew, to `d` from now. True where `stop` would have been.
    /// @throws misuse_error  "time: Reset called on uninitialized Timer".
    bool reset(duration d);

    explicit operator bool() const noexcept { return static_cast<bool>(ref_); }

private:
    detail::timer_ref ref_;
};

namespace detail {

/// A timer that starts a goroutine each time it is due.
template <class F>
class function_timer final : public timer_state {
public:
    function_timer(timer_shard& s, F f, std::source_location site)
        : timer_state(s, kind::function), f_(std::move(f)), site_(site)
    {
    }

private:
    void ring(std::int64_t at) noexcept override
    {
        if (!take_turn(at)) return; // the caller keeps this object until it returns
        const auto s = sched();
        if (!s) return;
        channel().retain();
        start_goroutine(*s, site_, &function_timer::call, timer_ref(this));
    }

    /// `self` stays in the goroutine's frame and keeps the function.
    static auto call(timer_ref&& self)
    {
        return std::invoke(static_cast<function_timer&>(*self.operator->()).f_);
    }

    F f_;
    const std::source_location site_;
};

/// Where the calling thread keeps its timers.
WEFT_EXPORT timer_shard& timer_shard_of(scheduler& s) noexcept;

} // namespace detail

/// Runs `f` as a goroutine once `d` has passed. `f` returns a `task`, or is plain code that never waits. The returned
/// timer can stop it, or set it anew, also from within `f`; its channel is nil. It need not be kept.
///
/// A timer set anew while `f` runs can make it run twice at the same time.
///
/// @throws misuse_error  not called on a weft runtime: pass its executor first.
/// @par Source  Go time.AfterFunc.
template <class F>
    requires detail::goroutine_function<F>
timer after_func(const executor& ex, duration d, F f,
                 std::source_location at = std::source_location::current())
{
    auto* t = new detail::function_timer<F>(detail::timer_shard_of(ex.sched()), std::move(f), at);
    detail::timer_ref ref(t);
    t->set(d, duration::zero());
    return timer(std::move(ref));
}
template <class F>
    requires detail::goroutine_function<F>
timer after_func(duration d, F f, std::source_location at = std::source_location::current())
{
    return after_func(executor(detail::current_scheduler("after_func")), d, std::move(f), at);
}

} // namespace weft::inline v0_1
