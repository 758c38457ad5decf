// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

/// A program that serves HTTP, and knows weft only as an installed package.

#include <weft/http.hpp>
#include <weft/weft.hpp>

int main()
{
    return weft::run([]() -> weft::task<int> {
        weft::http::server server;
        server.handle("GET /", [](weft::http::request&, weft::http::response& res) -> weft::task<> {
            res.send("hello\n");
            co_return;
        });
        server.listen("127.0.0.1:0");
        const auto soon = weft::with_timeout(weft::background(), std::chrono::milliseconds(50));
        co_await server.serve(soon.ctx);
        co_return server.statistics().accepted == 0 ? 0 : 1;
    });
}
