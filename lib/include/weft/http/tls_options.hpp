// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>

/// What TLS needs to know.

namespace weft::inline v0_1::http {

/// Files in PEM format.
struct tls_options {
    std::string certificate_file{}; ///< the server's, with its chain behind it
    std::string key_file{};
};

} // namespace weft::inline v0_1::http
