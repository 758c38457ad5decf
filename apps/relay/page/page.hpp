// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

namespace relay {

/// The page at /.
[[nodiscard]] std::string_view page() noexcept;

} // namespace relay
