// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The first line of a request, byte for byte. The numbers are sections: 9110 is HTTP Semantics, 9112 HTTP/1.1, 3986 URIs.

#include "http_wire.hpp"

#include <string>

using weft_test::all_are_answered;
using weft_test::all_are_refused;
using weft_test::with_line;
using namespace std::string_literals;

TEST_CASE("RFC 9112 3.1: the method is a token")
{
    all_are_refused({
        {"9112 3.1: a method has letters", with_line(" / HTTP/1.1")},
        {"9112 3.1: no brackets in a method", with_line("G(T / HTTP/1.1")},
        {"9112 3.1: no colon in a method", with_line("GET: / HTTP/1.1")},
        {"9112 3.1: no slash in a method", with_line("GE/T / HTTP/1.1")},
        {"9112 3.1: no quotes around a method", with_line("\"GET\" / HTTP/1.1")},
        {"9112 3.1: nothing beyond ASCII in a method", with_line("G\xc9T / HTTP/1.1")},
        {"9112 3.1: no NUL in a method", with_line("GE\0T / HTTP/1.1"s)},
        {"9112 3.1: no NUL before a method", with_line("\0GET / HTTP/1.1"s)},
        {"9112 3.1: no control character in a method", with_line("GE\x01T / HTTP/1.1")},
        {"9112 3.1: no DEL in a method", with_line("GET\x7f / HTTP/1.1")},
        {"9112 3.1: a hello of TLS is no method", "\x16\x03\x01\x02\x01\x01\xfc\x03\x03"s},
    });
}

TEST_CASE("RFC 9110 9.1: a method that nobody knows is answered with 501")
{
    all_are_refused({
        {"9110 9.1: unknown", with_line("FROB / HTTP/1.1"), {501}},
        {"9110 9.1: in lower case it is another one", with_line("get / HTTP/1.1"), {501}},
        {"9110 9.1: so it is in mixed case", with_line("Get / HTTP/1.1"), {501}},
        {"9110 9.1: the beginning of a known one", with_line("GE / HTTP/1.1"), {501}},
        {"9110 9.1: more than a known one", with_line("GETS / HTTP/1.1"), {501}},
        {"9110 9.1: a token of other characters", with_line("G'E~T! / HTTP/1.1"), {501}},
        {"9110 9.1: a number", with_line("123 / HTTP/1.1"), {501}},
        {"9112 3: longer than any", with_line(std::string(200, 'A') + " / HTTP/1.1"), {501}},
        {"9110 9.3.6: no tunnels here", with_line("CONNECT a:443 HTTP/1.1"), {501}},
        {"9110 9.3.6: CONNECT without a port", with_line("CONNECT a HTTP/1.1"), {400, 501}},
        {"9110 9.3.6: CONNECT of a path", with_line("CONNECT / HTTP/1.1"), {400, 501}},
        {"9113 3.4: the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {505}},
        {"9113 3.4: PRI elsewhere", with_line("PRI * HTTP/1.1"), {501}},
        {"2326 10: one of RTSP's", with_line("DESCRIBE / HTTP/1.1"), {501}},
        {"2326 10: another one of RTSP's", with_line("SET_PARAMETER / HTTP/1.1"), {501}},
        {"9110 9.1: Icecast's", with_line("SOURCE / HTTP/1.1"), {501}},
    });
}

TEST_CASE("RFC 9112 3: one blank stands between the parts, and they are three")
{
    all_are_refused({
        {"9112 3: no blank before the method", with_line(" GET / HTTP/1.1")},
        {"9112 3: no tab before the method", with_line("\tGET / HTTP/1.1")},
        {"9112 3: two blanks after the method", with_line("GET  / HTTP/1.1")},
        {"9112 3: two blanks before the version", with_line("GET /  HTTP/1.1")},
        {"9112 3: a blank after the version", with_line("GET / HTTP/1.1 ")},
        {"9112 3: a tab after the version", with_line("GET / HTTP/1.1\t")},
        {"9112 3: a tab after the method", with_line("GET\t/ HTTP/1.1")},
        {"9112 3: a tab before the version", with_line("GET /\tHTTP/1.1")},
        {"9112 3: blank and tab after the method", with_line("GET \t/ HTTP/1.1")},
        {"9112 3: a vertical tab between the parts", with_line("GET\x0b/ HTTP/1.1")},
        {"9112 3: a form feed between the parts", with_line("GET /\x0cHTTP/1.1")},
        {"9112 3: a no-break space between the parts", with_line("GET\xa0/ HTTP/1.1")},
        {"9112 2.2: a bare CR between the parts", with_line("GET\r/ HTTP/1.1")},
        {"9112 2.2: a bare CR before the version", with_line("GET /\rHTTP/1.1")},
        {"9112 3: no target", with_line("GET HTTP/1.1")},
        {"9112 3: an empty target", with_line("GET  HTTP/1.1")},
        {"9112 3: no version", with_line("GET /")},
        {"9112 3: an empty version", with_line("GET / ")},
        {"9112 3: the method alone", with_line("GET")},
        {"9112 3: the method and a blank", with_line("GET ")},
        {"9112 3: four parts", with_line("GET / / HTTP/1.1")},
        {"9112 3.2: a blank in the target", with_line("GET /a b HTTP/1.1")},
        {"9112 3: a second version", with_line("GET / HTTP/1.1 HTTP/1.1")},
    });
}

TEST_CASE("RFC 9112 2.2: the line ends with CR LF")
{
    all_are_refused({
        {"9112 2.2: a bare LF at its end", "GET / HTTP/1.1\nHost: a\r\n\r\n"},
        {"9112 2.2: bare LFs everywhere", "GET / HTTP/1.1\nHost: a\n\n"},
        {"9112 2.2: a bare CR at its end", "GET / HTTP/1.1\rHost: a\r\n\r\n"},
        {"9112 2.2: CR CR LF at its end", "GET / HTTP/1.1\r\r\nHost: a\r\n\r\n"},
        {"9112 2.2: LF CR at its end", "GET / HTTP/1.1\n\rHost: a\r\n\r\n"},
        {"9112 2.2: CR NUL LF at its end", "GET / HTTP/1.1\r\0\nHost: a\r\n\r\n"s},
        {"9112 2.2: a bare LF before it", "\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"9112 2.2: a bare CR before it", "\rGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"9112 2.2: an empty line and a bare LF before it",
         "\r\n\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
        {"9112 2.2: a blank line before it", " \r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"},
    });
}

TEST_CASE("RFC 9112 3.2: the target has one of four forms")
{
    all_are_refused({
        {"9112 3.2.1: a path begins with a slash", with_line("GET a/b HTTP/1.1")},
        {"9112 3.2.1: also before a query", with_line("GET ?a HTTP/1.1")},
        {"9112 3.2.1: dots are no beginning", with_line("GET ../a HTTP/1.1")},
        {"9112 3.2.1: no backslash either", with_line("GET \\a HTTP/1.1")},
        {"9112 3.2: no fragment", with_line("GET /a#b HTTP/1.1")},
        {"9112 3.2: no fragment behind a query", with_line("GET /a?b#c HTTP/1.1")},
        {"9112 3.2: a fragment alone", with_line("GET #a HTTP/1.1")},
        {"3986 2: no NUL in a target", with_line("GET /a\0b HTTP/1.1"s)},
        {"3986 2: no control character in a target", with_line("GET /a\x01 HTTP/1.1")},
        {"3986 2: no DEL in a target", with_line("GET /a\x7f HTTP/1.1")},
        {"3986 2: no tab in a target", with_line("GET /a\tb HTTP/1.1")},
        {"3986 2: no UTF-8 in a target", with_line("GET /\xc3\xa4 HTTP/1.1")},
        {"3986 2: no Latin-1 in a query", with_line("GET /?\xff HTTP/1.1")},
        {"3986 2.1: a % is followed by two digits", with_line("GET /% HTTP/1.1")},
        {"3986 2.1: not by one", with_line("GET /%4 HTTP/1.1")},
        {"3986 2.1: hexadecimal ones", with_line("GET /%zz HTTP/1.1")},
        {"3986 2.1: both", with_line("GET /%4g/ HTTP/1.1")},
        {"3986 2.1: in the query too", with_line("GET /?a=%g1 HTTP/1.1")},
        {"3986 2.1: not the way of IIS", with_line("GET /%u0041 HTTP/1.1")},
        {"9112 3.2.4: the asterisk is for OPTIONS", with_line("GET * HTTP/1.1")},
        {"9112 3.2.4: it stands alone", with_line("OPTIONS *a HTTP/1.1")},
        {"9112 3.2.4: and once", with_line("OPTIONS ** HTTP/1.1")},
        {"9112 3.2.3: an authority is for CONNECT", with_line("GET a:80 HTTP/1.1")},
        {"9112 3.2.3: also without a port", with_line("GET example.org HTTP/1.1")},
        {"9112 3.2.2: of another scheme", with_line("GET ftp://a/ HTTP/1.1")},
        {"9112 3.2.2: of this machine", with_line("GET file:///etc/passwd HTTP/1.1")},
        {"9112 3.2.2: no authority", with_line("GET http:/a HTTP/1.1")},
        {"9112 3.2.2: no slashes", with_line("GET http:a HTTP/1.1")},
        {"9110 4.2.1: an empty host", with_line("GET http:// HTTP/1.1")},
        {"9110 4.2.1: an empty host before a path", with_line("GET http:///x HTTP/1.1")},
        {"9110 4.2.1: an empty host before a port", with_line("GET http://:80/ HTTP/1.1")},
        {"9110 4.2.4: a user before the host", with_line("GET http://u@a/ HTTP/1.1")},
        {"9110 4.2.4: a password, too", with_line("GET http://u:p@a/ HTTP/1.1")},
        {"3986 3.2.3: a port is a number", with_line("GET http://a:b/ HTTP/1.1")},
        {"3986 3.2.3: and there is one", with_line("GET http://a:80:80/ HTTP/1.1")},
        {"3986 3.2.2: a bracket is closed", with_line("GET http://[::1/ HTTP/1.1")},
        {"3986 3.2.2: no backslash in a host", with_line("GET http://a\\b/ HTTP/1.1")},
        {"3986 3.2.2: a whole escape in a host", with_line("GET http://a%4/ HTTP/1.1")},
        {"9112 3.2: no fragment of a URL", with_line("GET http://a/b#c HTTP/1.1")},
        {"3986 2.1: escapes in a URL", with_line("GET http://a/%zz HTTP/1.1")},
    });
}

TEST_CASE("RFC 9112 2.3: the version is HTTP/1.0 or HTTP/1.1")
{
    all_are_refused({
        {"9110 15.6.6: HTTP/0.9", with_line("GET / HTTP/0.9"), {505}},
        {"9110 15.6.6: HTTP/1.2", with_line("GET / HTTP/1.2"), {505}},
        {"9110 15.6.6: HTTP/2.0", with_line("GET / HTTP/2.0"), {505}},
        {"9110 15.6.6: HTTP/3.0", with_line("GET / HTTP/3.0"), {505}},
        {"9110 15.6.6: HTTP/9.9", with_line("GET / HTTP/9.9"), {505}},
        {"9112 2.3: one number", with_line("GET / HTTP/2")},
        {"9112 2.3: none behind the dot", with_line("GET / HTTP/1.")},
        {"9112 2.3: none before it", with_line("GET / HTTP/.1")},
        {"9112 2.3: no dot", with_line("GET / HTTP/11")},
        {"9112 2.3: something behind it", with_line("GET / HTTP/1.1x")},
        {"9112 2.3: two digits behind the dot", with_line("GET / HTTP/1.10")},
        {"9112 2.3: a zero before it", with_line("GET / HTTP/01.1")},
        {"9112 2.3: a zero behind the dot", with_line("GET / HTTP/1.01")},
        {"9112 2.3: a sign", with_line("GET / HTTP/-1.1")},
        {"9112 2.3: a plus", with_line("GET / HTTP/+1.1")},
        {"9112 2.3: a comma", with_line("GET / HTTP/1,1")},
        {"9112 2.3: letters", with_line("GET / HTTP/x.y")},
        {"9112 2.3: a blank before the number", with_line("GET / HTTP/ 1.1")},
        {"9112 2.3: a blank before the slash", with_line("GET / HTTP /1.1")},
        {"9112 2.3: no slash", with_line("GET / HTTP1.1")},
        {"9112 2.3: a backslash", with_line("GET / HTTP\\1.1")},
        {"9112 2.3: misspelt", with_line("GET / HTPP/1.1")},
        {"9112 2.3: lower case", with_line("GET / http/1.1")},
        {"9112 2.3: mixed case", with_line("GET / Http/1.1")},
        {"9112 2.3: HTTPS", with_line("GET / HTTPS/1.1")},
        {"9112 2.3: RTSP", with_line("GET / RTSP/1.0")},
        {"9112 2.3: RTSP with a method of its own", with_line("SETUP rtsp://a/ RTSP/1.0")},
        {"9112 2.3: Icecast", with_line("GET / ICE/1.0")},
        {"9112 2.3: Icecast with its method", with_line("SOURCE / ICE/1.0")},
        {"1945 4.1: a simple request, of HTTP/0.9", "GET /\r\n"},
    });
}

TEST_CASE("RFC 9110 4.1: a target longer than the limit is answered with 414")
{
    weft::http::server_options options;
    options.max_target_bytes = 40;
    const auto path = [](std::size_t size) { return "/" + std::string(size - 1, 'p'); };
    all_are_refused(
        {
            {"9112 3: one byte more", with_line("GET " + path(41) + " HTTP/1.1"), {414}},
            {"9112 3: with a query", with_line("GET /?" + path(40) + " HTTP/1.1"), {414}},
            {"9112 3: a URL", with_line("GET http://a" + path(40) + " HTTP/1.1"), {414}},
            {"9112 3: many more", with_line("GET " + path(100'000) + " HTTP/1.1"), {414}},
            {"9112 3: without an end", "GET " + path(5000), {414}},
        },
        options);
    all_are_answered({{"9112 3: as long as it may be",
                       with_line("GET " + path(40) + " HTTP/1.1"),
                       {"GET " + path(40) + " HTTP/1.1 a"}}},
                     options);
}

TEST_CASE("RFC 9112 3: what is in order arrives as it was sent")
{
    all_are_answered({
        {"9110 9.3.1: GET", with_line("GET / HTTP/1.1"), {"GET / HTTP/1.1 a"}},
        {"9110 9.3.3: POST without a body", with_line("POST / HTTP/1.1"), {"POST / HTTP/1.1 a"}},
        {"9110 9.3.4: PUT", with_line("PUT /x HTTP/1.1"), {"PUT /x HTTP/1.1 a"}},
        {"9110 9.3.5: DELETE", with_line("DELETE /x HTTP/1.1"), {"DELETE /x HTTP/1.1 a"}},
        {"9110 9.3.7: OPTIONS", with_line("OPTIONS /x HTTP/1.1"), {"OPTIONS /x HTTP/1.1 a"}},
        {"9112 3.2.4: OPTIONS of the server",
         with_line("OPTIONS * HTTP/1.1"),
         {"OPTIONS * HTTP/1.1 a"}},
        {"9110 9.3.8: TRACE", with_line("TRACE / HTTP/1.1"), {"TRACE / HTTP/1.1 a"}},
        {"5789 2: PATCH", with_line("PATCH / HTTP/1.1"), {"PATCH / HTTP/1.1 a"}},
        {"4918 9.1: PROPFIND", with_line("PROPFIND / HTTP/1.1"), {"PROPFIND / HTTP/1.1 a"}},
        {"draft-ietf-httpbis-safe-method-w-body: QUERY",
         with_line("QUERY / HTTP/1.1"),
         {"QUERY / HTTP/1.1 a"}},
        {"3986 3.3: all that a path may contain",
         with_line("GET /aZ09-._~!$&'()*+,;=:@/%20%fF HTTP/1.1"),
         {"GET /aZ09-._~!$&'()*+,;=:@/%20%fF HTTP/1.1 a"}},
        {"3986 3.4: all that a query may contain",
         with_line("GET /?aZ09-._~!$&'()*+,;=:@/?%20 HTTP/1.1"),
         {"GET /?aZ09-._~!$&'()*+,;=:@/?%20 HTTP/1.1 a"}},
        {"WHATWG URL 4.4: what browsers leave in a query",
         with_line("GET /?{|}^`\\[] HTTP/1.1"),
         {"GET /?{|}^`\\[] HTTP/1.1 a"}},
        {"3986 3.3: empty segments", with_line("GET //a//b HTTP/1.1"), {"GET //a//b HTTP/1.1 a"}},
        {"3986 3.3: dots", with_line("GET /a/../b/. HTTP/1.1"), {"GET /a/../b/. HTTP/1.1 a"}},
        {"3986 3.4: an empty query", with_line("GET /a? HTTP/1.1"), {"GET /a? HTTP/1.1 a"}},
        {"9112 3.2.2: a URL's host counts, not Host",
         with_line("GET http://b.org/c?d HTTP/1.1"),
         {"GET http://b.org/c?d HTTP/1.1 b.org"}},
        {"9112 3.2.2: with a port",
         with_line("GET http://b:8080/ HTTP/1.1"),
         {"GET http://b:8080/ HTTP/1.1 b:8080"}},
        {"9112 3.2.2: without a path",
         with_line("GET http://b HTTP/1.1"),
         {"GET http://b HTTP/1.1 b"}},
        {"9112 3.2.2: a query without a path",
         with_line("GET http://b?c=d HTTP/1.1"),
         {"GET http://b?c=d HTTP/1.1 b"}},
        {"3986 3.1: the case of a scheme",
         with_line("GET HTTP://b/ HTTP/1.1"),
         {"GET HTTP://b/ HTTP/1.1 b"}},
        {"9112 3.2.2: https behind a proxy",
         with_line("GET https://b/ HTTP/1.1"),
         {"GET https://b/ HTTP/1.1 b"}},
        {"3986 3.2.2: an IPv6 address",
         with_line("GET http://[::1]:80/ HTTP/1.1"),
         {"GET http://[::1]:80/ HTTP/1.1 [::1]:80"}},
        {"9112 2.2: an empty line before it",
         "\r\n" + with_line("GET / HTTP/1.1"),
         {"GET / HTTP/1.1 a"}},
        {"9112 2.2: two empty lines",
         "\r\n\r\n" + with_line("GET / HTTP/1.1"),
         {"GET / HTTP/1.1 a"}},
        {"9112 2.2: an empty line behind a request",
         with_line("GET / HTTP/1.1") + "\r\n",
         {"GET / HTTP/1.1 a"}},
    });
}
