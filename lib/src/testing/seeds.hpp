// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

namespace weft::testing {

class strategy;

/// WEFT_SEED. @throws misuse_error  it is no number.
std::optional<std::uint64_t> seed_of_environment();

/// Tells on stderr how to see a failure again.
void print_seed(std::uint64_t seed) noexcept;

/// The strategy a seed stands for.
std::unique_ptr<strategy> strategy_of(std::uint64_t seed);

} // namespace weft::testing
