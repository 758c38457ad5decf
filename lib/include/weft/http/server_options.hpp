// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

/// What a server allows, and for how long.

namespace weft::inline v0_1::http {

/// What happens to a connection when `max_connections` are open.
enum class overload {
    wait,  ///< it stays in the kernel's queue until another one has ended
    refuse ///< it is answered with 503 and closed
};

/// Times are looked at ten times a second, or more often if one is shorter than a second: none is precise. Zero: no limit,
/// where a time or a rate is meant.
struct server_options {
    /// The request line's target, in bytes; beyond: 414.
    std::size_t max_target_bytes = 8UL * 1024;
    /// Names and values of a request's header, in bytes, and lines; beyond: 431.
    std::size_t max_header_bytes = 32UL * 1024;
    std::size_t max_header_count = 100;
    /// A request's body, in bytes; beyond: 413. A route may have a limit of its own.
    std::uint64_t max_body_bytes = 16UL * 1024 * 1024;

    /// From the first byte of a request to the end of its header, and for a TLS handshake; then 408.
    duration header_timeout = std::chrono::seconds(10);
    /// Between two pieces of a body; then 408.
    duration body_timeout = std::chrono::seconds(30);
    /// Between two requests of a connection, and before the first; then it is closed.
    duration idle_timeout = std::chrono::seconds(75);
    /// How long a client may take nothing of what is sent; then the connection is closed.
    duration write_timeout = std::chrono::seconds(30);
    /// A handler's time: its request's context ends then, with errc::deadline_exceeded. What it does with that is up to it.
    duration handler_timeout{0};

    /// Bytes per second, of a request's body and of a response, on average over the whole of it; who is slower is closed.
    std::uint64_t min_data_rate = 240;
    /// Not within this time from the beginning.
    duration data_rate_grace = std::chrono::seconds(5);

    /// Connections open at the same time.
    std::size_t max_connections = 20'000;
    overload when_full = overload::wait;
    /// Of one connection; the last one is answered with "Connection: close". Zero: any number.
    std::size_t max_requests_per_connection = 0;

    /// When the server shuts down, idle connections get this long to send a request that may be on its way.
    duration linger_idle = std::chrono::milliseconds(250);
    /// How long `serve(ctx)` lets requests in flight go on after its context ended.
    duration shutdown_grace = std::chrono::seconds(10);

    /// The Server header field; empty: none.
    std::string server_name = "weft";

    /// Called after each response, on the connection's goroutine: an access log. Must not throw.
    /// @param took  from the end of the request's header to the last byte handed to the kernel.
    std::function<void(const request&, const response&, duration took)> on_response;
};

/// What one route allows.
struct route_options {
    // Each in place of the server's; nothing: the server's.
    std::optional<std::uint64_t> max_body_bytes{};
    std::optional<duration> handler_timeout{}; ///< zero: no limit, as a stream of events needs it
};

} // namespace weft::inline v0_1::http
