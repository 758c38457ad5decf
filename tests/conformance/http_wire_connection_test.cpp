// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What comes after a request: another one, or the end. The numbers are sections: 9110 is HTTP Semantics, 9112 HTTP/1.1.

#include "http_wire.hpp"

#include <string>

using weft_test::all_are_answered;
using weft_test::mirror;
using weft_test::post;
using weft_test::served;
using weft_test::wire;
using weft_test::with_fields;

namespace {

std::string by_http_1_0(const std::string& fields)
{
    return "GET / HTTP/1.0\r\n" + fields + "\r\n";
}

} // namespace

TEST_CASE("RFC 9112 9.3: who wants the connection to go on")
{
    all_are_answered({
        {"9112 9.3: HTTP/1.1 does", with_fields(""), {"GET / HTTP/1.1 a"}},
        {"9112 9.6: unless it says close",
         with_fields("Connection: close\r\n"),
         {"GET / HTTP/1.1 a {Connection: close}"},
         true},
        {"9110 7.6.1: case does not matter",
         with_fields("connection: CLOSE\r\n"),
         {"GET / HTTP/1.1 a {connection: CLOSE}"},
         true},
        {"9110 7.6.1: in a list",
         with_fields("Connection: x , close,y\r\n"),
         {"GET / HTTP/1.1 a {Connection: x , close,y}"},
         true},
        {"9110 5.6.1: in a list with empty members",
         with_fields("Connection: ,, close ,\r\n"),
         {"GET / HTTP/1.1 a {Connection: ,, close ,}"},
         true},
        {"9110 5.3: in another line",
         with_fields("Connection: x\r\nConnection: close\r\n"),
         {"GET / HTTP/1.1 a {Connection: x} {Connection: close}"},
         true},
        {"9112 9.3: close wins",
         with_fields("Connection: close, keep-alive\r\n"),
         {"GET / HTTP/1.1 a {Connection: close, keep-alive}"},
         true},
        {"9112 9.3: also from behind",
         with_fields("Connection: keep-alive\r\nConnection: close\r\n"),
         {"GET / HTTP/1.1 a {Connection: keep-alive} {Connection: close}"},
         true},
        {"9110 7.6.1: another word",
         with_fields("Connection: closed, not-close\r\n"),
         {"GET / HTTP/1.1 a {Connection: closed, not-close}"}},
        {"9112 9.3: HTTP/1.0 does not", by_http_1_0(""), {"GET / HTTP/1.0 "}, true},
        {"9112 9.3: unless it says so",
         by_http_1_0("Connection: keep-alive\r\n"),
         {"GET / HTTP/1.0  {Connection: keep-alive}"}},
        {"9110 7.6.1: in any case",
         by_http_1_0("CONNECTION: Keep-Alive\r\n"),
         {"GET / HTTP/1.0  {CONNECTION: Keep-Alive}"}},
        {"9110 7.6.1: and in a list",
         by_http_1_0("Connection: x, keep-alive\r\n"),
         {"GET / HTTP/1.0  {Connection: x, keep-alive}"}},
        {"9112 9.3: close wins in HTTP/1.0",
         by_http_1_0("Connection: keep-alive, close\r\n"),
         {"GET / HTTP/1.0  {Connection: keep-alive, close}"},
         true},
        {"9112 9.3: wherever it stands",
         by_http_1_0("Connection: close, keep-alive\r\n"),
         {"GET / HTTP/1.0  {Connection: close, keep-alive}"},
         true},
        {"9112 C.2.2: what HTTP/1.0 does not know",
         by_http_1_0("Keep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\n"),
         {"GET / HTTP/1.0  {Keep-Alive: timeout=5} {Proxy-Connection: keep-alive}"},
         true},
        {"9112 9.6: what is behind the last request is not answered",
         with_fields("") + with_fields("Connection: close\r\n") + with_fields(""),
         {"GET / HTTP/1.1 a", "GET / HTTP/1.1 a {Connection: close}"},
         true},
        {"9112 9.3.2: requests sent ahead are answered in order",
         "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n" + post("Content-Length: 3\r\n", "two") +
             "\r\nGET /3 HTTP/1.1\r\nHost: a\r\n\r\n" +
             "POST /4 HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 4\r\n\r\nfour",
         {"GET /1 HTTP/1.1 a", "POST / HTTP/1.1 a {Content-Length: 3} <two>", "GET /3 HTTP/1.1 a",
          "POST /4 HTTP/1.0  {Connection: keep-alive} {Content-Length: 4} <four>"}},
    });
}

TEST_CASE("RFC 9112 9.3: HTTP/1.0 is told that the connection goes on")
{
    const mirror m;
    wire w = m.connect();
    w.send(by_http_1_0("Connection: keep-alive\r\n"));
    CHECK(w.receive().field("Connection") == "keep-alive");
    w.send(by_http_1_0(""));
    CHECK(w.receive().field("Connection") == "close");
    CHECK(w.is_closed_by_server());
}

TEST_CASE("RFC 9110 9.3.2: HEAD is answered like GET, without the body")
{
    const mirror m;
    wire w = m.connect();
    w.send("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + with_fields(""));
    const auto head = w.receive(true);
    CHECK(head.status == 200);
    CHECK(head.field("Content-Length") == "17"); // of "HEAD / HTTP/1.1 a"
    const auto get = w.receive();
    CHECK(get.body == "GET / HTTP/1.1 a");
    CHECK(get.field("Content-Type") == head.field("Content-Type"));
}

TEST_CASE("RFC 9110 10.1.1: who waits for 100 gets it, once the body is read")
{
    const mirror m;
    wire w = m.connect();
    for (const char* value : {"100-continue", "100-Continue \t"}) {
        w.send(post("Content-Length: 2\r\nExpect: " + std::string(value) + "\r\n", ""));
        CHECK(w.receive().status == 100);
        w.send("hi");
        const auto r = w.receive();
        CHECK(r.status == 200);
        CHECK(r.body.ends_with("<hi>"));
    }

    // In chunks, too.
    w.send(post("Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n", ""));
    CHECK(w.receive().status == 100);
    w.send("2\r\nhi\r\n0\r\n\r\n");
    CHECK(w.receive().body.ends_with("<hi>"));

    // Without a body there is nothing to wait for.
    w.send(with_fields("Expect: 100-continue\r\n"));
    CHECK(w.receive().status == 200);

    // Nor in HTTP/1.0.
    w.send("POST / HTTP/1.0\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\nhi");
    CHECK(w.receive().status == 200);
    CHECK(w.is_closed_by_server());
}

TEST_CASE("RFC 9110 10.1.1: who is refused is not told to go on")
{
    weft::http::server_options options;
    options.max_body_bytes = 5;
    const auto unread = [](weft::http::request&, weft::http::response& res) -> weft::task<> {
        res.set_status(weft::http::status::forbidden);
        co_return;
    };
    const served s([&](weft::http::server& server) { server.handle("/", unread); }, options);
    for (const auto& [length, status] : {std::pair{"5", 403}, {"6", 413}}) {
        wire w = s.connect();
        w.send(post("Expect: 100-continue\r\nContent-Length: " + std::string(length) + "\r\n", ""));
        const auto r = w.receive();
        CHECK(r.status == status);
        CHECK(r.field("Connection") == "close"); // nobody knows whether the body comes
        CHECK(w.is_closed_by_server());
    }
}

TEST_CASE("RFC 9112 9.3: a body that no handler reads does not spoil the next request")
{
    const auto unread = [](weft::http::request&, weft::http::response& res) -> weft::task<> {
        res.send("unread");
        co_return;
    };
    const served s([&](weft::http::server& server) { server.handle("/", unread); });
    wire w = s.connect();
    const std::string inside = "GET /inside HTTP/1.1\r\nHost: a\r\n\r\n";
    w.send(post("Content-Length: " + std::to_string(inside.size()) + "\r\n", inside));
    w.send(post("Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\nX: y\r\n\r\n"));
    w.send(post("Content-Length: 100000\r\n", std::string(100'000, 'x')));
    w.send(with_fields("Connection: close\r\n"));
    for (int i = 0; i < 4; ++i) CHECK(w.receive().body == "unread");
    CHECK(w.is_closed_by_server());

    // One that is malformed ends the connection.
    wire bad = s.connect();
    bad.send(post("Transfer-Encoding: chunked\r\n", "2\r\nhi!\r\n0\r\n\r\n") + with_fields(""));
    CHECK(bad.receive().body == "unread");
    CHECK(bad.is_closed_by_server());

    // So does one that is too large to be read for nothing.
    wire large = s.connect();
    large.send(post("Content-Length: 10000000\r\n", std::string(10'000, 'x')));
    CHECK(large.receive().body == "unread");
}
