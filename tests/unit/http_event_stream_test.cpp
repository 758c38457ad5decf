// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_peer.hpp"

#include <chrono>
#include <stdexcept>
#include <string>

namespace http = weft::http;
using weft_test::served;
using weft_test::wire;
using namespace std::chrono_literals;

TEST_CASE("events are written as browsers read them")
{
    const served s([](http::server& to) {
        to.handle("GET /", [](http::request&, http::response& res) -> weft::task<> {
            http::event_stream events(res);
            co_await events.set_retry(1500ms);
            const http::server_event plain{.data = "one"};
            co_await events.send(plain);
            const http::server_event full{.data = "a\nb\r\nc\rd\n", .name = "tick", .id = "7"};
            co_await events.send(full);
            co_await events.comment("still here");
            const http::server_event empty{};
            co_await events.send(empty);
            const http::server_event bad{.data = "x", .name = "a\nb"};
            CHECK_THROWS_AS((void)events.send(bad), std::invalid_argument);
        });
    });
    const auto r = s.get("/");
    CHECK(r.field("content-type") == "text/event-stream; charset=utf-8");
    CHECK(r.field("cache-control") == "no-cache");
    CHECK(r.body == "retry: 1500\n\n"
                    "data: one\n\n"
                    "id: 7\nevent: tick\ndata: a\ndata: b\ndata: c\ndata: d\ndata: \n\n"
                    ": still here\n\n"
                    "data: \n\n");
}

TEST_CASE("each event is sent at once; the stream ends with its listener")
{
    std::atomic<bool> ended{false};
    const served s([&](http::server& to) {
        to.handle("GET /", [&](http::request& req, http::response& res) -> weft::task<> {
            const weft::defer over([&] { ended = true; });
            http::event_stream events(res);
            for (int i = 0;; ++i) {
                const std::string n = std::to_string(i);
                const http::server_event e{.data = n};
                co_await events.send(e);
                co_await weft::sleep(req.context(), 10ms);
            }
        });
    });
    {
        wire w = s.connect();
        w.send("GET / HTTP/1.1\r\nHost: t\r\n\r\n");
        CHECK_FALSE(w.is_silent_for(1000));
    }
    CHECK(s.is_left_alone());
    CHECK(ended);
}
