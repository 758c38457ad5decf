// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "captured_log.hpp"
#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

namespace http = weft::http;
using weft_test::captured_log;
using weft_test::served;
using weft_test::wire;
using weft_test::wire_response;
using namespace std::chrono_literals;

namespace {

void say(http::server& s, const char* pattern, std::string text)
{
    s.handle(pattern, [text](http::request&, http::response& res) -> weft::task<> {
        res.send(text);
        co_return;
    });
}

weft::task<> echo(http::request& req, http::response& res)
{
    std::string body = co_await req.body().read_all();
    res.send(std::move(body), "application/octet-stream");
}

std::string get(std::string_view target, std::string_view more = "")
{
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: test\r\n" + std::string(more) +
           "\r\n";
}

std::string post(std::string_view target, std::string_view body)
{
    return "POST " + std::string(target) +
           " HTTP/1.1\r\nHost: test\r\nContent-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + std::string(body);
}

} // namespace

TEST_CASE("a handler's text is the response, with Date, Content-Type and Content-Length")
{
    const served s([](http::server& to) { say(to, "GET /hello", "hi\n"); });
    const wire_response r = s.get("/hello");
    CHECK(r.status == 200);
    CHECK(r.reason == "OK");
    CHECK(r.body == "hi\n");
    CHECK(r.field("content-length") == "3");
    CHECK(r.field("content-type") == "text/plain; charset=utf-8");
    CHECK(r.field("server") == "weft");
    CHECK(r.field("date").size() == 29);
    CHECK(r.field("connection") == "close");
}

TEST_CASE("a connection is kept: HTTP/1.1 until it says close, 1.0 only if it asks")
{
    const served s([](http::server& to) { say(to, "GET /", "x"); });
    wire w = s.connect();
    for (int i = 0; i < 5; ++i) {
        const wire_response r = w.send(get("/")).receive();
        CHECK(r.status == 200);
        CHECK_FALSE(r.has("connection"));
    }
    CHECK(w.send(get("/", "Connection: close\r\n")).receive().field("connection") == "close");
    CHECK(w.is_closed_by_server());

    wire old = s.connect();
    CHECK(old.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
              .receive()
              .field("connection") == "keep-alive");
    CHECK(old.send("GET / HTTP/1.0\r\n\r\n").receive().field("connection") == "close");
    CHECK(old.is_closed_by_server());
    CHECK(s.is_left_alone());
}

TEST_CASE("requests that are sent ahead are answered in order")
{
    const served s([](http::server& to) {
        to.handle("GET /{id}", [](http::request& req, http::response& res) -> weft::task<> {
            if (req.path_value("id") == "3") co_await weft::sleep(20ms);
            res.send(std::string(req.path_value("id")));
        });
        to.handle("POST /echo", echo);
    });
    wire w = s.connect();
    std::string all;
    for (int i = 0; i < 200; ++i)
        all += i % 5 == 4 ? post("/echo", std::to_string(i)) : get("/" + std::to_string(i));
    w.send(all);
    for (int i = 0; i < 200; ++i) CHECK(w.receive().body == std::to_string(i));
}

// It was: the first answer waited for the second handler, and went with it when that failed.
TEST_CASE("an answer does not wait for the handler of a request that was sent ahead")
{
    auto gate = weft::make_channel<void>();
    const served s([&](http::server& server) {
        say(server, "GET /a", "first");
        server.handle("GET /wait", [gate](http::request&, http::response& res) -> weft::task<> {
            co_await gate.receive();
            res.send("second");
        });
        server.handle("GET /half", [](http::request&, http::response& res) -> weft::task<> {
            co_await res.write("half");
            throw std::runtime_error("no more");
        });
    });
    wire w = s.connect();
    w.send(get("/a") + get("/wait"));
    CHECK(w.receive().body == "first");
    CHECK(w.is_silent_for(20));
    weft_test::wait_for([&] { return gate.try_send(); });
    CHECK(w.receive().body == "second");
    w.send(get("/a") + get("/half"));
    CHECK(w.receive().body == "first");
    (void)w.receive_all(); // the second one breaks off
}

TEST_CASE("the request is what was sent")
{
    std::string seen;
    const served s([&](http::server& to) {
        to.handle("/a/{x}/{rest...}", [&](http::request& req, http::response& res) -> weft::task<> {
            seen = std::string(req.method()) + "|" + std::string(req.target()) + "|" + req.path() +
                   "|" + std::string(req.raw_path()) + "|" + std::string(req.query()) + "|" +
                   req.query_value("k").value_or("-") + "|" + std::string(req.host()) + "|" +
                   std::string(req.header("x-Y")) + "|" + std::string(req.path_value("x")) + "|" +
                   std::string(req.path_value("rest")) + "|" + std::string(req.pattern()) + "|" +
                   std::to_string(req.minor_version()) + "|" +
                   (req.remote_endpoint().address().is_loopback() ? "here" : "away");
            res.send("");
            co_return;
        });
    });
    (void)s.ask("PUT /a/b%20c/d/e?k=v%26w HTTP/1.1\r\nHost: h:80\r\nX-y:  some thing "
                "\r\nConnection: close\r\n\r\n");
    CHECK(seen ==
          "PUT|/a/b%20c/d/e?k=v%26w|/a/b c/d/e|/a/b%20c/d/e|k=v%26w|v&w|h:80|some thing|b c|d/e|"
          "/a/{x}/{rest...}|1|here");
}

TEST_CASE("a body comes whole or in pieces, by length or in chunks, with its trailers")
{
    std::string trailer;
    const served s([&](http::server& to) {
        to.handle("POST /echo", echo);
        to.handle("POST /count", [&](http::request& req, http::response& res) -> weft::task<> {
            std::size_t n = 0, pieces = 0;
            while (true) {
                const std::string_view piece = co_await req.body().read();
                if (piece.empty()) break;
                n += piece.size();
                ++pieces;
            }
            CHECK(req.body().at_end());
            trailer = req.trailers().value_or("Checksum", {});
            res.send(std::to_string(n) + (pieces > 1 ? " in pieces" : ""));
        });
    });
    wire w = s.connect();
    std::string large(1'000'000, 'x');
    for (std::size_t i = 0; i < large.size(); i += 997) large[i] = static_cast<char>('a' + i % 26);
    CHECK(w.send(post("/echo", large)).receive().body == large);
    CHECK(w.send(post("/count", large)).receive().body == "1000000 in pieces");
    const std::string head =
        "POST /count HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n";
    w.send_in_pieces(head + "3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nChecksum: 77\r\n\r\n", 1);
    CHECK(w.receive().body.starts_with("13"));
    CHECK(trailer == "77");
    CHECK(w.send(post("/echo", "")).receive().body.empty());
}

TEST_CASE("a response is streamed: in chunks, with a length, or until the end to HTTP/1.0")
{
    const served s([](http::server& to) {
        to.handle("GET /chunks", [](http::request&, http::response& res) -> weft::task<> {
            for (int i = 0; i < 1000; ++i) co_await res.write(std::to_string(i) + "\n");
            co_await res.write(std::string(100'000, 'z'));
        });
        to.handle("GET /length", [](http::request&, http::response& res) -> weft::task<> {
            res.set_header("Content-Length", "6");
            co_await res.write("abc");
            co_await res.flush();
            co_await res.write("def");
        });
    });
    std::string expected;
    for (int i = 0; i < 1000; ++i) expected += std::to_string(i) + "\n";
    expected += std::string(100'000, 'z');

    wire w = s.connect();
    const wire_response chunks = w.send(get("/chunks")).receive();
    CHECK(chunks.chunked);
    CHECK(chunks.body == expected);
    const wire_response length = w.send(get("/length")).receive();
    CHECK_FALSE(length.chunked);
    CHECK(length.body == "abcdef");
    const wire_response old = s.ask("GET /chunks HTTP/1.0\r\n\r\n");
    CHECK_FALSE(old.chunked);
    CHECK(old.body == expected);
    CHECK(old.field("connection") == "close");
}

TEST_CASE("HEAD, 204 and 304 have no body, and the next response is not disturbed")
{
    const served s([](http::server& to) {
        say(to, "GET /text", "12345");
        to.handle("GET /stream", [](http::request&, http::response& res) -> weft::task<> {
            co_await res.write("not to be seen");
        });
        to.handle("GET /nothing", [](http::request&, http::response& res) -> weft::task<> {
            res.set_status(http::status::no_content).send("not to be seen");
            co_return;
        });
        to.handle("GET /same", [](http::request&, http::response& res) -> weft::task<> {
            res.set_status(http::status::not_modified);
            co_await res.write("not to be seen");
        });
    });
    wire w = s.connect();
    for (int round = 0; round < 3; ++round) {
        const wire_response head = w.send("HEAD /text HTTP/1.1\r\nHost: t\r\n\r\n").receive(true);
        CHECK(head.field("content-length") == "5");
        CHECK(w.send("HEAD /stream HTTP/1.1\r\nHost: t\r\n\r\n").receive(true).status == 200);
        const wire_response nothing = w.send(get("/nothing")).receive();
        CHECK(nothing.status == 204);
        CHECK_FALSE(nothing.has("content-length"));
        CHECK_FALSE(nothing.has("transfer-encoding"));
        CHECK(w.send(get("/same")).receive().status == 304);
        CHECK(w.send(get("/text")).receive().body == "12345");
    }
}

TEST_CASE(
    "a client that expects 100 is told to go on when the handler reads, and not if it does not")
{
    const served s([](http::server& to) {
        to.handle("POST /read", echo);
        say(to, "POST /ignore", "no");
    });
    wire w = s.connect();
    const std::string expect =
        " HTTP/1.1\r\nHost: t\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    CHECK(w.send("POST /read" + expect).receive().status == 100);
    CHECK(w.send("abc").receive().body == "abc");
    const wire_response r = w.send("POST /ignore" + expect).receive();
    CHECK(r.status == 200);
    CHECK(r.field("connection") == "close");
    CHECK(w.is_closed_by_server());
}

TEST_CASE("what a handler throws is answered; connection and server live on")
{
    captured_log log;
    const served s([](http::server& to) {
        to.handle("GET /gone", [](http::request&, http::response&) -> weft::task<> {
            throw http::error(http::status::gone, "it was here");
            co_return;
        });
        to.handle("GET /oops", [](http::request&, http::response& res) -> weft::task<> {
            res.set_header("X-Left", "over");
            throw std::runtime_error("secret reason");
            co_return;
        });
        to.handle("GET /odd", [](http::request&, http::response&) -> weft::task<> {
            throw 7;
            co_return;
        });
        to.handle("GET /half", [](http::request&, http::response& res) -> weft::task<> {
            co_await res.write("begun");
            co_await res.flush();
            throw std::runtime_error("in the middle");
        });
        say(to, "GET /fine", "fine");
    });
    wire w = s.connect();
    const wire_response gone = w.send(get("/gone")).receive();
    CHECK(gone.status == 410);
    CHECK(gone.body == "it was here\n");
    const wire_response oops = w.send(get("/oops")).receive();
    CHECK(oops.status == 500);
    CHECK_FALSE(oops.has("x-left"));
    CHECK(oops.body.find("secret") == std::string::npos);
    CHECK(w.send(get("/odd")).receive().status == 500);
    CHECK(w.send(get("/fine")).receive().body == "fine");
    CHECK_THROWS((void)w.send(get("/half")).receive()); // breaks off: it must not look whole
    CHECK(s.get("/fine").body == "fine");
    CHECK(log.with("secret reason") != 0);
    CHECK(log.with("/oops") != 0);
    CHECK(log.with("in the middle") != 0);
    CHECK(const_cast<served&>(s).server().statistics().panics == 3);
}

// It was: what no response can say ended the process.
TEST_CASE("an error with a status that is none is a 500")
{
    const captured_log log;
    const served s([](http::server& server) {
        server.handle("GET /{n}", [](http::request& req, http::response&) -> weft::task<> {
            throw http::error(
                static_cast<http::status>(std::stoi(std::string(req.path_value("n")))));
            co_return;
        });
    });
    for (const char* n : {"/0", "/103", "/1000", "/199"}) CHECK(s.get(n).status == 500);
    CHECK(s.get("/404").status == 404);
}

// It was: the client, who is still there, got no answer at all.
TEST_CASE("a handler that is ended by a context of its own is a failure, and the client is told")
{
    captured_log log;
    const served s([](http::server& server) {
        server.handle("GET /", [](http::request& req, http::response&) -> weft::task<> {
            const auto own = weft::with_cancel(req.context());
            req.set_context(own.ctx);
            own.cancel();
            co_await weft::sleep(own.ctx, 10s);
        });
    });
    CHECK(s.get("/").status == 500);
}

// It was: the connection went on in the middle of a body, and the next response was taken for its rest.
TEST_CASE("a handler that would write more than Content-Length ends the connection, whatever it "
          "does then")
{
    captured_log log;
    const served s([](http::server& server) {
        server.handle("GET /", [](http::request&, http::response& res) -> weft::task<> {
            res.set_header("Content-Length", "10");
            co_await res.write("12345");
            try {
                co_await res.write("1234567890");
            } catch (const weft::misuse_error&) {
                // It goes on as if nothing were.
            }
        });
    });
    wire w = s.connect();
    w.send(get("/") + get("/"));
    CHECK(w.receive_all().ends_with("\r\n\r\n12345"));
    CHECK(log.with("fewer bytes were written than Content-Length says") != 0);
}

TEST_CASE("a body over the limit is 413, by its length or by its chunks; a route may allow more")
{
    http::server_options o;
    o.max_body_bytes = 1000;
    const served s(
        [](http::server& to) {
            to.handle("POST /echo", echo);
            to.handle("POST /large", echo, {.max_body_bytes = 100'000});
            say(to, "POST /ignore", "never seen");
        },
        o);
    wire w = s.connect();
    CHECK(w.send(post("/echo", std::string(1000, 'x'))).receive().status == 200);
    CHECK(w.send(post("/large", std::string(50'000, 'x'))).receive().status == 200);
    const wire_response r = w.send(post("/echo", std::string(1001, 'x'))).receive();
    CHECK(r.status == 413);
    CHECK(w.is_closed_by_server());
    CHECK(s.ask(post("/ignore", std::string(1001, 'x'))).status == 413);
    wire c = s.connect();
    c.send("POST /echo HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n");
    c.send("1f4\r\n" + std::string(500, 'a') + "\r\n1f5\r\n" + std::string(501, 'a') +
           "\r\n0\r\n\r\n");
    CHECK(c.receive().status == 413);
    CHECK(c.is_closed_by_server());
}

TEST_CASE("a body that the handler leaves is skipped if it is small, else the connection ends")
{
    http::server_options o;
    o.max_body_bytes = 10'000'000;
    const served s([](http::server& to) { say(to, "POST /ignore", "ok"); }, o);
    wire w = s.connect();
    CHECK(w.send(post("/ignore", std::string(100'000, 'x'))).receive().body == "ok");
    CHECK(w.send(post("/ignore", "small")).receive().body == "ok");
    CHECK(w.send(post("/ignore", std::string(2'000'000, 'x'))).receive().body == "ok");
    CHECK(w.is_closed_by_server());
}

TEST_CASE("the request's context ends when the client goes away, and when the time is over")
{
    std::atomic<int> ended{0}, deadline{0};
    http::server_options o;
    o.handler_timeout = 100ms;
    const served s(
        [&](http::server& to) {
            to.handle("GET /wait",
                      [&](http::request& req, http::response& res) -> weft::task<> {
                          co_await req.context().done();
                          if (req.context().err() == weft::errc::canceled) ++ended;
                          res.send("nobody reads this");
                      },
                      {.handler_timeout = weft::duration(0)});
            to.handle("GET /slow", [&](http::request& req, http::response& res) -> weft::task<> {
                co_await weft::sleep(req.context(), 1h);
                res.send("late");
            });
            to.handle("GET /polite", [&](http::request& req, http::response& res) -> weft::task<> {
                co_await req.context().done();
                if (req.context().err() == weft::errc::deadline_exceeded) ++deadline;
                res.set_status(http::status::gateway_timeout).send("gave up");
            });
        },
        o);
    for (int i = 0; i < 3; ++i) {
        wire w = s.connect();
        w.send(get("/wait"));
        std::this_thread::sleep_for(30ms);
        if (i == 0) w.close();
        if (i == 1) w.reset();
        if (i == 2) w.end_of_sending(); // half-closed counts as gone, as in Go
        const auto end = std::chrono::steady_clock::now() + 5s;
        while (ended != i + 1 && std::chrono::steady_clock::now() < end)
            std::this_thread::sleep_for(1ms);
        CHECK(ended == i + 1);
    }
    CHECK(s.is_left_alone());
    wire w = s.connect();
    CHECK(w.send(get("/slow")).receive().status == 503);
    CHECK(w.send(get("/polite")).receive().status == 504);
    CHECK(deadline == 1);
}

TEST_CASE("max_connections: more wait their turn, or are refused with 503")
{
    http::server_options o;
    o.max_connections = 2;
    for (const http::overload what : {http::overload::wait, http::overload::refuse}) {
        o.when_full = what;
        const served s([](http::server& to) { say(to, "GET /", "x"); }, o);
        wire a = s.connect();
        wire b = s.connect();
        CHECK(a.send(get("/")).receive().status == 200);
        CHECK(b.send(get("/")).receive().status == 200);
        wire c = s.connect();
        if (what == http::overload::refuse) {
            CHECK(c.receive().status == 503);
            CHECK(c.is_closed_by_server());
            a.close();
            while (const_cast<served&>(s).server().statistics().open > 1)
                std::this_thread::sleep_for(1ms);
            CHECK(s.get("/").status == 200);
        } else {
            c.send(get("/"));
            CHECK(c.is_silent_for(100));
            a.close();
            CHECK(c.receive().status == 200);
        }
    }
}

TEST_CASE("an address to which nobody comes holds no place of another's connections")
{
    http::server_options o;
    o.max_connections = 1;
    weft::runtime rt({.procs = 2});
    http::server server(o);
    say(server, "GET /", "x");
    const auto one = server.listen("127.0.0.1:0").port();
    const auto other = server.listen("127.0.0.1:0").port();
    auto serving = weft::spawn(rt.get_executor(), [&] { return server.serve(); });
    for (const auto port : {one, one, one, other, other, one})
        CHECK(wire(port).send(get("/", "Connection: close\r\n")).receive().status == 200);
    wire first(one);
    CHECK(first.send(get("/")).receive().status == 200);
    wire second(other);
    second.send(get("/"));
    CHECK(second.is_silent_for(100));
    first.close();
    CHECK(second.receive().status == 200);
    server.close();
    weft::sync_wait(rt.get_executor(), serving.join());
    CHECK(rt.shutdown(5s).clean());
}

TEST_CASE("no header_timeout: a header that was begun has all the time, an idle connection has not")
{
    http::server_options o;
    o.header_timeout = 0s;
    o.idle_timeout = 200ms;
    o.min_data_rate = 0;
    const served s([](http::server& to) { say(to, "GET /", "x"); }, o);
    wire w = s.connect();
    w.send("GET / HT");
    CHECK(w.is_silent_for(600));
    CHECK(w.send("TP/1.1\r\nHost: t\r\n\r\n").receive().status == 200);
    CHECK(w.is_closed_by_server());
}

TEST_CASE("max_requests_per_connection: the last one says close")
{
    http::server_options o;
    o.max_requests_per_connection = 3;
    const served s([](http::server& to) { say(to, "GET /", "x"); }, o);
    wire w = s.connect();
    CHECK_FALSE(w.send(get("/")).receive().has("connection"));
    CHECK_FALSE(w.send(get("/")).receive().has("connection"));
    CHECK(w.send(get("/")).receive().field("connection") == "close");
    CHECK(w.is_closed_by_server());
}

TEST_CASE("misuse of a response is told, and smuggled lines are refused")
{
    const served s([](http::server& to) {
        to.handle("GET /", [](http::request&, http::response& res) -> weft::task<> {
            CHECK_THROWS_AS(res.set_header("X", "a\r\nSet-Cookie: b"), std::invalid_argument);
            CHECK_THROWS_AS(res.set_header("X y", "a"), std::invalid_argument);
            CHECK_THROWS_AS(res.set_status(http::status{100}), weft::misuse_error);
            co_await res.write("a");
            CHECK(res.started());
            CHECK_THROWS_AS(res.send("b"), weft::misuse_error);
            CHECK_THROWS_AS(res.set_status(http::status::ok), weft::misuse_error);
        });
        to.handle("GET /long", [](http::request&, http::response& res) -> weft::task<> {
            res.set_header("Content-Length", "2");
            co_await res.write("abc");
        });
    });
    CHECK(s.get("/").body == "a");
    captured_log log;
    wire w = s.connect();
    CHECK_THROWS((void)w.send(get("/long")).receive());
    CHECK(log.with("Content-Length") != 0);
}

TEST_CASE("an access log sees each response")
{
    std::mutex mutex;
    std::string seen;
    http::server_options o;
    o.on_response = [&](const http::request& req, const http::response& res, weft::duration took) {
        const std::lock_guard lock(mutex);
        seen += std::string(req.method()) + " " + req.path() + " " +
                std::to_string(code(res.status())) + " " + std::to_string(res.body_size()) +
                (took >= 0s ? ";" : "?");
    };
    {
        const served s([](http::server& to) { say(to, "GET /a", "123"); }, o);
        wire w = s.connect();
        (void)w.send(get("/a")).receive();
        (void)w.send(get("/b")).receive();
    }
    CHECK(seen == "GET /a 200 3;GET /b 404 19;");
}

TEST_CASE("an address that cannot be listened on is named")
{
    http::server a, b;
    const auto at = a.listen("127.0.0.1:0");
    const std::string taken = "127.0.0.1:" + std::to_string(at.port());
    CHECK_THROWS_WITH_AS(b.listen(taken), doctest::Contains(taken.c_str()), asio::system_error);
    for (const char* bad :
         {"", "80", "localhost", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000"}) {
        CAPTURE(bad);
        CHECK_THROWS_AS(b.listen(bad), std::invalid_argument);
    }
    CHECK_THROWS_AS(b.listen("203.0.113.1:0"), asio::system_error); // not this machine's
    CHECK(b.listen("[::1]:0").address().is_v6());
    CHECK(b.listen("localhost:0").address().is_loopback());
}
