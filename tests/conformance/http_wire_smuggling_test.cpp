// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Where one request ends and the next one begins must be as clear as day: whoever stands before the server may see it in
// another way. The numbers are sections: 9110 is HTTP Semantics, 9112 HTTP/1.1.

#include "http_wire.hpp"

#include <cstddef>
#include <string>
#include <vector>

using weft_test::all_are_answered;
using weft_test::all_are_refused;
using weft_test::bad_request;
using weft_test::chunked;
using weft_test::cut_at;
using weft_test::good_request;
using weft_test::mirror;
using weft_test::post;
using namespace std::string_literals;

namespace {

/// A POST with these lines in its header, and a body that is one by either way of framing.
std::string framed(const std::string& lines)
{
    return post(lines, "0\r\n\r\n");
}

} // namespace

TEST_CASE("RFC 9112 6.3: Transfer-Encoding and Content-Length do not go together")
{
    all_are_refused({
        {"9112 6.3: the length first",
         framed("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        {"9112 6.3: the coding first",
         framed("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")},
        {"9112 6.3: a length of zero",
         framed("Content-Length: 0\r\nTransfer-Encoding: chunked\r\n")},
        {"9112 6.3: lower case", framed("content-length: 5\r\ntransfer-encoding: chunked\r\n")},
        {"9112 6.3: something between them",
         framed("Content-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\n")},
        {"9112 6.3: a coding that is none",
         framed("Content-Length: 5\r\nTransfer-Encoding: identity\r\n")},
        {"9112 6.3: an unknown coding", framed("Content-Length: 5\r\nTransfer-Encoding: x\r\n")},
        {"9112 6.3: an empty coding", framed("Content-Length: 5\r\nTransfer-Encoding:\r\n")},
        {"9112 6.3: in a GET",
         "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n"},
        {"9112 6.3: in HTTP/1.0",
         "POST / HTTP/1.0\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
    });
}

TEST_CASE("RFC 9112 6.1: the only Transfer-Encoding is chunked, once")
{
    all_are_refused({
        {"9112 6.1: in two lines",
         framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")},
        {"9112 6.1: in two lines, the other one last",
         framed("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")},
        {"9112 6.1: in two lines, the other one first",
         framed("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n"),
         {400, 501}},
        {"9112 6.1: in two lines, one is empty",
         framed("Transfer-Encoding:\r\nTransfer-Encoding: chunked\r\n")},
        {"9112 6.1: in two lines of several cases",
         framed("transfer-encoding: chunked\r\nTRANSFER-ENCODING: chunked\r\n")},
        {"9112 6.1: twice in a line", framed("Transfer-Encoding: chunked, chunked\r\n")},
        {"9112 6.1: not at the end", framed("Transfer-Encoding: chunked, identity\r\n")},
        {"9112 6.1: gzip behind it", framed("Transfer-Encoding: chunked, gzip\r\n")},
        {"9112 6.1: identity", framed("Transfer-Encoding: identity\r\n"), {400, 501}},
        {"9112 6.1: identity before it", framed("Transfer-Encoding: identity, chunked\r\n"), {501}},
        {"9112 6.3: gzip alone has no end", framed("Transfer-Encoding: gzip\r\n")},
        {"9112 6.1: gzip before it", framed("Transfer-Encoding: gzip, chunked\r\n"), {501}},
        {"9112 6.1: gzip before it, no blank",
         framed("Transfer-Encoding: gzip,chunked\r\n"),
         {501}},
        {"9110 5.6.1: an empty member before it",
         framed("Transfer-Encoding: ,chunked\r\n"),
         {400, 501}},
        {"9110 5.6.1: an empty member behind it", framed("Transfer-Encoding: chunked,\r\n")},
        {"9112 7: no parameters", framed("Transfer-Encoding: chunked;q=1\r\n")},
        {"9112 6.1: more than the word", framed("Transfer-Encoding: chunkedx\r\n")},
        {"9112 6.1: something before the word", framed("Transfer-Encoding: xchunked\r\n")},
        {"9112 6.1: less than the word", framed("Transfer-Encoding: chunke\r\n")},
        {"9112 6.1: two words", framed("Transfer-Encoding: x chunked\r\n")},
        {"9112 6.1: two words, it is the first", framed("Transfer-Encoding: chunked x\r\n")},
        {"9112 6.1: in quotes", framed("Transfer-Encoding: \"chunked\"\r\n")},
        {"9112 6.1: in single quotes", framed("Transfer-Encoding: 'chunked'\r\n")},
        {"9112 6.1: empty", framed("Transfer-Encoding:\r\n")},
        {"9112 6.1: blank", framed("Transfer-Encoding: \t\r\n")},
        {"9110 5.5: a vertical tab behind it", framed("Transfer-Encoding: chunked\x0b\r\n")},
        {"9110 5.5: a vertical tab before it", framed("Transfer-Encoding: \x0b\x63hunked\r\n")},
        {"9110 5.5: a form feed instead of a blank",
         framed("Transfer-Encoding:\x0c\x63hunked\r\n")},
        {"9110 5.5: NUL behind it", framed("Transfer-Encoding: chunked\0\r\n"s)},
        {"9110 5.5: NUL in it", framed("Transfer-Encoding: chu\0nked\r\n"s)},
        {"9110 5.5: a no-break space before it", framed("Transfer-Encoding: \xa0\x63hunked\r\n")},
        {"9112 2.2: a bare CR behind it", framed("Transfer-Encoding: chunked\rX: y\r\n")},
        {"9112 2.2: a bare LF behind it", framed("Transfer-Encoding: chunked\nX: y\r\n")},
        {"9112 2.2: a bare LF before it", framed("X: y\nTransfer-Encoding: chunked\r\n")},
        {"9112 2.2: a bare CR before it", framed("X: y\rTransfer-Encoding: chunked\r\n")},
        {"9112 5.1: a blank before the colon", framed("Transfer-Encoding : chunked\r\n")},
        {"9112 5.1: a tab before the colon", framed("Transfer-Encoding\t: chunked\r\n")},
        {"9110 5.5: a vertical tab before the colon", framed("Transfer-Encoding\x0b: chunked\r\n")},
        {"9112 5.2: on the next line", framed("Transfer-Encoding:\r\n chunked\r\n")},
        {"9112 5.2: by two lines", framed("Transfer-Encoding: x,\r\n chunked\r\n")},
        {"9112 5.2: continued", framed("Transfer-Encoding: chunked\r\n , identity\r\n")},
        {"9112 5.2: in a line that is continued",
         framed("X: y\r\n Transfer-Encoding: chunked\r\n")},
        {"9112 2.2: behind the request line, with a blank",
         "POST / HTTP/1.1\r\n Transfer-Encoding: chunked\r\nHost: a\r\n\r\n0\r\n\r\n"},
        {"9112 6.1: in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"9112 6.1: in HTTP/1.0 that is kept alive",
         "POST / HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: "
         "chunked\r\n\r\n0\r\n\r\n"},
    });
}

TEST_CASE("RFC 9112 6: what only looks like framing is none")
{
    all_are_answered({
        {"9110 5.1: an underscore makes it another name",
         post("Transfer_Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n"),
         {"POST / HTTP/1.1 a {Transfer_Encoding: chunked} {Content-Length: 5} <0\r\n\r\n>"}},
        {"9110 5.1: here too",
         post("Content_Length: 50\r\n", ""),
         {"POST / HTTP/1.1 a {Content_Length: 50}"}},
        {"9110 5.1: more than the name",
         post("Content-Length-X: 50\r\nX-Transfer-Encoding: chunked\r\n", ""),
         {"POST / HTTP/1.1 a {Content-Length-X: 50} {X-Transfer-Encoding: chunked}"}},
        {"9110 10.1.4: TE is another field",
         post("TE: chunked\r\n", ""),
         {"POST / HTTP/1.1 a {TE: chunked}"}},
        {"9110 9.3.1: a body of GET is one",
         "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 36\r\n\r\n"
         "GET /inside HTTP/1.1\r\nHost: evil\r\n\r\n",
         {"GET / HTTP/1.1 a {Content-Length: 36} <GET /inside HTTP/1.1\r\nHost: evil\r\n\r\n>"}},
        {"9112 7.1: a request in a chunk is none",
         chunked("24\r\nGET /inside HTTP/1.1\r\nHost: evil\r\n\r\n\r\n0\r\n\r\n"),
         {"POST / HTTP/1.1 a {Transfer-Encoding: chunked} "
          "<GET /inside HTTP/1.1\r\nHost: evil\r\n\r\n>"}},
        {"9112 6.1: case and blanks",
         post("tRANSFER-eNCODING:\t CHUNKED \t\r\n", "1\r\nx\r\n0\r\n\r\n"),
         {"POST / HTTP/1.1 a {tRANSFER-eNCODING: CHUNKED} <x>"}},
        {"9112 6.1: no blanks",
         post("Transfer-Encoding:chunked\r\n", "1\r\nx\r\n0\r\n\r\n"),
         {"POST / HTTP/1.1 a {Transfer-Encoding: chunked} <x>"}},
    });
}

TEST_CASE("RFC 9112 2.2: it does not matter how a bad request is cut into packets")
{
    const std::vector<bad_request> table = {
        {"9112 6.3: length and coding",
         framed("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")},
        {"9110 9.1: an unknown method", "GETS / HTTP/1.1\r\nHost: a\r\n\r\n", {501}},
        {"9110 15.6.6: HTTP/2.0", "GET / HTTP/2.0\r\nHost: a\r\n\r\n", {505}},
        {"9112 6.1: gzip", framed("Transfer-Encoding: gzip, chunked\r\n"), {501}},
        {"9112 5.2: a continued line", framed("Content-Length: 5\r\nX: y\r\n z\r\n")},
        {"9112 7.1: no end of a chunk", chunked("5\r\nhelloo\r\n0\r\n\r\n")},
        {"9112 2.2: a bare LF behind a trailer", chunked("0\r\nX: y\n\r\n")},
    };
    const mirror m;
    for (const bad_request& row : table) {
        for (std::size_t i = 1; i < row.bytes.size(); ++i) {
            CAPTURE(i);
            is_refused(m, row, cut_at(i));
        }
    }
    CHECK_FALSE(m.has_seen("/behind"));
}

TEST_CASE("RFC 9112 2.2: it does not matter how good requests are cut into packets")
{
    const good_request pipelined{"9112 9.3.2: three requests",
                                 "\r\nPOST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4 \r\n\r\nbody"
                                 "POST /2 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"
                                 "3;x=\"y\"\r\nbod\r\n01\r\ny\r\n0\r\nT: 1\t\r\n\r\n"
                                 "GET http://c/3 HTTP/1.1\r\nHost: a\r\nX:\r\n\r\n",
                                 {"POST /1 HTTP/1.1 a {Content-Length: 4} <body>",
                                  "POST /2 HTTP/1.1 b {Transfer-Encoding: chunked} <body> [T: 1]",
                                  "GET http://c/3 HTTP/1.1 c {X: }"}};
    const mirror m;
    for (std::size_t i = 1; i < pipelined.bytes.size() + 30; ++i) {
        CAPTURE(i);
        is_answered(m, pipelined, cut_at(i));
    }
}
