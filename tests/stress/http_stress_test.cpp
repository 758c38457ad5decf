// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Many connections, many requests, every response checked byte by byte, beside connections that are idle.

#include "http_peer.hpp"

#include <asio/connect.hpp>
#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/resource.h>

namespace http = weft::http;
using asio::ip::tcp;
using weft_test::served;
using weft_test::wire;
using namespace std::chrono_literals;

namespace {

/// What the response to number `n` must be: of any length up to 2000, different for each.
std::string text_for(std::uint64_t n)
{
    std::uint64_t x = n * 0x9e3779b97f4a7c15U + 1;
    std::string s;
    const std::size_t size = static_cast<std::size_t>((x >> 33U) % 2000);
    s.reserve(size + 8);
    while (s.size() < size) {
        x ^= x << 13U;
        x ^= x >> 7U;
        x ^= x << 17U;
        for (int i = 0; i < 8; ++i)
            s += static_cast<char>('!' + ((x >> (8U * static_cast<unsigned>(i))) & 63U));
    }
    s.resize(size);
    return s;
}

void routes(http::server& to)
{
    to.handle("GET /whole/{n}", [](http::request& req, http::response& res) -> weft::task<> {
        res.send(text_for(std::stoull(std::string(req.path_value("n")))));
        co_return;
    });
    to.handle("GET /stream/{n}", [](http::request& req, http::response& res) -> weft::task<> {
        const std::string text = text_for(std::stoull(std::string(req.path_value("n"))));
        for (std::size_t i = 0; i < text.size(); i += 100) {
            co_await res.write(std::string_view(text).substr(i, 100));
            if (i % 700 == 0) co_await res.flush();
        }
    });
    to.handle("POST /echo/{n}", [](http::request& req, http::response& res) -> weft::task<> {
        std::string body = co_await req.body().read_all();
        res.send(std::move(body));
    });
}

/// One response out of a connection's bytes.
weft::task<std::string> response(tcp::socket& from, std::string& unread)
{
    auto head_room = asio::dynamic_buffer(unread);
    const std::size_t head =
        co_await asio::async_read_until(from, head_room, "\r\n\r\n", asio::deferred);
    const std::string lines = unread.substr(0, head);
    unread.erase(0, head);
    if (lines.compare(0, 15, "HTTP/1.1 200 OK") != 0) throw std::runtime_error(lines);
    std::string body;
    const std::size_t at = lines.find("Content-Length: ");
    if (at != std::string::npos) {
        const std::size_t size = std::stoul(lines.substr(at + 16));
        if (unread.size() < size) {
            auto room = asio::dynamic_buffer(unread);
            co_await asio::async_read(from, room, asio::transfer_exactly(size - unread.size()),
                                      asio::deferred);
        }
        body = unread.substr(0, size);
        unread.erase(0, size);
        co_return body;
    }
    while (true) {
        auto size_room = asio::dynamic_buffer(unread);
        const std::size_t line =
            co_await asio::async_read_until(from, size_room, "\r\n", asio::deferred);
        const std::size_t size = std::stoul(unread.substr(0, line), nullptr, 16);
        unread.erase(0, line);
        if (unread.size() < size + 2) {
            auto room = asio::dynamic_buffer(unread);
            co_await asio::async_read(from, room, asio::transfer_exactly(size + 2 - unread.size()),
                                      asio::deferred);
        }
        body += unread.substr(0, size);
        unread.erase(0, size + 2);
        if (size == 0) co_return body;
    }
}

/// Sends requests one by one or some ahead, and checks what comes.
weft::task<> client(std::uint16_t port, std::uint64_t first, std::uint64_t n,
                    std::atomic<std::uint64_t>& right)
{
    tcp::socket socket(weft::this_goroutine::get_executor());
    const tcp::endpoint where(asio::ip::address_v4::loopback(), port);
    co_await socket.async_connect(where, asio::deferred);
    std::string unread;
    for (std::uint64_t i = first; i < first + n;) {
        const std::uint64_t ahead = std::min<std::uint64_t>(1 + i % 7, first + n - i);
        std::string all;
        for (std::uint64_t k = i; k < i + ahead; ++k) {
            const std::string number = std::to_string(k);
            if (k % 3 == 0) {
                all += "GET /whole/" + number + " HTTP/1.1\r\nHost: t\r\n\r\n";
            } else if (k % 3 == 1) {
                all += "GET /stream/" + number + " HTTP/1.1\r\nHost: t\r\n\r\n";
            } else {
                const std::string body = text_for(k);
                all += "POST /echo/" + number +
                       " HTTP/1.1\r\nHost: t\r\nContent-Length: " + std::to_string(body.size()) +
                       "\r\n\r\n" + body;
            }
        }
        co_await asio::async_write(socket, asio::buffer(all), asio::deferred);
        for (std::uint64_t k = i; k < i + ahead; ++k) {
            const std::string got = co_await response(socket, unread);
            if (got == text_for(k)) right.fetch_add(1, std::memory_order_relaxed);
        }
        i += ahead;
    }
}

} // namespace

TEST_CASE("every response is right, beside connections that are idle")
{
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const std::size_t idle =
        std::min<std::size_t>(weft_test::count(9000), (files.rlim_cur - 300) / 2);
    // A quick run has one in two hundred of them.
    const std::uint64_t all_of_them = 10'000'000, quick = weft_test::count(all_of_them) / 20;
    const std::uint64_t clients = 32,
                        each = (quick < all_of_them / 20 ? quick : all_of_them) / clients;

    http::server_options o;
    o.idle_timeout = 1h;
    const served s(routes, o);
    std::vector<wire> waiting;
    for (std::size_t i = 0; i < idle; ++i) waiting.push_back(s.connect());
    std::atomic<std::uint64_t> right{0};
    {
        weft::runtime others({.procs = 2});
        std::vector<weft::join_handle<void>> all;
        for (std::uint64_t c = 0; c < clients; ++c) {
            all.push_back(weft::spawn(others.get_executor(), client, s.port(), c * each, each,
                                      std::ref(right)));
        }
        for (auto& c : all) weft::sync_wait(others.get_executor(), c.join());
    }
    CHECK(right == clients * each);
    for (std::size_t i = 0; i < idle; i += 97) {
        CHECK(waiting[i].send("GET /whole/5 HTTP/1.1\r\nHost: t\r\n\r\n").receive().body ==
              text_for(5));
    }
}
