// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_request_builder.hpp"

#include <weft/http/detail/routing.hpp>
#include <weft/http/router.hpp>
#include <weft/weft.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace http = weft::http;
using http::detail::request_builder;

namespace {

http::handler nothing()
{
    return [](http::request&, http::response&) -> weft::task<> { co_return; };
}

http::router routes(std::initializer_list<const char*> patterns)
{
    http::router r;
    for (const char* p : patterns) r.handle(p, nothing());
    return r;
}

/// What a request is answered with: the pattern and the values of its wildcards, or the status, Allow and Location.
std::string ask(const http::router& r, std::string_view method, std::string_view target,
                std::string_view host = "")
{
    std::string text;
    auto body = [&]() -> weft::task<> {
        http::request req;
        http::response res;
        request_builder::fill(req, method, target, host);
        const http::detail::destination to = r.table().find(req);
        co_await (*to.call)(req, res);
        text = req.pattern();
        if (text.empty()) text = std::to_string(code(res.status()));
        for (const char* name : {"x", "y", "id", "path", "rest"}) {
            const std::string_view v = req.path_value(name);
            if (!v.empty()) text += std::string(" ") + name + "=" + std::string(v);
        }
        for (const char* name : {"Allow", "Location"}) {
            const std::string_view v = res.fields().value_or(name, {});
            if (!v.empty()) text += " " + std::string(v);
        }
    };
    weft::run(body, {.procs = 1});
    return text;
}

std::string complaint(std::initializer_list<const char*> patterns)
{
    try {
        (void)routes(patterns);
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return "";
}

} // namespace

TEST_CASE("malformed patterns are refused with the reason")
{
    struct row {
        const char* pattern;
        const char* reason;
    };
    for (const row& r : {
             row{"", "empty"},
             row{"A=B /", "invalid method"},
             row{"GET", "missing /"},
             row{"GET  example.com", "missing /"},
             row{"{a}/x", "host contains '{'"},
             row{"/{w}x", "must end with '}'"},
             row{"/x{w}", "must start with '{'"},
             row{"/{wx", "must end with '}'"},
             row{"/{a$}", "bad wildcard name"},
             row{"/{}", "empty wildcard"},
             row{"/{...}", "empty wildcard"},
             row{"/{$...}", "bad wildcard"},
             row{"/{$}/", "{$} not at end"},
             row{"/{$}/x", "{$} not at end"},
             row{"/a/{x...}/b", "not at end"},
             row{"/{a}/{a}", "duplicate wildcard name"},
             row{"/{1a}", "bad wildcard name"},
             row{"GET //", "unclean"},
             row{"GET /a/../b", "unclean"},
         }) {
        CAPTURE(r.pattern);
        const std::string said = complaint({r.pattern});
        CAPTURE(said);
        CHECK(said.find(r.reason) != std::string::npos);
    }
    CHECK(complaint({"/", "/{a}/{b...}", "GET example.com/{$}", "/a/%7B", "CONNECT //"}).empty());
    http::router r;
    CHECK_THROWS_AS(r.handle("/", http::handler()), std::invalid_argument);
}

TEST_CASE("patterns that both match a request, neither being more specific, are a conflict")
{
    for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{
             {"/a", "/a"},
             {"/{x}", "/{y}"},
             {"GET /a/{x}", "GET /a/{y}"},
             {"/a/{x}/c", "/a/b/{y}"},
             {"/{x}/b", "/a/{y}"},
             {"/{x...}", "/{y...}"},
             {"/", "/{y...}"},
             {"/a/{x...}", "/{x}/b"},
             {"GET /", "/a"},
             {"GET /{x}", "/a"},
             {"HEAD /", "GET /a"},
             {"example.com/a", "EXAMPLE.com/a"},
         }) {
        CAPTURE(a);
        CAPTURE(b);
        for (const bool turned : {false, true}) {
            const std::string said = turned ? complaint({b, a}) : complaint({a, b});
            CHECK(said.find("conflicts with") != std::string::npos);
            CHECK(said.find(a) != std::string::npos);
            CHECK(said.find(b) != std::string::npos);
        }
    }
    CHECK(complaint({"/a/{x}/c", "/a/b/{y}"}).find("\"/a/b/c\"") != std::string::npos);
}

TEST_CASE("patterns of which one is more specific, or that share no request, are none")
{
    for (const auto& [a, b] : std::vector<std::pair<const char*, const char*>>{
             {"/a", "/b"},
             {"/a", "/a/"},
             {"/a", "/{x}"},
             {"/a/b", "/a/{x}"},
             {"/a/{x}", "/a/{x...}"},
             {"/a/{$}", "/a/"},
             {"/a/{$}", "/a/{x}"},
             {"GET /a", "/a"},
             {"GET /a", "POST /a"},
             {"HEAD /a", "GET /a"},
             {"GET /a", "/{x}"},
             {"example.com/{x}/b", "/a/{y}"},
             {"example.com/a", "example.org/a"},
             {"/{x}/", "/a/{y}/{z}/w"},
         }) {
        CAPTURE(a);
        CAPTURE(b);
        CHECK(complaint({a, b}).empty());
        CHECK(complaint({b, a}).empty());
    }
}

TEST_CASE("the most specific pattern answers, whatever the order")
{
    const std::initializer_list<const char*> patterns{
        "/",         "/{$}",         "/a",         "/a/",           "/a/{x}",
        "PUT /a/b",  "/a/{x}/c",     "GET /a/b",   "/g/{x}/{y...}", "POST /a/{x}",
        "h.com/a/b", "/s/{path...}", "/t/{x}/{$}",
    };
    const http::router r = routes(patterns);
    struct row {
        const char* method;
        const char* target;
        const char* host;
        const char* answer;
    };
    for (const row& w : {
             row{"GET", "/", "", "/{$}"},
             row{"GET", "/z", "", "/"},
             row{"GET", "/z/y/x/", "", "/"},
             row{"GET", "/a", "", "/a"},
             row{"GET", "/a?q=1", "", "/a"},
             row{"GET", "/a/", "", "/a/"},
             row{"GET", "/a/b", "", "GET /a/b"},
             row{"HEAD", "/a/b", "", "GET /a/b"},
             row{"PUT", "/a/b", "", "PUT /a/b"},
             row{"PUT", "/a/b", "h.com", "h.com/a/b"},
             row{"PUT", "/a/b", "H.COM:8080", "h.com/a/b"},
             row{"GET", "/a/b", "other.com", "GET /a/b"},
             row{"GET", "/a/q", "h.com", "/a/{x} x=q"},
             row{"POST", "/a/q", "", "POST /a/{x} x=q"},
             row{"GET", "/a/q/c", "", "/a/{x}/c x=q"},
             row{"GET", "/a/b/c", "", "/a/{x}/c x=b"}, // back from the literal b
             row{"GET", "/a/b/d", "", "/a/"},
             row{"GET", "/a/q/", "", "/a/"},
             row{"GET", "/g/1/2/3", "", "/g/{x}/{y...} x=1 y=2/3"},
             row{"GET", "/g/1/", "", "/g/{x}/{y...} x=1"},
             row{"GET", "/s/", "", "/s/{path...}"},
             row{"GET", "/s/a/b%2Fc/", "", "/s/{path...} path=a/b/c/"},
             row{"GET", "/t/1/", "", "/t/{x}/{$} x=1"},
             row{"GET", "/t/1/2", "", "/"},
             row{"GET", "/a%2Fb", "", "/"},
             row{"GET", "/a/%62", "", "GET /a/b"},
             row{"GET", "/a/x%20y%25", "", "/a/{x} x=x y%"},
             row{"GET", "/a/p%2Fq", "", "/a/{x} x=p/q"},
             row{"GET", "http://h.com/a/b", "h.com", "h.com/a/b"},
         }) {
        CAPTURE(w.method);
        CAPTURE(w.target);
        CAPTURE(w.host);
        CHECK(ask(r, w.method, w.target, w.host) == w.answer);
    }
}

TEST_CASE("no pattern is 404; none with the method is 405 and says which there are")
{
    const http::router r = routes({"GET /a", "POST /a", "DELETE /b/{x}", "h.com/c", "PUT h.com/a"});
    CHECK(ask(r, "GET", "/nope") == "404");
    CHECK(ask(r, "PUT", "/a") == "405 GET, HEAD, POST");
    CHECK(ask(r, "GET", "/b/1") == "405 DELETE");
    CHECK(ask(r, "DELETE", "/a", "h.com") == "405 GET, HEAD, POST, PUT");
    CHECK(ask(r, "GET", "/c") == "404");
    // Also where one of them would have been redirected; it used to be 404.
    const http::router below = routes({"GET /t/", "PUT /t", "POST /u/{$}", "DELETE h.com/u/"});
    CHECK(ask(below, "POST", "/t") == "405 GET, HEAD, PUT");
    CHECK(ask(below, "GET", "/u") == "405 POST");
    CHECK(ask(below, "GET", "/u", "h.com") == "405 DELETE, POST");
    CHECK(ask(below, "GET", "/u/x") == "404");
    CHECK(ask(r, "OPTIONS", "*") == "200");
}

TEST_CASE("a path that is not clean, or lacks its last slash, is redirected")
{
    const http::router r = routes({"/tree/", "/dir/{x}/", "/dir/{x}", "/e/{rest...}", "/f/{$}"});
    CHECK(ask(r, "GET", "/tree") == "307 /tree/");
    CHECK(ask(r, "GET", "/tree?q=1&r=2") == "307 /tree/?q=1&r=2");
    CHECK(ask(r, "POST", "/tree") == "307 /tree/");
    CHECK(ask(r, "GET", "/dir/1") == "/dir/{x} x=1");
    CHECK(ask(r, "GET", "/e") == "307 /e/");
    CHECK(ask(r, "GET", "/f") == "307 /f/");
    CHECK(ask(r, "GET", "/nope") == "404");
    CHECK(ask(r, "GET", "//tree//x") == "307 /tree/x");
    CHECK(ask(r, "GET", "/tree/./x/../y?z") == "307 /tree/y?z");
    CHECK(ask(r, "GET", "/tree/..") == "307 /");
    CHECK(ask(r, "GET", "/../../etc") == "307 /etc");
    CHECK(ask(r, "GET", "//evil.com/x") == "307 /evil.com/x"); // stays on this host
    CHECK(ask(r, "GET", "//tree?q") == "307 /tree/?q");        // both at once
    CHECK(ask(r, "GET", "/x/../f") == "307 /f/");
    CHECK(ask(r, "GET", "//tree/a%2Fb;c=d") == "307 /tree/a%2Fb;c=d");
    CHECK(ask(r, "GET", "/tree/...") == "/tree/");
    CHECK(ask(r, "GET", "/tree/.x") == "/tree/");
}

TEST_CASE("a redirect never leads to another host")
{
    // Browsers take a backslash for a slash: "/\evil.com" used to be the answer, and led there.
    const http::router r = routes({"/{x}/", "/{x}/{y}/{$}"});
    for (const auto& [target, to] : std::vector<std::pair<const char*, const char*>>{
             {"//\\evil.com/", "307 /%5Cevil.com/"},
             {"/.//\\evil.com/x/", "307 /%5Cevil.com/x/"},
             {"/\\evil.com", "307 /%5Cevil.com/"},
             {"/\\\\evil.com", "307 /%5C%5Cevil.com/"},
             {"/\\/evil.com", "307 /%5C/evil.com/"},
             {"/\\evil.com/../\\evil.org", "307 /%5Cevil.org/"},
             {"/a\"<b>", "307 /a%22%3Cb%3E/"},
             {"http://h.com//\\evil.com/", "307 /%5Cevil.com/"},
         }) {
        CAPTURE(target);
        CHECK(ask(r, "GET", target) == to);
    }
}

TEST_CASE("middleware is outside of all handlers, the first one outermost; 404, 405 and redirects "
          "pass through it")
{
    http::router r;
    std::string passed;
    const auto mark = [&](const char* name) {
        return [&passed, name](http::handler next) -> http::handler {
            return [&passed, name, next](http::request& req, http::response& res) -> weft::task<> {
                passed += name;
                co_await next(req, res);
                passed += '/';
                passed += name;
            };
        };
    };
    r.use(mark("a")).use(mark("b"));
    r.handle("GET /x", [&](http::request&, http::response&) -> weft::task<> {
        passed += "!";
        co_return;
    });
    r.handle("/t/", nothing());
    r.table().freeze();
    const auto path_of = [&](std::string_view method, std::string_view target) {
        passed.clear();
        (void)ask(r, method, target);
        return passed;
    };
    CHECK(path_of("GET", "/x") == "ab!/b/a");
    CHECK(path_of("PUT", "/x") == "ab/b/a");
    CHECK(path_of("GET", "/nope") == "ab/b/a");
    CHECK(path_of("GET", "/t") == "ab/b/a");
    CHECK_THROWS_AS(r.handle("/late", nothing()), weft::misuse_error);
    CHECK_THROWS_AS(r.use(mark("c")), weft::misuse_error);
}
