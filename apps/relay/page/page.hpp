// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string_view>

/// `page`: what GET / serves.

namespace relay {

/// index.html, as it was when this was built. It asks for nothing but GET events and POST jobs/{id}/retry, and runs under
/// default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; img-src data:
[[nodiscard]] std::string_view page() noexcept;

} // namespace relay
