// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <string>

namespace httpd {

/// GET /events: the time, once a second, to whoever listens. One goroutine ticks, however many do.
class clock_events {
public:
    /// Ticks until `ctx` ends; then the streams end.
    [[nodiscard]] weft::task<> run(weft::context ctx);
    [[nodiscard]] weft::task<> serve(weft::http::request& req, weft::http::response& res);

private:
    weft::pattern::broadcast<std::string> ticks_;
};

} // namespace httpd
