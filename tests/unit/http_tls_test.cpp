// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "certificate.hpp"
#include "http_peer.hpp"

#include <asio/connect.hpp>
#include <asio/io_context.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/ssl.hpp>
#include <asio/write.hpp>

#include <chrono>
#include <stdexcept>
#include <string>
#include <thread>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace http = weft::http;
using asio::ip::tcp;
using weft_test::certificate;
using weft_test::wire;
using namespace std::chrono_literals;

namespace {

/// A server that speaks TLS.
class secure {
public:
    explicit secure(http::server_options o = {})
        : runtime_({.procs = 2}), server_(std::move(o)), own_("localhost")
    {
        server_.handle("GET /", [](http::request& req, http::response& res) -> weft::task<> {
            res.send(req.is_encrypted() ? "secret" : "open");
            co_return;
        });
        server_.handle("POST /echo", [](http::request& req, http::response& res) -> weft::task<> {
            std::string body = co_await req.body().read_all();
            res.send(std::move(body));
        });
        server_.handle("GET /down", [](http::request&, http::response& res) -> weft::task<> {
            res.set_header("Location", "http://localhost:1/");
            res.set_status(http::status::found).send("moved");
            co_return;
        });
        server_.handle("GET /wait", [this](http::request& req, http::response&) -> weft::task<> {
            co_await req.context().done();
            ended = true;
        });
        const http::tls_options tls{.certificate_file = own_.certificate_file(),
                                    .key_file = own_.key_file()};
        port = server_.listen_tls("127.0.0.1:0", tls).port();
        auto serve = [](http::server& s) -> weft::task<> { co_await s.serve(); };
        weft::go(runtime_.get_executor(), serve, std::ref(server_));
    }
    ~secure()
    {
        server_.close();
        CHECK(runtime_.shutdown(5s).clean());
    }
    [[nodiscard]] http::server& server() { return server_; }
    [[nodiscard]] const certificate& own() const { return own_; }

    std::uint16_t port = 0;
    std::atomic<bool> ended{false};

private:
    weft::runtime runtime_;
    http::server server_;
    certificate own_;
};

/// A blocking client.
class safe_wire {
public:
    safe_wire(const secure& s, const std::string& trusted)
        : context_(asio::ssl::context::tls_client), stream_(io_, setup(trusted))
    {
        stream_.lowest_layer().connect({asio::ip::address_v4::loopback(), s.port});
        stream_.set_verify_callback(asio::ssl::host_name_verification("localhost"));
        stream_.handshake(asio::ssl::stream_base::client);
    }
    std::string ask(const std::string& request)
    {
        asio::write(stream_, asio::buffer(request));
        std::string all;
        asio::error_code ec;
        asio::read(stream_, asio::dynamic_buffer(all), ec);
        return all;
    }
    void send(const std::string& request) { asio::write(stream_, asio::buffer(request)); }
    /// All there is; `end` says how it ended.
    std::string receive_all(asio::error_code& end)
    {
        std::string all;
        asio::read(stream_, asio::dynamic_buffer(all), end);
        return all;
    }
    /// As browsers do: says so, and closes without waiting for the answer.
    void say_good_bye()
    {
        stream_.lowest_layer().non_blocking(true);
        asio::error_code ignored;
        stream_.shutdown(ignored); // would wait for the answer
        stream_.lowest_layer().close();
    }

private:
    asio::ssl::context& setup(const std::string& trusted)
    {
        context_.load_verify_file(trusted);
        context_.set_verify_mode(asio::ssl::verify_peer);
        return context_;
    }

    asio::io_context io_;
    asio::ssl::context context_;
    asio::ssl::stream<tcp::socket> stream_;
};

} // namespace

TEST_CASE("requests and bodies go through TLS")
{
    const secure s;
    CHECK(safe_wire(s, s.own().certificate_file())
              .ask("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
              .ends_with("\r\n\r\nsecret"));
    const std::string large(500'000, 'x');
    const std::string answer = safe_wire(s, s.own().certificate_file())
                                   .ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nConnection: "
                                        "close\r\nContent-Length: 500000\r\n\r\n" +
                                        large);
    CHECK(answer.ends_with("\r\n\r\n" + large));
}

TEST_CASE("a client that goes away ends the context, by TLS too")
{
    secure s;
    {
        safe_wire w(s, s.own().certificate_file());
        w.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
        std::this_thread::sleep_for(50ms);
    }
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (!s.ended && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    CHECK(s.ended);
}

// It was: the farewell was taken for the next request, and the end behind it was never seen.
TEST_CASE("a client that says good-bye by TLS ends the context")
{
    secure s;
    safe_wire w(s, s.own().certificate_file());
    w.send("GET /wait HTTP/1.1\r\nHost: localhost\r\n\r\n");
    std::this_thread::sleep_for(50ms);
    CHECK_FALSE(s.ended);
    w.say_good_bye();
    weft_test::wait_for([&] { return s.ended.load(); });
}

// It was: the connection just ended, and a whole body looked like one that broke off.
TEST_CASE("the end of a connection is said, not only done")
{
    const secure s;
    safe_wire w(s, s.own().certificate_file());
    w.send("GET / HTTP/1.0\r\n\r\n");
    asio::error_code end;
    CHECK(w.receive_all(end).ends_with("secret"));
    CHECK(end == asio::error::eof);
}

TEST_CASE("who does not speak TLS, or not in time, is closed; others are served")
{
    http::server_options o;
    o.header_timeout = 200ms;
    secure s(o);
    wire plain(s.port);
    plain.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    CHECK(plain.receive_all().find("HTTP/1.1 200") == std::string::npos);
    wire silent(s.port);
    CHECK(silent.is_closed_by_server());
    CHECK(
        safe_wire(s, s.own().certificate_file()).ask("GET / HTTP/1.0\r\n\r\n").ends_with("secret"));
}

TEST_CASE("files that cannot be used are named")
{
    http::server server;
    const certificate own("localhost");
    const http::tls_options none{.certificate_file = "/no/such/file", .key_file = own.key_file()};
    CHECK_THROWS_WITH_AS(server.listen_tls("127.0.0.1:0", none), doctest::Contains("/no/such/file"),
                         std::invalid_argument);
    const http::tls_options swapped{.certificate_file = own.key_file(),
                                    .key_file = own.certificate_file()};
    CHECK_THROWS_AS(server.listen_tls("127.0.0.1:0", swapped), std::invalid_argument);
    const certificate other("localhost");
    const http::tls_options mixed{.certificate_file = own.certificate_file(),
                                  .key_file = other.key_file()};
    CHECK_THROWS_AS(server.listen_tls("127.0.0.1:0", mixed), std::invalid_argument);
}

TEST_CASE("the client checks whom it talks to")
{
    secure s;
    weft::runtime rt({.procs = 1});
    auto body = [&]() -> weft::task<> {
        http::client_options o;
        o.trusted_certificates_file = s.own().certificate_file();
        http::client web(o);
        const std::string port = std::to_string(s.port);
        for (int i = 0; i < 3; ++i) {
            auto r = co_await web.get(weft::background(), "https://localhost:" + port + "/");
            CHECK(co_await r.text() == "secret");
        }
        CHECK(s.server().statistics().accepted == 1);
        auto echo = co_await web.post(weft::background(), "https://localhost:" + port + "/echo",
                                      std::string(300'000, 'y'), "text/plain");
        CHECK((co_await echo.text()).size() == 300'000);
        // From https to http: not even tried.
        CHECK_THROWS_WITH_AS(
            (void)co_await web.get(weft::background(), "https://localhost:" + port + "/down"),
            doctest::Contains("from https to http://localhost:1/"), http::error);
        // Another name than the certificate's.
        CHECK_THROWS_AS(
            (void)co_await web.get(weft::background(), "https://127.0.0.1:" + port + "/"),
            asio::system_error);
        http::client stranger; // trusts the system's authorities only
        CHECK_THROWS_AS(
            (void)co_await stranger.get(weft::background(), "https://localhost:" + port + "/"),
            asio::system_error);
    };
    weft::sync_wait(rt.get_executor(), body);
    CHECK(rt.shutdown(5s).clean());
}

// It was: TLS had them, so that neither the parser nor a look at the descriptor saw them; the next request was answered by them.
TEST_CASE("what is left over after a response is not taken for the next one, by TLS too")
{
    const certificate own("localhost");
    asio::io_context io;
    tcp::acceptor door(io, {asio::ip::address_v4::loopback(), 0});
    const std::string url =
        "https://localhost:" + std::to_string(door.local_endpoint().port()) + "/";
    std::thread server([&] {
        asio::ssl::context context(asio::ssl::context::tls_server);
        context.use_certificate_chain_file(own.certificate_file());
        context.use_private_key_file(own.key_file(), asio::ssl::context::pem);
        for (int i = 0; i < 2; ++i) {
            asio::ssl::stream<tcp::socket> peer(door.accept(), context);
            asio::error_code ec;
            peer.handshake(asio::ssl::stream_base::server, ec);
            std::string request;
            asio::read_until(peer, asio::dynamic_buffer(request), "\r\n\r\n", ec);
            // A record each; the client takes both from the descriptor when it reads the first one.
            const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n";
            asio::write(peer, asio::buffer(head), ec);
            std::this_thread::sleep_for(100ms);
            peer.next_layer().set_option(tcp::no_delay(false), ec);
            const int cork = 1, no_cork = 0;
            ::setsockopt(peer.next_layer().native_handle(), IPPROTO_TCP, TCP_CORK, &cork,
                         sizeof cork);
            asio::write(peer, asio::buffer(std::string("good")), ec);
            asio::write(peer, asio::buffer(head + "evil"), ec);
            ::setsockopt(peer.next_layer().native_handle(), IPPROTO_TCP, TCP_CORK, &no_cork,
                         sizeof no_cork);
            char c = 0;
            peer.read_some(asio::buffer(&c, 1), ec); // until the client closes, or asks again
        }
    });
    weft::runtime rt({.procs = 1});
    auto body = [&]() -> weft::task<> {
        http::client_options o;
        o.trusted_certificates_file = own.certificate_file();
        o.timeout = 5s;
        http::client web(o);
        for (int i = 0; i < 2; ++i) {
            auto r = co_await web.get(weft::background(), url);
            CHECK(co_await r.text() == "good");
        }
    };
    weft::sync_wait(rt.get_executor(), body);
    CHECK(rt.shutdown(5s).clean());
    wire(door.local_endpoint().port())
        .close(); // lets a server go that waits for another connection
    server.join();
}

TEST_CASE("a handshake that does not go on is given up with the context, and in time")
{
    asio::io_context io;
    tcp::acceptor silent(
        io, {asio::ip::address_v4::loopback(), 0}); // the kernel accepts, nobody speaks
    const std::string url =
        "https://localhost:" + std::to_string(silent.local_endpoint().port()) + "/";
    weft::runtime rt({.procs = 1});
    auto body = [&]() -> weft::task<> {
        const auto code_of = [&](http::client_options o,
                                 weft::duration limit) -> weft::task<std::error_code> {
            const auto soon = weft::with_timeout(weft::background(), limit);
            http::client web(std::move(o));
            try {
                (void)co_await web.get(soon.ctx, url);
            } catch (const weft::error& e) {
                co_return e.code();
            }
            co_return std::error_code();
        };
        const auto begin = std::chrono::steady_clock::now();
        const http::client_options usual;
        CHECK(co_await code_of(usual, 50ms) == weft::errc::deadline_exceeded);
        http::client_options hasty;
        hasty.connect_timeout = 50ms;
        CHECK(co_await code_of(hasty, 10s) == weft::errc::deadline_exceeded);
        CHECK(std::chrono::steady_clock::now() - begin < 4s);
    };
    weft::sync_wait(rt.get_executor(), body);
    CHECK(rt.shutdown(5s).clean());
}
