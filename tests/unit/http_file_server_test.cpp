// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_peer.hpp"
#include "scratch_directory.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>

namespace http = weft::http;
namespace fs = std::filesystem;
using weft_test::served;
using weft_test::wire;
using weft_test::wire_response;

namespace {

/// A tree of files, and a file beside it that must not be served.
class tree {
public:
    tree()
    {
        put("secret.txt", "secret");
        put("root/a.txt", "0123456789");
        put("root/index.html", "<p>top</p>");
        put("root/dir/index.html", "<p>dir</p>");
        put("root/dir/b c.css", "b{}");
        put("root/bare/x.json", "{}");
        put("root/.hidden", "hidden");
        put("root/.git/config", "hidden");
        put("root/.well-known/security.txt", "well known");
        put("root/empty", "");
        large_.resize(3'000'000);
        for (std::size_t i = 0; i < large_.size(); ++i)
            large_[i] = static_cast<char>(i * 7 + i / 251);
        put("root/large.bin", large_);
        fs::create_symlink("a.txt", top_ / "root/link_inside");
        fs::create_symlink("../secret.txt", top_ / "root/link_outside");
        fs::create_symlink("/", top_ / "root/link_absolute");
    }

    [[nodiscard]] fs::path root() const { return top_ / "root"; }
    [[nodiscard]] const std::string& large() const { return large_; }

private:
    void put(const std::string& path, const std::string& text)
    {
        fs::create_directories((top_ / path).parent_path());
        std::ofstream(top_ / path, std::ios::binary) << text;
    }

    weft_test::scratch_directory scratch_;
    const fs::path top_ = scratch_.path();
    std::string large_;
};

served::set_up files(const tree& t, http::file_server_options o = {})
{
    return [&t, o](http::server& to) { to.handle("/s/{path...}", http::file_server(t.root(), o)); };
}

wire_response ask(const served& s, std::string_view target, std::string_view more,
                  std::string_view method = "GET")
{
    return s.ask(std::string(method) + " " + std::string(target) +
                     " HTTP/1.1\r\nHost: t\r\nConnection: close\r\n" + std::string(more) + "\r\n",
                 method == "HEAD");
}

} // namespace

TEST_CASE("a file is served with its type, length, date and tag")
{
    const tree t;
    const served s(files(t));
    const wire_response r = s.get("/s/a.txt");
    CHECK(r.status == 200);
    CHECK(r.body == "0123456789");
    CHECK(r.field("content-type") == "text/plain; charset=utf-8");
    CHECK(r.field("content-length") == "10");
    CHECK(r.field("accept-ranges") == "bytes");
    CHECK(r.field("etag").size() > 2);
    CHECK(r.field("last-modified").size() == 29);
    CHECK(r.field("cache-control") == "no-cache");
    CHECK(s.get("/s/dir/b%20c.css").field("content-type") == "text/css; charset=utf-8");
    CHECK(s.get("/s/large.bin").body == t.large());
    CHECK(s.get("/s/empty").body.empty());
    const wire_response head = ask(s, "/s/a.txt", "", "HEAD");
    CHECK(head.status == 200);
    CHECK(head.field("content-length") == "10");
    CHECK(ask(s, "/s/a.txt", "", "POST").status == 405);
    CHECK(ask(s, "/s/a.txt", "", "POST").field("allow") == "GET, HEAD");
}

TEST_CASE("a directory is its index, with a slash at its end")
{
    const tree t;
    const served s(files(t));
    CHECK(s.get("/s/").body == "<p>top</p>");
    CHECK(s.get("/s/dir/").body == "<p>dir</p>");
    const wire_response r = s.get("/s/dir?q=1");
    CHECK(r.status == 301);
    CHECK(r.field("location") == "./dir/?q=1");
    CHECK(s.get("/s/bare/").status == 404);
    CHECK(s.get("/s/a.txt/x").status == 404);
}

TEST_CASE("nothing outside of the root can be reached, and nothing that is hidden")
{
    const tree t;
    const served s(files(t));
    for (const char* target :
         {"/s/..%2fsecret.txt", "/s/%2e%2e/secret.txt", "/s/dir/..%2f..%2fsecret.txt",
          "/s/%2e%2e%2fsecret.txt", "/s/link_outside", "/s/link_absolute/etc/passwd",
          "/s//etc/passwd", "/s/%2fetc%2fpasswd", "/s/a.txt%00.html", "/s/.hidden",
          "/s/.git/config", "/s/.%2fa.txt", "/s/..", "/s/%5c..%5csecret.txt", "/s/nothing"}) {
        CAPTURE(target);
        const wire_response r = s.get(target);
        CHECK((r.status == 404 || r.status == 307));
        CHECK(r.body.find("secret") == std::string::npos);
        CHECK(r.body.find("root:") == std::string::npos);
        CHECK(r.body.find("hidden") == std::string::npos);
    }
    CHECK(s.get("/s/link_inside").body == "0123456789");
    CHECK(s.get("/s/.well-known/security.txt").body == "well known");
    const served open(files(t, {.hidden_files = true}));
    CHECK(open.get("/s/.hidden").body == "hidden");
    CHECK(open.get("/s/%2e%2e/secret.txt").status == 404);
}

TEST_CASE("a client that has it already is told so")
{
    const tree t;
    const served s(files(t, {.max_age = std::chrono::seconds(60)}));
    const wire_response first = s.get("/s/a.txt");
    CHECK(first.field("cache-control") == "max-age=60");
    const std::string tag = first.field("etag"), date = first.field("last-modified");
    for (const std::string& same :
         {"If-None-Match: " + tag, "If-None-Match: W/" + tag, "If-None-Match: \"x\", " + tag,
          std::string("If-None-Match: *"), "If-Modified-Since: " + date,
          std::string("If-Modified-Since: Fri, 31 Dec 2099 23:59:59 GMT")}) {
        CAPTURE(same);
        const wire_response r = ask(s, "/s/a.txt", same + "\r\n");
        CHECK(r.status == 304);
        CHECK(r.field("etag") == tag);
    }
    for (const std::string& other :
         {std::string("If-None-Match: \"x\""),
          std::string("If-Modified-Since: Sat, 01 Jan 2000 00:00:00 GMT"),
          std::string("If-Modified-Since: yesterday"),
          "If-None-Match: \"x\"\r\nIf-Modified-Since: " + date}) { // the tag counts
        CAPTURE(other);
        CHECK(ask(s, "/s/a.txt", other + "\r\n").status == 200);
    }
}

TEST_CASE("ranges")
{
    const tree t;
    const served s(files(t));
    struct row {
        const char* range;
        int status;
        const char* body;
        const char* content_range;
    };
    for (const row& r : {
             row{"bytes=0-3", 206, "0123", "bytes 0-3/10"},
             row{"bytes=5-", 206, "56789", "bytes 5-9/10"},
             row{"bytes=-3", 206, "789", "bytes 7-9/10"},
             row{"bytes=-99", 206, "0123456789", "bytes 0-9/10"},
             row{"bytes=8-99", 206, "89", "bytes 8-9/10"},
             row{"Bytes=9-9", 206, "9", "bytes 9-9/10"},
             row{"bytes=10-", 416, nullptr, "bytes */10"},
             row{"bytes=-0", 416, nullptr, "bytes */10"},
             row{"bytes=0-1,3-4", 200, "0123456789", ""},
             row{"bytes=3-1", 200, "0123456789", ""},
             row{"bytes=a-b", 200, "0123456789", ""},
             row{"bytes=", 200, "0123456789", ""},
             row{"bytes=-", 200, "0123456789", ""},
             row{"lines=0-3", 200, "0123456789", ""},
             row{"bytes=99999999999999999999-", 200, "0123456789", ""},
         }) {
        CAPTURE(r.range);
        const wire_response got = ask(s, "/s/a.txt", "Range: " + std::string(r.range) + "\r\n");
        CHECK(got.status == r.status);
        if (r.body) CHECK(got.body == r.body);
        CHECK(got.field("content-range") == r.content_range);
    }
    const std::string tag = s.get("/s/a.txt").field("etag");
    CHECK(ask(s, "/s/a.txt", "Range: bytes=0-3\r\nIf-Range: " + tag + "\r\n").status == 206);
    CHECK(ask(s, "/s/a.txt", "Range: bytes=0-3\r\nIf-Range: \"other\"\r\n").status == 200);
    CHECK(ask(s, "/s/large.bin", "Range: bytes=1000000-1999999\r\n").body ==
          t.large().substr(1'000'000, 1'000'000));
    CHECK(ask(s, "/s/empty", "Range: bytes=0-\r\n").status == 416);
}

TEST_CASE("a root that is no directory is refused")
{
    const tree t;
    CHECK_THROWS_AS((void)http::file_server(t.root() / "a.txt"), std::invalid_argument);
    CHECK_THROWS_AS((void)http::file_server(t.root() / "none"), std::invalid_argument);
    CHECK(http::media_type("x.HTML") == "text/html; charset=utf-8");
    CHECK(http::media_type("noending") == "application/octet-stream");
}
