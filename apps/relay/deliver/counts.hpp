// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "deliverer.hpp"

#include <weft/debug/metrics.hpp>
#include <weft/weft.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>

/// `counts`: what has happened, in numbers.

namespace relay {

/// Times in buckets that grow by a fifth each, from a tenth of a millisecond to ten minutes.
///
/// @par Thread safety  safe.
class histogram {
public:
    static constexpr std::size_t buckets = 86;

    void add(weft::duration d) noexcept;

    struct reading {
        std::array<std::uint64_t, buckets> in{};
        std::uint64_t count = 0;
        double sum = 0; ///< seconds

        reading& operator-=(const reading& earlier) noexcept;
        /// The time that a share of `q` does not exceed, in milliseconds; 0 if there is none.
        [[nodiscard]] double quantile(double q) const noexcept;
    };
    [[nodiscard]] reading read() const noexcept;

private:
    std::array<std::atomic<std::uint64_t>, buckets> in_{};
    std::atomic<std::uint64_t> microseconds_{0};
};

/// What Prometheus is told stands in `shown`, under its names.
///
/// @par Thread safety  safe.
struct counts {
    counts();

    weft::debug::metrics shown;
    weft::debug::counter& accepted;
    weft::debug::counter& duplicates; ///< puts whose key was known
    weft::debug::counter& refused;    ///< requests that were no jobs
    weft::debug::counter& delivered;
    std::array<weft::debug::counter*, failure_kinds> failed{}; ///< attempts, by kind; none: null
    weft::debug::counter& retries; ///< attempts that will be followed by another
    weft::debug::counter& buried;
    weft::debug::counter& kicked;
    weft::debug::counter& leases_lost;
    weft::debug::counter& queue_errors;
    weft::debug::histogram& attempt_seconds; ///< of those that were delivered
    weft::debug::histogram& job_seconds;     ///< from being accepted to being delivered
    weft::debug::histogram&
        scheduling_seconds; ///< from `go` to the first step of a goroutine, of a probe
    std::atomic<std::uint64_t> in_flight{0};
    histogram attempt_time; ///< as attempt_seconds, for quantiles of the last seconds

    [[nodiscard]] std::uint64_t failed_attempts() const noexcept;
};

/// As the histograms of Prometheus have it.
[[nodiscard]] inline double seconds(weft::duration d) noexcept
{
    return std::chrono::duration<double>(d).count();
}

} // namespace relay
