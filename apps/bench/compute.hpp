// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <cstdint>

/// What a goroutine does that computes: xorshift steps, each of which needs the one before, so that no compiler
/// makes less of it. The Go twin does the same.
namespace bench {

constexpr int rounds_1us = 550;
constexpr int rounds_10us = 5500;

/// Never 0, if `seed` is not.
inline std::uint64_t compute(std::uint64_t seed, int rounds)
{
    for (int i = 0; i < rounds; ++i) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
    }
    return seed;
}

} // namespace bench
