// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Where a body begins and ends, byte for byte. The numbers are sections: 9110 is HTTP Semantics, 9112 HTTP/1.1.

#include "http_wire.hpp"

#include <cstdint>
#include <limits>
#include <string>

using weft_test::all_are_answered;
using weft_test::all_are_refused;
using weft_test::chunked;
using weft_test::post;
using namespace std::string_literals;

namespace {

/// A POST with that Content-Length, and five bytes.
std::string of_length(const std::string& value)
{
    return post("Content-Length: " + value + "\r\n", "hello");
}

/// What the handler sees of `chunked`.
std::string seen(const std::string& rest)
{
    return "POST / HTTP/1.1 a {Transfer-Encoding: chunked}" + rest;
}

} // namespace

TEST_CASE("RFC 9110 8.6: Content-Length is a number, once")
{
    all_are_refused({
        {"9110 8.6: twice", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
        {"9110 8.6: twice the same", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
        {"9110 8.6: twice, the second one is empty",
         post("Content-Length: 5\r\nContent-Length:\r\n", "hello")},
        {"9110 8.6: twice in several cases",
         post("content-length: 5\r\nX: y\r\nCONTENT-LENGTH: 0\r\n", "hello")},
        {"9110 8.6: a list", of_length("5, 6")},
        {"9110 8.6: a list of the same", of_length("5, 5")},
        {"9110 8.6: a list without a blank", of_length("5,5")},
        {"9110 8.6: an empty member behind it", of_length("5,")},
        {"9110 8.6: an empty member before it", of_length(",5")},
        {"9110 8.6: two numbers", of_length("5 5")},
        {"9110 8.6: a blank between the digits", of_length("1 0")},
        {"9110 8.6: plus", of_length("+5")},
        {"9110 8.6: minus", of_length("-5")},
        {"9110 8.6: minus zero", of_length("-0")},
        {"9110 8.6: hexadecimal", of_length("0x5")},
        {"9110 8.6: a hexadecimal digit", of_length("a")},
        {"9110 8.6: a fraction", of_length("5.0")},
        {"9110 8.6: an exponent", of_length("5e0")},
        {"9110 8.6: a separator", of_length("1_0")},
        {"9110 8.6: a unit", of_length("5 bytes")},
        {"9110 8.6: a parameter", of_length("5;q=1")},
        {"9110 8.6: quotes", of_length("\"5\"")},
        {"9110 8.6: a word", of_length("five")},
        {"9110 8.6: digits beyond ASCII", of_length("\xd9\xa5")},
        {"9110 8.6: empty", of_length("")},
        {"9110 8.6: blank", of_length(" \t ")},
        {"9110 8.6: 2^64", of_length("18446744073709551616")},
        {"9110 8.6: 2^64 + 5", of_length("18446744073709551621")},
        {"9110 8.6: many digits", of_length(std::string(300, '9'))},
        {"9110 5.5: a vertical tab behind it", of_length("5\x0b")},
        {"9110 5.5: NUL behind it", of_length("5\0"s)},
        {"9112 2.2: a bare CR in it", of_length("5\r5")},
        {"9112 5.2: on the next line", of_length("\r\n 5")},
        {"9112 5.2: continued", of_length("1\r\n 5")},
        {"9112 5.1: a blank before its colon", post("Content-Length : 5\r\n", "hello")},
        {"9112 5.1: a tab before its colon", post("Content-Length\t: 5\r\n", "hello")},
    });
}

TEST_CASE("RFC 9112 7.1: a chunk's size is a hexadecimal number and CR LF")
{
    all_are_refused({
        {"9112 7.1: empty", chunked("\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: empty before an extension", chunked(";a\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: minus", chunked("-5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: plus", chunked("+5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: minus zero", chunked("-0\r\n\r\n")},
        {"9112 7.1: 0x", chunked("0x5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: h behind it", chunked("5h\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: no digit", chunked("g\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: digits beyond ASCII", chunked("\xd9\xa5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a fraction", chunked("5.0\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a list", chunked("5,5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: 2^64", chunked("10000000000000000\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: 2^64 + 5", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: many digits", chunked(std::string(300, 'f') + "\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a blank before it", chunked(" 5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a tab before it", chunked("\t5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a blank behind it", chunked("5 \r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a tab behind it", chunked("5\t\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: a blank in it", chunked("0 5\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1: NUL behind it", chunked("5\0\r\nhello\r\n0\r\n\r\n"s)},
        {"9112 2.2: a bare LF behind it", chunked("5\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare CR behind it", chunked("5\rhello\r\n0\r\n\r\n")},
        {"9112 2.2: CR CR LF behind it", chunked("5\r\r\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare LF behind the last one", chunked("5\r\nhello\r\n0\n\r\n")},
        {"9112 7.1: no line end behind the data", chunked("5\r\nhello0\r\n\r\n")},
        {"9112 2.2: a bare LF behind the data", chunked("5\r\nhello\n0\r\n\r\n")},
        {"9112 2.2: a bare CR behind the data", chunked("5\r\nhello\r0\r\n\r\n")},
        {"9112 7.1: more data than it says", chunked("5\r\nhello!\r\n0\r\n\r\n")},
        {"9112 7.1: less data than it says", chunked("5\r\nhell\r\n0\r\n\r\n")},
        {"9112 7.1: no empty line at the end", chunked("5\r\nhello\r\n0\r\n")},
        {"9112 2.2: a bare LF at the end", chunked("5\r\nhello\r\n0\r\n\n")},
        {"9112 2.2: CR and something at the end", chunked("5\r\nhello\r\n0\r\n\rX")},
    });
}

TEST_CASE("RFC 9112 7.1.1: a chunk's extensions have names and ends")
{
    all_are_refused({
        {"9112 7.1.1: no name", chunked("5;\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: a value without a name", chunked("5;=b\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: no value behind =", chunked("5;a=\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: no value before ;", chunked("5;a=;b\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: two semicolons", chunked("5;;a\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: a name that is no token", chunked("5;a(b)\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: a value that is no token", chunked("5;a=b@c\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: a quoted value without an end", chunked("5;a=\"b\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: something behind a quoted value",
         chunked("5;a=\"b\"c\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: a control character", chunked("5;a=b\x01\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: NUL", chunked("5;a\0\r\nhello\r\n0\r\n\r\n"s)},
        {"9112 2.2: a bare LF behind a name", chunked("5;a\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare LF behind a value", chunked("5;a=b\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare LF in quotes", chunked("5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: CR LF in quotes", chunked("5;a=\"b\r\nc\"\r\nhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare CR behind a name", chunked("5;a\rhello\r\n0\r\n\r\n")},
        {"9112 2.2: a bare CR in a value", chunked("5;a=b\rc\r\nhello\r\n0\r\n\r\n")},
        {"9112 7.1.1: too long", chunked("5;a=" + std::string(20'000, 'b') + "\r\nhello\r\n")},
        {"9112 7.1.1: too long a name", chunked("5;" + std::string(20'000, 'b') + "\r\nhello\r\n")},
        {"9112 7.1.1: too many zeros", chunked(std::string(100'000, '0') + "5\r\nhello\r\n")},
    });
}

TEST_CASE("RFC 9112 7.1.2: trailers are fields")
{
    all_are_refused({
        {"9112 5.1: a blank before the colon", chunked("0\r\nX : v\r\n\r\n")},
        {"9112 5: no colon", chunked("0\r\nX\r\n\r\n")},
        {"9112 5: an empty name", chunked("0\r\n: v\r\n\r\n")},
        {"9110 5.1: a name that is no token", chunked("0\r\nX(y): v\r\n\r\n")},
        {"9110 5.5: NUL in a value", chunked("0\r\nX: a\0b\r\n\r\n"s)},
        {"9112 2.2: a bare LF", chunked("0\r\nX: a\nY: b\r\n\r\n")},
        {"9112 2.2: a bare CR", chunked("0\r\nX: a\rY: b\r\n\r\n")},
        {"9112 5.2: continued", chunked("0\r\nX: a\r\n b\r\n\r\n")},
        {"9110 6.5.1: no framing in a trailer", chunked("0\r\nContent-Length: 5\r\n\r\nhello")},
        {"9110 6.5.1: nor this one", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
        {"6585 5: too long", chunked("0\r\nX: " + std::string(40'000, 'v') + "\r\n\r\n"), {431}},
        {"9112 7.1.2: too many blanks",
         chunked("0\r\nX:" + std::string(100'000, ' ') + "v\r\n\r\n"),
         {400, 431}},
    });
}

TEST_CASE("RFC 9110 15.5.14: a body larger than the limit is answered with 413")
{
    weft::http::server_options options;
    options.max_body_bytes = 5;
    all_are_refused(
        {
            {"9110 15.5.14: by its length", post("Content-Length: 6\r\n", "hello!"), {413}},
            {"9110 15.5.14: by a length that never comes",
             post("Content-Length: 18446744073709551615\r\n", ""),
             {413}},
            {"9110 15.5.14: by its chunk", chunked("6\r\nhello!\r\n0\r\n\r\n"), {413}},
            {"9110 15.5.14: by its chunks", chunked("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n"), {413}},
            {"9110 15.5.14: by a chunk that never ends",
             chunked("ffffffffffffffff\r\n" + std::string(100'000, 'x')),
             {413}},
        },
        options);
    all_are_answered(
        {
            {"9110 15.5.14: as large as it may be, by its length",
             post("Content-Length: 5\r\n", "hello"),
             {"POST / HTTP/1.1 a {Content-Length: 5} <hello>"}},
            {"9110 15.5.14: as large as it may be, in chunks",
             chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"),
             {seen(" <hello>")}},
        },
        options);
}

TEST_CASE("RFC 9112 7.1: a malformed body ends the connection also where no body is too large")
{
    // Once "cannot be read on" was "one byte more than the limit", and behind this limit comes zero.
    weft::http::server_options options;
    options.max_body_bytes = std::numeric_limits<std::uint64_t>::max();
    all_are_refused(
        {
            {"9112 7.1: no digit", chunked("g\r\nhello\r\n0\r\n\r\n")},
            {"9112 7.1: no line end behind the data", chunked("5\r\nhello0\r\n\r\n")},
        },
        options);
}

TEST_CASE("RFC 9112 6 and 7: what is in order arrives as it was sent")
{
    all_are_answered({
        {"9110 8.6: a length", of_length("5"), {"POST / HTTP/1.1 a {Content-Length: 5} <hello>"}},
        {"9110 8.6: zeros before it",
         of_length("005"),
         {"POST / HTTP/1.1 a {Content-Length: 005} <hello>"}},
        {"9110 8.6: many zeros",
         of_length(std::string(40, '0') + "5"),
         {"POST / HTTP/1.1 a {Content-Length: " + std::string(40, '0') + "5} <hello>"}},
        {"9112 5.1: blanks around it",
         of_length("\t 5 \t"),
         {"POST / HTTP/1.1 a {Content-Length: 5} <hello>"}},
        {"9110 8.6: zero",
         post("Content-Length: 0\r\n", ""),
         {"POST / HTTP/1.1 a {Content-Length: 0}"}},
        {"9112 6.3: none is none", post("", ""), {"POST / HTTP/1.1 a"}},
        {"9110 6.4: any bytes",
         post("Content-Length: 8\r\n", "\0\r\n\r\n\xff\x01\x7f"s),
         {"POST / HTTP/1.1 a {Content-Length: 8} <\0\r\n\r\n\xff\x01\x7f>"s}},
        {"9112 7.1: a chunk", chunked("5\r\nhello\r\n0\r\n\r\n"), {seen(" <hello>")}},
        {"9112 7.1: none", chunked("0\r\n\r\n"), {seen("")}},
        {"9112 7.1: several",
         chunked("1\r\nh\r\n3\r\nell\r\n1\r\no\r\n0\r\n\r\n"),
         {seen(" <hello>")}},
        {"9112 7.1: hexadecimal digits of both cases",
         chunked("a\r\n0123456789\r\nB\r\n0123456789x\r\n0\r\n\r\n"),
         {seen(" <01234567890123456789x>")}},
        {"9112 7.1: zeros before it", chunked("0005\r\nhello\r\n000\r\n\r\n"), {seen(" <hello>")}},
        {"9112 7.1: any bytes",
         chunked("6\r\n\0\r\n0\r\n\r\n0\r\n\r\n"s),
         {seen(" <\0\r\n0\r\n>"s)}},
        {"9112 7.1.1: an extension", chunked("5;a\r\nhello\r\n0;b\r\n\r\n"), {seen(" <hello>")}},
        {"9112 7.1.1: with values",
         chunked("5;a=b;c=\"d; \\\"e\";f=\"\";g\r\nhello\r\n0;x=y\r\n\r\n"),
         {seen(" <hello>")}},
        {"9112 7.1.2: trailers",
         chunked("5\r\nhello\r\n0\r\nX: 1\r\ny:\t2 \t\r\nX:\r\n\r\n"),
         {seen(" <hello> [X: 1] [y: 2] [X: ]")}},
        {"9110 6.5.2: a trailer is not a field",
         chunked("0\r\nHost: evil\r\nConnection: close\r\n\r\n"),
         {seen(" [Host: evil] [Connection: close]")}},
        {"9110 9.3.1: a body of GET",
         "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi",
         {"GET / HTTP/1.1 a {Content-Length: 2} <hi>"}},
    });
}
