// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "debug_pages.hpp"

#include "../snapshot.hpp"
#include "json_text.hpp"

#include <weft/blocking.hpp>
#include <weft/debug/contention.hpp>
#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/dump.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/debug/trace.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/detail/world.hpp>
#include <weft/http/error.hpp>
#include <weft/sleep.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <sstream>
#include <tuple>
#include <utility>
#include <vector>

// Looking at many goroutines takes a while: all of it happens in blocking(), not on a worker.

namespace weft::inline v0_1::debug {

namespace {

using detail::wait_reason;
using http::request;
using std::chrono::nanoseconds;

constexpr std::string_view json_type = "application/json";

std::int64_t milliseconds(std::chrono::system_clock::time_point t)
{
    return std::chrono::duration_cast<std::chrono::milliseconds>(t.time_since_epoch()).count();
}

std::int64_t in_nanoseconds(duration d)
{
    return std::chrono::duration_cast<nanoseconds>(d).count();
}

void write_goroutines(json_text& out, detail::scheduler& s)
{
    constexpr auto patience = std::chrono::seconds(2);
    detail::reason_counts counts;
    const bool counted =
        detail::count_reasons(s, std::chrono::steady_clock::now() + patience, counts);
    std::map<std::string_view, std::size_t> states, reasons;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(wait_reason::settle); ++i) {
        if (counts.of[i] == 0) continue;
        const auto why = static_cast<wait_reason>(i);
        const std::string_view state = detail::state_text(why);
        states[state] += counts.of[i];
        if (state == "waiting") reasons[detail::wait_reason_text(why)] += counts.of[i];
    }
    out.field("counted", counted);
    for (const auto& [name, of] : {std::pair("states", &states), std::pair("reasons", &reasons)}) {
        out.key(name).begin('{');
        for (const auto& [what, n] : *of) out.field(what, n);
        out.end('}');
    }
}

void write_runtime(json_text& out, detail::scheduler& s)
{
    const detail::scheduler_statistics is = s.statistics();
    out.begin('{').field("number", s.number).field("goroutines", s.live());
    out.field("created", is.created).field("injected", is.injected).field("timers", is.timers);
    out.field("blocking_threads", is.blocking_threads);
    write_goroutines(out, s);
    out.key("workers").begin('[');
    for (const auto& w : is.workers) {
        out.begin('{').field("queued", w.queued).field("slices", w.slices);
        out.field("yields", w.yields).field("steals", w.steals).field("stolen", w.stolen).end('}');
    }
    out.end(']').end('}');
}

/// Where the user sees it wait: the innermost place outside of the library's own headers.
profile_frame waits_at(const profile_sample& s)
{
    for (const profile_frame& f : s.stack) {
        if (f.file.find("weft/detail/") == f.file.npos) return f;
    }
    return s.stack.empty() ? profile_frame() : s.stack.front();
}

/// The block profile by place and reason, the longest first.
void write_waits(json_text& out)
{
    constexpr std::size_t most = 50;
    struct sums {
        std::int64_t count = 0, delay = 0;
    };
    using key = std::tuple<std::string, std::string, std::uint32_t, std::string>;
    std::map<key, sums> places;
    for (const profile_sample& s : block_profile().samples) {
        const profile_frame f = waits_at(s);
        sums& to = places[{f.function, f.file, f.line, s.labels.empty() ? "" : s.labels[0].second}];
        to.count += s.values[0];
        to.delay += s.values[1];
    }
    std::vector<std::pair<key, sums>> all(places.begin(), places.end());
    std::sort(all.begin(), all.end(),
              [](const auto& a, const auto& b) { return a.second.delay > b.second.delay; });
    all.resize(std::min(most, all.size()));
    for (const auto& [place, sum] : all) {
        const auto& [function, file, line, reason] = place;
        out.begin('{').field("function", function).field("file", file).field("line", line);
        out.field("reason", reason).field("count", sum.count).field("delay_ns", sum.delay);
        out.end('}');
    }
}

void write_latency(json_text& out, const latency_histogram& h)
{
    out.field("count", h.count).key("buckets").begin('[');
    for (const auto& b : h.buckets) {
        out.begin('{').field("below_ns", in_nanoseconds(b.below)).field("count", b.count).end('}');
    }
    out.end(']');
}

void write_watched(json_text& out)
{
    constexpr std::size_t most = 4 * 500; // a channel has four of them
    std::size_t n = 0;
    for (const char* prefix : {"weft_channel_", "weft_semaphore_"}) {
        for (const metric_value& v : process_metrics().values(prefix)) {
            if (v.labels.size() != 1 || n++ == most) continue;
            out.begin('{').field("metric", v.name).field("kind", v.labels[0].first);
            out.field("name", v.labels[0].second).field("value", v.value).end('}');
        }
    }
}

void write_findings(json_text& out)
{
    for (const watchdog_finding& f : watchdog_findings())
        out.begin('{').field("at_ms", milliseconds(f.at)).field("text", f.text).end('}');
}

std::string state_json()
{
    json_text out;
    out.begin('{').field("now_ms", milliseconds(std::chrono::system_clock::now()));
    out.key("runtimes").begin('[');
    if (!detail::is_forked_off()) {
        for (const auto& s : detail::world()) write_runtime(out, *s);
    }
    const contention_settings on = current_contention_settings();
    out.end(']').key("waits").begin('[');
    write_waits(out);
    out.end(']').field("block_rate_ns", in_nanoseconds(on.block_rate));
    out.field("mutex_fraction", on.mutex_fraction);
    out.key("latency").begin('{').field("one_in", on.latency_one_in);
    write_latency(out, scheduling_latency());
    out.end('}').key("watched").begin('[');
    write_watched(out);
    out.end(']').field("watchdog", watchdog::is_enabled()).key("findings").begin('[');
    write_findings(out);
    out.end(']').field("profiling", cpu_profile::is_running());
    out.field("tracing", trace::is_enabled());
    return out.end('}').take();
}

latency_histogram difference(latency_histogram later, const latency_histogram& before)
{
    // What is zero in front and behind is left off: the same bucket may have another place.
    for (auto& b : later.buckets) {
        for (const auto& was : before.buckets) {
            if (was.below == b.below) b.count -= was.count;
        }
    }
    later.count -= before.count;
    return later;
}

} // namespace

task<debug_page> state_page(request&)
{
    std::string text = co_await blocking(state_json);
    co_return text_page(std::move(text), json_type);
}

task<debug_page> goroutine_list_page(request& req)
{
    constexpr long usual = 100, most = 500, far = 1'000'000'000;
    constexpr std::size_t longest_filter = 200;
    dump_options options;
    options.most = static_cast<std::size_t>(query_number(req, "limit", usual, 1, most));
    options.skip = static_cast<std::size_t>(query_number(req, "offset", 0, 0, far));
    const bool groups = query_number(req, "groups", 0, 0, 1) == 1;
    options.form = groups ? dump_form::json_groups : dump_form::json;
    options.filter = req.query_value("filter").value_or("");
    if (options.filter.size() > longest_filter)
        throw http::error(http::status::bad_request, "filter: 200 bytes at most");
    const auto list = [options]() -> std::string {
        std::ostringstream out;
        try {
            dump(out, options);
        } catch (const std::invalid_argument&) {
            return {};
        }
        return std::move(out).str();
    };
    std::string text = co_await blocking(list);
    if (text.empty()) throw http::error(http::status::bad_request, "filter: 64 words at most");
    co_return text_page(std::move(text), json_type);
}

task<debug_page> latency_page(request& req)
{
    constexpr long usual = 10, most = 3600;
    const long seconds = query_number(req, "seconds", usual, 1, most);
    const latency_histogram before = scheduling_latency();
    const measuring on(measuring::latency);
    const context gone = req.context();
    co_await sleep(gone, std::chrono::seconds(seconds));
    json_text out;
    out.begin('{');
    write_latency(out, difference(scheduling_latency(), before));
    co_return text_page(out.end('}').take(), json_type);
}

} // namespace weft::inline v0_1::debug
