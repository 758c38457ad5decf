// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/backoff.hpp>
#include <weft/clock.hpp>

#include <asio/ip/address.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>

/// How a client behaves.

namespace weft::inline v0_1::http {

/// Zero: no limit, where a time is meant.
struct client_options {
    /// For a whole call, with its redirects, retries and the reading of the body.
    duration timeout = std::chrono::seconds(60);
    /// For a name to be looked up, a connection to be made and TLS to be agreed on.
    duration connect_timeout = std::chrono::seconds(10);
    /// From the last byte of a request to the end of the response's header.
    duration header_timeout = std::chrono::seconds(30);

    /// Which addresses may be connected to; nothing: all. Asked for every address that a name stands for, right before the
    /// connection is made: a name cannot lead elsewhere in between. One where none is allowed fails with
    /// asio::error::access_denied. Must be safe to call by many goroutines.
    std::function<bool(const asio::ip::address&)> allows_address{};

    /// Connections to one host, port and scheme, idle ones among them; more requests wait their turn.
    std::size_t max_connections_per_host = 64;
    /// Connections that are kept for later requests.
    std::size_t max_idle_per_host = 8;
    /// One that has been idle for longer is not used again. It is closed when the client is used next, whatever for.
    duration idle_timeout = std::chrono::seconds(30);

    /// 301, 302, 303, 307 and 308 are followed so often; zero: they are the response.
    int max_redirects = 10;

    /// More attempts at an idempotent request (GET, HEAD, OPTIONS, TRACE, PUT, DELETE) that could not be sent, was not
    /// answered in time, or was answered with 502, 503 or 504.
    int retries = 0;
    /// The pauses between them. A Retry-After in seconds makes one longer, up to the policy's `max`.
    backoff retry_policy{};

    std::size_t max_header_bytes = 64UL * 1024; ///< of a response
    std::size_t max_header_count = 200;

    /// The User-Agent header field; empty: none.
    std::string user_agent = "weft";
    /// For https: certificates to trust, a PEM file; empty: the system's.
    std::string trusted_certificates_file{};
};

} // namespace weft::inline v0_1::http
