// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Random programs against what Go's rules say of any run.

#include "testing.hpp"

#include "../fuzz/program.hpp"

#include <weft/testing/bubble.hpp>

TEST_CASE("stress: random programs of channels and selects, on random schedules")
{
    auto random = weft_test::make_random();
    for (std::size_t n = weft_test::count(200'000); n > 0; --n) {
        std::vector<std::uint8_t> bytes(random() % 120);
        for (auto& b : bytes) b = static_cast<std::uint8_t>(random());
        const auto p = weft_fuzz::read_program(bytes);
        const std::uint64_t seed = random();
        try {
            weft_fuzz::run_program(p, seed);
        } catch (const std::exception& e) {
            FAIL(e.what(), "\n", p.text(), "schedule ", seed);
        }
    }
}
