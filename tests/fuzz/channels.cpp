// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// libFuzzer: the first eight bytes are the seed of the schedule, the rest a program.

#include "program.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    std::uint64_t seed = 0;
    const std::size_t n = std::min(size, sizeof seed);
    if (n != 0) std::memcpy(&seed, data, n);
    const auto p = weft_fuzz::read_program({data + n, size - n});
    try {
        weft_fuzz::run_program(p, seed);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "%s\n%sWEFT_SEED=%llu\n", e.what(), p.text().c_str(),
                     static_cast<unsigned long long>(seed));
        std::abort();
    }
    return 0;
}
