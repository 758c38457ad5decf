// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/handler.hpp>
#include <weft/http/server_options.hpp>

#include <memory>
#include <string_view>

/// `router`: which handler a request goes to.

namespace weft::inline v0_1::http {

namespace detail {
class routing;
}

/// Patterns and their handlers, by the rules of Go 1.22's ServeMux: `[METHOD ][HOST]/[PATH]`, where
///
///     GET /users/{id}       {id} is one segment: req.path_value("id")
///     /files/{path...}      the rest of the path, also an empty one
///     /static/              all below it; without a pattern of its own, "/static" is redirected there
///     /posts/{$}            exactly "/posts/"
///     GET example.com/      only for this host
///
/// No method: every method. GET also takes HEAD. Of several patterns that match the most specific one is chosen, whatever the
/// order in which they were added; a host is more specific than none. A path with "//" or "/../" in it is redirected to
/// the clean one. No pattern: 404; none with this method: 405 with Allow.
///
/// @par Thread safety  safe once it serves; before, unsafe.
/// @par Source         Go net/http.ServeMux, pattern.go, routing_tree.go.
class WEFT_EXPORT router {
public:
    router();
    router(router&&) noexcept;
    router& operator=(router&&) noexcept;
    ~router();

    /// @throws std::invalid_argument  a malformed pattern, or one that conflicts with another: both match some request, and
    ///                                neither is more specific. The text names both and gives an example.
    router& handle(std::string_view pattern, handler h, route_options options = {});

    /// Wraps all handlers, the answers 404 and 405 too. The first one added is the outermost.
    router& use(middleware m);

    /// For the server.
    [[nodiscard]] const detail::routing& table() const noexcept { return *table_; }
    [[nodiscard]] detail::routing& table() noexcept { return *table_; }

private:
    std::unique_ptr<detail::routing> table_;
};

} // namespace weft::inline v0_1::http
