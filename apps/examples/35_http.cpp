// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// weft::http, both sides: a server with routes, a stream and a middleware; a client that asks it.

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace http = weft::http;

weft::task<> greet(http::request& req, http::response& res)
{
    res.send("hello, " + std::string(req.path_value("name")) + "\n");
    co_return;
}

weft::task<> count(http::request& req, http::response& res)
{
    for (int i = 1; i <= 3; ++i) {
        co_await res.write(std::to_string(i) + (i < 3 ? " " : "\n"));
        co_await res.flush(); // each one is on its way
        co_await weft::sleep(req.context(),
                             std::chrono::milliseconds(5)); // ends if the client goes
    }
}

weft::task<> sum(http::request& req, http::response& res)
{
    const std::string text = co_await req.body().read_all();
    if (text.empty()) throw http::error(http::status::bad_request, "nothing");
    int total = 0;
    for (const char c : text) total += c - '0';
    res.send(std::to_string(total) + "\n");
}

weft::task<> program()
{
    http::server server;
    server.handle("GET /hello/{name}", greet);
    server.handle("GET /count", count);
    server.handle("POST /sum", sum);
    server.use([](http::handler next) -> http::handler {
        return [next](http::request& req, http::response& res) -> weft::task<> {
            res.set_header("X-Served-By", "weft");
            co_await next(req, res);
        };
    });
    const auto port = server.listen("127.0.0.1:0").port();
    const std::string base = "http://127.0.0.1:" + std::to_string(port);
    const auto life = weft::with_cancel(weft::background());
    auto serving = weft::spawn([&] { return server.serve(life.ctx); });

    http::client web;
    for (const char* path : {"/hello/gopher", "/count", "/nothing"}) {
        auto answer = co_await web.get(life.ctx, base + path);
        std::cout << code(answer.status()) << ' ' << co_await answer.text();
    }
    auto added = co_await web.post(life.ctx, base + "/sum", "1234", "text/plain");
    std::cout << added.header("X-Served-By") << " adds up to " << co_await added.text();
    auto empty = co_await web.post(life.ctx, base + "/sum", "", "text/plain");
    std::cout << code(empty.status()) << ' ' << co_await empty.text();
    life.cancel();
    co_await serving.join(); // all is answered
}

int main()
{
    weft::run(program);
}

// Output:
// 200 hello, gopher
// 200 1 2 3
// 404 404 page not found
// weft adds up to 10
// 400 nothing
