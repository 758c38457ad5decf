// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"

#include <string>

namespace relay {

/// What tells deliveries apart: SHA-256 over all of it, 32 bytes.
[[nodiscard]] std::string fingerprint(const delivery& what);

} // namespace relay
