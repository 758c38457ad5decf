// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What a client waits for, for how long, and what it makes of a wait that came to nothing.

#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace http = weft::http;
using namespace std::chrono_literals;
using std::chrono::steady_clock;

/// In place of the C library's: "slow.test" takes a second.
extern "C" int getaddrinfo(const char* name, const char* service, const addrinfo* hints,
                           addrinfo** found)
{
    using function = int (*)(const char*, const char*, const addrinfo*, addrinfo**);
    static const auto real = reinterpret_cast<function>(::dlsym(RTLD_NEXT, "getaddrinfo"));
    if (!name || std::strcmp(name, "slow.test") != 0) return real(name, service, hints, found);
    std::this_thread::sleep_for(1s);
    return EAI_AGAIN;
}

namespace {

/// A listening socket that takes connections into the kernel's queue and no further.
class door {
public:
    explicit door(int backlog) : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        REQUIRE(::bind(descriptor_, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
        REQUIRE(::listen(descriptor_, backlog) == 0);
        ::getsockname(descriptor_, reinterpret_cast<sockaddr*>(&at), &size);
        port = ntohs(at.sin_port);
    }
    ~door() { ::close(descriptor_); }
    door(const door&) = delete;
    door& operator=(const door&) = delete;

    [[nodiscard]] std::string url() const
    {
        return "http://127.0.0.1:" + std::to_string(port) + "/";
    }
    /// The next connection; -1: none came within 10 ms.
    [[nodiscard]] int accept() const
    {
        pollfd p{descriptor_, POLLIN, 0};
        return ::poll(&p, 1, 10) > 0 ? ::accept(descriptor_, nullptr, nullptr) : -1;
    }

    std::uint16_t port = 0;

private:
    int descriptor_;
};

/// A server whose n-th request, from 0, gets the n-th answer, the last one from then on.
class script {
public:
    enum class then { keep, close, reset, hold };
    struct line {
        std::string answer;
        then what = then::keep; ///< hold: says no more, but stays
    };

    explicit script(std::vector<line> lines) : lines_(std::move(lines)), door_(16)
    {
        thread_ = std::thread([this] {
            while (!stopping_) {
                const int peer = door_.accept();
                if (peer >= 0) peers_.emplace_back([this, peer] { serve(peer); });
            }
            for (std::thread& t : peers_) t.join();
        });
    }
    ~script()
    {
        stopping_ = true;
        thread_.join();
    }

    [[nodiscard]] std::string url() const { return door_.url(); }
    std::atomic<std::size_t> requests{0};

private:
    void serve(int peer)
    {
        std::string seen;
        std::array<char, 4096> piece;
        for (bool goes_on = true; goes_on && !stopping_;) {
            pollfd p{peer, POLLIN, 0};
            if (::poll(&p, 1, 10) <= 0) continue;
            const ssize_t n = ::recv(peer, piece.data(), piece.size(), 0);
            if (n <= 0) break;
            seen.append(piece.data(), static_cast<std::size_t>(n));
            const std::size_t end = seen.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            seen.erase(0, end + 4);
            const line& l = lines_[std::min(requests++, lines_.size() - 1)];
            ::send(peer, l.answer.data(), l.answer.size(), MSG_NOSIGNAL);
            goes_on = l.what == then::keep || l.what == then::hold;
            if (l.what != then::reset) continue;
            std::this_thread::sleep_for(20ms); // so that the answer is read first
            const linger hard{1, 0};
            ::setsockopt(peer, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        }
        ::close(peer);
    }

    const std::vector<line> lines_;
    door door_;
    std::atomic<bool> stopping_{false};
    std::vector<std::thread> peers_;
    std::thread thread_;
};

using then = script::then;
const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Runs a goroutine; then none must be left.
template <class F>
void run(F f)
{
    weft::runtime rt({.procs = 2});
    weft::sync_wait(rt.get_executor(), f);
    CHECK(rt.shutdown(5s).clean());
}

/// What a call comes to: the text of the response, or the kind of its exception.
template <class F>
weft::task<std::string> outcome(F call)
{
    try {
        http::client_response r = co_await call();
        std::string text = co_await r.text();
        co_return std::to_string(code(r.status())) + " " + text;
    } catch (const http::error& e) {
        co_return e.code() == http::status::bad_gateway ? "bad gateway" : e.what();
    } catch (const weft::error& e) { // before its base, which is Asio's error, too
        co_return e.code() == weft::errc::canceled ? "canceled" : "late";
    } catch (const std::system_error&) {
        co_return "lost";
    }
}

} // namespace

TEST_CASE("a connection that does not come about is given up with the context, and in time")
{
    const door closed(0);
    std::vector<int> filling; // the kernel drops what comes after these
    for (int i = 0; i < 4; ++i) {
        filling.push_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_port = htons(closed.port);
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::connect(filling.back(), reinterpret_cast<sockaddr*>(&at), sizeof at);
    }
    run([&]() -> weft::task<> {
        const auto begin = steady_clock::now();
        const auto soon = weft::with_timeout(weft::background(), 50ms);
        http::client web;
        auto late = [&] { return web.get(soon.ctx, closed.url()); };
        CHECK(co_await outcome(late) == "late");
        const auto life = weft::with_cancel(weft::background());
        weft::go([end = life.cancel]() -> weft::task<> {
            co_await weft::sleep(30ms);
            end();
        });
        auto cancelled = [&] { return web.get(life.ctx, closed.url()); };
        CHECK(co_await outcome(cancelled) == "canceled");
        http::client_options o;
        o.connect_timeout = 50ms;
        http::client hasty(o);
        auto slow = [&] { return hasty.get(weft::background(), closed.url()); };
        CHECK(co_await outcome(slow) == "late");
        CHECK(steady_clock::now() - begin < 4s);
    });
    for (const int d : filling) ::close(d);
}

// It was: a goroutine stayed with each of them until getaddrinfo returned.
TEST_CASE("a name that takes long to look up is given up, and no goroutine waits on for it")
{
    run([&]() -> weft::task<> {
        http::client_options o;
        o.connect_timeout = 50ms;
        http::client hasty(o);
        const std::size_t before = weft::debug::goroutine_count();
        const auto begin = steady_clock::now();
        auto slow = [&] { return hasty.get(weft::background(), "http://slow.test/"); };
        CHECK(co_await outcome(slow) == "late");
        const auto life = weft::with_cancel(weft::background());
        weft::go([end = life.cancel]() -> weft::task<> {
            co_await weft::sleep(30ms);
            end();
        });
        auto cancelled = [&] { return hasty.get(life.ctx, "http://slow.test/"); };
        CHECK(co_await outcome(cancelled) == "canceled");
        CHECK(steady_clock::now() - begin < 900ms);
        co_await weft::sleep(20ms); // those that timers and contexts started have ended
        CHECK(weft::debug::goroutine_count() == before);
    });
}

#if ASIO_VERSION >= 103600
// It was: Asio looks up one name at a time, unless it is told otherwise.
TEST_CASE("a name that takes long does not keep others waiting")
{
    const script s({{ok, then::keep}});
    run([&]() -> weft::task<> {
        http::client_options o;
        o.connect_timeout = 500ms; // half of what the slow one takes
        http::client web(o);
        weft::wait_group all;
        for (int i = 0; i < 3; ++i) {
            all.go([&]() -> weft::task<> {
                auto slow = [&] { return web.get(weft::background(), "http://slow.test/"); };
                CHECK(co_await outcome(slow) == "late");
            });
        }
        co_await weft::sleep(20ms);
        std::string url = s.url();
        url.replace(url.find("127.0.0.1"), 9, "localhost");
        auto quick = [&] { return web.get(weft::background(), url); };
        CHECK(co_await outcome(quick) == "200 ok");
        co_await all.wait();
    });
}
#endif

TEST_CASE("who waits for a connection gives up with its context; the others get theirs in order")
{
    const auto answer = [](char which) {
        return std::string("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n") + which;
    };
    const script s({{"", then::hold}, {answer('0')}, {answer('1')}, {answer('2')}});
    run([&]() -> weft::task<> {
        http::client_options o;
        o.max_connections_per_host = 1;
        http::client web(o);
        const auto first = weft::with_cancel(weft::background());
        std::atomic<int> answered{0};
        weft::wait_group all;
        all.go([&]() -> weft::task<> {
            auto holds = [&] { return web.get(first.ctx, s.url()); };
            CHECK(co_await outcome(holds) == "canceled");
        });
        co_await weft::sleep(20ms);
        const auto soon = weft::with_timeout(weft::background(), 30ms);
        auto waits = [&] { return web.get(soon.ctx, s.url()); };
        CHECK(co_await outcome(waits) == "late");
        for (int i = 0; i < 3; ++i) {
            all.go([&, i]() -> weft::task<> {
                auto call = [&] { return web.get(weft::background(), s.url()); };
                CHECK(co_await outcome(call) == "200 " + std::to_string(i));
                ++answered;
            });
            co_await weft::sleep(20ms);
        }
        CHECK(answered == 0);
        first.cancel();
        co_await all.wait();
        CHECK(answered == 3);
    });
}

// It was: weft::error is an asio::system_error, too, so that the time that was over was taken for a connection that the server
// had closed, and the request was sent, and waited for, once more.
TEST_CASE("a response's header that is late on a used connection is not asked for again")
{
    const script s({{ok}, {"", then::hold}});
    run([&]() -> weft::task<> {
        http::client_options o;
        o.header_timeout = 100ms;
        http::client web(o);
        auto call = [&] { return web.get(weft::background(), s.url()); };
        CHECK(co_await outcome(call) == "200 ok");
        CHECK(co_await outcome(call) == "late");
        CHECK(s.requests == 2);
    });
}

TEST_CASE("a connection that fails is an occasion to try again; what broke off is not")
{
    http::client_options o;
    o.retries = 2;
    o.retry_policy = {.initial = 1ms, .max = 5ms};
    SUBCASE("lost before the response")
    {
        const script s({{"", then::close}, {"", then::reset}, {ok}});
        run([&]() -> weft::task<> {
            http::client web(o);
            auto call = [&] { return web.get(weft::background(), s.url()); };
            CHECK(co_await outcome(call) == "200 ok");
            CHECK(s.requests == 3);
        });
    }
    SUBCASE("but not for ever, and not for POST")
    {
        const script s({{"", then::close}});
        run([&]() -> weft::task<> {
            http::client web(o);
            auto call = [&] { return web.get(weft::background(), s.url()); };
            CHECK(co_await outcome(call) == "lost");
            CHECK(s.requests == 3);
            auto post = [&] { return web.post(weft::background(), s.url(), "x", "text/plain"); };
            CHECK(co_await outcome(post) == "lost");
            CHECK(s.requests == 4);
        });
    }
    SUBCASE("a policy that gives up earlier leaves the response that there was")
    {
        const script s({{"HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy"}});
        run([&]() -> weft::task<> {
            http::client_options short_of_time = o;
            short_of_time.retry_policy.max_elapsed = 0s;
            short_of_time.retry_policy.jitter = 0;
            http::client web(short_of_time);
            auto call = [&] { return web.get(weft::background(), s.url()); };
            CHECK(co_await outcome(call) == "503 busy");
            CHECK(s.requests == 1);
        });
    }
}

TEST_CASE("Retry-After is waited for, up to the policy's longest pause")
{
    const script s({{"HTTP/1.1 503 Busy\r\nRetry-After: 3600\r\nContent-Length: 0\r\n\r\n"}, {ok}});
    run([&]() -> weft::task<> {
        http::client_options o;
        o.retries = 1;
        o.retry_policy = {.initial = 1ms, .max = 150ms};
        http::client web(o);
        const auto begin = steady_clock::now();
        auto call = [&] { return web.get(weft::background(), s.url()); };
        CHECK(co_await outcome(call) == "200 ok");
        const auto took = steady_clock::now() - begin;
        CHECK(took >= 150ms);
        CHECK(took < 3s);
    });
}

TEST_CASE("a body whose connection is reset is broken, also when it is read again")
{
    const script s({{"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf", then::reset}});
    run([&]() -> weft::task<> {
        http::client web;
        auto r = co_await web.get(weft::background(), s.url());
        const std::string_view half = co_await r.body().read();
        CHECK(half == "half");
        for (int i = 0; i < 2; ++i) {
            CHECK_THROWS_AS((void)co_await r.body().read(), http::error);
        }
    });
}

TEST_CASE("what the stream of a request throws is thrown, and nothing is waited for")
{
    const script s({{"", then::hold}});
    run([&]() -> weft::task<> {
        http::client web;
        http::client_request up;
        up.method = "POST";
        up.url = s.url();
        up.stream = [](http::body_writer& to) -> weft::task<> {
            co_await to.write("some");
            throw std::system_error(std::make_error_code(std::errc::no_such_file_or_directory));
        };
        const auto begin = steady_clock::now();
        std::error_code why;
        try {
            (void)co_await web.send(weft::background(), std::move(up));
        } catch (const std::system_error& e) {
            why = e.code();
        }
        CHECK(why == std::errc::no_such_file_or_directory);
        CHECK(steady_clock::now() - begin < 5s);
    });
}

TEST_CASE("an answer to HEAD may speak of any length")
{
    const script s({{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n"}});
    run([&]() -> weft::task<> {
        http::client web;
        auto r = co_await web.head(weft::background(), s.url());
        CHECK(r.body().length() == 99'999'999'999U);
        CHECK((co_await r.text(10)).empty());
    });
}

TEST_CASE("codings that nobody asked for, and interim responses without an end, are refused")
{
    std::string interim;
    for (int i = 0; i < 2000; ++i) interim += "HTTP/1.1 103 Early Hints\r\n\r\n";
    for (const std::string& answer : {
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n1\r\na\r\n0\r\n\r\n" +
                 std::string(),
             "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc" + std::string(),
             interim + ok,
         }) {
        CAPTURE(answer.substr(0, 80));
        const script s({{answer, then::close}});
        run([&]() -> weft::task<> {
            http::client web;
            auto call = [&] { return web.get(weft::background(), s.url()); };
            CHECK(co_await outcome(call) == "bad gateway");
        });
    }
}

TEST_CASE("no more connections are kept than wanted, and none for longer")
{
    weft_test::served s([](http::server& to) {
        to.handle("GET /", [](http::request&, http::response& res) -> weft::task<> {
            co_await weft::sleep(20ms);
            res.send("x");
        });
    });
    const std::string url = "http://127.0.0.1:" + std::to_string(s.port()) + "/";
    const auto body = [&]() -> weft::task<> {
        http::client_options o;
        o.max_idle_per_host = 2;
        o.idle_timeout = 300ms;
        http::client web(o);
        weft::wait_group all;
        for (int i = 0; i < 5; ++i) {
            all.go([&]() -> weft::task<> {
                auto call = [&] { return web.get(weft::background(), url); };
                CHECK(co_await outcome(call) == "200 x");
            });
        }
        co_await all.wait();
        CHECK(s.server().statistics().accepted == 5);
        for (int i = 0; i < 100 && s.server().statistics().open != 2; ++i)
            co_await weft::sleep(5ms);
        CHECK(s.server().statistics().open == 2);
        co_await weft::sleep(400ms);
        auto call = [&] { return web.get(weft::background(), url); };
        CHECK(co_await outcome(call) == "200 x");
        CHECK(s.server().statistics().accepted == 6);
    };
    weft::sync_wait(s.runtime().get_executor(), body);
    CHECK(s.is_left_alone());
}
