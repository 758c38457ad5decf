// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <optional>

namespace weft::testing {

/// WEFT_SEED. @throws misuse_error  it is no number.
std::optional<std::uint64_t> seed_of_environment();

/// Tells on stderr how to see a failure again.
void print_seed(std::uint64_t seed) noexcept;

} // namespace weft::testing
