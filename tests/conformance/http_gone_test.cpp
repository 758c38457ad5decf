// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Clients that go away, in every phase of a request: they leave neither a goroutine nor a connection behind.

#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <thread>

using namespace std::chrono_literals;
using weft::task;
using weft::http::request;
using weft::http::response;
using weft_test::served;
using weft_test::wire;

namespace {

using stopwatch = std::chrono::steady_clock;

constexpr std::string_view header = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view header_of_body =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

/// Reads the body and says how long it is.
task<> read(request& req, response& res)
{
    res.send(std::to_string((co_await req.body().read_all()).size()));
}

auto by(task<> (*h)(request&, response&))
{
    return [h](weft::http::server& s) { s.handle("/", h); };
}

struct way {
    const char* name;
    void (*go)(wire&);
};

constexpr way ways[] = {
    {"half-closed", [](wire& w) { w.end_of_sending(); }},
    {"reset", [](wire& w) { w.reset(); }},
    {"closed", [](wire& w) { w.close(); }},
};

/// Sends `begin`, waits until the server is there, and goes away; the server must be left alone while its timeouts are far
/// off.
void go_away(const served::set_up& routes, std::string_view begin,
             const std::function<bool()>& is_there)
{
    for (const way& w : ways) {
        CAPTURE(w.name);
        served s(routes);
        wire client = s.connect();
        client.send(begin);
        const auto end = stopwatch::now() + 5s;
        while (!(s.server().statistics().open == 1 && is_there()) && stopwatch::now() < end)
            std::this_thread::sleep_for(1ms);
        CHECK(is_there());
        w.go(client);
        CHECK(s.is_left_alone());
        CHECK(s.server().statistics().timed_out == 0);
        CHECK(s.server().statistics().panics == 0);
    }
}

} // namespace

TEST_CASE("a client goes away before it has sent anything")
{
    go_away(by(read), "", [] { return true; });
}

TEST_CASE("a client goes away inside of a header")
{
    go_away(by(read), header.substr(0, 20), [] { return true; });
}

TEST_CASE("a client goes away inside of a body")
{
    std::atomic<int> inside{0};
    const auto count = [&](request& req, response&) -> task<> {
        ++inside;
        const weft::defer left([&] { --inside; });
        co_await req.body().read_all();
    };
    go_away([&](weft::http::server& s) { s.handle("/", count); },
            std::string(header_of_body) + "some of it", [&] { return inside == 1; });
    CHECK(inside == 0);
}

TEST_CASE("a client goes away while a handler waits with the request's context")
{
    std::atomic<int> inside{0};
    std::atomic<int> told{0};
    const auto wait = [&](request& req, response&) -> task<> {
        ++inside;
        const weft::defer left([&] { --inside; });
        co_await req.body().read_all();
        weft::channel<int> never;
        try {
            co_await never.receive(req.context());
        } catch (const weft::error& e) {
            if (e.code() == weft::errc::canceled) ++told;
            throw;
        }
    };
    const auto routes = [&](weft::http::server& s) { s.handle("/", wait); };
    go_away(routes, header, [&] { return inside == 1; });
    CHECK(told == 3);
    go_away(routes, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello",
            [&] { return inside == 1; });
    CHECK(told == 6);
    CHECK(inside == 0);
}

TEST_CASE("a client goes away while a stream is written")
{
    std::atomic<int> inside{0};
    const auto stream = [&](request& req, response& res) -> task<> {
        ++inside;
        const weft::defer left([&] { --inside; });
        while (true) {
            co_await res.write("tick\n");
            co_await res.flush();
            co_await weft::sleep(req.context(), 5ms);
        }
    };
    go_away([&](weft::http::server& s) { s.handle("/", stream); }, header,
            [&] { return inside == 1; });
    CHECK(inside == 0);
}

TEST_CASE("a client goes away while a stream is written that nobody watches")
{
    const auto pour = [](request&, response& res) -> task<> {
        const std::string piece(64 * 1024, 'x');
        while (true) co_await res.write(piece);
    };
    const served s([&](weft::http::server& server) { server.handle("/", pour); });
    for (const way& w : ways) {
        CAPTURE(w.name);
        wire client = s.connect();
        client.send(header);
        CHECK(client.receive(true).status == 200);
        w.go(client);
        client.close(); // a client that still listens may stop sending
        CHECK(s.is_left_alone());
    }
}

TEST_CASE("a client that stops sending gets its answer")
{
    const served s(by(read));
    wire w = s.connect();
    w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").end_of_sending();
    CHECK(w.receive().body == "5");
    CHECK(w.is_closed_by_server());
    CHECK(s.is_left_alone());
}
