// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/http/client_options.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/client_response.hpp>
#include <weft/task.hpp>

#include <memory>
#include <string>
#include <string_view>

/// `client`: asks HTTP/1.1 servers.

namespace weft::inline v0_1::http {

namespace detail {
class client_state;
}

/// Makes requests, and keeps connections for the next ones:
///
///     weft::http::client web;
///     auto res = co_await web.get(ctx, "http://example.com/data.json");
///     if (!res.ok()) throw std::runtime_error("no data: " + res.reason());
///     const std::string text = co_await res.text();
///
/// A handle: copies share their connections. When the last one has gone, idle connections are closed.
///
/// All calls throw
///   - weft::error, with the code of `ctx`, when it ends; errc::deadline_exceeded when one of the options' times is over;
///   - asio::system_error: the server could not be found, reached, or went away;
///   - http::error, bad_gateway: what it sent is no valid response; too many redirects, or one that leads from https to http;
///   - std::invalid_argument: the URL is none, the method is no token.
/// A response of any status is a response, not an exception.
///
/// A request is sent first, and then its response is read: a server that answers in the middle of a stream is heard when it
/// closes the connection, or when the stream has ended.
///
/// @par Thread safety  safe, on goroutines of one runtime.
/// @par Lifetime       its idle connections belong to that runtime: it goes first, or `close_idle_connections` is called.
/// @par Cancellation   total as far as this side goes: the connection is closed. The server may have acted.
/// @par Source         Go net/http.Client.
class WEFT_EXPORT client {
public:
    /// @throws std::invalid_argument  the options' user_agent cannot stand in a header.
    explicit client(client_options options = {});

    [[nodiscard]] task<client_response> get(const context& ctx, std::string_view url);
    [[nodiscard]] task<client_response> head(const context& ctx, std::string_view url);
    [[nodiscard]] task<client_response> post(const context& ctx, std::string_view url,
                                             std::string body, std::string_view content_type);
    [[nodiscard]] task<client_response> send(const context& ctx, client_request request);

    /// Closes the connections that are idle now.
    void close_idle_connections() noexcept;

private:
    std::shared_ptr<detail::client_state> state_;
};

} // namespace weft::inline v0_1::http
