// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/url.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace http = weft::http;

TEST_CASE("percent coding goes both ways")
{
    CHECK(http::percent_decoded("a%20b%2Fc").value() == "a b/c");
    CHECK(http::percent_decoded("%e2%82%ac").value() == "\xe2\x82\xac");
    CHECK(http::percent_decoded("a+b").value() == "a+b");
    CHECK(http::percent_decoded("a+b", true).value() == "a b");
    CHECK(http::percent_decoded("").value().empty());
    for (const char* bad : {"%", "%2", "%zz", "a%2", "%%20"}) {
        CAPTURE(bad);
        CHECK_FALSE(http::percent_decoded(bad).has_value());
    }
    CHECK(http::percent_encoded("a b/c~-._%") == "a%20b%2Fc~-._%25");
    CHECK(http::percent_encoded(std::string("\0\xff", 2)) == "%00%FF");
    std::string all;
    for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
    CHECK(http::percent_decoded(http::percent_encoded(all)).value() == all);
}

TEST_CASE("a query is its members in order; what cannot be decoded is left out")
{
    const auto q = http::parse_query("a=1&b=x%20y&a=2&c&=v&&d=%zz&e=p+q&f=a=b");
    REQUIRE(q.size() == 7);
    CHECK(q[0] == std::pair<std::string, std::string>("a", "1"));
    CHECK(q[1] == std::pair<std::string, std::string>("b", "x y"));
    CHECK(q[2] == std::pair<std::string, std::string>("a", "2"));
    CHECK(q[3] == std::pair<std::string, std::string>("c", ""));
    CHECK(q[4] == std::pair<std::string, std::string>("", "v"));
    CHECK(q[5] == std::pair<std::string, std::string>("e", "p q"));
    CHECK(q[6] == std::pair<std::string, std::string>("f", "a=b"));
    CHECK(http::parse_query("").empty());
}

TEST_CASE("a URL comes apart, and together again")
{
    struct row {
        const char* text;
        const char* scheme;
        const char* host;
        int port;
        const char* target;
        const char* authority;
    };
    for (const row& r : {
             row{"http://example.com", "http", "example.com", 80, "/", "example.com"},
             row{"HTTP://Example.COM/a?b#c", "http", "example.com", 80, "/a?b", "example.com"},
             row{"https://h:8443/x", "https", "h", 8443, "/x", "h:8443"},
             row{"https://h:443/", "https", "h", 443, "/", "h"},
             row{"http://h:/", "http", "h", 80, "/", "h"},
             row{"http://h?q=1", "http", "h", 80, "/?q=1", "h"},
             row{"http://[::1]:8080/p", "http", "::1", 8080, "/p", "[::1]:8080"},
             row{"http://[2001:DB8::1]", "http", "2001:db8::1", 80, "/", "[2001:db8::1]"},
         }) {
        CAPTURE(r.text);
        const http::url u = http::url::parse(r.text);
        CHECK(u.scheme == r.scheme);
        CHECK(u.host == r.host);
        CHECK(u.port == r.port);
        CHECK(u.target == r.target);
        CHECK(u.authority() == r.authority);
        CHECK(http::url::parse(u.text()).text() == u.text());
    }
}

TEST_CASE("what is no URL is refused with its reason")
{
    for (const char* bad : {"",
                            "example.com",
                            "ftp://h/",
                            "http:/h",
                            "http://",
                            "http:///p",
                            "http://a b/",
                            "http://h/a b",
                            "http://user@h/",
                            "http://user:pw@h/",
                            "http://h:0/",
                            "http://h:65536/",
                            "http://h:x/",
                            "http://h:-1/",
                            "http://[::1/",
                            "http://[1234]/",
                            "http://[::1]x/",
                            "http://h\r\n/",
                            "http://h/\x01",
                            "http://\xc3\xa4/",
                            "http://h\\x/",
                            "http://h<>/"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS((void)http::url::parse(bad), std::invalid_argument);
    }
}

TEST_CASE("references are resolved as RFC 3986 section 5.4 has it")
{
    const http::url base = http::url::parse("http://a/b/c/d;p?q");
    struct row {
        const char* reference;
        const char* result;
    };
    for (const row& r : {
             row{"g", "http://a/b/c/g"},
             row{"./g", "http://a/b/c/g"},
             row{"g/", "http://a/b/c/g/"},
             row{"/g", "http://a/g"},
             row{"//g", "http://g/"},
             row{"?y", "http://a/b/c/d;p?y"},
             row{"g?y", "http://a/b/c/g?y"},
             row{"#s", "http://a/b/c/d;p?q"},
             row{"g#s", "http://a/b/c/g"},
             row{"g?y#s", "http://a/b/c/g?y"},
             row{";x", "http://a/b/c/;x"},
             row{"", "http://a/b/c/d;p?q"},
             row{".", "http://a/b/c/"},
             row{"./", "http://a/b/c/"},
             row{"..", "http://a/b/"},
             row{"../", "http://a/b/"},
             row{"../g", "http://a/b/g"},
             row{"../..", "http://a/"},
             row{"../../g", "http://a/g"},
             row{"../../../g", "http://a/g"},
             row{"../../../../g", "http://a/g"},
             row{"/./g", "http://a/g"},
             row{"/../g", "http://a/g"},
             row{"g.", "http://a/b/c/g."},
             row{".g", "http://a/b/c/.g"},
             row{"g..", "http://a/b/c/g.."},
             row{"..g", "http://a/b/c/..g"},
             row{"./../g", "http://a/b/g"},
             row{"./g/.", "http://a/b/c/g/"},
             row{"g/./h", "http://a/b/c/g/h"},
             row{"g/../h", "http://a/b/c/h"},
             row{"g;x=1/../y", "http://a/b/c/y"},
             row{"g?y/./x", "http://a/b/c/g?y/./x"},
             row{"https://other:444/x/../y", "https://other:444/y"},
             row{"HTTP://other/x/./../y", "http://other/y"},
             row{"//other/../y", "http://other/y"}, // its dots used to stay
             row{"//other/x/..?a/../b#f", "http://other/?a/../b"},
             row{"//other:81/.", "http://other:81/"},
             row{"//other", "http://other/"},
             row{"?", "http://a/b/c/d;p?"},
             row{"a:b@c", nullptr},
             row{"mailto:a@b", nullptr},
             row{"javascript:alert(1)", nullptr},
             row{"//user@h/", nullptr},
             row{"/a b", nullptr},
             row{"/a\r\nb", nullptr},
         }) {
        CAPTURE(r.reference);
        if (r.result) {
            CHECK(base.resolved(r.reference).text() == r.result);
        } else {
            CHECK_THROWS_AS((void)base.resolved(r.reference), std::invalid_argument);
        }
    }
}
