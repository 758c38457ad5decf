// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// What is measured and how: the list of scenarios, the best-of-N loop, one result line.
namespace bench {

/// One entry of the catalogue. The Go twin keeps the same list (go/main.go).
struct scenario {
    std::string_view name;
    std::size_t count;      ///< operations in one run at scale 1
    bool whole_run = false; ///< one operation is the entire run, not one of `count`
    bool memory = false;    ///< counts bytes instead of time
};

/// The scenarios in the order of the table.
std::span<const scenario> catalogue();

/// The entry called `name`, or nullptr.
const scenario* find_scenario(std::string_view name);

/// What a scenario is asked to do.
struct request {
    scenario what;
    unsigned procs = 1;
    unsigned best = 5; ///< runs; the fastest counts
    double scale = 1;  ///< multiplies `what.count`

    /// The count of one run: scaled, and a multiple of 1000 so that it can be shared out evenly.
    std::size_t count() const;
};

/// One result, as it stands in one line of JSON. Absent figures are not printed.
struct result {
    std::string scenario;
    unsigned procs = 1;
    std::string impl;
    std::optional<double> ns_per_op;
    std::optional<double> cpu_ns_per_op; ///< user and system time of all threads in the same run
    std::optional<double> bytes_per_goroutine; ///< or per timer
    std::optional<double> lost_per_cent;       ///< messages sent that nobody received

    /// True if this result is to be preferred to `other`: faster, or smaller.
    bool better_than(const result& other) const;
};

/// User and system time of all threads of this process.
std::chrono::nanoseconds cpu_time();

/// What one run took, where that is not the whole time of the call.
struct measured {
    std::size_t arrived = 0;
    std::chrono::nanoseconds wall{};
    std::chrono::nanoseconds cpu{};
};

/// Calls `run(n)` as often as asked and keeps the fastest. `run` returns how many units arrived,
/// which must be all of them: otherwise the process says so and exits with status 1.
/// With `may_lose` a shortfall becomes `lost_per_cent` instead.
result best_of(const request& asked, std::string_view impl,
               const std::function<std::size_t(std::size_t)>& run, bool may_lose = false);

/// The same for a run that measures itself.
result best_of_measured(const request& asked, std::string_view impl,
                        const std::function<measured(std::size_t)>& run, bool may_lose = false);

/// A result that counts bytes: those that `n` things added to the resident memory.
result bytes_of(const request& asked, std::string_view impl, std::size_t before, std::size_t n);

/// Resident memory of this process in bytes; 0 where the system does not tell.
std::size_t resident_bytes();

/// Arms `n` timers so long before the first is due as `run` is told, and measures. A busy machine
/// may need longer than that; then nothing "arrived", and they are armed again, with more time.
measured when_armed(std::size_t n, const std::function<measured(std::chrono::nanoseconds)>& run);

/// When the `i`-th of `n` timers is due, in nanoseconds after the first: all within a millisecond,
/// in no order.
std::size_t scattered(std::size_t i, std::size_t n);

/// The `n`-th prime; the sieves check their answer by it.
int nth_prime(std::size_t n);

std::string to_json(const result& r);

/// Reads one line written by to_json (or by the Go twin); nullopt if it is none.
std::optional<result> from_json(std::string_view line);

} // namespace bench
