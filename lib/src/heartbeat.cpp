// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/heartbeat.hpp>

#include <weft/after.hpp>
#include <weft/defer.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>
#include <weft/go.hpp>
#include <weft/select.hpp>
#include <weft/ticker.hpp>

#include <utility>

namespace weft::inline v0_1 {

namespace detail {

namespace {

duration three_times(duration d) noexcept
{
    return d > duration::max() / 3 ? duration::max() : 3 * d;
}

/// Puts `t` into a channel of one place, whose only sender the caller is, instead of what lies
/// there.
void put_newest(const channel<time_point>& ch, time_point t)
{
    while (!ch.try_send(t)) static_cast<void>(ch.try_receive());
}

} // namespace

/// What the beating side, the watching side and the goroutine between them share.
class heartbeat_state {
public:
    explicit heartbeat_state(duration patience) : patience_(patience) { beat(); }

    void beat() noexcept { last_.store(nanos(clock::now()), std::memory_order_release); }
    [[nodiscard]] time_point last() const noexcept
    {
        return moment(last_.load(std::memory_order_acquire));
    }
    [[nodiscard]] time_point silent_at(time_point last) const noexcept
    {
        return moment(nanos_after(nanos(last), patience_));
    }

    const channel<time_point> pulses = make_channel<time_point>(1);
    const channel<time_point> silence = make_channel<time_point>(1);

    static task<> watch(std::shared_ptr<heartbeat_state> self, context ctx, duration period);

private:
    const duration patience_;
    detail::atomic<std::int64_t> last_; ///< nanoseconds since the clock's epoch
};

task<> heartbeat_state::watch(std::shared_ptr<heartbeat_state> self, context ctx, duration period)
{
    const defer end([&] {
        self->pulses.close();
        self->silence.close();
    });
    const ticker every(period);
    const receive_channel<time_point> ticks = every.channel();
    time_point pulsed = time_point::min();   // the beat of the latest pulse
    time_point reported = time_point::min(); // the beat after which there was silence
    for (;;) {
        time_point last = self->last();
        // Silence is told once for each last beat; then only a tick looks for the next one.
        const time_point next = last == reported ? time_point::max() : self->silent_at(last);
        const auto s = co_await select_biased{ctx.done(), ticks.receive(), at(next)};
        if (s.index() == 0) co_return;
        last = self->last();
        if (last != reported && reported != time_point::min()) {
            static_cast<void>(self->silence.try_receive());
            reported = time_point::min();
        }
        if (s.index() == 1 && last != pulsed) {
            put_newest(self->pulses, last);
            pulsed = last;
        }
        if (last != reported && clock::now() >= self->silent_at(last)) {
            put_newest(self->silence, last);
            reported = last;
        }
    }
}

} // namespace detail

/// The last one to go ends the goroutine.
struct heartbeat::handle {
    std::shared_ptr<detail::heartbeat_state> state;
    cancel_function cancel;
};

heartbeat::heartbeat(const context& ctx, duration period)
    : heartbeat(ctx, period, detail::three_times(period))
{
}

heartbeat::heartbeat(const context& ctx, duration period, duration patience)
    : heartbeat(executor(detail::current_scheduler("heartbeat")), ctx, period, patience)
{
}

heartbeat::heartbeat(const executor& ex, const context& parent, duration period, duration patience)
{
    if (period <= duration::zero()) detail::throw_misuse("non-positive interval for heartbeat");
    if (patience <= duration::zero()) detail::throw_misuse("non-positive patience for heartbeat");
    auto [ctx, cancel] = with_cancel(parent);
    auto state = std::make_shared<detail::heartbeat_state>(patience);
    go(ex, &detail::heartbeat_state::watch, state, ctx, period);
    handle_ = std::make_shared<const handle>(std::move(state), std::move(cancel));
}

void heartbeat::beat() const noexcept
{
    if (handle_) handle_->state->beat();
}

receive_channel<time_point> heartbeat::pulses() const noexcept
{
    return handle_ ? receive_channel<time_point>(handle_->state->pulses)
                   : receive_channel<time_point>();
}

receive_channel<time_point> heartbeat::silence() const noexcept
{
    return handle_ ? receive_channel<time_point>(handle_->state->silence)
                   : receive_channel<time_point>();
}

time_point heartbeat::last_beat() const noexcept
{
    return handle_ ? handle_->state->last() : time_point();
}

bool heartbeat::alive() const noexcept
{
    return handle_ && clock::now() < handle_->state->silent_at(handle_->state->last());
}

} // namespace weft::inline v0_1
