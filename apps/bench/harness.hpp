// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

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
};

/// The scenarios in the order of the table. `mem_parked`, the last, counts bytes instead of time.
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
    std::optional<double> bytes_per_goroutine;
    std::optional<double> lost_per_cent; ///< messages sent that nobody received

    /// True if this result is to be preferred to `other`: faster, or smaller.
    bool better_than(const result& other) const;
};

/// Calls `run(n)` as often as asked and keeps the fastest. `run` returns how many units arrived,
/// which must be all of them: otherwise the process says so and exits with status 1.
/// With `may_lose` a shortfall becomes `lost_per_cent` instead.
result best_of(const request& asked, std::string_view impl,
               const std::function<std::size_t(std::size_t)>& run, bool may_lose = false);

/// Resident memory of this process in bytes; 0 where the system does not tell.
std::size_t resident_bytes();

/// The `n`-th prime; the sieves check their answer by it.
int nth_prime(std::size_t n);

std::string to_json(const result& r);

/// Reads one line written by to_json (or by the Go twin); nullopt if it is none.
std::optional<result> from_json(std::string_view line);

} // namespace bench
