// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A sample HTTP server: what a service of one's own could begin as.

#include "clients.hpp"
#include "clock_events.hpp"
#include "metrics.hpp"
#include "notes.hpp"
#include "options.hpp"
#include "page.hpp"
#include "run_service.hpp"

#include <weft/http.hpp>
#include <weft/http/debug_handler.hpp>
#include <weft/weft.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace httpd {
namespace {

namespace http = weft::http;
using namespace std::chrono_literals;

/// Everything a request can meet.
struct service {
    explicit service(const options& o) : chosen(o), per_client(o.rate, o.burst), server(settings(o))
    {
    }

    http::server_options settings(const options& o)
    {
        http::server_options s;
        s.max_connections = o.max_connections;
        s.handler_timeout = o.handler_timeout;
        s.shutdown_grace = o.grace;
        s.linger_idle = o.linger;
        s.server_name = "weft-httpd";
        s.on_response = [this](const http::request& req, const http::response& res,
                               weft::duration took) {
            counted.observe(req, res, took);
            if (chosen.quiet) return;
            spdlog::info("{} \"{} {}\" {} {}B {:.3f}ms",
                         req.remote_endpoint().address().to_string(), req.method(), req.target(),
                         code(res.status()), res.body_size(),
                         std::chrono::duration<double, std::milli>(took).count());
        };
        return s;
    }

    const options& chosen;
    notes all_notes;
    clients per_client;
    metrics counted;
    clock_events events;
    http::server server;
    std::vector<weft::debug::metric_registration> shown = show_connections(server);
};

/// Whether it was this machine that asked, and not a proxy here for somebody else.
bool is_from_here(const http::request& req)
{
    const auto peer = req.remote_endpoint().address();
    const bool mapped = peer.is_v6() && peer.to_v6().is_v4_mapped();
    const bool here =
        mapped ? asio::ip::make_address_v4(asio::ip::v4_mapped, peer.to_v6()).is_loopback()
               : peer.is_loopback();
    return here && req.header("X-Forwarded-For").empty() && req.header("Forwarded").empty();
}

/// The program's inside: for this machine, unless the options let everybody in.
http::handler debug_pages(bool for_all)
{
    return [for_all, pages = weft::debug::handler()](http::request& req,
                                                     http::response& res) -> weft::task<> {
        if (!for_all && !is_from_here(req))
            throw http::error(http::status::forbidden, "only for this machine (--debug-for-all)");
        return pages(req, res);
    };
}

/// GET /slow?ms=N: waits, unless the client goes away or the time for a request is over.
weft::task<> slow(http::request& req, http::response& res)
{
    const std::string text = req.query_value("ms").value_or("1000");
    int ms = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), ms);
    if (r.ec != std::errc() || r.ptr != text.data() + text.size() || ms < 0)
        throw http::error(http::status::bad_request, "ms must be a number of milliseconds");
    co_await weft::sleep(req.context(), std::chrono::milliseconds(ms));
    res.send("waited for " + std::to_string(ms) + " ms\n");
}

void add_routes(service& s)
{
    http::server& to = s.server;
    if (s.chosen.rate > 0)
        to.use([&s](http::handler next) { return s.per_client.limited(std::move(next)); });

    to.handle("GET /{$}", [](http::request&, http::response& res) -> weft::task<> {
        res.send(std::string(front_page), "text/html; charset=utf-8");
        co_return;
    });
    to.handle("GET /hello/{name}", [](http::request& req, http::response& res) -> weft::task<> {
        res.send("hello, " + std::string(req.path_value("name")) + "\n");
        co_return;
    });
    s.all_notes.add_routes(to);
    to.handle("GET /events", std::bind_front(&clock_events::serve, &s.events),
              {.handler_timeout = weft::duration(0)});
    to.handle("GET /slow", slow);
    to.handle("GET /metrics", weft::debug::handler());
    to.handle("/debug/", debug_pages(s.chosen.debug_for_all),
              {.handler_timeout = weft::duration(0)}); // a profile takes its time
    to.handle("GET /healthz", [](http::request&, http::response& res) -> weft::task<> {
        res.send("ok\n");
        co_return;
    });
    if (!s.chosen.root.empty())
        to.handle("GET /static/{path...}", http::file_server(s.chosen.root));
}

weft::task<> serve(const options& chosen, weft::context ctx)
{
    service s(chosen);
    add_routes(s);
    const auto at = s.server.listen(chosen.listen);
    spdlog::info("listening on http://{}:{}",
                 at.address().is_v6() ? "[" + at.address().to_string() + "]"
                                      : at.address().to_string(),
                 at.port());
    if (!chosen.listen_tls.empty()) {
        const http::tls_options tls{.certificate_file = chosen.certificate, .key_file = chosen.key};
        const auto safe = s.server.listen_tls(chosen.listen_tls, tls);
        spdlog::info("listening on https://{}:{}", safe.address().to_string(), safe.port());
    }
    auto ticking = weft::spawn(&clock_events::run, &s.events, ctx);
    co_await s.server.serve(ctx);
    co_await ticking.join();
    spdlog::info("all requests are answered; bye");
}

} // namespace
} // namespace httpd

int main(int argc, char** argv)
{
    const httpd::command_line line = httpd::read_options(argc, argv);
    if (line.exit_status) return *line.exit_status;
    const auto program = [&line](weft::context ctx) { return httpd::serve(line.chosen, ctx); };
    return apps::run_service("httpd", program, line.chosen.procs);
}
