// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/http/debug_handler.hpp>

#include "debug_pages.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/http/error.hpp>

#include <asio/ip/address.hpp>

#include <charconv>
#include <map>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::debug {

namespace {

using http::request;
using http::response;

constexpr std::string_view root = "/debug/pprof/";
constexpr std::string_view live = "/debug/";
/// Nothing from elsewhere, and nobody's frame: all of these pages are of one piece.
constexpr std::string_view policy =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
    "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'";

struct entry {
    std::string what;
    debug_producer make;
};

struct page_list {
    std::mutex mutex;
    std::map<std::string, entry, std::less<>> all; ///< by path
};

task<debug_page> metrics_page(request&)
{
    co_return text_page(process_metrics().text() + runtime_metrics_text(), metrics_content_type);
}

page_list& pages()
{
    static page_list* list = [] {
        auto* made = new page_list; // never destroyed: a server may end late
        made->all = {
            {"/debug/goroutines.json",
             {"goroutines a page at a time: filter, limit, offset; groups=1", goroutine_list_page}},
            {"/debug/latency.json", {"from runnable to running: seconds=10", latency_page}},
            {"/debug/pprof/block",
             {"where goroutines wait: seconds=10, or since it was turned on", block_page}},
            {"/debug/pprof/cmdline", {"the program's arguments", cmdline_page}},
            {"/debug/pprof/goroutine",
             {"all goroutines: debug=1 in groups, debug=2 one by one, format=json",
              goroutine_page}},
            {"/debug/pprof/heap", {"live memory, if the allocator keeps account", heap_page}},
            {"/debug/pprof/mutex",
             {"who keeps locks from others: seconds=10, or since it was turned on", mutex_page}},
            {"/debug/pprof/profile", {"processor time: seconds=30", profile_page}},
            {"/debug/pprof/trace", {"a trace for Perfetto: seconds=1", trace_page}},
            {"/debug/state.json", {"what the live page shows", state_page}},
            {"/debug/trace", {"the same as /debug/pprof/trace", trace_page}},
            {"/metrics", {"for Prometheus", metrics_page}},
        };
        return made;
    }();
    return *list;
}

std::string escaped(std::string_view s)
{
    std::string t;
    for (const char c : s) {
        if (c == '<') t += "&lt;";
        else if (c == '>') t += "&gt;";
        else if (c == '&') t += "&amp;";
        else if (c == '"') t += "&quot;";
        else t += c;
    }
    return t;
}

std::string index_page()
{
    std::string t = "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<title>/debug/pprof/</title></head>\n<body><h1>/debug/pprof/</h1>\n<p>" +
                    std::to_string(goroutine_count()) +
                    " goroutines; <a href=\"/debug/\">/debug/</a> shows what they do</p>\n<ul>\n";
    page_list& list = pages();
    const std::lock_guard lock(list.mutex);
    for (const auto& [path, e] : list.all) {
        const bool groups = path == "/debug/pprof/goroutine";
        t += "<li><a href=\"" + escaped(path) + (groups ? "?debug=1" : "") + "\">" + escaped(path) +
             "</a>: " + escaped(e.what) + "</li>\n";
    }
    return t + "</ul></body></html>\n";
}

task<> answer(request& req, response& res)
{
    if (req.method() != "GET" && req.method() != "HEAD") {
        res.set_header("Allow", "GET, HEAD");
        res.set_status(http::status::method_not_allowed);
        res.send("Method Not Allowed\n", plain_text);
        co_return;
    }
    res.set_header("X-Content-Type-Options", "nosniff");
    res.set_header("Cache-Control", "no-store");
    res.set_header("Content-Security-Policy", policy);
    res.set_header("Referrer-Policy", "no-referrer");
    const std::string& path = req.path();
    if (path == live) {
        res.send(std::string(live_page()), "text/html; charset=utf-8");
        co_return;
    }
    if (path == root) {
        res.send(index_page(), "text/html; charset=utf-8");
        co_return;
    }
    debug_producer make;
    {
        page_list& list = pages();
        const std::lock_guard lock(list.mutex);
        if (const auto at = list.all.find(path); at != list.all.end()) make = at->second.make;
    }
    if (!make) throw http::error(http::status::not_found, "Unknown profile");
    debug_page page = co_await make(req);
    if (!page.file_name.empty())
        res.set_header("Content-Disposition", "attachment; filename=\"" + page.file_name + '"');
    res.set_status(page.status);
    res.send(std::move(page.body), page.content_type);
}

/// "127.0.0.1:6060" can only be reached from this machine; a name is looked up by the server, and could be anything.
bool is_loopback(std::string_view address)
{
    auto host = address.substr(0, address.rfind(':'));
    if (host == "localhost") return true;
    if (host.size() > 1 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    asio::error_code ec;
    const auto ip = asio::ip::make_address(std::string(host), ec);
    return !ec && ip.is_loopback();
}

} // namespace

void add_debug_page(const std::string& name, const std::string& what, debug_producer make)
{
    page_list& list = pages();
    const std::lock_guard lock(list.mutex);
    list.all[name.starts_with('/') ? name : std::string(root) + name] = {what, std::move(make)};
}

long query_number(const request& req, std::string_view name, long otherwise, long least, long most)
{
    const auto text = req.query_value(name);
    if (!text) return otherwise;
    long n = 0;
    const char* end = text->data() + text->size();
    const auto [at, ec] = std::from_chars(text->data(), end, n);
    if (ec != std::errc() || at != end || n < least || n > most) {
        throw http::error(http::status::bad_request, std::string(name) + ": a number between " +
                                                         std::to_string(least) + " and " +
                                                         std::to_string(most));
    }
    return n;
}

http::handler handler()
{
    return answer;
}

task<> serve(context ctx, std::string address)
{
    return serve(std::move(ctx), std::move(address), debug_server_options());
}

task<> serve(context ctx, std::string address, debug_server_options options)
{
    if (!options.allow_any_address && !is_loopback(address)) {
        throw std::invalid_argument("debug::serve: " + address +
                                    " is not this machine's alone (allow_any_address)");
    }
    http::server server(std::move(options.server));
    server.handle("/", handler());
    server.handle("/debug/", handler()); // leads from /debug there
    server.handle("/{$}", [](request&, response& res) -> task<> {
        res.set_header("Location", live);
        res.set_status(http::status::temporary_redirect).send("");
        co_return;
    });
    const auto at = server.listen(address);
    if (options.on_listen) options.on_listen(at);
    co_await server.serve(std::move(ctx));
}

} // namespace weft::inline v0_1::debug
