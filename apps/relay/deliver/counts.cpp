// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "counts.hpp"

#include <algorithm>
#include <cmath>

namespace relay {

namespace {

constexpr double first_bound = 1e-4; // seconds
constexpr double growth = 1.2;

double bound(std::size_t bucket) noexcept
{
    return first_bound * std::pow(growth, static_cast<double>(bucket));
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

std::uint64_t histogram::reading::at_most(double seconds) const noexcept
{
    std::uint64_t n = 0;
    for (std::size_t i = 0; i < buckets && bound(i) <= seconds * 1.0001; ++i) n += in[i];
    return n;
}

std::uint64_t counts::failed_attempts() const noexcept
{
    std::uint64_t n = 0;
    for (std::size_t k = 1; k < failure_kinds; ++k) {
        if (static_cast<failure_kind>(k) != failure_kind::broken_off) n += failed[k].load();
    }
    return n;
}

} // namespace relay
