// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/http/router.hpp>
#include <weft/http/server_options.hpp>
#include <weft/http/tls_options.hpp>
#include <weft/task.hpp>

#include <asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

/// `server`: answers HTTP/1.1.

namespace weft::inline v0_1::http {

namespace detail {
class server_state;
}

/// What a server has done and is doing.
struct server_statistics {
    std::uint64_t accepted = 0;     ///< connections
    std::uint64_t refused = 0;      ///< connections, because there were too many
    std::uint64_t requests = 0;     ///< that reached a handler
    std::uint64_t bad_requests = 0; ///< that were refused before
    std::uint64_t timed_out = 0;    ///< connections that were too slow
    std::uint64_t panics = 0;       ///< handlers that threw something else than an http::error
    std::size_t open = 0;           ///< connections now
    std::size_t idle = 0;           ///< of these, between two requests
};

/// Serves HTTP/1.0 and 1.1, one goroutine per connection.
///
///     weft::http::server server;
///     server.handle("GET /hello/{name}", hello);
///     server.listen("127.0.0.1:8080");
///     co_await server.serve(ctx); // until ctx ends and all is answered
///
/// Keep-alive, pipelining, bodies in chunks, "Expect: 100-continue" and HEAD are taken care of. What breaks RFC 9112's rules
/// is answered with 400 (or 413, 414, 431, 501, 505), and the connection is closed.
///
/// @par Thread safety  handle, use and listen: before serve, by one thread. shutdown, close, statistics: safe.
/// @par Lifetime       may be destroyed while it serves, and then closes all connections.
class WEFT_EXPORT server {
public:
    explicit server(server_options options = {});
    server(const server&) = delete;
    server& operator=(const server&) = delete;
    ~server();

    /// As router::handle and router::use.
    server& handle(std::string_view pattern, handler h, route_options options = {});
    server& use(middleware m);

    /// Binds and listens; connections wait until `serve`. Several calls: several addresses.
    ///
    /// @param address  "host:port", ":port" for all addresses of the machine, "[::1]:port"; port 0: a free one.
    /// @return         the address in fact.
    /// @throws std::invalid_argument  not an address.
    /// @throws asio::system_error     it is taken, or not this machine's; `what()` names it.
    asio::ip::tcp::endpoint listen(std::string_view address);
    /// As `listen`; the connections are TLS. @throws std::invalid_argument  also: certificate or key cannot be used.
    /// @throws misuse_error  weft was built without TLS.
    asio::ip::tcp::endpoint listen_tls(std::string_view address, const tls_options& tls);

    /// Accepts connections and answers their requests, until `shutdown` or `close`.
    /// @throws misuse_error  nothing to listen on; called twice.
    [[nodiscard]] task<> serve();
    /// Until `ctx` ends; then shuts down in good order, within `shutdown_grace`.
    [[nodiscard]] task<> serve(context ctx);

    /// Stops accepting, lets the requests in flight be answered, closes the connections as they get idle, and returns when none
    /// is left. What waits in the kernel's queue by then is still answered.
    /// @throws weft::error  `ctx` ended before: the rest goes on, `close` ends it.
    /// @par Source  Go Server.Shutdown.
    [[nodiscard]] task<> shutdown(context ctx);
    /// Stops accepting and cuts all connections at once.
    void close() noexcept;

    [[nodiscard]] server_statistics statistics() const noexcept;

private:
    std::shared_ptr<detail::server_state> state_;
};

} // namespace weft::inline v0_1::http
