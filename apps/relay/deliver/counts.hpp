// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "deliverer.hpp"

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
        /// How many took at most so long, about.
        [[nodiscard]] std::uint64_t at_most(double seconds) const noexcept;
    };
    [[nodiscard]] reading read() const noexcept;

private:
    std::array<std::atomic<std::uint64_t>, buckets> in_{};
    std::atomic<std::uint64_t> microseconds_{0};
};

/// @par Thread safety  safe.
struct counts {
    std::atomic<std::uint64_t> accepted{0};
    std::atomic<std::uint64_t> duplicates{0}; ///< puts whose key was known
    std::atomic<std::uint64_t> refused{0};    ///< requests that were no jobs
    std::atomic<std::uint64_t> delivered{0};
    std::array<std::atomic<std::uint64_t>, failure_kinds> failed{}; ///< attempts, by kind
    std::atomic<std::uint64_t> retries{0}; ///< attempts that will be followed by another
    std::atomic<std::uint64_t> buried{0};
    std::atomic<std::uint64_t> kicked{0};
    std::atomic<std::uint64_t> leases_lost{0};
    std::atomic<std::uint64_t> queue_errors{0};
    std::atomic<std::uint64_t> in_flight{0};
    histogram attempt_time; ///< of those that were delivered
    histogram job_time;     ///< from being accepted to being delivered
    histogram scheduling;   ///< from `go` to the first step of a goroutine, of a probe

    [[nodiscard]] std::uint64_t failed_attempts() const noexcept;
};

} // namespace relay
