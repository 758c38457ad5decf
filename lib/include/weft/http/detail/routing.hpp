// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/handler.hpp>
#include <weft/http/server_options.hpp>

#include <memory>
#include <string>
#include <string_view>

/// What a router has learnt; `routing.cpp` has the tree.

namespace weft::inline v0_1::http::detail {

/// Where a request goes.
struct destination {
    const handler* call;          ///< never null; lives as long as the routing
    const route_options* options; ///< of the route; null: there is none
};

class routing_tree;

class WEFT_EXPORT routing {
public:
    routing();
    routing(const routing&) = delete;
    routing& operator=(const routing&) = delete;
    ~routing();

    void add(std::string_view pattern, handler h, const route_options& options);
    void wrap(middleware m);

    /// Wraps every handler in the middlewares; nothing can be added from then on. Called once, by the server, before `find`.
    void freeze();

    /// Sets the request's pattern and path values.
    [[nodiscard]] destination find(request& req) const;

private:
    std::unique_ptr<routing_tree> tree_;
};

} // namespace weft::inline v0_1::http::detail
