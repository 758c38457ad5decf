// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/debouncer.hpp>

#include <weft/debounce.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/error.hpp>
#include <weft/throttle.hpp>

#include <algorithm>
#include <optional>

namespace weft::inline v0_1::detail {

/// A goroutine's turn in the function. Its end, however it comes about, gives the turn to what has
/// become due meanwhile.
class debouncer::turn {
public:
    explicit turn(debouncer& d) noexcept : d_(d) {}
    turn(const turn&) = delete;
    turn& operator=(const turn&) = delete;
    ~turn()
    {
        if (over) return;
        try {
            if (auto next = d_.end_of_run()) d_.start(std::move(next));
        } catch (...) {
            // There is no memory for its goroutine: that call is lost, and later ones go on.
        }
    }

    bool over = false;

private:
    debouncer& d_;
};

debouncer::debouncer(scheduler& s, const rules& r, std::source_location site)
    : sched_(s.weak_from_this()), rules_(r), site_(site)
{
}

// ---------------------------------------------------------------- the rules

/// The first call, or one after a pause; or one that was held up for too long.
bool debouncer::may_run_locked(time_point now) const noexcept
{
    return quiet_ || now - last_call_ >= rules_.wait || now - last_run_ >= rules_.max_wait;
}

duration debouncer::remaining_locked(time_point now) const noexcept
{
    return std::min(rules_.wait - (now - last_call_), rules_.max_wait - (now - last_run_));
}

void debouncer::set_timer_locked(duration d)
{
    if (timer_) {
        timer_.reset(d);
    } else if (const auto s = sched_.lock()) {
        auto bell = [weak = weak_from_this()] { return ring(weak.lock()); };
        timer_ = after_func(executor(*s), d, std::move(bell), site_);
    }
    timing_ = true;
}

void debouncer::stop_timer_locked()
{
    timing_ = false;
    if (timer_) timer_.stop();
}

/// The call that waits is due: returns it for the caller to start. Null: a goroutine is at work,
/// and will see it.
std::unique_ptr<late_call> debouncer::make_due_locked(time_point now,
                                                      std::unique_ptr<late_call>& dropped) noexcept
{
    last_run_ = now;
    if (!std::exchange(running_, true)) return std::move(called_);
    dropped = std::exchange(due_, std::move(called_));
    return nullptr;
}

void debouncer::call(std::unique_ptr<late_call> c)
{
    std::unique_ptr<late_call> begin, dropped;
    {
        std::lock_guard one(mutex_);
        const time_point now = clock::now();
        const bool may_run = may_run_locked(now);
        // The first of a burst. Or the timer has just rung, and this one begins the next.
        const bool first = !timing_;
        const bool held_up = !first && may_run && now - last_run_ >= rules_.max_wait;
        if (first || held_up)
            set_timer_locked(rules_.wait); // it may throw; then nothing was called
        std::swap(called_, c);
        last_call_ = now;
        quiet_ = false;
        if (first && may_run) last_run_ = now;
        if (held_up || (first && may_run && rules_.leading)) begin = make_due_locked(now, dropped);
    }
    if (begin) start(std::move(begin));
}

bool debouncer::flush()
{
    std::unique_ptr<late_call> begin, dropped;
    bool waited = false;
    {
        std::lock_guard one(mutex_);
        waited = called_ && rules_.trailing;
        stop_timer_locked();
        if (waited) {
            begin = make_due_locked(clock::now(), dropped);
        } else {
            dropped = std::move(called_);
        }
    }
    if (begin) start(std::move(begin));
    return waited;
}

bool debouncer::cancel()
{
    std::unique_ptr<late_call> called, due;
    std::lock_guard one(mutex_);
    called = std::move(called_);
    due = std::move(due_);
    quiet_ = true;
    stop_timer_locked();
    return (called && rules_.trailing) || due;
}

bool debouncer::pending()
{
    std::lock_guard one(mutex_);
    return (called_ && rules_.trailing) || due_;
}

// ---------------------------------------------------------------- goroutines

task<> debouncer::ring(std::shared_ptr<debouncer> self)
{
    if (!self) co_return;
    std::unique_ptr<late_call> begin, dropped;
    {
        std::lock_guard one(self->mutex_);
        if (!self->timing_) co_return; // flushed or cancelled as it rang
        const time_point now = clock::now();
        if (!self->may_run_locked(now)) {
            self->set_timer_locked(self->remaining_locked(now));
            co_return;
        }
        self->timing_ = false;
        if (self->called_ && self->rules_.trailing) {
            begin = self->make_due_locked(now, dropped);
        } else {
            dropped = std::move(self->called_);
        }
    }
    dropped.reset();
    if (!begin) co_return;
    std::optional<task<>> work;
    try {
        work.emplace(run(self, std::move(begin)));
    } catch (...) {
        self->not_begun();
        throw;
    }
    co_await std::move(*work);
}

/// What is due waits for the next run.
void debouncer::not_begun() noexcept
{
    const std::lock_guard one(mutex_);
    running_ = false;
}

/// Starts a goroutine with the call. It may be unwound at once, which runs the user's code.
void debouncer::start(std::unique_ptr<late_call> c)
{
    const auto s = sched_.lock();
    if (!s) return;
    try {
        start_goroutine(*s, site_, &debouncer::run, shared_from_this(), std::move(c));
    } catch (...) {
        not_begun();
        throw;
    }
}

task<> debouncer::run(std::shared_ptr<debouncer> self, std::unique_ptr<late_call> c)
{
    turn mine(*self);
    while (c) {
        co_await c->run();
        c.reset();
        c = self->end_of_run();
    }
    mine.over = true;
}

/// After a run, an exception, or unwound: the call that has become due meanwhile, for which the
/// turn goes on.
std::unique_ptr<late_call> debouncer::end_of_run() noexcept
{
    std::lock_guard one(mutex_);
    running_ = due_ != nullptr;
    return std::move(due_);
}

// ---------------------------------------------------------------- the doors

namespace {

duration checked_wait(duration wait, const char* text)
{
    if (wait <= duration::zero()) throw_misuse(text);
    return wait;
}

void check_edges(bool leading, bool trailing, const char* text)
{
    if (!leading && !trailing) throw_misuse(text);
}

} // namespace

debouncer::rules rules_of(duration wait, const debounce_options& o)
{
    check_edges(o.leading, o.trailing, "debounce: neither leading nor trailing");
    checked_wait(wait, "non-positive wait for debounce");
    checked_wait(o.max_wait, "non-positive max_wait for debounce");
    return {wait, std::max(o.max_wait, wait), o.leading, o.trailing};
}

debouncer::rules rules_of(duration wait, const throttle_options& o)
{
    check_edges(o.leading, o.trailing, "throttle: neither leading nor trailing");
    checked_wait(wait, "non-positive interval for throttle");
    return {wait, wait, o.leading, o.trailing};
}

} // namespace weft::inline v0_1::detail
