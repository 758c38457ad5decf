// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/timer.hpp>

#include <functional>
#include <memory>
#include <source_location>
#include <tuple>
#include <type_traits>
#include <utility>

/// What `debounce` and `throttle` share: many calls, few runs.

namespace weft::inline v0_1::detail {

/// The arguments of a call that has not run yet.
class WEFT_EXPORT late_call {
public:
    virtual ~late_call() = default;
    virtual task<> run() = 0;
};

/// Decides when calls become runs. Lodash's algorithm, on a timer that is not set anew by every
/// call: when it rings, it looks how long it is since the latest one.
///
/// Invariants, under `mutex_`:
///  - `called_` is the latest call that has not become due; the timer is on while there is one, and
///    for `wait_` after a leading run.
///  - `running_` is set while a goroutine is in the function, or was started with a call to be.
///  - `due_` is a call that has become due while `running_`; a later one takes its place.
/// Calls are made and destroyed, and goroutines started, without the mutex: both may run the user's
/// code.
class WEFT_EXPORT debouncer : public std::enable_shared_from_this<debouncer> {
public:
    struct rules {
        duration wait;
        duration max_wait; ///< not less than `wait`
        bool leading;
        bool trailing;
    };

    debouncer(scheduler& s, const rules& r, std::source_location site);
    debouncer(const debouncer&) = delete;
    debouncer& operator=(const debouncer&) = delete;
    virtual ~debouncer() = default;

    void call(std::unique_ptr<late_call> c);
    bool flush();
    bool cancel();
    [[nodiscard]] bool pending();

private:
    class turn;

    static task<> ring(std::shared_ptr<debouncer> self);
    static task<> run(std::shared_ptr<debouncer> self, std::unique_ptr<late_call> c);

    [[nodiscard]] bool may_run_locked(time_point now) const noexcept;
    [[nodiscard]] duration remaining_locked(time_point now) const noexcept;
    void set_timer_locked(duration d);
    void stop_timer_locked();
    [[nodiscard]] std::unique_ptr<late_call>
    make_due_locked(time_point now, std::unique_ptr<late_call>& dropped) noexcept;
    [[nodiscard]] std::unique_ptr<late_call> end_of_run() noexcept;
    void start(std::unique_ptr<late_call> c);
    void not_begun() noexcept;

    const std::weak_ptr<scheduler> sched_;
    const rules rules_;
    const std::source_location site_;

    os_mutex mutex_;
    std::unique_ptr<late_call> called_; ///< guarded by mutex_, as all below
    std::unique_ptr<late_call> due_;
    bool running_ = false;
    bool timing_ = false; ///< the timer is on
    bool quiet_ = true;   ///< no call since the beginning, or `cancel`: the next one is the first
    time_point last_call_;
    time_point last_run_;
    timer timer_;
};

/// The same with its function.
template <class F>
class debouncer_of final : public debouncer {
public:
    debouncer_of(scheduler& s, const rules& r, F f, std::source_location site)
        : debouncer(s, r, site), f_(std::move(f))
    {
    }

    template <class... Args>
    void operator()(Args&&... args)
    {
        call(std::make_unique<call_of<std::decay_t<Args>...>>(f_, std::forward<Args>(args)...));
    }

private:
    template <class... Args>
    class call_of final : public late_call {
    public:
        template <class... A>
        explicit call_of(F& f, A&&... args) : f_(f), args_(std::forward<A>(args)...)
        {
        }
        task<> run() override
        {
            const auto invoke = [this](Args&... args) -> decltype(auto) {
                return std::invoke(f_, std::move(args)...);
            };
            if constexpr (is_task<call_result_t<F, Args...>>::value) {
                (void)co_await std::apply(invoke, args_);
            } else {
                (void)std::apply(invoke, args_);
                co_return;
            }
        }

    private:
        F& f_; ///< in the debouncer, which whoever runs this holds
        std::tuple<Args...> args_;
    };

    F f_;
};

/// The handle that `debounce` and `throttle` are: the last one to go ends what has not begun.
template <class F>
class debounce_handle {
public:
    debounce_handle(debounce_handle&&) noexcept = default;
    debounce_handle& operator=(debounce_handle&& o) noexcept
    {
        std::swap(state_, o.state_);
        return *this;
    }
    ~debounce_handle()
    {
        if (state_) state_->cancel();
    }

    /// Notes a call with these arguments, and returns; the rules decide when it runs, if it does.
    template <class... Args>
        requires goroutine_function<F, std::decay_t<Args>...>
    void operator()(Args&&... args) const
    {
        (*state_)(std::forward<Args>(args)...);
    }

    /// Runs the call that waits, now. False: there is none.
    bool flush() const { return state_->flush(); }

    /// Forgets the call that waits, and the calls before it: the next one is the first again.
    /// False: none waited. What runs is not stopped.
    bool cancel() const { return state_->cancel(); }

    /// A call waits for its time.
    [[nodiscard]] bool pending() const { return state_->pending(); }

protected:
    debounce_handle(scheduler& s, const debouncer::rules& r, F f, std::source_location site)
        : state_(std::make_shared<debouncer_of<F>>(s, r, std::move(f), site))
    {
    }

private:
    std::shared_ptr<debouncer_of<F>> state_;
};

} // namespace weft::inline v0_1::detail
