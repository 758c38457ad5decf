// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace weft::detail {

/// A small fast generator (splitmix64) for scheduling choices; not for secrets.
class fast_random {
public:
    explicit fast_random(std::uint64_t seed) noexcept : state_(seed) {}

    std::uint32_t next() noexcept
    {
        std::uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        return static_cast<std::uint32_t>((z ^ (z >> 27)) >> 24);
    }

    /// Uniform in [0, n), n > 0, by multiplication instead of division.
    std::uint32_t below(std::uint32_t n) noexcept
    {
        return static_cast<std::uint32_t>((std::uint64_t{next()} * n) >> 32);
    }

private:
    std::uint64_t state_;
};

} // namespace weft::detail
