// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <cstdint>

namespace weft::inline v0_1::detail {

/// In the place of a generator that was told to ask: the conductor of the calling thread's bubble
/// picks from [0, n); chance does where there is none.
WEFT_EXPORT std::uint32_t ask_conductor(std::uint32_t n) noexcept;
/// The latest pick turned out to mean `at`: what lies between would have come to the same.
WEFT_EXPORT void tell_conductor(std::uint32_t at) noexcept;

/// A small fast generator (splitmix64) for scheduling choices; not for secrets.
class fast_random {
public:
    explicit fast_random(std::uint64_t seed) noexcept : state_(seed) {}
    /// One that does not draw, but asks. (A drawing one comes here once in 2^64 draws.)
    static fast_random asking() noexcept { return fast_random(0); }
    [[nodiscard]] bool asks() const noexcept { return state_ == 0; }

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

} // namespace weft::inline v0_1::detail
