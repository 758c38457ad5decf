// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

namespace http = weft::http;
using weft_test::served;
using namespace std::chrono_literals;

namespace {

std::string at(const served& s, std::string_view target)
{
    return "http://127.0.0.1:" + std::to_string(s.port()) + std::string(target);
}

/// Runs a test's goroutine on the server's runtime.
template <class F>
void run(served& s, F f)
{
    weft::sync_wait(s.runtime().get_executor(), f);
}

void routes(http::server& to)
{
    to.handle("GET /hello", [](http::request&, http::response& res) -> weft::task<> {
        res.set_header("X-Kind", "greeting");
        res.send("hello");
        co_return;
    });
    to.handle("/echo", [](http::request& req, http::response& res) -> weft::task<> {
        std::string body = co_await req.body().read_all();
        res.set_header("X-Method", req.method());
        res.set_header("X-Type", req.header("Content-Type"));
        res.set_header("X-Agent", req.header("User-Agent"));
        res.set_header("X-Auth", req.header("Authorization"));
        res.send(std::move(body));
    });
    to.handle("GET /stream", [](http::request&, http::response& res) -> weft::task<> {
        const std::string piece(10'000, 's');
        for (int i = 0; i < 300; ++i) co_await res.write(piece);
    });
    to.handle("GET /never", [](http::request& req, http::response&) -> weft::task<> {
        co_await req.context().done();
    });
    to.handle("GET /half", [](http::request& req, http::response& res) -> weft::task<> {
        co_await res.write("first");
        co_await res.flush();
        co_await req.context().done();
    });
    to.handle("/to/{code}", [](http::request& req, http::response& res) -> weft::task<> {
        res.set_header("Location", req.query_value("next").value_or("/echo"));
        res.set_status(http::status{std::stoi(std::string(req.path_value("code")))}).send("moved");
        co_return;
    });
    to.handle("GET /loop", [](http::request&, http::response& res) -> weft::task<> {
        res.set_header("Location", "/loop");
        res.set_status(http::status::found);
        co_return;
    });
}

} // namespace

TEST_CASE("get, head and post; what the client adds by itself")
{
    served s(routes);
    run(s, [&]() -> weft::task<> {
        http::client web;
        const weft::context ctx = weft::background();
        auto hello = co_await web.get(ctx, at(s, "/hello"));
        CHECK(hello.status() == http::status::ok);
        CHECK(hello.ok());
        CHECK(hello.reason() == "OK");
        CHECK(hello.header("x-kind") == "greeting");
        CHECK(hello.body().length() == 5);
        CHECK(co_await hello.text() == "hello");
        auto head = co_await web.head(ctx, at(s, "/hello"));
        CHECK(head.header("content-length") == "5");
        CHECK(head.body().at_end());
        auto posted = co_await web.post(ctx, at(s, "/echo"), "{}", "application/json");
        CHECK(posted.header("x-method") == "POST");
        CHECK(posted.header("x-type") == "application/json");
        CHECK(posted.header("x-agent") == "weft");
        CHECK(co_await posted.text() == "{}");
        auto none = co_await web.get(ctx, at(s, "/nothing"));
        CHECK(none.status() == http::status::not_found);
        CHECK_FALSE(none.ok());
        CHECK(co_await none.text() == "404 page not found\n");
        http::client_request own;
        own.method = "PUT";
        own.url = at(s, "/echo");
        own.fields.add("User-Agent", "mine");
        own.fields.add("Content-Length", "999");
        own.fields.add("Host", "other");
        own.fields.add("Expect", "what it does not do itself");
        own.body = "abc";
        auto put = co_await web.send(ctx, std::move(own));
        CHECK(put.header("x-method") == "PUT");
        CHECK(put.header("x-agent") == "mine");
        CHECK(co_await put.text() == "abc");
    });
    CHECK(s.server().statistics().accepted == 1); // one connection for all of them
}

TEST_CASE("bodies are streamed, both ways")
{
    served s(routes);
    run(s, [&]() -> weft::task<> {
        http::client web;
        auto stream = co_await web.get(weft::background(), at(s, "/stream"));
        CHECK_FALSE(stream.body().length().has_value());
        std::size_t n = 0, pieces = 0;
        while (true) {
            const std::string_view piece = co_await stream.body().read();
            if (piece.empty()) break;
            n += piece.size();
            ++pieces;
        }
        CHECK(n == 3'000'000);
        CHECK(pieces > 10);
        for (const bool in_chunks : {true, false}) {
            http::client_request up;
            up.method = "POST";
            up.url = at(s, "/echo");
            up.stream = [](http::body_writer& to) -> weft::task<> {
                for (int i = 0; i < 1000; ++i) co_await to.write("0123456789");
            };
            if (!in_chunks) up.stream_length = 10'000;
            auto answer = co_await web.send(weft::background(), std::move(up));
            const std::string text = co_await answer.text();
            CHECK(text.size() == 10'000);
        }
        http::client_request wrong;
        wrong.method = "POST";
        wrong.url = at(s, "/echo");
        wrong.stream_length = 5;
        wrong.stream = [](http::body_writer& to) -> weft::task<> { co_await to.write("123"); };
        CHECK_THROWS_AS((void)co_await web.send(weft::background(), std::move(wrong)),
                        std::invalid_argument);
        auto limited = co_await web.get(weft::background(), at(s, "/stream"));
        CHECK_THROWS_AS((void)co_await limited.text(1000), http::error);
    });
    CHECK(s.is_left_alone()); // the client has gone, and its idle connection with it
}

TEST_CASE("connections are used again, unless the response was dropped or the server closed")
{
    http::server_options o;
    o.max_requests_per_connection = 3;
    served s(routes, o);
    run(s, [&]() -> weft::task<> {
        http::client web;
        for (int i = 0; i < 6; ++i) {
            auto r = co_await web.get(weft::background(), at(s, "/hello"));
            CHECK(co_await r.text() == "hello");
        }
        CHECK(s.server().statistics().accepted == 2);
        {
            auto dropped = co_await web.get(weft::background(), at(s, "/stream"));
        }
        auto after = co_await web.get(weft::background(), at(s, "/hello"));
        CHECK(co_await after.text() == "hello");
        CHECK(s.server().statistics().accepted == 4);
        web.close_idle_connections();
    });
    CHECK(s.is_left_alone());
}

TEST_CASE("a connection that the server closed while it was idle is noticed")
{
    http::server_options o;
    o.idle_timeout = 50ms;
    served s(routes, o);
    run(s, [&]() -> weft::task<> {
        http::client web;
        for (int i = 0; i < 3; ++i) {
            auto r = co_await web.post(weft::background(), at(s, "/echo"), "x", "text/plain");
            CHECK(co_await r.text() == "x");
            co_await weft::sleep(200ms);
        }
        CHECK(s.server().statistics().accepted == 3);
    });
}

TEST_CASE("no more than so many connections to a host")
{
    std::atomic<int> now{0}, most{0};
    served s([&](http::server& to) {
        to.handle("GET /", [&](http::request&, http::response& res) -> weft::task<> {
            const int n = ++now;
            if (n > most) most = n;
            co_await weft::sleep(5ms);
            --now;
            res.send("x");
        });
    });
    run(s, [&]() -> weft::task<> {
        http::client_options o;
        o.max_connections_per_host = 3;
        http::client web(o);
        weft::wait_group all;
        for (int i = 0; i < 20; ++i) {
            all.go([&]() -> weft::task<> {
                auto r = co_await web.get(weft::background(), at(s, "/"));
                CHECK(co_await r.text() == "x");
            });
        }
        co_await all.wait();
        CHECK(most <= 3);
        CHECK(s.server().statistics().accepted <= 3);
    });
}

TEST_CASE("the context ends a call wherever it is, and so do the options' times")
{
    served s(routes);
    const auto code_of = [](auto call) -> weft::task<std::error_code> {
        try {
            co_await call();
        } catch (const weft::error& e) {
            co_return e.code();
        }
        co_return std::error_code();
    };
    run(s, [&]() -> weft::task<> {
        http::client web;
        const auto begin = std::chrono::steady_clock::now();
        auto never = [&]() -> weft::task<> {
            const auto soon = weft::with_timeout(weft::background(), 50ms);
            (void)co_await web.get(soon.ctx, at(s, "/never"));
        };
        CHECK(co_await code_of(never) == weft::errc::deadline_exceeded);
        auto half = [&]() -> weft::task<> {
            const auto soon = weft::with_timeout(weft::background(), 50ms);
            auto r = co_await web.get(soon.ctx, at(s, "/half"));
            (void)co_await r.text();
        };
        CHECK(co_await code_of(half) == weft::errc::deadline_exceeded);
        auto cancelled = [&]() -> weft::task<> {
            const auto life = weft::with_cancel(weft::background());
            weft::go([end = life.cancel]() -> weft::task<> {
                co_await weft::sleep(30ms);
                end();
            });
            (void)co_await web.get(life.ctx, at(s, "/never"));
        };
        CHECK(co_await code_of(cancelled) == weft::errc::canceled);
        http::client_options o;
        o.timeout = 50ms;
        http::client hasty(o);
        auto total = [&]() -> weft::task<> {
            auto r = co_await hasty.get(weft::background(), at(s, "/half"));
            (void)co_await r.text();
        };
        CHECK(co_await code_of(total) == weft::errc::deadline_exceeded);
        o.timeout = 0s;
        o.header_timeout = 50ms;
        http::client impatient(o);
        auto header = [&]() -> weft::task<> {
            (void)co_await impatient.get(weft::background(), at(s, "/never"));
        };
        CHECK(co_await code_of(header) == weft::errc::deadline_exceeded);
        CHECK(std::chrono::steady_clock::now() - begin < 5s);
    });
    CHECK(s.is_left_alone());
}

TEST_CASE("redirects are followed by the rules")
{
    served s(routes);
    served other(routes);
    run(s, [&]() -> weft::task<> {
        http::client web;
        const auto ask = [&](std::string method, std::string target, std::string body = "") {
            http::client_request r;
            r.method = std::move(method);
            r.url = at(s, target);
            r.body = std::move(body);
            r.fields.add("Authorization", "secret");
            return web.send(weft::background(), std::move(r));
        };
        for (const char* code : {"301", "302", "303"}) {
            auto r = co_await ask("POST", std::string("/to/") + code, "body");
            CHECK(r.header("x-method") == "GET");
            CHECK(r.header("x-auth") == "secret");
            CHECK(r.url().target == "/echo");
            CHECK((co_await r.text()).empty());
        }
        for (const char* code : {"307", "308"}) {
            auto r = co_await ask("POST", std::string("/to/") + code, "body");
            CHECK(r.header("x-method") == "POST");
            CHECK(co_await r.text() == "body");
        }
        auto head = co_await ask("HEAD", "/to/302");
        CHECK(head.header("x-method") == "HEAD");
        auto away =
            co_await ask("GET", "/to/302?next=" + http::percent_encoded(at(other, "/echo")));
        CHECK(away.ok());
        CHECK(away.header("x-auth").empty());
        CHECK_THROWS_AS((void)co_await ask("GET", "/loop"), http::error);
        CHECK_THROWS_AS((void)co_await ask("GET", "/to/302?next=ftp%3A%2F%2Fx%2F"), http::error);
        http::client_options o;
        o.max_redirects = 0;
        http::client stays(o);
        auto there = co_await stays.get(weft::background(), at(s, "/to/302"));
        CHECK(there.status() == http::status::found);
    });
}

// It was: written a second time, if the method was GET.
TEST_CASE("the stream of a request is not written twice, whatever the redirect")
{
    served s(routes);
    run(s, [&]() -> weft::task<> {
        http::client web;
        for (const char* target : {"/to/302", "/to/307"}) {
            int written = 0;
            http::client_request r;
            r.url = at(s, target);
            r.stream_length = 4;
            r.stream = [&](http::body_writer& to) -> weft::task<> {
                ++written;
                co_await to.write("body");
            };
            auto moved = co_await web.send(weft::background(), std::move(r));
            CHECK(is_redirect(moved.status())); // it could not be followed
            CHECK(written == 1);
        }
    });
}

TEST_CASE("idempotent requests are tried again, others are not")
{
    std::atomic<int> calls{0};
    served s([&](http::server& to) {
        to.handle("/flaky", [&](http::request&, http::response& res) -> weft::task<> {
            if (++calls % 3 != 0) res.set_status(http::status::service_unavailable);
            res.send("answer");
            co_return;
        });
    });
    run(s, [&]() -> weft::task<> {
        http::client_options o;
        o.retries = 2;
        o.retry_policy = {.initial = 1ms, .max = 5ms};
        http::client web(o);
        auto r = co_await web.get(weft::background(), at(s, "/flaky"));
        CHECK(r.ok());
        CHECK(calls == 3);
        auto posted = co_await web.post(weft::background(), at(s, "/flaky"), "", "text/plain");
        CHECK(posted.status() == http::status::service_unavailable);
        CHECK(calls == 4);
        o.retries = 1;
        http::client once_more(o);
        calls = 0;
        auto last = co_await once_more.get(weft::background(), at(s, "/flaky"));
        CHECK(last.status() == http::status::service_unavailable); // the last one is the answer
        CHECK(co_await last.text() == "answer");
        CHECK(calls == 2);
    });
}

TEST_CASE("mistakes are told at once, and who is not there is named")
{
    served s(routes);
    std::uint16_t nobody = 0;
    {
        const served gone(routes);
        nobody = gone.port();
    }
    run(s, [&]() -> weft::task<> {
        http::client web;
        const weft::context ctx = weft::background();
        CHECK_THROWS_AS(http::client({.user_agent = "a\r\nb: c"}), std::invalid_argument);
        CHECK_THROWS_AS((void)co_await web.get(ctx, "no url"), std::invalid_argument);
        CHECK_THROWS_AS((void)co_await web.get(ctx, "ftp://x/"), std::invalid_argument);
        http::client_request bad;
        bad.method = "GE T";
        bad.url = at(s, "/");
        CHECK_THROWS_AS((void)co_await web.send(ctx, std::move(bad)), std::invalid_argument);
        const std::string where = "127.0.0.1:" + std::to_string(nobody);
        CHECK_THROWS_WITH_AS((void)co_await web.get(ctx, "http://" + where),
                             doctest::Contains(where.c_str()), asio::system_error);
        CHECK_THROWS_AS((void)co_await web.get(ctx, "http://no.such.host.invalid/"),
                        asio::system_error);
    });
}

TEST_CASE("addresses that are not allowed are not connected to, whatever they are called")
{
    std::atomic<int> calls{0};
    served s([&](http::server& to) {
        to.handle("/", [&](http::request&, http::response&) -> weft::task<> {
            ++calls;
            co_return;
        });
    });
    run(s, [&]() -> weft::task<> {
        http::client_options o;
        o.allows_address = [](const asio::ip::address& a) { return !a.is_loopback(); };
        http::client web(o);
        for (const std::string host : {"127.0.0.1", "localhost"}) {
            const std::string url = "http://" + host + ":" + std::to_string(s.port()) + "/";
            asio::error_code why;
            try {
                (void)co_await web.get(weft::background(), url);
            } catch (const asio::system_error& e) {
                why = e.code();
            }
            CHECK(why == asio::error::access_denied);
        }
        CHECK(calls == 0);
    });
}
