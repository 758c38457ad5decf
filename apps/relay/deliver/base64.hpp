// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace relay {

/// RFC 4648, with padding.
[[nodiscard]] std::string to_base64(std::string_view bytes);
/// Nothing: it is no base64.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

} // namespace relay
