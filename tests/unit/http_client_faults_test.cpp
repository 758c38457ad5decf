// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Servers that do not keep to the rules, and what the client says of them.

#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace http = weft::http;
using namespace std::chrono_literals;

namespace {

/// Accepts connections and does the same with each: waits for a request's header, sends its text, and closes, or waits for the
/// client to close.
class scripted {
public:
    enum class then { close, wait };

    scripted(std::string answer, then what) : answer_(std::move(answer)), then_(what)
    {
        door_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(door_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(door_, 16) == 0);
        ::getsockname(door_, reinterpret_cast<sockaddr*>(&at), &size);
        port = ntohs(at.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~scripted()
    {
        stopping_ = true;
        thread_.join();
        ::close(door_);
    }
    scripted(const scripted&) = delete;
    scripted& operator=(const scripted&) = delete;

    [[nodiscard]] std::string url() const
    {
        return "http://127.0.0.1:" + std::to_string(port) + "/";
    }

    std::uint16_t port = 0;
    std::atomic<int> requests{0};

private:
    void serve()
    {
        while (!stopping_) {
            pollfd p{door_, POLLIN, 0};
            if (::poll(&p, 1, 10) <= 0) continue;
            const int peer = ::accept(door_, nullptr, nullptr);
            std::string seen;
            char piece[4096];
            while (true) { // one request after the other, as long as the client likes
                const std::size_t end = seen.find("\r\n\r\n");
                if (end == std::string::npos) {
                    pollfd q{peer, POLLIN, 0};
                    if (stopping_) break;
                    if (::poll(&q, 1, 10) <= 0) continue;
                    const ssize_t n = ::recv(peer, piece, sizeof piece, 0);
                    if (n <= 0) break;
                    seen.append(piece, static_cast<std::size_t>(n));
                    continue;
                }
                seen.erase(0, end + 4);
                ++requests;
                ::send(peer, answer_.data(), answer_.size(), MSG_NOSIGNAL);
                if (then_ == then::close) break;
            }
            ::close(peer);
        }
    }

    const std::string answer_;
    const then then_;
    int door_ = -1;
    std::atomic<bool> stopping_{false};
    std::thread thread_;
};

/// What a GET comes to: the status and the body, or the kind of exception.
std::string outcome(const scripted& s, http::client_options o = {})
{
    weft::runtime rt({.procs = 1});
    std::string text;
    auto body = [&]() -> weft::task<> {
        http::client web(o);
        try {
            auto r = co_await web.get(weft::background(), s.url());
            text = std::to_string(code(r.status())) + " ";
            text += co_await r.text();
            for (const http::header_field f : r.trailers()) text += " " + std::string(f.name);
        } catch (const http::error& e) {
            text = "bad gateway";
            CHECK(e.code() == http::status::bad_gateway);
            CHECK(std::string(e.what()).find(s.url()) != std::string::npos);
        } catch (const weft::error&) {
            text = "late";
        } catch (const asio::system_error&) {
            text = "lost";
        }
    };
    weft::sync_wait(rt.get_executor(), body);
    CHECK(rt.shutdown(5s).clean());
    return text;
}

} // namespace

TEST_CASE("responses that are valid, however odd")
{
    struct row {
        const char* answer;
        scripted::then what;
        const char* outcome;
    };
    for (const row& r : {
             row{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", scripted::then::wait, "200 ok"},
             row{"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", scripted::then::wait, "200 ok"},
             row{"HTTP/1.1 299 Odd\r\nContent-Length: 0\r\n\r\n", scripted::then::wait, "299 "},
             row{"HTTP/1.0 200 OK\r\n\r\nuntil the end", scripted::then::close,
                 "200 until the end"},
             row{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end", scripted::then::close,
                 "200 until the end"},
             row{"HTTP/1.1 204 No Content\r\n\r\n", scripted::then::wait, "204 "},
             row{"HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n", scripted::then::wait,
                 "304 "},
             row{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n"
                 "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
                 scripted::then::wait, "200 ok"},
             row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: 1\r\n\r\n",
                 scripted::then::wait, "200 abcde T"},
         }) {
        CAPTURE(r.answer);
        const scripted s(r.answer, r.what);
        CHECK(outcome(s) == r.outcome);
        CHECK(s.requests == 1);
    }
}

TEST_CASE("responses that are not")
{
    struct row {
        std::string answer;
        const char* outcome;
    };
    for (const row& r : {
             row{"", "lost"},
             row{"HTTP/1.1 20", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nContent-Le", "bad gateway"},
             row{"nonsense\r\n\r\n", "bad gateway"},
             row{"HTTP/3.0 200 OK\r\n\r\n", "bad gateway"},
             row{"HTTP/1.1 abc OK\r\n\r\n", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
                 "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n",
                 "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nName with blank: x\r\n\r\n", "bad gateway"},
             row{"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
                 "bad gateway"},
             row{"HTTP/1.1 200 OK\r\nX: " + std::string(100'000, 'x') + "\r\n\r\n", "bad gateway"},
         }) {
        CAPTURE(r.answer.substr(0, 80));
        const scripted s(r.answer, scripted::then::close);
        CHECK(outcome(s) == r.outcome);
    }
}

TEST_CASE("a server that says nothing, or stops in the middle, is given up in time")
{
    http::client_options o;
    o.header_timeout = 50ms;
    const scripted silent("", scripted::then::wait);
    CHECK(outcome(silent, o) == "late");
    const scripted slow("HTTP/1.1 200 OK\r\nContent-", scripted::then::wait);
    CHECK(outcome(slow, o) == "late");
    o.retries = 2;
    o.retry_policy = {.initial = 1ms, .max = 1ms};
    const scripted still_silent("", scripted::then::wait);
    CHECK(outcome(still_silent, o) == "late");
    CHECK(still_silent.requests == 3);
    o.header_timeout = 0s;
    o.timeout = 50ms;
    const scripted half("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", scripted::then::wait);
    CHECK(outcome(half, o) == "late");
}

TEST_CASE("a request that a used connection could not bring is sent on a fresh one, if it may be")
{
    // Closes after each answer without saying so, at a moment when the client may be sending already.
    const scripted s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", scripted::then::close);
    weft::runtime rt({.procs = 2});
    auto body = [&]() -> weft::task<> {
        http::client web;
        for (int i = 0; i < 50; ++i) {
            auto r = co_await web.get(weft::background(), s.url());
            CHECK(co_await r.text() == "ok");
            if (i % 2) co_await weft::sleep(1ms);
        }
    };
    weft::sync_wait(rt.get_executor(), body);
}

TEST_CASE("what is left over after a response is not taken for the next one")
{
    const scripted s("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 "
                     "OK\r\nContent-Length: 4\r\n\r\nevil",
                     scripted::then::wait);
    weft::runtime rt({.procs = 1});
    auto body = [&]() -> weft::task<> {
        http::client web;
        for (int i = 0; i < 5; ++i) {
            auto r = co_await web.get(weft::background(), s.url());
            CHECK(co_await r.text() == "ok");
        }
    };
    weft::sync_wait(rt.get_executor(), body);
}
