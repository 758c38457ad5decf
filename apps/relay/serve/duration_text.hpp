// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace relay {

/// "500ms", "10s", "5m", "2h", "1.5d"; a bare number is seconds. At most 1000 days.
/// @throws std::invalid_argument  anything else.
[[nodiscard]] std::chrono::milliseconds parse_duration(std::string_view text);
/// The same the other way round: "1500ms", "10s", "2h".
[[nodiscard]] std::string duration_text(std::chrono::milliseconds d);

} // namespace relay
