// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The snippets of http.md.

#include "testing.hpp"

#include <weft/http/debug_handler.hpp>

// [snippet server]
#include <weft/http.hpp>
#include <weft/weft.hpp>

namespace http = weft::http;

weft::task<> hello(http::request& req, http::response& res)
{
    res.send("hello, " + std::string(req.path_value("name")) + "\n");
    co_return;
}

weft::task<> serve(weft::context ctx, std::string address)
{
    http::server server;
    server.handle("GET /hello/{name}", hello);
    server.listen(address);     // "127.0.0.1:8080"
    co_await server.serve(ctx); // until the context ends, and all is answered
}
// [snippet end]

#include <stdexcept>
#include <string>

namespace {

weft::task<std::string> ask(weft::context ctx, std::string url)
{
    // [snippet client]
    http::client web; // a handle: share it
    auto res = co_await web.get(ctx, url);
    if (!res.ok()) throw std::runtime_error("no data: " + res.reason());
    const std::string text = co_await res.text(); // or piece by piece: res.body().read()
    // [snippet end]
    co_return text;
}

// [snippet debug_pages]
void show_debug_pages(weft::context ctx) // #include <weft/http/debug_handler.hpp>
{
    weft::go(ctx, [ctx] { return weft::debug::serve(ctx, "127.0.0.1:6060"); });
}
// [snippet end]

} // namespace

TEST_CASE("debug pages end with their context")
{
    weft::run([]() -> weft::task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        cancel(); // so the port is not taken: the goroutine does not run
        show_debug_pages(ctx);
        co_await weft::this_goroutine::yield();
    });
}

TEST_CASE("a server and a client")
{
    weft::run([]() -> weft::task<> {
        http::server server;
        server.handle("GET /hello/{name}", hello);
        const auto port = server.listen("127.0.0.1:0").port();
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto serving = weft::spawn([&server, ctx = ctx] { return server.serve(ctx); });
        const std::string base = "http://127.0.0.1:" + std::to_string(port);
        const std::string text = co_await ask(ctx, base + "/hello/gopher");
        CHECK(text == "hello, gopher\n");
        std::string failed;
        try {
            co_await ask(ctx, base + "/nothing");
        } catch (const std::runtime_error& e) {
            failed = e.what();
        }
        CHECK(failed == "no data: Not Found");
        cancel();
        co_await serving.join();
    });
}

TEST_CASE("serve returns when its context ends")
{
    weft::run([]() -> weft::task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto serving = weft::spawn(serve, ctx, "127.0.0.1:0");
        co_await weft::this_goroutine::yield();
        cancel();
        co_await serving.join();
    });
}
