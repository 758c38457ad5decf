// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

/// The main() of every test program, compiled once.

#include <weft/testing/leak_check.hpp>

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

/// No test may leave a goroutine behind.
int main(int argc, char** argv)
{
    return weft::testing::verify_run(doctest::Context(argc, argv).run());
}
