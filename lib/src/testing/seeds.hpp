// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>

namespace weft::inline v0_1::testing {

/// Tells on stderr how to see a failure again.
void print_seed(std::uint64_t seed) noexcept;

} // namespace weft::inline v0_1::testing
