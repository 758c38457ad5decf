// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "board.hpp"

#include "job_json.hpp"
#include "page.hpp"

#include <chrono>
#include <exception>
#include <functional>
#include <optional>

namespace relay {

namespace {

namespace http = weft::http;
using namespace std::chrono_literals;
using nlohmann::json;

constexpr std::size_t most_shown = 100;
constexpr weft::duration window = 10s;

double milliseconds(weft::duration d)
{
    return std::chrono::duration<double, std::milli>(d).count();
}

double rate(std::uint64_t now, std::uint64_t before, weft::duration d)
{
    const double seconds = std::chrono::duration<double>(d).count();
    return seconds > 0 ? static_cast<double>(now - before) / seconds : 0;
}

json flights_json(worker& w)
{
    json all = json::array();
    for (const delivery_view& v : w.view(most_shown)) {
        json o;
        o["id"] = v.id;
        o["host"] = v.host;
        o["attempt"] = v.attempt;
        o["max_attempts"] = v.max_attempts;
        o["for_ms"] = static_cast<std::int64_t>(milliseconds(v.since));
        all.push_back(std::move(o));
    }
    return all;
}

json hosts_json(hosts& h)
{
    json all = json::array();
    for (const host_view& v : h.view(most_shown)) {
        json o;
        o["host"] = v.host;
        o["in_flight"] = v.in_flight;
        o["breaker"] = name_of(v.breaker);
        o["failures"] = v.failures;
        o["opens_ms"] = v.opens_in.count();
        all.push_back(std::move(o));
    }
    return all;
}

json dead_json(const std::vector<job>& dead)
{
    json all = json::array();
    for (const job& j : dead) {
        json o;
        o["id"] = j.id;
        o["host"] = j.what.host;
        o["attempts"] = j.attempts;
        o["status"] = j.last.status;
        o["error"] = j.last.error;
        o["died"] = j.due.time_since_epoch().count();
        all.push_back(std::move(o));
    }
    return all;
}

} // namespace

void board::add_routes(http::server& to)
{
    to.handle("GET /{$}", [](http::request&, http::response& res) -> weft::task<> {
        res.set_header("Content-Security-Policy",
                       "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; "
                       "connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; "
                       "frame-ancestors 'none'");
        res.set_header("X-Content-Type-Options", "nosniff");
        res.send(std::string(page()), "text/html; charset=utf-8");
        co_return;
    });
    to.handle("GET /events", std::bind_front(&board::events, this),
              {.handler_timeout = weft::duration(0)});
    to.handle("GET /metrics", std::bind_front(&board::metrics, this));
    to.handle("GET /healthz", [](http::request&, http::response& res) -> weft::task<> {
        res.send("ok\n");
        co_return;
    });
}

weft::task<> board::run(weft::context ctx)
{
    const weft::ticker every(1s);
    while (!ctx.err()) {
        // How long a goroutine waits for its turn: what this one sees is what all see.
        auto probe = weft::spawn([this, begin = weft::clock::now()]() -> weft::task<> {
            counts_.scheduling_seconds.observe(seconds(weft::clock::now() - begin));
            co_return;
        });
        co_await probe.join();
        try {
            co_await look(ctx);
        } catch (const std::exception&) {
            // The queue does not say: the last snapshot stands. The page shows its age.
        }
        co_await weft::select{every.channel().receive(), ctx.done()};
    }
    latest_.close();
}

weft::task<> board::look(weft::context ctx)
{
    const weft::time_point t = weft::clock::now();
    const sample latest{t, counts_.accepted.value(), counts_.delivered.value(),
                        counts_.failed_attempts(), counts_.attempt_time.read()};
    samples_.push_back(latest);
    while (samples_.size() > 2 && t - samples_.front().at > window) samples_.pop_front();
    const sample& before = samples_.front();
    const weft::duration span = t - before.at;
    histogram::reading recent = latest.attempt_time;
    recent -= before.attempt_time;

    const auto patience = weft::with_timeout(ctx, 5s);
    json s;
    s["now"] = now().time_since_epoch().count();
    s["name"] = "relay";
    s["queue"] = stats_json(co_await queue_.stats(patience.ctx));
    s["rates"] = {{"accepted", rate(latest.accepted, before.accepted, span)},
                  {"delivered", rate(latest.delivered, before.delivered, span)},
                  {"failed", rate(latest.failed, before.failed, span)}};
    s["totals"] = {{"accepted", latest.accepted},
                   {"delivered", latest.delivered},
                   {"failed_attempts", latest.failed},
                   {"retries", counts_.retries.value()},
                   {"buried", counts_.buried.value()}};
    s["latency_ms"] = {{"p50", recent.quantile(0.5)},
                       {"p90", recent.quantile(0.9)},
                       {"p99", recent.quantile(0.99)}};
    s["in_flight"] = worker_ != nullptr ? flights_json(*worker_) : json::array();
    list_request dead;
    dead.state = job_state::dead;
    dead.limit = most_shown;
    s["dead"] = dead_json(co_await queue_.list(patience.ctx, dead));
    s["hosts"] = hosts_json(hosts_);
    s["draining"] = draining_.load();
    latest_.set(dump(s));
}

weft::task<> board::events(http::request& req, http::response& res)
{
    auto mine = latest_.subscribe();
    http::event_stream stream(res);
    co_await stream.set_retry(2s);
    for (std::shared_ptr<const std::string> s = mine.get(); s;) {
        if (!s->empty()) {
            const http::server_event e{.data = *s, .name = "snapshot"};
            co_await stream.send(e);
        }
        s = co_await mine.changed(req.context());
    }
}

weft::task<> board::metrics(http::request& req, http::response& res)
{
    std::optional<queue_stats> q;
    try {
        q = co_await queue_.stats(req.context());
    } catch (const queue_unavailable&) {
        counts_.queue_errors.add(); // the other figures are worth having, now most of all
    }
    res.send(metrics_text(counts_, hosts_, q ? &*q : nullptr), weft::debug::metrics_content_type);
}

} // namespace relay
