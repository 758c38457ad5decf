// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_peer.hpp"

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

namespace http = weft::http;
using weft_test::served;
using weft_test::wait_for;
using weft_test::wire;
using namespace std::chrono_literals;

namespace {

const std::string request = "GET / HTTP/1.1\r\nHost: t\r\n\r\n";

/// Answers after so many milliseconds.
served::set_up after(int ms)
{
    return [ms](http::server& to) {
        to.handle("GET /", [ms](http::request&, http::response& res) -> weft::task<> {
            co_await weft::sleep(std::chrono::milliseconds(ms));
            res.send("answered");
        });
    };
}

} // namespace

TEST_CASE("shutdown lets a request in flight be answered, and says close")
{
    served s(after(200));
    wire w = s.connect();
    w.send(request);
    wait_for([&] { return s.server().statistics().requests == 1; });
    std::thread stopping([&] { CHECK(s.shut_down()); });
    const auto r = w.receive();
    CHECK(r.body == "answered");
    CHECK(r.field("connection") == "close");
    CHECK(w.is_closed_by_server());
    stopping.join();
    CHECK(s.server().statistics().open == 0);
    CHECK_THROWS((void)wire(s.port()).send(request).receive());
}

TEST_CASE("shutdown closes idle connections, but first lets what is under way arrive")
{
    http::server_options o;
    o.linger_idle = 300ms;
    served s(after(0), o);
    wire quiet = s.connect();
    wire late = s.connect();
    (void)quiet.send(request).receive();
    (void)late.send(request).receive();
    const auto begin = std::chrono::steady_clock::now();
    std::thread stopping([&] { CHECK(s.shut_down()); });
    std::this_thread::sleep_for(100ms);
    CHECK(late.send(request).receive().field("connection") == "close");
    CHECK(quiet.is_closed_by_server());
    stopping.join();
    CHECK(std::chrono::steady_clock::now() - begin < 3s);
}

TEST_CASE("what waits in the kernel's queue when shutdown comes is answered")
{
    http::server_options o;
    o.max_connections = 1;
    served s(after(100), o);
    wire first = s.connect();
    first.send(request);
    wait_for([&] { return s.server().statistics().requests == 1; });
    std::vector<wire> queued;
    for (int i = 0; i < 10; ++i) {
        queued.push_back(s.connect());
        queued.back().send(request);
    }
    std::thread stopping([&] { CHECK(s.shut_down()); });
    CHECK(first.receive().body == "answered");
    for (wire& w : queued) CHECK(w.receive().body == "answered");
    stopping.join();
}

TEST_CASE("shutdown gives up when its context ends; close cuts the rest")
{
    std::atomic<bool> unwound{false};
    served s([&](http::server& to) {
        to.handle("GET /", [&](http::request& req, http::response&) -> weft::task<> {
            const weft::defer over([&] { unwound = true; });
            co_await req.context().done(); // for ever, as long as the client stays
        });
    });
    wire w = s.connect();
    w.send(request);
    wait_for([&] { return s.server().statistics().requests == 1; });
    CHECK_FALSE(s.shut_down(100ms)); // which then closes
    CHECK(w.receive_all().find("200") == std::string::npos);
    wait_for([&] { return s.server().statistics().open == 0; });
    CHECK(unwound);
}

TEST_CASE("serve(ctx) returns when its context has ended and all is answered")
{
    weft::runtime rt({.procs = 2});
    http::server_options o;
    SUBCASE("within ten seconds") {}
    SUBCASE("however long it takes")
    {
        o.shutdown_grace = 0s;
    }
    http::server server(o);
    after(200)(server);
    const auto port = server.listen("127.0.0.1:0").port();
    auto program = [&]() -> weft::task<> {
        const auto life = weft::with_cancel(weft::background());
        auto serving = weft::spawn([&](weft::context ctx) { return server.serve(ctx); }, life.ctx);
        auto client = [&] {
            wire w(port);
            w.send(request);
            wait_for([&] { return server.statistics().requests == 1; });
            life.cancel();
            return w.receive().body;
        };
        const std::string body = co_await weft::blocking(client);
        CHECK(body == "answered");
        co_await serving.join();
        CHECK(server.statistics().open == 0);
    };
    weft::sync_wait(rt.get_executor(), program);
    CHECK(rt.shutdown(5s).clean());
}

TEST_CASE("a server that goes while it serves closes its connections and leaves no goroutine")
{
    weft::runtime rt({.procs = 2});
    {
        http::server server;
        after(0)(server);
        const auto port = server.listen("127.0.0.1:0").port();
        auto serve = [](http::server& s) -> weft::task<> { co_await s.serve(); };
        auto serving = weft::spawn(rt.get_executor(), serve, std::ref(server));
        wire w(port);
        CHECK(w.send(request).receive().status == 200);
        server.close();
        CHECK(w.is_closed_by_server());
        weft::sync_wait(rt.get_executor(), serving.join());
    }
    CHECK(rt.shutdown(5s).clean());
}

// It was: the connection, which is the last to go, gave its permit back to a server that was no more.
TEST_CASE("a server may go before a handler that does not listen to its context")
{
    weft::runtime rt({.procs = 2});
    std::atomic<bool> in_it = false, done = false;
    std::atomic<std::uint16_t> port = 0;
    auto main = [&]() -> weft::task<> {
        const auto life = weft::with_cancel(weft::background());
        auto serve = [&]() -> weft::task<> {
            http::server server;
            server.handle("GET /", [&](http::request&, http::response& res) -> weft::task<> {
                in_it = true;
                co_await weft::shield([]() -> weft::task<> { co_await weft::sleep(50ms); }());
                res.send("too late");
                done = true;
            });
            port = server.listen("127.0.0.1:0").port();
            co_await server.serve();
        };
        weft::go(life.ctx, serve);
        while (!in_it) co_await weft::sleep(1ms);
        life.cancel();
        while (!done) co_await weft::sleep(1ms);
    };
    auto over = weft::spawn(rt.get_executor(), main);
    wait_for([&] { return port != 0; });
    wire w(port);
    w.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(w.is_closed_by_server());
    weft::sync_wait(rt.get_executor(), over.join());
    CHECK(rt.shutdown(5s).clean());
}

TEST_CASE("a runtime that ends while its server serves takes all with it")
{
    auto rt = std::make_unique<weft::runtime>(weft::runtime_options{.procs = 2});
    http::server server;
    after(10'000)(server);
    const auto port = server.listen("127.0.0.1:0").port();
    auto serve = [](http::server& s) -> weft::task<> { co_await s.serve(); };
    weft::go(rt->get_executor(), serve, std::ref(server));
    wire busy(port);
    busy.send(request);
    wire idle(port);
    wait_for([&] { return server.statistics().requests == 1; });
    rt.reset();
    CHECK(busy.is_closed_by_server());
    CHECK(idle.is_closed_by_server());
}

TEST_CASE("shutdown before serve, and serve without an address")
{
    weft::runtime rt({.procs = 1});
    http::server none;
    CHECK_THROWS_AS(weft::sync_wait(rt.get_executor(), none.serve()), weft::misuse_error);
    http::server server;
    server.listen("127.0.0.1:0");
    auto both = [&]() -> weft::task<> {
        co_await server.shutdown(weft::background());
        co_await server.serve();
    };
    weft::sync_wait(rt.get_executor(), both); // has nothing to do
}

TEST_CASE("shutdown under load loses no request that was begun to be answered")
{
    const auto rounds = weft_test::count(200);
    for (std::size_t round = 0; round < rounds / 10; ++round) {
        http::server_options o;
        o.linger_idle = 10s; // a busy machine may keep a client from its next request for long
        served s(after(0), o);
        std::atomic<bool> broken{false};
        std::atomic<int> answers{0};
        std::vector<std::thread> clients;
        for (int i = 0; i < 4; ++i) {
            clients.emplace_back([&] {
                try {
                    wire w = s.connect();
                    while (true) {
                        // All of these send at once again: the server has time to say close.
                        const auto r = w.send(request).receive();
                        if (r.body != "answered") broken = true;
                        ++answers;
                        if (r.field("connection") == "close") return;
                    }
                } catch (const std::exception& e) {
                    broken = true;
                    FAIL_CHECK(std::string(e.what()));
                }
            });
        }
        // All of them are connected: who comes later may be too late.
        wait_for([&] { return answers > 20 && s.server().statistics().accepted == 4; });
        CHECK(s.shut_down());
        for (std::thread& c : clients) c.join();
        CHECK_FALSE(broken);
    }
}
