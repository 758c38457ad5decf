// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Counters, gauges, histograms; the runtimes' own numbers; watched channels; promtool as the judge.

#include "testing.hpp"

#include <weft/debug/contention.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/debug/watch.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using weft::make_channel;
using weft::task;
using weft::debug::metric_kind;
using weft::debug::metrics;

namespace {

bool has_line(const std::string& text, const std::string& line)
{
    return ("\n" + text).find("\n" + line + "\n") != std::string::npos;
}

/// The value of the only line that begins so; -1: there is none.
double value_of(const std::string& text, const std::string& begin)
{
    const auto at = ("\n" + text).find("\n" + begin);
    if (at == std::string::npos) return -1;
    const auto end = text.find('\n', at);
    const std::string line = text.substr(at, end - at);
    return std::strtod(line.substr(line.rfind(' ') + 1).c_str(), nullptr);
}

/// What `promtool check metrics` has to say; empty if it is content or not there.
std::string judged(const std::string& text)
{
    if (std::system("command -v promtool >/dev/null 2>&1") != 0) return {};
    const std::string in = "/tmp/weft-metrics-" + std::to_string(weft_test::seed());
    std::FILE* file = std::fopen(in.c_str(), "w");
    std::fwrite(text.data(), 1, text.size(), file);
    std::fclose(file);
    std::FILE* out = ::popen(("promtool check metrics < " + in + " 2>&1").c_str(), "r");
    std::string said;
    char piece[256];
    while (std::fgets(piece, sizeof piece, out)) said += piece;
    const int rc = ::pclose(out);
    std::remove(in.c_str());
    if (rc != 0) said += "promtool failed";
    return said;
}

} // namespace

TEST_CASE("counter, gauge and histogram in Prometheus' text form, by name and labels")
{
    metrics m;
    auto& c = m.add_counter("test_requests_total", "Requests.\nWith a \\.",
                            {{"code", "200"}, {"a", "x"}});
    c.add();
    c.add(41);
    CHECK(c.value() == 42);
    m.add_counter("test_requests_total", "Requests.\nWith a \\.", {{"code", "say \"no\"\n\\"}})
        .add(7);
    auto& g = m.add_gauge("test_temperature_celsius", "Now.");
    g.set(20.5);
    g.add();
    g.sub(0.25);
    auto& h = m.add_histogram("test_duration_seconds", "Took.", {{"route", "/"}}, {0.1, 1});
    for (const double v : {0.05, 0.1, 0.5, 3.0}) h.observe(v);
    const std::string t = m.text();
    CHECK(has_line(t, "# HELP test_requests_total Requests.\\nWith a \\\\."));
    CHECK(has_line(t, "# TYPE test_requests_total counter"));
    CHECK(has_line(t, "test_requests_total{a=\"x\",code=\"200\"} 42"));
    CHECK(has_line(t, "test_requests_total{code=\"say \\\"no\\\"\\n\\\\\"} 7"));
    CHECK(has_line(t, "# TYPE test_temperature_celsius gauge"));
    CHECK(has_line(t, "test_temperature_celsius 21.25"));
    CHECK(has_line(t, "test_duration_seconds_bucket{route=\"/\",le=\"0.1\"} 2"));
    CHECK(has_line(t, "test_duration_seconds_bucket{route=\"/\",le=\"1\"} 3"));
    CHECK(has_line(t, "test_duration_seconds_bucket{route=\"/\",le=\"+Inf\"} 4"));
    CHECK(has_line(t, "test_duration_seconds_sum{route=\"/\"} 3.65"));
    CHECK(has_line(t, "test_duration_seconds_count{route=\"/\"} 4"));
    CHECK(judged(t) == "");
    g.set(std::numeric_limits<double>::infinity());
    CHECK(has_line(m.text(), "test_temperature_celsius +Inf"));
    g.set(std::nan(""));
    CHECK(has_line(m.text(), "test_temperature_celsius NaN"));
    CHECK(judged(m.text()) == "");
}

TEST_CASE("what is no number is in no range of a histogram but the last")
{
    metrics m;
    auto& h = m.add_histogram("test_seconds", "Took.", {}, {0.1, 1});
    h.observe(0.05);
    h.observe(std::nan(""));
    const auto r = h.read();
    CHECK(r.up_to == std::vector<std::uint64_t>{1, 1, 2});
}

TEST_CASE("the same name and labels are the same object, in any order")
{
    metrics m;
    auto& a = m.add_counter("a_total", "A.", {{"x", "1"}, {"y", "2"}});
    CHECK(&a == &m.add_counter("a_total", "A.", {{"y", "2"}, {"x", "1"}}));
    CHECK(&a != &m.add_counter("a_total", "A."));
    auto& h = m.add_histogram("h", "H.", {}, {1, 2});
    CHECK(&h == &m.add_histogram("h", "H."));
    CHECK(m.add_histogram("h", "H.", {{"x", "1"}}, {7}).bounds() == std::vector<double>{1, 2});
}

TEST_CASE("what Prometheus would not take is refused")
{
    metrics m;
    m.add_counter("a_total", "A.");
    for (const char* name : {"", "1a", "a-b", "a b", "\xc3\xa4"})
        CHECK_THROWS_AS(m.add_counter(name, "A."), std::invalid_argument);
    for (const char* label : {"", "1a", "a:b", "__a", "a-b"})
        CHECK_THROWS_AS(m.add_counter("b_total", "B.", {{label, "x"}}), std::invalid_argument);
    CHECK_THROWS_AS(m.add_counter("c_total", "C.", {{"x", "1"}, {"x", "2"}}),
                    std::invalid_argument);
    CHECK_THROWS_AS(m.add_histogram("h", "H.", {{"le", "1"}}), std::invalid_argument);
    CHECK_THROWS_AS(m.add_histogram("h2", "H.", {}, {1, 1}), std::invalid_argument);
    CHECK_THROWS_AS(m.add_histogram("h3", "H.", {}, {std::nan("")}), std::invalid_argument);
    CHECK_THROWS_AS(m.add_gauge("a_total", "A."), std::invalid_argument);
    CHECK_THROWS_AS(m.add_counter("a_total", "Another."), std::invalid_argument);
    CHECK_THROWS_AS(static_cast<void>(m.add_callback(metric_kind::counter, "a_total", "A.", {},
                                                     [] { return 1.0; })),
                    std::invalid_argument);
    CHECK(m.text() == "# HELP a_total A.\n# TYPE a_total counter\na_total 0\n");
}

TEST_CASE(
    "a callback is asked at each scrape, until its registration goes; one that throws is left out")
{
    metrics m;
    int asked = 0;
    {
        const auto shown =
            m.add_callback(metric_kind::gauge, "asked", "Asked.", {}, [&] { return ++asked; });
        CHECK(has_line(m.text(), "asked 1"));
        CHECK(has_line(m.text(), "asked 2"));
        const auto broken = m.add_callback(metric_kind::gauge, "asked", "Asked.", {{"b", "c"}},
                                           []() -> double { throw std::runtime_error("no"); });
        CHECK(m.text().find("{b=") == std::string::npos);
        CHECK_THROWS_AS(m.add_gauge("asked", "Asked."), std::invalid_argument);
    }
    CHECK(m.text().empty());
    CHECK(asked == 3);
    weft::debug::metric_registration outlives;
    {
        metrics gone;
        outlives = gone.add_callback(metric_kind::gauge, "x", "X.", {}, [] { return 0.0; });
    }
}

TEST_CASE("single values can be read; a histogram, and a callback that throws, have none")
{
    metrics m;
    m.add_counter("a_total", "A.", {{"z", "1"}, {"b", "2"}}).add(7);
    m.add_gauge("a_level", "Level.").set(2.5);
    m.add_histogram("a_seconds", "Time.").observe(1);
    const auto broken = m.add_callback(metric_kind::gauge, "a_broken", "Broken.", {},
                                       []() -> double { throw std::runtime_error("no"); });
    m.add_gauge("b", "Other.");
    const auto values = m.values("a_");
    REQUIRE(values.size() == 2);
    CHECK(values[0].name == "a_level");
    CHECK(values[0].value == 2.5);
    CHECK(values[1].name == "a_total");
    CHECK(values[1].value == 7);
    CHECK(values[1].labels == weft::debug::metric_labels{{"b", "2"}, {"z", "1"}});
    CHECK(m.values("").size() == 3);
}

TEST_CASE("threads count together while others scrape")
{
    metrics m;
    auto& c = m.add_counter("c_total", "C.");
    auto& h = m.add_histogram("h", "H.", {}, {0.5});
    auto& g = m.add_gauge("g", "G.");
    std::vector<std::thread> all;
    const int each = static_cast<int>(weft_test::count(100'000));
    for (int t = 0; t < 4; ++t) {
        all.emplace_back([&] {
            for (int i = 0; i < each; ++i) {
                c.add();
                h.observe(i % 2);
                g.add(2);
                if (i % 1000 == 0) m.add_counter("c_total", "C.", {{"i", std::to_string(i)}}).add();
            }
        });
    }
    for (int i = 0; i < 20; ++i) CHECK(m.text().size() > 10);
    for (auto& t : all) t.join();
    CHECK(c.value() == static_cast<std::uint64_t>(4 * each));
    CHECK(g.value() == 8.0 * each);
    const auto r = h.read();
    CHECK(r.up_to.back() == static_cast<std::uint64_t>(4 * each));
    CHECK(r.sum == 2.0 * each);
}

TEST_CASE("the runtimes' own numbers")
{
    CHECK(weft::debug::runtime_metrics_text().empty());
    weft_test::on_procs([](unsigned procs) -> task<> {
        auto gate = make_channel<void>();
        for (int i = 0; i < 100; ++i) weft::go([gate]() -> task<> { co_await gate.receive(); });
        co_await weft_test::until_parked(100, "chan receive");
        for (int i = 0; i < 10; ++i) co_await weft::this_goroutine::yield();
        auto full = make_channel<int>(1);
        for (int i = 0; i < 300; ++i) { // each is ready: the budget is spent twice
            co_await full.send(i);
            co_await full.receive();
        }
        weft::timer later(std::chrono::hours(1));
        const std::string t = weft::debug::runtime_metrics_text();
        CHECK(judged(t) == "");
        const auto sum = [&](const std::string& name) {
            double n = 0;
            const auto number = t.find("runtime=\"") + 9;
            const std::string runtime = t.substr(number, t.find('"', number) - number);
            for (unsigned w = 0; w < procs; ++w) {
                n += value_of(t, name + "{runtime=\"" + runtime + "\",worker=\"" +
                                     std::to_string(w) + "\"}");
            }
            return n;
        };
        const auto waiting = t.find("state=\"waiting\",reason=\"chan receive\"} 100");
        CHECK(waiting != std::string::npos);
        CHECK(t.find("state=\"running\",reason=\"running\"} ") != std::string::npos);
        CHECK(value_of(t, "weft_goroutines_created_total") >= 101);
        CHECK(value_of(t, "weft_goroutines_created_total") <= 101 + 64);
        CHECK(value_of(t, "weft_timers_pending") >= 1);
        CHECK(value_of(t, "weft_workers") == procs);
        CHECK(sum("weft_slices_total") >= 110);
        CHECK(sum("weft_yields_total") >= 10);
        CHECK(sum("weft_budget_yields_total") >= 4);
        CHECK(value_of(t, "weft_parks_total") >= 100);
        CHECK(value_of(t, "weft_parks_total") <= sum("weft_slices_total"));
        gate.close();
    });
}

TEST_CASE("a scrape while goroutines come and go")
{
    weft_test::watchdog guard;
    std::atomic<bool> over{false};
    weft::runtime rt({.procs = 2});
    for (int i = 0; i < 4; ++i) {
        weft::go(rt.get_executor(), [&over]() -> task<> {
            while (!over) {
                auto child =
                    weft::spawn([]() -> task<> { co_await weft::this_goroutine::yield(); });
                co_await child.join();
            }
        });
    }
    for (int i = 0; i < 300; ++i) CHECK(weft::debug::runtime_metrics_text().size() > 100);
    over = true;
    rt.join();
}

TEST_CASE("how long goroutines were runnable, if that is measured")
{
    weft::debug::reset_contention();
    const auto work = []() -> task<> {
        for (int i = 0; i < 1000; ++i) co_await weft::this_goroutine::yield();
        CHECK(weft::debug::runtime_metrics_text().find("scheduling_latency") == std::string::npos);
        weft::debug::set_latency_sampling(1);
        for (int i = 0; i < 1000; ++i) co_await weft::this_goroutine::yield();
        weft::debug::set_latency_sampling(0);
        const std::string t = weft::debug::runtime_metrics_text();
        CHECK(judged(t) == "");
        const std::string name = "weft_scheduling_latency_seconds";
        const double count = value_of(t, name + "_count");
        CHECK(count >= 999);
        CHECK(value_of(t, name + "_bucket{le=\"+Inf\"}") == count);
        CHECK(value_of(t, name + "_bucket{le=\"17.1799\"}") == count);
        CHECK(value_of(t, name + "_sum") > 0);
        CHECK(value_of(t, name + "_sum") < 60);
    };
    weft::run(work, weft::runtime_options{.procs = 1});
    weft::debug::reset_contention();
}

TEST_CASE("retries are counted")
{
    const auto work = []() -> task<> {
        const auto before = weft::debug::runtime_metrics_text();
        const auto fails_twice = [](int attempt) {
            if (attempt < 3) throw std::runtime_error("not yet");
        };
        const auto fails = [] { throw weft::permanent(std::runtime_error("never")); };
        const weft::backoff quick{.initial = std::chrono::microseconds(1)};
        co_await weft::retry(weft::background(), quick, fails_twice);
        bool failed = false;
        try {
            co_await weft::retry(weft::background(), quick, fails);
        } catch (const std::runtime_error&) {
            failed = true;
        }
        CHECK(failed);
        const auto after = weft::debug::runtime_metrics_text();
        for (const auto& [name, n] : {std::pair("weft_retries_total ", 2.0),
                                      std::pair("weft_retries_given_up_total ", 1.0)})
            CHECK(value_of(after, name) - value_of(before, name) == n);
    };
    weft::run(work);
}

TEST_CASE("a watched limiter and a pool")
{
    metrics m;
    const auto work = [&m]() -> task<> {
        const weft::limiter slow(0.5, 10);
        CHECK(slow.allow(4));
        auto gate = make_channel<void>();
        const auto job = [gate](int) -> task<> { co_await gate.receive(); };
        weft::pattern::worker_pool pool(weft::background(), 2, 8, job);
        std::vector<weft::join_handle<void>> all;
        for (int i = 0; i < 5; ++i) all.push_back(co_await pool.submit(i));
        co_await weft_test::until_parked(2, "chan receive");
        {
            const auto one = weft::debug::watch_limiter(slow, "mail", m);
            const auto other = weft::debug::watch_pool(pool, "thumbnails", m);
            const std::string t = m.text();
            CHECK(judged(t) == "");
            CHECK(value_of(t, "weft_limiter_tokens{limiter=\"mail\"}") >= 6);
            CHECK(value_of(t, "weft_limiter_tokens{limiter=\"mail\"}") < 10);
            CHECK(has_line(t, "weft_limiter_rate{limiter=\"mail\"} 0.5"));
            CHECK(has_line(t, "weft_limiter_burst{limiter=\"mail\"} 10"));
            CHECK(has_line(t, "weft_pool_workers{pool=\"thumbnails\"} 2"));
            CHECK(has_line(t, "weft_pool_queued{pool=\"thumbnails\"} 3"));
        }
        CHECK(m.text().empty());
        gate.close();
        for (auto& h : all) co_await h.join();
    };
    weft::run(work);
}

TEST_CASE("a watched channel and semaphore show who waits")
{
    metrics m;
    weft_test::on_procs([&]() -> task<> {
        auto ch = make_channel<int>(2);
        weft::semaphore permits(5);
        const auto watched = weft::debug::watch_channel(ch, "jobs", m);
        const auto also = weft::debug::watch_semaphore(permits, "disk", m);
        CHECK_THROWS_AS(static_cast<void>(weft::debug::watch_channel(ch, "jobs", m)),
                        std::invalid_argument);
        for (int i = 0; i < 5; ++i) weft::go([ch]() -> task<> { co_await ch.send(1); });
        co_await weft_test::until_parked(3, "chan send");
        co_await permits.acquire(2);
        weft::go([&permits]() -> task<> {
            co_await permits.acquire(5);
            permits.release(5);
        });
        co_await weft_test::until_parked(1, "semaphore acquire");
        std::string t = m.text();
        CHECK(has_line(t, "weft_channel_length{channel=\"jobs\"} 2"));
        CHECK(has_line(t, "weft_channel_capacity{channel=\"jobs\"} 2"));
        CHECK(has_line(t, "weft_channel_waiting_senders{channel=\"jobs\"} 3"));
        CHECK(has_line(t, "weft_channel_waiting_receivers{channel=\"jobs\"} 0"));
        CHECK(has_line(t, "weft_semaphore_size{semaphore=\"disk\"} 5"));
        CHECK(has_line(t, "weft_semaphore_available{semaphore=\"disk\"} 3"));
        CHECK(has_line(t, "weft_semaphore_waiting{semaphore=\"disk\"} 1"));
        CHECK(judged(t) == "");
        const auto values = m.values("weft_channel_");
        CHECK(values.size() == 4);
        CHECK(values[1].name == "weft_channel_length");
        CHECK(values[1].labels == weft::debug::metric_labels{{"channel", "jobs"}});
        CHECK(values[1].value == 2);
        CHECK(m.values("weft_s").size() == 3);
        CHECK(m.values("other").empty());
        permits.release(2);
        for (int i = 0; i < 5; ++i) co_await ch.receive();
        auto other = make_channel<int>();
        weft::go([ch, other]() -> task<> { co_await weft::select{ch.receive(), other.receive()}; });
        co_await weft_test::until_parked(1, "select");
        t = m.text();
        CHECK(has_line(t, "weft_channel_length{channel=\"jobs\"} 0"));
        CHECK(has_line(t, "weft_channel_waiting_receivers{channel=\"jobs\"} 1"));
        ch.close();
        CHECK(ch.statistics().closed);
        CHECK(weft::channel<int>().statistics().capacity == 0);
    });
    CHECK(m.text().empty());
}
