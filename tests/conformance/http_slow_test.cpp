// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Clients that are slow: they are told so, or cut off, and they hold nobody up.

#include "http_peer.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/socket.h>

using namespace std::chrono_literals;
using weft::task;
using weft::http::request;
using weft::http::response;
using weft::http::server_options;
using weft_test::served;
using weft_test::wire;

namespace {

using stopwatch = std::chrono::steady_clock;

constexpr std::string_view header = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view header_of_body =
    "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n";

/// Reads the body and says how long it is.
task<> read(request& req, response& res)
{
    res.send(std::to_string((co_await req.body().read_all()).size()));
}

/// Writes without an end, and without looking whether anybody listens.
task<> pour(request&, response& res)
{
    const std::string piece(64 * 1024, 'x');
    while (true) co_await res.write(piece);
}

auto by(task<> (*h)(request&, response&))
{
    return [h](weft::http::server& s) { s.handle("/", h); };
}

/// Sends a byte every 20 ms, until there is an answer or two seconds have passed.
void trickle(wire& w)
{
    for (int i = 0; i < 100; ++i) {
        w.send("x");
        if (!w.is_silent_for(20)) return;
    }
}

/// Until a handler has been called.
void wait_for_request(served& s)
{
    const auto end = stopwatch::now() + 5s;
    while (s.server().statistics().requests == 0 && stopwatch::now() < end)
        std::this_thread::sleep_for(1ms);
}

void check_late(wire& w)
{
    const auto r = w.receive();
    CHECK(r.status == 408);
    CHECK(r.field("Connection") == "close");
    CHECK(w.is_closed_by_server());
}

} // namespace

// ---------------------------------------------------------------- slow senders

TEST_CASE("a header that does not come is answered with 408 after header_timeout")
{
    server_options o;
    o.header_timeout = 300ms;
    served s(by(read), o);
    for (const std::size_t sent : {std::size_t{1}, std::size_t{8}, header.size() - 1}) {
        CAPTURE(sent);
        wire w = s.connect();
        const auto begin = stopwatch::now();
        w.send(header.substr(0, sent));
        check_late(w);
        CHECK(stopwatch::now() - begin > 250ms);
        CHECK(stopwatch::now() - begin < 3s);
    }

    // The second request of a connection, too, and empty lines before one are no excuse.
    wire w = s.connect();
    w.send(header);
    CHECK(w.receive().status == 200);
    w.send("\r\n");
    check_late(w);
    CHECK(s.server().statistics().timed_out == 4);
}

TEST_CASE("header_timeout is for the whole header: a byte now and then does not help")
{
    server_options o;
    o.header_timeout = 300ms;
    served s(by(read), o);
    wire w = s.connect();
    const auto begin = stopwatch::now();
    w.send("GET /");
    trickle(w);
    CHECK(stopwatch::now() - begin < 2s);
    check_late(w);
}

TEST_CASE("a body that does not come is answered with 408 after body_timeout")
{
    server_options o;
    o.body_timeout = 300ms;
    served s(by(read), o);
    for (const std::string_view body : {"", "some of it"}) {
        wire w = s.connect();
        w.send(header_of_body).send(body);
        check_late(w);
    }
    wire w = s.connect();
    w.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel");
    check_late(w);
    CHECK(s.server().statistics().timed_out == 3);
}

TEST_CASE("a body that no handler reads is not waited for longer, either")
{
    server_options o;
    o.body_timeout = 300ms;
    const auto refuse = [](request&, response& res) -> task<> {
        res.send("unread");
        co_return;
    };
    served s([&](weft::http::server& server) { server.handle("/", refuse); }, o);
    wire w = s.connect();
    w.send(header_of_body).send("some of it");
    CHECK(w.receive().body == "unread");
    CHECK(w.is_closed_by_server());
}

TEST_CASE("a body slower than min_data_rate is answered with 408; a faster one is taken")
{
    server_options o;
    o.body_timeout = 60s;
    o.min_data_rate = 2000;
    o.data_rate_grace = 300ms;
    o.header_timeout = 500ms; // the clock ticks by it
    served s(by(read), o);
    wire slow = s.connect();
    const auto begin = stopwatch::now();
    slow.send(header_of_body);
    trickle(slow);
    CHECK(stopwatch::now() - begin < 2s);
    check_late(slow);

    wire fast = s.connect();
    fast.send(header_of_body);
    for (int i = 0; i < 100; ++i) {
        fast.send(std::string(1000, 'x'));
        std::this_thread::sleep_for(10ms);
    }
    CHECK(fast.receive().body == "100000");
}

TEST_CASE("an idle connection is closed without a word after idle_timeout")
{
    server_options o;
    o.idle_timeout = 300ms;
    served s(by(read), o);
    wire fresh = s.connect();
    wire used = s.connect();
    used.send(header);
    CHECK(used.receive().status == 200);
    const auto begin = stopwatch::now();
    CHECK(fresh.is_closed_by_server());
    CHECK(used.is_closed_by_server());
    CHECK(stopwatch::now() - begin < 3s);
    CHECK(s.is_left_alone());
}

// ---------------------------------------------------------------- slow readers

TEST_CASE("who takes nothing is cut off after write_timeout")
{
    server_options o;
    o.write_timeout = 300ms;
    SUBCASE("a stream")
    {
        served s(by(pour), o);
        wire w = s.connect();
        w.send(header);
        wait_for_request(s);
        CHECK(s.is_left_alone());
        CHECK(s.server().statistics().timed_out == 1);
    }
    SUBCASE("a body all at once")
    {
        const auto send = [](request&, response& res) -> task<> {
            res.send(std::string(64 << 20, 'x'));
            co_return;
        };
        served s([&](weft::http::server& server) { server.handle("/", send); }, o);
        wire w = s.connect();
        w.send(header);
        wait_for_request(s);
        CHECK(s.is_left_alone());
        CHECK(s.server().statistics().timed_out == 1);
    }
    SUBCASE("answers to requests sent ahead")
    {
        const auto send = [](request&, response& res) -> task<> {
            res.send(std::string(1 << 20, 'x'));
            co_return;
        };
        served s([&](weft::http::server& server) { server.handle("/", send); }, o);
        wire w = s.connect();
        for (int i = 0; i < 100; ++i) w.send(header);
        wait_for_request(s);
        CHECK(s.is_left_alone());
    }
}

TEST_CASE("who takes less than min_data_rate is cut off")
{
    server_options o;
    o.min_data_rate = 500'000'000; // the kernel's buffers take some megabytes at once
    o.data_rate_grace = 300ms;
    o.write_timeout = 60s;
    o.header_timeout = 500ms;
    served s(by(pour), o);
    wire w = s.connect();
    w.send(header);
    wait_for_request(s);
    const auto begin = stopwatch::now();
    std::string piece(10'000, '\0');
    while (s.server().statistics().open != 0 && stopwatch::now() - begin < 5s) {
        CHECK(::recv(w.descriptor(), piece.data(), piece.size(), MSG_DONTWAIT) != 0);
        std::this_thread::sleep_for(10ms);
    }
    CHECK(s.is_left_alone());
    CHECK(s.server().statistics().timed_out == 1);
}

// ---------------------------------------------------------------- many of them

TEST_CASE("2000 slow clients do not keep four good ones waiting")
{
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = std::max<rlim_t>(limit.rlim_cur, std::min<rlim_t>(limit.rlim_max, 5000));
    ::setrlimit(RLIMIT_NOFILE, &limit);
    const std::size_t many = std::min<std::size_t>(2000, (limit.rlim_cur - 200) / 2);
    CHECK(many == 2000); // else the machine allows fewer descriptors: ulimit -Hn

    server_options o;
    o.header_timeout = o.body_timeout = o.idle_timeout = 3s;
    served s(by(read), o);
    std::vector<wire> slow;
    for (std::size_t i = 0; i < many; ++i) {
        slow.push_back(s.connect());
        switch (i % 4) {
        case 0: slow.back().send("GET / HT"); break;
        case 1: slow.back().send(header.substr(0, header.size() - 1)); break;
        case 2: slow.back().send(header_of_body).send("some of it"); break;
        default: break; // says nothing
        }
    }

    std::atomic<int> answered{0};
    std::vector<std::thread> good;
    for (int i = 0; i < 4; ++i) {
        good.emplace_back([&] {
            try {
                wire w = s.connect();
                for (int n = 0; n < 500; ++n) {
                    w.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
                    if (w.receive().body == "5") ++answered;
                }
            } catch (const std::exception&) {
            }
        });
    }
    for (std::thread& t : good) t.join();
    CHECK(answered == 4 * 500);

    for (std::size_t i = 0; i < many; ++i) {
        if (i % 4 == 3) CHECK(slow[i].is_closed_by_server());
        else check_late(slow[i]);
    }
    CHECK(s.is_left_alone());
    CHECK(s.server().statistics().timed_out >= many);
}
