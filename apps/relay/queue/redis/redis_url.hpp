// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// `redis_url`: which Redis, and which queue in it.

namespace relay {

struct redis_url {
    std::string host;
    std::uint16_t port = 6379;
    std::string user{};
    std::string password{};
    int database = 0;
    std::string queue = "relay"; ///< all its keys begin with "{queue}:"

    /// "host:port", for people.
    [[nodiscard]] std::string where() const { return host + ":" + std::to_string(port); }
};

/// Reads `redis://[[user]:password@]host[:port][/queue][?db=N]`; user, password and queue may be percent-encoded.
/// @throws std::invalid_argument  what is wrong with it; the text is not repeated, for the password may be in it.
[[nodiscard]] redis_url parse_redis_url(std::string_view text);

} // namespace relay
