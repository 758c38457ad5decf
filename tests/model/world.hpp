// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "fibre.hpp"

#include <testing/strategy.hpp>

#include <asio/any_io_executor.hpp>
#include <asio/execution_context.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

/// The world of the models: a few threads, a host that runs Asio handlers on some of them, a clock.
///
/// One schedule of a model is: `main` runs on thread 0; `host_threads` others run the handlers that are
/// posted to `host()`; one lets the timers of the host ring, whenever the schedule lets it run. Whatever a
/// thread does to an atomic or a lock is a point at which the strategy picks who goes on.
namespace weft_model {

struct model {
    const char* name;
    void (*main)();
    unsigned host_threads = 2;
    /// How far the clock goes on at each look at it: workers then find their slices long, and their
    /// budgets spent.
    std::chrono::nanoseconds tick{0};
    /// Timers ring only when nobody else can go on: what is late then has been forgotten.
    bool patient_clock = false;
};

/// All of them, by the registrations below.
std::vector<model>& models();

struct registration {
    explicit registration(model m) { models().push_back(m); }
};

// ---------------------------------------------------------------- in a model

/// Ends the process: what is wrong, and how to see it again.
[[noreturn]] void fail(const std::string& what,
                       std::source_location at = std::source_location::current());

inline void check(bool holds, const char* what = "a check failed",
                  std::source_location at = std::source_location::current())
{
    if (!holds) fail(what, at);
}

/// Follows from the seed: for models that are another program each time. 0 in an exhaustive run.
[[nodiscard]] std::uint64_t schedule_number() noexcept;

/// Where handlers go: a pool of the model's threads.
[[nodiscard]] asio::any_io_executor host();
/// Until all that was posted to the host has run.
void settle_host();
/// From now on a handler that is posted is a failure: a user may have destroyed what would run it.
void end_host() noexcept;

/// Between the two other threads may come in at each point; before and after, only where one waits. So the
/// schedules go into what the model is about, not into how it is set up.
void begin_focus() noexcept;
void end_focus() noexcept;

/// A thread beside the host's.
class outsider {
public:
    explicit outsider(std::function<void()> f);
    outsider(const outsider&) = delete;
    outsider& operator=(const outsider&) = delete;
    ~outsider() { join(); }
    void join();

private:
    fibre* fibre_;
};

// ---------------------------------------------------------------- around it

struct result {
    std::uint64_t schedules = 0;
    std::uint64_t steps = 0;
    bool complete = false; ///< exhaustive: there are no others
};

using model_strategy = weft::testing::strategy<fibre>;

/// Runs one schedule; returns its steps. Without `relaxed_count` nobody comes in at a relaxed load or store,
/// most of which are hints and statistics.
std::uint64_t run(const model& m, model_strategy& how, std::uint64_t seed, bool relaxed_count);

} // namespace weft_model

/// Defines a model: WEFT_MODEL_CASE(name, .host_threads = 1) { ... }
#define WEFT_MODEL_CASE(NAME, ...)                                                                 \
    static void model_##NAME();                                                                    \
    static const weft_model::registration registered_##NAME(                                       \
        {.name = #NAME, .main = model_##NAME __VA_OPT__(, ) __VA_ARGS__});                         \
    static void model_##NAME()
