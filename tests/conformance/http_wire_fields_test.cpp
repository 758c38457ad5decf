// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The header of a request, byte for byte. The numbers are sections: 9110 is HTTP Semantics, 9112 HTTP/1.1, 3986 URIs.

#include "http_wire.hpp"

#include <string>

using weft_test::all_are_answered;
using weft_test::all_are_refused;
using weft_test::with_fields;
using namespace std::string_literals;

namespace {

std::string repeated(std::size_t n, const std::string& what)
{
    std::string all;
    for (std::size_t i = 0; i < n; ++i) all += what;
    return all;
}

/// A request whose only Host is that line.
std::string with_host(const std::string& line)
{
    return "GET / HTTP/1.1\r\n" + line + "\r\n\r\n";
}

} // namespace

TEST_CASE("RFC 9112 5.1: a field's name is a token, and a colon follows it")
{
    all_are_refused({
        {"9112 5.1: a blank before the colon", with_fields("X : v\r\n")},
        {"9112 5.1: a tab before the colon", with_fields("X\t: v\r\n")},
        {"9112 5.1: a blank in the name", with_fields("X y: v\r\n")},
        {"9112 5: an empty name", with_fields(": v\r\n")},
        {"9112 5: an empty name behind a blank", with_fields(" : v\r\n")},
        {"9112 5: no colon", with_fields("X\r\n")},
        {"9112 5: no colon, but a value", with_fields("X v\r\n")},
        {"9112 5: no colon in a line of blanks", with_fields("X  \r\n")},
        {"9112 5: the colon on the next line", with_fields("X\r\n: v\r\n")},
        {"9112 5: another request line", with_fields("GET / HTTP/1.1\r\n")},
        {"9110 5.1: brackets in a name", with_fields("X(y): v\r\n")},
        {"9110 5.1: square brackets in a name", with_fields("X[y]: v\r\n")},
        {"9110 5.1: braces in a name", with_fields("{X}: v\r\n")},
        {"9110 5.1: angle brackets in a name", with_fields("<X>: v\r\n")},
        {"9110 5.1: quotes around a name", with_fields("\"X\": v\r\n")},
        {"9110 5.1: @ in a name", with_fields("X@y: v\r\n")},
        {"9110 5.1: a slash in a name", with_fields("X/y: v\r\n")},
        {"9110 5.1: a backslash in a name", with_fields("X\\y: v\r\n")},
        {"9110 5.1: a comma in a name", with_fields("X,y: v\r\n")},
        {"9110 5.1: a semicolon in a name", with_fields("X;y: v\r\n")},
        {"9110 5.1: = in a name", with_fields("X=y: v\r\n")},
        {"9110 5.1: ? in a name", with_fields("X?: v\r\n")},
        {"9110 5.1: NUL in a name", with_fields("X\0y: v\r\n"s)},
        {"9110 5.1: NUL at a name's end", with_fields("X\0: v\r\n"s)},
        {"9110 5.1: a control character in a name", with_fields("X\x01: v\r\n")},
        {"9110 5.1: DEL in a name", with_fields("X\x7f: v\r\n")},
        {"9110 5.1: Latin-1 in a name", with_fields("X\xe9: v\r\n")},
        {"9110 5.1: UTF-8 in a name", with_fields("X\xc3\xa9: v\r\n")},
    });
}

TEST_CASE("RFC 9110 5.5: a field's value has no control characters")
{
    all_are_refused({
        {"9110 5.5: NUL in a value", with_fields("X: a\0b\r\n"s)},
        {"9110 5.5: NUL at a value's beginning", with_fields("X: \0\r\n"s)},
        {"9110 5.5: NUL at a value's end", with_fields("X: a\0\r\n"s)},
        {"9110 5.5: SOH in a value", with_fields("X: a\x01\x62\r\n")},
        {"9110 5.5: BEL in a value", with_fields("X: a\x07\r\n")},
        {"9110 5.5: backspace in a value", with_fields("X: a\x08\r\n")},
        {"9110 5.5: a vertical tab in a value", with_fields("X: a\x0b\x62\r\n")},
        {"9110 5.5: a form feed before a value", with_fields("X:\x0c\x61\r\n")},
        {"9110 5.5: escape in a value", with_fields("X: \x1b[0m\r\n")},
        {"9110 5.5: DEL in a value", with_fields("X: a\x7f\r\n")},
        {"9110 5.5: a control character in Connection", with_fields("Connection: close\x01\r\n")},
        {"9110 5.5: NUL in Host", with_host("Host: a\0b"s)},
    });
}

TEST_CASE("RFC 9112 2.2: a field's line ends with CR LF, and so does the header")
{
    all_are_refused({
        {"9112 2.2: a bare LF at a line's end", with_fields("X: a\nY: b\r\n")},
        {"9112 2.2: a bare LF behind an empty value", with_fields("X:\nY: b\r\n")},
        {"9112 2.2: a bare LF behind a name", with_fields("X\nY: b\r\n")},
        {"9112 2.2: a bare LF before a name", with_fields("\nX: a\r\n")},
        {"9112 2.2: a bare CR in a value", with_fields("X: a\rb\r\n")},
        {"9112 2.2: a bare CR, and what looks like a field", with_fields("X: a\rY: b\r\n")},
        {"9112 2.2: a bare CR before a value", with_fields("X:\ra\r\n")},
        {"9112 2.2: a bare CR before a name", with_fields("\rX: a\r\n")},
        {"9112 2.2: a bare CR in a name", with_fields("X\ry: a\r\n")},
        {"9112 2.2: CR CR LF at a line's end", with_fields("X: a\r\r\n")},
        {"9112 2.2: LF CR at a line's end", with_fields("X: a\n\r")},
        {"9112 2.2: the header's end is LF", "GET / HTTP/1.1\r\nHost: a\r\n\n"},
        {"9112 2.2: it is LF LF", "GET / HTTP/1.1\r\nHost: a\n\n"},
        {"9112 2.2: it is CR CR", "GET / HTTP/1.1\r\nHost: a\r\r"},
        {"9112 2.2: it is CR and something", "GET / HTTP/1.1\r\nHost: a\r\n\rX: a\r\n\r\n"},
        {"9112 2.2: it is CR CR LF", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n"},
    });
}

TEST_CASE("RFC 9112 5.2: no line continues the one before")
{
    all_are_refused({
        {"9112 5.2: by a blank", with_fields("X: a\r\n b\r\n")},
        {"9112 5.2: by a tab", with_fields("X: a\r\n\tb\r\n")},
        {"9112 5.2: an empty value", with_fields("X:\r\n b\r\n")},
        {"9112 5.2: by nothing but a blank", with_fields("X: a\r\n \r\n")},
        {"9112 5.2: by what looks like a field", with_fields("X: a\r\n Y: b\r\n")},
        {"9112 2.2: the request line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n"},
        {"9112 2.2: the request line, by a tab", "GET / HTTP/1.1\r\n\tX: a\r\nHost: a\r\n\r\n"},
        {"9112 2.2: the request line, by a blank line", "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"},
        {"9112 5.2: the host", with_host("Host: a\r\n b")},
    });
}

TEST_CASE("RFC 9112 3.2: there is one Host, and it names a host")
{
    all_are_refused({
        {"9112 3.2: none", "GET / HTTP/1.1\r\n\r\n"},
        {"9112 3.2: none beside other fields", "GET / HTTP/1.1\r\nX: a\r\n\r\n"},
        {"9112 3.2: none beside a URL", "GET http://a/ HTTP/1.1\r\n\r\n"},
        {"9112 3.2: a name that looks like it", with_host("Hosts: a")},
        {"9112 3.2: twice", with_host("Host: a\r\nHost: b")},
        {"9112 3.2: twice the same", with_host("Host: a\r\nHost: a")},
        {"9112 3.2: twice, one is empty", with_host("Host: a\r\nHost:")},
        {"9112 3.2: twice in several cases", with_host("host: a\r\nX: b\r\nHOST: a")},
        {"9112 3.2: twice in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n"},
        {"9112 3.2: malformed in HTTP/1.0", "GET / HTTP/1.0\r\nHost: a/b\r\n\r\n"},
        {"9112 3.2: a list", with_host("Host: a, b")},
        {"9112 3.2: two words", with_host("Host: a b")},
        {"9112 3.2: a tab", with_host("Host: a\tb")},
        {"9112 5.1: a blank before its colon", with_host("Host : a")},
        {"9112 3.2: a path", with_host("Host: a/b")},
        {"9112 3.2: a query", with_host("Host: a?b")},
        {"9112 3.2: a fragment", with_host("Host: a#b")},
        {"9112 3.2: a URL", with_host("Host: http://a")},
        {"9112 3.2: a user", with_host("Host: u@a")},
        {"9112 3.2: a backslash", with_host("Host: a\\b")},
        {"9112 3.2: angle brackets", with_host("Host: <a>")},
        {"9112 3.2: quotes", with_host("Host: \"a\"")},
        {"3986 3.2.2: UTF-8", with_host("Host: b\xc3\xa4r.example")},
        {"3986 2.1: a wrong escape", with_host("Host: a%zz")},
        {"3986 2.1: half an escape", with_host("Host: a%4")},
        {"3986 3.2.3: a port of letters", with_host("Host: a:b")},
        {"3986 3.2.3: two ports", with_host("Host: a:1:2")},
        {"3986 3.2.3: a negative port", with_host("Host: a:-1")},
        {"9110 4.2.1: a port alone", with_host("Host: :80")},
        {"3986 3.2.2: an IPv6 address without brackets", with_host("Host: ::1")},
        {"3986 3.2.2: an open bracket", with_host("Host: [::1")},
        {"3986 3.2.2: a closed bracket", with_host("Host: ::1]")},
        {"3986 3.2.2: empty brackets", with_host("Host: []")},
        {"3986 3.2.2: a name in brackets", with_host("Host: [a.example]")},
        {"3986 3.2.2: something behind the bracket", with_host("Host: [::1]x")},
        {"3986 3.2.2: something before the bracket", with_host("Host: x[::1]")},
    });
}

TEST_CASE("RFC 9110 10.1.1: of expectations only 100-continue is known")
{
    all_are_refused({
        {"9110 10.1.1: another one", with_fields("Expect: 200-ok\r\n"), {417}},
        {"9110 10.1.1: more than it", with_fields("Expect: 100-continued\r\n"), {417}},
        {"9110 10.1.1: another one beside it", with_fields("Expect: 100-continue, x\r\n"), {417}},
        {"9110 10.1.1: with a parameter", with_fields("Expect: 100-continue;q=1\r\n"), {417}},
        {"9110 10.1.1: in two lines", with_fields("Expect: 100-continue\r\nExpect: x\r\n"), {417}},
        {"9110 10.1.1: empty", with_fields("Expect:\r\n"), {400, 417}},
    });
}

TEST_CASE("RFC 6585 5: a header larger than the limit is answered with 431")
{
    weft::http::server_options options;
    options.max_header_bytes = 400;
    options.max_header_count = 10;
    options.max_target_bytes = 100;
    all_are_refused(
        {
            {"6585 5: a long value", with_fields("X: " + std::string(500, 'v') + "\r\n"), {431}},
            {"6585 5: a long name", with_fields(std::string(500, 'n') + ": v\r\n"), {431}},
            {"6585 5: several values",
             with_fields(repeated(5, "X: " + std::string(100, 'v') + "\r\n")),
             {431}},
            {"6585 5: many fields", with_fields(repeated(10, "X: v\r\n")), {431}},
            {"6585 5: many empty fields", with_fields(repeated(10, "X:\r\n")), {431}},
            {"6585 5: blanks behind a value",
             with_fields("X: v" + std::string(500, ' ') + "\r\n"),
             {431}},
            {"6585 5: blanks before a value",
             with_fields("X:" + std::string(5000, ' ') + "v\r\n"),
             {431}},
            {"6585 5: empty lines before the request line",
             repeated(2000, "\r\n") + with_fields(""),
             {431}},
            {"6585 5: without an end", with_fields("X: " + std::string(100'000, 'v')), {431}},
        },
        options);
    const std::string value(395, 'v');
    all_are_answered(
        {
            {"6585 5: as large as it may be, Host: a among it",
             with_fields("X:" + value.substr(1) + "\r\n"),
             {"GET / HTTP/1.1 a {X: " + value.substr(1) + "}"}},
            {"6585 5: as many as there may be, Host among them",
             with_fields(repeated(9, "X: v\r\n")),
             {"GET / HTTP/1.1 a" + repeated(9, " {X: v}")}},
        },
        options);
}

TEST_CASE("RFC 9110 5: what is in order arrives as it was sent")
{
    all_are_answered({
        {"9112 5.1: no blanks", with_fields("X:v\r\n"), {"GET / HTTP/1.1 a {X: v}"}},
        {"9112 5.1: blanks around a value are not of it",
         with_fields("X: \t v w\t \r\n"),
         {"GET / HTTP/1.1 a {X: v w}"}},
        {"9112 5.1: those inside are",
         with_fields("X: v \t  w\r\n"),
         {"GET / HTTP/1.1 a {X: v \t  w}"}},
        {"9112 5: an empty value", with_fields("X:\r\n"), {"GET / HTTP/1.1 a {X: }"}},
        {"9112 5: a value of blanks", with_fields("X: \t \r\n"), {"GET / HTTP/1.1 a {X: }"}},
        {"9110 5.5: beyond ASCII",
         with_fields("X: caf\xc3\xa9 \xff\x80\r\n"),
         {"GET / HTTP/1.1 a {X: caf\xc3\xa9 \xff\x80}"}},
        {"9110 5.5: all that is visible",
         with_fields("X: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~\r\n"),
         {"GET / HTTP/1.1 a {X: !\"#$%&'()*+,-./09:;<=>?@AZ[\\]^_`az{|}~}"}},
        {"9110 5.6.2: all that a name may contain",
         with_fields("!#$%&'*+-.^_`|~09azAZ: v\r\n"),
         {"GET / HTTP/1.1 a {!#$%&'*+-.^_`|~09azAZ: v}"}},
        {"9110 5.1: a name's case is kept",
         with_fields("x-LOWER-and-Upper: v\r\n"),
         {"GET / HTTP/1.1 a {x-LOWER-and-Upper: v}"}},
        {"9110 5.3: the same name again, in order",
         with_fields("X: 1\r\nY: 2\r\nx: 3\r\nX: 1\r\n"),
         {"GET / HTTP/1.1 a {X: 1} {Y: 2} {x: 3} {X: 1}"}},
        {"9112 3.2: Host in lower case", with_host("host: b"), {"GET / HTTP/1.1 b"}},
        {"9112 3.2: Host with blanks", with_host("HOST:\t b \t"), {"GET / HTTP/1.1 b"}},
        {"9112 3.2: Host without", with_host("Host:b"), {"GET / HTTP/1.1 b"}},
        {"9112 3.2: Host with a port", with_host("Host: b:8080"), {"GET / HTTP/1.1 b:8080"}},
        {"3986 3.2.3: an empty port", with_host("Host: b:"), {"GET / HTTP/1.1 b:"}},
        {"9110 7.2: an empty Host", with_host("Host:"), {"GET / HTTP/1.1 "}},
        {"3986 3.2.2: an IPv4 address",
         with_host("Host: 127.0.0.1:1"),
         {"GET / HTTP/1.1 127.0.0.1:1"}},
        {"3986 3.2.2: an IPv6 address",
         with_host("Host: [2001:DB8::1]:80"),
         {"GET / HTTP/1.1 [2001:DB8::1]:80"}},
        {"3986 3.2.2: an IPv6 address without a port",
         with_host("Host: [::ffff:1.2.3.4]"),
         {"GET / HTTP/1.1 [::ffff:1.2.3.4]"}},
        {"3986 3.2.2: all that a name may contain",
         with_host("Host: a-._~!$&'()*+,;=%20"),
         {"GET / HTTP/1.1 a-._~!$&'()*+,;=%20"}},
        {"9112 3.2: HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", {"GET / HTTP/1.0 "}, true},
        {"9110 7.8: an Upgrade is not followed",
         with_fields("Connection: Upgrade\r\nUpgrade: websocket\r\n"),
         {"GET / HTTP/1.1 a {Connection: Upgrade} {Upgrade: websocket}"}},
        {"9110 7.8: not to HTTP/2 either",
         with_fields("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"),
         {"GET / HTTP/1.1 a {Connection: Upgrade, HTTP2-Settings} {Upgrade: h2c}"}},
    });
}

TEST_CASE("RFC 9110 5.1: names are looked up without regard to case")
{
    const auto look = [](weft::http::request& req, weft::http::response& res) -> weft::task<> {
        res.send(std::string(req.header("x-thing")) + "," + std::string(req.header("X-THING")));
        co_return;
    };
    const weft_test::served s([&](weft::http::server& server) { server.handle("GET /", look); });
    CHECK(s.ask(with_fields("X-Thing: 1\r\n")).body == "1,1");
    CHECK(s.ask(with_fields("x-tHING: 2\r\n")).body == "2,2");
}
