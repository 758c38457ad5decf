// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The routes that the HTTP benchmark asks for: weft_http_server PORT PROCS. go/main.go is its twin.

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <nlohmann/json.hpp>

#include <cstdlib>
#include <string>
#include <string_view>

namespace http = weft::http;

namespace {

weft::task<> hello(http::request&, http::response& res)
{
    res.send("Hello, world!\n");
    co_return;
}

weft::task<> echo(http::request& req, http::response& res)
{
    const std::string body = co_await req.body().read_all();
    const auto parsed = nlohmann::json::parse(body, nullptr, false);
    if (parsed.is_discarded()) throw http::error(http::status::bad_request);
    res.send(parsed.dump(), "application/json");
}

weft::task<> download(http::request&, http::response& res)
{
    static const std::string piece(64 * 1024, 'x');
    res.set_header("Content-Length", "1048576");
    for (int i = 0; i < 16; ++i) co_await res.write(piece);
}

weft::task<> upload(http::request& req, http::response& res)
{
    std::uint64_t n = 0;
    while (true) {
        const std::string_view piece = co_await req.body().read();
        if (piece.empty()) break;
        n += piece.size();
    }
    res.send(std::to_string(n) + "\n");
}

} // namespace

int main(int argc, char** argv)
{
    const std::string port = argc > 1 ? argv[1] : "8080";
    weft::runtime_options options;
    if (argc > 2) options.procs = static_cast<unsigned>(std::atoi(argv[2]));
    auto program = [&](weft::context ctx) -> weft::task<> {
        http::server_options o;
        o.server_name.clear(); // Go's sends none
        http::server server(o);
        server.handle("GET /hello", hello);
        server.handle("POST /echo", echo);
        server.handle("GET /download", download);
        server.handle("POST /upload", upload);
        server.listen("127.0.0.1:" + port);
        co_await server.serve(ctx);
    };
    weft::run(program, options);
}
