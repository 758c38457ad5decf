// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "clock_events.hpp"

#include <chrono>
#include <ctime>
#include <utility>

namespace httpd {

namespace http = weft::http;
using namespace std::chrono_literals;

weft::task<> clock_events::run(weft::context ctx)
{
    const weft::ticker every(1s);
    while (true) {
        const auto what = co_await weft::select{every.channel().receive(), ctx.done()};
        if (what.index() == 1) break;
        const std::time_t now = std::time(nullptr);
        std::tm parts{};
        ::gmtime_r(&now, &parts);
        char text[32];
        std::strftime(text, sizeof text, "%FT%TZ", &parts);
        co_await ticks_.publish(
            std::string(text)); // never waits: each listener drops what it is too slow for
    }
    ticks_.close();
}

weft::task<> clock_events::serve(http::request& req, http::response& res)
{
    auto mine = ticks_.subscribe(weft::pattern::broadcast_policy::drop_oldest, 4);
    http::event_stream events(res);
    co_await events.set_retry(2s);
    std::uint64_t n = 0;
    while (auto tick = co_await mine.receive(req.context())) {
        const std::string id = std::to_string(++n);
        const http::server_event e{.data = *tick, .name = "tick", .id = id};
        co_await events.send(e);
    }
}

} // namespace httpd
