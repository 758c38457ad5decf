// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/http/debug_handler.hpp>

#include <weft/blocking.hpp>
#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/dump.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/error.hpp>
#include <weft/http/error.hpp>
#include <weft/sleep.hpp>

#include <asio/ip/address.hpp>

#include <charconv>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace weft::debug {

namespace {

using http::request;
using http::response;

constexpr std::string_view root = "/debug/pprof/";
constexpr std::string_view plain = "text/plain; charset=utf-8";

struct entry {
    std::string what;
    debug_producer make;
};

struct page_list {
    std::mutex mutex;
    std::map<std::string, entry, std::less<>> all; ///< by path
};

debug_page text_page(std::string text, std::string_view type = plain)
{
    return {std::move(text), std::string(type)};
}

debug_page failure(std::string why)
{
    debug_page p = text_page(std::move(why) + '\n');
    p.status = http::status::internal_server_error;
    return p;
}

task<debug_page> goroutine_page(request& req)
{
    constexpr long most = 2;
    const long debug = query_number(req, "debug", 0, 0, most);
    const auto format = req.query_value("format");
    if (format && *format != "json")
        throw http::error(http::status::bad_request, "format: only json");
    if (!format && debug == 0)
        co_return debug_page{goroutine_profile().encoded(), "application/octet-stream",
                             "goroutine"};
    std::ostringstream out;
    dump_options options;
    options.form = format ? dump_form::json : debug == 1 ? dump_form::groups : dump_form::text;
    dump(out, options);
    co_return text_page(out.str(), format ? "application/json" : plain);
}

task<debug_page> profile_page(request& req)
{
    constexpr long usual = 30, most = 3600;
    const long seconds = query_number(req, "seconds", usual, 1, most);
    std::unique_ptr<cpu_profile> running;
    try {
        running = std::make_unique<cpu_profile>();
    } catch (const std::exception& e) {
        co_return failure("Could not enable CPU profiling: " + std::string(e.what()));
    }
    const context gone = req.context(); // ends it, if nobody is there any more
    co_await sleep(gone, std::chrono::seconds(seconds));
    // Reading symbol tables takes a while: not on a worker.
    cpu_profile* p = running.get();
    const auto finish = [p] { return p->stop().encoded(); };
    std::string bytes = co_await blocking(finish);
    co_return debug_page{std::move(bytes), "application/octet-stream", "profile"};
}

task<debug_page> heap_page(request&)
{
    try {
        co_return debug_page{heap_profile(), "application/octet-stream", "heap"};
    } catch (const std::runtime_error& e) {
        co_return failure(e.what());
    }
}

task<debug_page> cmdline_page(request&)
{
    std::ifstream in("/proc/self/cmdline", std::ios::binary);
    std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!all.empty() && all.back() == '\0') all.pop_back();
    co_return text_page(std::move(all));
}

task<debug_page> metrics_page(request&)
{
    co_return text_page(process_metrics().text() + runtime_metrics_text(), metrics_content_type);
}

page_list& pages()
{
    static page_list* list = [] {
        auto* made = new page_list; // never destroyed: a server may end late
        made->all = {
            {"/debug/pprof/cmdline", {"the program's arguments", cmdline_page}},
            {"/debug/pprof/goroutine",
             {"all goroutines: debug=1 in groups, debug=2 one by one, format=json",
              goroutine_page}},
            {"/debug/pprof/heap", {"live memory, if the allocator keeps account", heap_page}},
            {"/debug/pprof/profile", {"processor time: seconds=30", profile_page}},
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
                    std::to_string(goroutine_count()) + " goroutines</p>\n<ul>\n";
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
        res.send("Method Not Allowed\n", plain);
        co_return;
    }
    res.set_header("X-Content-Type-Options", "nosniff");
    res.set_header("Cache-Control", "no-store");
    const std::string& path = req.path();
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
    const auto at = server.listen(address);
    if (options.on_listen) options.on_listen(at);
    co_await server.serve(std::move(ctx));
}

} // namespace weft::debug
