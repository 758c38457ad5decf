// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

/// Dates as header fields have them: "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7).

namespace weft::inline v0_1::http::detail {

[[nodiscard]] std::string http_date(std::time_t t);
/// Of this second; valid until the thread's next call.
[[nodiscard]] std::string_view http_date_now();
/// Nothing: it is no date, or in one of the forms that have been obsolete since 1999.
[[nodiscard]] std::optional<std::time_t> parse_http_date(std::string_view s);

} // namespace weft::inline v0_1::http::detail
