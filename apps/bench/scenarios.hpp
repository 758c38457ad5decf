// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "harness.hpp"

#include <optional>

/// The implementations that live in this program. Each runs one scenario in this process and
/// returns nullopt for a scenario that it does not have.
namespace bench {

std::optional<result> run_weft(const request& asked);

/// Raw Asio: `concurrent_channel`, `co_spawn`, `use_awaitable` on a `thread_pool`.
/// Being slow, it does a tenth of the operations.
std::optional<result> run_asio(const request& asked);

} // namespace bench
