// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "counts.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

namespace relay {

namespace {

constexpr double first_bound = 1e-4; // seconds
constexpr double growth = 1.2;

double bound(std::size_t bucket) noexcept
{
    return first_bound * std::pow(growth, static_cast<double>(bucket));
}

/// Of what Prometheus is told.
std::vector<double> time_bounds()
{
    return {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
            0.5,    1.0,   2.5,    5.0,   10.0, 30.0,  60.0, 300.0};
}

} // namespace

void histogram::add(weft::duration d) noexcept
{
    const double seconds = std::max(0.0, std::chrono::duration<double>(d).count());
    std::size_t at = 0;
    if (seconds > first_bound)
        at =
            static_cast<std::size_t>(std::ceil(std::log(seconds / first_bound) / std::log(growth)));
    in_[std::min(at, buckets - 1)].fetch_add(1, std::memory_order_relaxed);
    microseconds_.fetch_add(static_cast<std::uint64_t>(seconds * 1e6), std::memory_order_relaxed);
}

histogram::reading histogram::read() const noexcept
{
    reading r;
    for (std::size_t i = 0; i < buckets; ++i) {
        r.in[i] = in_[i].load(std::memory_order_relaxed);
        r.count += r.in[i];
    }
    r.sum = static_cast<double>(microseconds_.load(std::memory_order_relaxed)) * 1e-6;
    return r;
}

histogram::reading& histogram::reading::operator-=(const reading& earlier) noexcept
{
    for (std::size_t i = 0; i < buckets; ++i) in[i] -= earlier.in[i];
    count -= earlier.count;
    sum -= earlier.sum;
    return *this;
}

double histogram::reading::quantile(double q) const noexcept
{
    const auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(count)));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets; ++i) {
        seen += in[i];
        if (seen >= rank && seen > 0) return bound(i) * 1e3;
    }
    return 0;
}

counts::counts()
    : accepted(shown.add_counter("relay_jobs_accepted_total", "Jobs taken in.")),
      duplicates(
          shown.add_counter("relay_jobs_duplicate_total", "Jobs whose idempotency key was known.")),
      refused(shown.add_counter("relay_requests_refused_total", "Requests that were refused.")),
      delivered(shown.add_counter("relay_jobs_delivered_total", "Jobs delivered.")),
      retries(
          shown.add_counter("relay_retries_total", "Failed attempts that another one follows.")),
      buried(shown.add_counter("relay_jobs_buried_total", "Jobs given up.")),
      kicked(shown.add_counter("relay_jobs_kicked_total", "Dead jobs that were made ready again.")),
      leases_lost(
          shown.add_counter("relay_leases_lost_total", "Deliveries that ended after their lease.")),
      queue_errors(shown.add_counter("relay_queue_errors_total", "Times the queue could not say.")),
      attempt_seconds(shown.add_histogram("relay_attempt_duration_seconds",
                                          "Attempts that delivered.", {}, time_bounds())),
      job_seconds(shown.add_histogram("relay_job_duration_seconds",
                                      "From a job's being accepted to its being delivered.", {},
                                      time_bounds())),
      scheduling_seconds(shown.add_histogram("relay_scheduling_delay_seconds",
                                             "How long goroutines wait for their turn.", {},
                                             time_bounds()))
{
    static_assert(static_cast<int>(failure_kind::none) == 0);
    for (std::size_t k = 1; k < failure_kinds; ++k) {
        failed[k] =
            &shown.add_counter("relay_attempts_failed_total", "Attempts that failed, by kind.",
                               {{"kind", std::string(name_of(static_cast<failure_kind>(k)))}});
    }
}

std::uint64_t counts::failed_attempts() const noexcept
{
    std::uint64_t n = 0;
    for (std::size_t k = 1; k < failure_kinds; ++k) {
        if (static_cast<failure_kind>(k) != failure_kind::broken_off) n += failed[k]->value();
    }
    return n;
}

} // namespace relay
