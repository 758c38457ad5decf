// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "strategy.hpp"

#include <weft/detail/conductor.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/testing/bubble.hpp>

#include <asio/io_context.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace weft::inline v0_1::detail {

// What a strategy asks of a goroutine.
inline std::uint64_t id_of(const goroutine& g) noexcept
{
    return g.id;
}
inline bool has_yielded(const goroutine& g) noexcept
{
    return g.budget < 0; // an operation that spends the budget leaves it at zero
}
inline void forget_yield(goroutine& g) noexcept
{
    g.budget = 0;
}

/// What one schedule runs with.
struct schedule {
    testing::strategy<goroutine>& how;
    std::chrono::milliseconds patience;
    std::uint64_t most_slices;
    /// Called before each slice with its number, from 1, outside of any goroutine. May be empty.
    std::function<void(std::uint64_t)> before_slice{};
};

/// Where panics of a machine's goroutines go. It outlives the machine: a join handle that left the bubble may tell of a
/// failure that nobody has seen, on any thread, when everything is over. Then it goes to the log.
class failure_sink {
public:
    /// A run begins.
    void open() noexcept;
    /// It is over; what it failed with since the latest `take`, if it did.
    std::exception_ptr close() noexcept;
    /// The first one of a run is kept.
    void put(const std::exception_ptr& e, std::string_view report) noexcept;
    std::exception_ptr take() noexcept;

private:
    std::mutex mutex_;
    bool open_ = false; ///< guarded, as all below
    std::exception_ptr first_;
    std::atomic<bool> any_{false}; ///< `first_` is set; a hint for those who look often
};

/// The world of one bubble: a runtime with one worker on a private `io_context`, and the loop that takes
/// the place of the worker's. It runs one schedule after the other, for as long as each ends well and
/// its time has not moved.
///
/// Everything of it runs on one thread, which holds the worker all the time; other threads only
/// inject goroutines and post handlers.
class testing_machine final : public conductor {
public:
    /// @throws misuse_error  the calling thread runs goroutines already.
    static void refuse_inside();

    testing_machine();
    ~testing_machine();

    /// Runs `main()` and what it starts to the end. Throws what it failed with; then it is over with
    /// this machine.
    void run(const testing::detail::program& main, const std::source_location& site,
             const schedule& how);

    [[nodiscard]] bool reusable() noexcept;
    /// Of the latest run.
    [[nodiscard]] std::uint64_t slices() const noexcept { return slices_; }

    void adopted() noexcept override { look_at_all_.store(true, std::memory_order_relaxed); }
    void retired(goroutine& g) noexcept override;
    std::uint32_t choose(std::uint32_t n) noexcept override { return how_->how.choose(n); }
    void chose(std::uint32_t at) noexcept override { how_->how.chose(at); }
    bool settle(goroutine& g) noexcept override;
    bool unsettle(const goroutine& g) noexcept override;
    [[nodiscard]] fast_random& random() noexcept override { return random_; }

private:
    static constexpr time_point first_moment{std::chrono::hours(24)};

    [[nodiscard]] worker& only_worker() const noexcept;
    void begin(const schedule& how);
    void conduct();
    void collect() noexcept;
    void step(thread_state& me);
    [[nodiscard]] bool run_handlers();
    [[nodiscard]] bool reaches_out(goroutine& g) const noexcept;
    [[nodiscard]] bool waits_outside();
    void count_turn();
    void look_at_all();
    void wait_outside(testing::failure_kind kind, const char* text);
    void verdict();
    [[nodiscard]] std::optional<time_point> next_moment();
    void advance_time(time_point to);
    void set_time(time_point t) noexcept;
    [[noreturn]] void fail(testing::failure_kind kind, const std::string& text);
    void abandon() noexcept;
    void end() noexcept;

    /// Goes last: what Asio still holds may fail when it goes.
    struct sink_owner {
        const std::shared_ptr<failure_sink> sink = std::make_shared<failure_sink>();
        sink_owner() = default;
        sink_owner(const sink_owner&) = delete;
        sink_owner& operator=(const sink_owner&) = delete;
        ~sink_owner() { sink->close(); }
    };

    const sink_owner failures_;
    asio::io_context io_{1};
    std::shared_ptr<scheduler> sched_;
    time_point now_ = first_moment;
    const schedule* how_ = nullptr; ///< of the present run, as all below
    bool broken_ = false;
    bool main_over_ = false;
    goroutine* settler_ = nullptr;
    std::uint64_t slices_ = 0;
    std::uint64_t turns_ = 0;      ///< in a row that ran no goroutine: handlers, moments
    std::size_t idle_moments_ = 0; ///< those of them since idle alarms were passed over
    fast_random random_{1};
    std::uint64_t latest_ = 0;               ///< id of the goroutine that ran last
    goroutine* running_ = nullptr;           ///< null, too, once it has ended
    std::vector<goroutine*> runnable_;       ///< taken out of the worker's queue
    std::mutex outside_mutex_;               ///< a context of Asio's elsewhere may drop a goroutine
    std::unordered_set<goroutine*> outside_; ///< may wait for something outside the bubble; guarded
    /// Not in `outside_` are those that ran, or began, in a handler since the latest look at all.
    std::atomic<bool> look_at_all_{false};
    std::chrono::steady_clock::time_point waiting_since_{}; ///< real time; zero: it does not wait
};

} // namespace weft::inline v0_1::detail
