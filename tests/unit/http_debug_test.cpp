// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Go's paths: goroutines, profiles, metrics over HTTP.

#include "http_peer.hpp"
#include "pprof_reader.hpp"

#include <weft/debug/contention.hpp>
#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/debug/trace.hpp>
#include <weft/debug/watch.hpp>
#include <weft/http/debug_handler.hpp>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>

namespace http = weft::http;
using namespace std::chrono_literals;
using weft_test::served;
using weft_test::wire_response;

namespace {

void debug_pages(http::server& s)
{
    s.handle("/debug/", weft::debug::handler());
    s.handle("/metrics", weft::debug::handler());
}

bool has(const std::string& text, std::string_view part)
{
    return text.find(part) != text.npos;
}

std::size_t count_of(const std::string& text, const std::string& part)
{
    std::size_t n = 0;
    for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
    return n;
}

void until_profiling(bool is)
{
    for (int i = 0; i < 20'000 && weft::debug::cpu_profile::is_running() != is; ++i)
        std::this_thread::sleep_for(1ms);
    CHECK(weft::debug::cpu_profile::is_running() == is);
}

} // namespace

TEST_CASE("the index names all pages; others are not there")
{
    const served s(debug_pages);
    const auto index = s.get("/debug/pprof/");
    CHECK(index.status == 200);
    CHECK(index.field("content-type") == "text/html; charset=utf-8");
    for (const char* name : {"/debug/pprof/goroutine", "/debug/pprof/profile", "/debug/pprof/heap",
                             "/debug/pprof/cmdline", "/metrics"})
        CHECK(has(index.body, name));
    CHECK(s.get("/debug/pprof/nonsense").status == 404);
    CHECK(s.get("/debug/pprof/nonsense").body == "Unknown profile\n");
    CHECK(s.get("/debug/nonsense").status == 404);
    CHECK(s.get("/debug/pprof").status == 404);
}

TEST_CASE("the live page is of one piece, and may load nothing from elsewhere")
{
    const served s(debug_pages);
    const auto page = s.get("/debug/");
    CHECK(page.status == 200);
    CHECK(page.field("content-type") == "text/html; charset=utf-8");
    CHECK(page.body.starts_with("<!doctype html>"));
    CHECK(page.body.ends_with("</html>\n"));
    const std::string policy = page.field("content-security-policy");
    CHECK(policy.starts_with("default-src 'none'; "));
    CHECK(has(policy, "connect-src 'self'"));
    CHECK(has(policy, "frame-ancestors 'none'"));
    for (const char* foreign : {"http://", "https://", "src=", "@import", "url(", "innerHTML",
                                "insertAdjacent", "document.write", "eval("}) {
        CAPTURE(foreign);
        std::string text = page.body;
        for (const std::string_view own : {"http://www.w3.org/2000/svg"}) { // a name, no address
            for (auto at = text.find(own); at != text.npos; at = text.find(own))
                text.erase(at, own.size());
        }
        CHECK_FALSE(has(text, foreign));
    }
    CHECK(s.ask("HEAD /debug/ HTTP/1.1\r\nHost: a\r\n\r\n", true).status == 200);
    CHECK(s.ask("POST /debug/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").status == 405);
}

TEST_CASE("goroutines a page at a time, found by words, single or in groups")
{
    served s(debug_pages);
    auto gate = weft::make_channel<int>();
    const auto wait = [gate]() -> weft::task<> { co_await gate.receive(); };
    const auto hostile = [gate]() -> weft::task<> {
        weft::this_goroutine::set_name("</script><script>\"\\");
        co_await gate.receive();
    };
    const auto start = [&]() -> weft::task<> {
        for (int i = 0; i < 9; ++i) weft::go(wait);
        const weft::label_scope labels{{"q\"", "<b>"}};
        weft::go(hostile);
        co_return;
    };
    weft::go(s.runtime().get_executor(), start);
    std::string all;
    for (int i = 0; i < 5000 && !has(all, "\"matched\": 10,"); ++i)
        all = s.get("/debug/goroutines.json?filter=chan+receive+http_debug_test").body;
    CHECK(has(all, "\"matched\": 10, \"complete\": true}\n"));
    CHECK(count_of(all, "\"id\":") == 10);
    CHECK(has(all, R"("name": "</script><script>\"\\")"));
    CHECK(has(all, R"("labels": {"q\"": "<b>"})"));
    const auto some = s.get("/debug/goroutines.json?filter=chan+receive&limit=4&offset=8");
    CHECK(some.field("content-type") == "application/json");
    CHECK(count_of(some.body, "\"id\":") == 2);
    const auto groups = s.get("/debug/goroutines.json?groups=1&filter=chan+receive&limit=1").body;
    CHECK(has(groups, "\"count\": 9,"));
    CHECK(count_of(groups, "\"count\":") == 1);
    CHECK(has(groups, "\"found\": 2,"));
    gate.close();
}

TEST_CASE("the state: runtimes, watched channels, waits, the watchdog")
{
    const served s(debug_pages);
    const auto ch = weft::make_channel<int>(3);
    const auto shown = weft::debug::watch_channel(ch, "a <b>\"");
    const auto state = s.get("/debug/state.json");
    CHECK(state.field("content-type") == "application/json");
    for (const char* part :
         {R"("runtimes":[{"number":)", R"("states":{)", R"("workers":[{"queued":)", R"("waits":[)",
          R"({"metric":"weft_channel_capacity","kind":"channel","name":"a <b>\"","value":3})",
          R"("watchdog":false)", R"("profiling":false,"tracing":false})"}) {
        CAPTURE(part);
        CHECK(has(state.body, part));
    }
}

TEST_CASE("waits and locks of a while: what is off is on for that time")
{
    std::atomic<bool> over{false}; // used until the runtime has ended
    served s(debug_pages);
    auto gate = weft::make_channel<int>();
    const auto wait = [gate]() -> weft::task<> {
        while (co_await gate.receive()) {}
    };
    const auto wake = [gate, &over]() -> weft::task<> {
        while (!over) {
            co_await weft::sleep(2ms);
            co_await gate.send(1);
        }
        gate.close();
    };
    weft::go(s.runtime().get_executor(), wait);
    weft::go(s.runtime().get_executor(), wake);
    const auto off = [] {
        const auto now = weft::debug::current_contention_settings();
        return now.block_rate == weft::duration::zero() && now.mutex_fraction == 0 &&
               now.latency_one_in == 0;
    };
    CHECK(off());
    {
        auto file = s.connect();
        auto flame = s.connect();
        auto latency = s.connect();
        file.send("GET /debug/pprof/block?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        flame.send("GET /debug/pprof/block?seconds=1&format=flame HTTP/1.1\r\nHost: a\r\n\r\n");
        latency.send("GET /debug/latency.json?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        const auto p = weft_test::decode_profile(file.receive().body);
        CHECK(p.types == std::vector<std::string>{"contentions/count", "delay/nanoseconds"});
        CHECK(p.samples.size() > 0);
        const std::string drawn = flame.receive().body;
        CHECK(drawn.starts_with(R"({"name":"delay","unit":"nanoseconds","total":)"));
        CHECK(has(drawn, "http_debug_test.cpp:"));
        CHECK(has(drawn, "\"[chan receive]\""));
        CHECK(has(drawn, "\"nodes\":[[-1,0,"));
        const std::string counted = latency.receive().body;
        CHECK(counted.starts_with("{\"count\":"));
        CHECK_FALSE(counted.starts_with("{\"count\":0,"));
    }
    CHECK(off());
    CHECK(has(s.get("/debug/state.json").body,
              R"("reason":"chan receive")")); // what was counted stays
    CHECK(s.get("/debug/pprof/mutex").field("content-disposition") ==
          "attachment; filename=\"mutex\"");
    CHECK(has(s.get("/debug/pprof/mutex?format=flame").body, "\"total\":0"));
    CHECK(has(s.get("/debug/pprof/goroutine?format=flame").body, "\"name\":\"goroutine\""));
    over = true;
}

TEST_CASE("a trace; a second one is refused; one without a client ends")
{
    const served s(debug_pages);
    const auto until_tracing = [](bool is) {
        for (int i = 0; i < 20'000 && weft::debug::trace::is_enabled() != is; ++i)
            std::this_thread::sleep_for(1ms);
        CHECK(weft::debug::trace::is_enabled() == is);
    };
    {
        auto first = s.connect();
        first.send("GET /debug/trace?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        until_tracing(true);
        const auto second = s.get("/debug/pprof/trace");
        CHECK(second.status == 500);
        CHECK(second.body == "Could not enable tracing: tracing is already enabled\n");
        const auto r = first.receive();
        CHECK(r.status == 200);
        CHECK(r.field("content-type") == "application/json");
        CHECK(r.field("content-disposition") == "attachment; filename=\"trace.json\"");
        CHECK(has(r.body, "\"traceEvents\""));
    }
    CHECK_FALSE(weft::debug::trace::is_enabled());
    {
        auto gone = s.connect();
        gone.send("GET /debug/pprof/trace?seconds=3000 HTTP/1.1\r\nHost: a\r\n\r\n");
        until_tracing(true);
    }
    until_tracing(false);
}

TEST_CASE("goroutines in each form")
{
    const served s(debug_pages);
    const auto groups = s.get("/debug/pprof/goroutine?debug=1");
    CHECK(groups.body.starts_with("goroutine profile: total "));
    CHECK(groups.field("content-type") == "text/plain; charset=utf-8");
    CHECK(s.get("/debug/pprof/goroutine?debug=2").body.starts_with("goroutine "));
    const auto json = s.get("/debug/pprof/goroutine?format=json");
    CHECK(json.field("content-type") == "application/json");
    CHECK(json.body.ends_with("\"complete\": true}\n"));
    for (const char* target : {"/debug/pprof/goroutine", "/debug/pprof/goroutine?debug=0"}) {
        const auto r = s.get(target);
        CHECK(r.field("content-type") == "application/octet-stream");
        CHECK(r.field("content-disposition") == "attachment; filename=\"goroutine\"");
        CHECK(weft_test::decode_profile(r.body).types ==
              std::vector<std::string>{"goroutine/count"});
    }
}

TEST_CASE("parameters that make no sense are 400 with a text; other methods 405")
{
    const served s(debug_pages);
    for (const char* target :
         {"/debug/pprof/goroutine?debug=3", "/debug/pprof/goroutine?debug=-1",
          "/debug/pprof/goroutine?debug=", "/debug/pprof/goroutine?debug=1x",
          "/debug/pprof/goroutine?format=xml", "/debug/pprof/profile?format=json",
          "/debug/pprof/block?seconds=0", "/debug/pprof/block?format=x",
          "/debug/pprof/mutex?seconds=many", "/debug/trace?seconds=0",
          "/debug/pprof/trace?seconds=3601", "/debug/latency.json?seconds=",
          "/debug/goroutines.json?limit=0", "/debug/goroutines.json?limit=501",
          "/debug/goroutines.json?offset=-1", "/debug/goroutines.json?groups=2",
          "/debug/pprof/profile?seconds=0", "/debug/pprof/profile?seconds=abc",
          "/debug/pprof/profile?seconds=99999999999999999999"}) {
        const auto r = s.get(target);
        CHECK(r.status == 400);
        CHECK_FALSE(r.body.empty());
    }
    CHECK(s.get("/debug/goroutines.json?filter=" + std::string(201, 'a')).body ==
          "filter: 200 bytes at most\n");
    std::string words;
    for (int i = 0; i < 65; ++i) words += "a+";
    CHECK(s.get("/debug/goroutines.json?filter=" + words).status == 400);
    const auto r = s.ask("POST /debug/pprof/ HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    CHECK(r.status == 405);
    CHECK(r.field("allow") == "GET, HEAD");
    CHECK(s.ask("HEAD /metrics HTTP/1.1\r\nHost: a\r\n\r\n", true).status == 200);
}

TEST_CASE("a processor profile; a second one is refused in Go's words; one without a client ends")
{
    const served s(debug_pages);
    std::atomic<bool> over{false};
    std::thread busy([&] {
        while (!over) {}
    });
    {
        auto first = s.connect();
        first.send("GET /debug/pprof/profile?seconds=1 HTTP/1.1\r\nHost: a\r\n\r\n");
        until_profiling(true);
        const auto second = s.get("/debug/pprof/profile?seconds=1");
        CHECK(second.status == 500);
        CHECK(second.body == "Could not enable CPU profiling: cpu profiling already in use\n");
        const auto r = first.receive();
        CHECK(r.status == 200);
        const auto p = weft_test::decode_profile(r.body);
        CHECK(p.types == std::vector<std::string>{"samples/count", "cpu/nanoseconds"});
        CHECK(p.samples.size() > 0);
    }
    CHECK_FALSE(weft::debug::cpu_profile::is_running());
    {
        auto gone = s.connect();
        gone.send("GET /debug/pprof/profile?seconds=3000 HTTP/1.1\r\nHost: a\r\n\r\n");
        until_profiling(true);
    }
    until_profiling(false);
    over = true;
    busy.join();
}

TEST_CASE("heap is refused with words where nobody keeps account; cmdline is the program")
{
    const served s(debug_pages);
    const auto heap = s.get("/debug/pprof/heap");
    CHECK(heap.status == 500);
    CHECK(has(heap.body, "jemalloc"));
    CHECK(has(s.get("/debug/pprof/cmdline").body, "http_debug_test"));
}

TEST_CASE("metrics: the program's and the runtimes'")
{
    weft::debug::process_metrics().add_counter("http_debug_test_total", "Test.").add(3);
    const served s(debug_pages);
    const auto r = s.get("/metrics");
    CHECK(r.field("content-type") == "text/plain; version=0.0.4; charset=utf-8");
    CHECK(has(r.body, "http_debug_test_total 3\n"));
    CHECK(has(r.body, "weft_goroutines{runtime="));
}

TEST_CASE("a page of somebody else's")
{
    weft::debug::add_debug_page(
        "mine", "my <own>", [](http::request& req) -> weft::task<weft::debug::debug_page> {
            const long n = weft::debug::query_number(req, "n", 1, 0, 10);
            co_return weft::debug::debug_page{std::to_string(n), "text/plain"};
        });
    weft::debug::add_debug_page("/debug/other", "elsewhere",
                                [](http::request&) -> weft::task<weft::debug::debug_page> {
                                    co_return weft::debug::debug_page{"other", "text/plain"};
                                });
    const served s(debug_pages);
    CHECK(s.get("/debug/pprof/mine?n=7").body == "7");
    CHECK(s.get("/debug/pprof/mine?n=11").status == 400);
    CHECK(s.get("/debug/other").body == "other");
    CHECK(has(s.get("/debug/pprof/").body, "my &lt;own&gt;"));
}

TEST_CASE("serve: this machine alone, unless told otherwise")
{
    weft_test::watchdog guard;
    weft::run([]() -> weft::task<> {
        const auto refused = [](std::string address) -> weft::task<bool> {
            try {
                co_await weft::debug::serve(weft::background(), std::move(address));
            } catch (const std::invalid_argument&) {
                co_return true;
            }
            co_return false;
        };
        for (const char* address : {"0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:80", "example.com:80",
                                    "127.0.0.1.example:1"}) {
            const bool no = co_await refused(address);
            CHECK(no);
        }
        for (const char* address : {"127.0.0.1:0", "localhost:0", "0.0.0.0:0"}) {
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            std::atomic<int> port{0};
            weft::debug::debug_server_options options;
            options.allow_any_address = std::string_view(address).starts_with("0");
            std::string host = "127.0.0.1"; // but localhost may be the other one
            options.on_listen = [&](const asio::ip::tcp::endpoint& at) {
                if (at.address().is_v6()) host = '[' + at.address().to_string() + ']';
                port = at.port();
            };
            auto serving = weft::spawn([until = ctx, address, options]() -> weft::task<> {
                co_await weft::debug::serve(until, address, options);
            });
            while (port == 0) co_await weft::this_goroutine::yield();
            http::client web;
            const std::string base = "http://" + host + ':' + std::to_string(port.load());
            auto res = co_await web.get(weft::background(), base + "/debug/pprof/cmdline");
            const std::string text = co_await res.text();
            CHECK(has(text, "http_debug_test"));
            for (const char* leads : {"/", "/debug"}) { // to the page
                auto page = co_await web.get(weft::background(), base + leads);
                const std::string html = co_await page.text();
                CHECK(html.starts_with("<!doctype html>"));
            }
            cancel();
            co_await serving.join();
        }
    });
}
