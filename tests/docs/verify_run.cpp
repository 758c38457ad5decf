// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A test program that fails if goroutines are left, as testing.md has it.

#include <weft/testing.hpp>
#include <weft/weft.hpp>

// [snippet verify_run]
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

int main(int argc, char** argv)
{
    return weft::testing::verify_run(doctest::Context(argc, argv).run());
}
// [snippet end]

TEST_CASE("a goroutine that is joined is not left over")
{
    weft::run([]() -> weft::task<> {
        const auto one = co_await weft::spawn([] { return 1; }).join();
        CHECK(one == 1);
    });
}
