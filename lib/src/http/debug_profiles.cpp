// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "debug_pages.hpp"

#include "flame.hpp"

#include <weft/blocking.hpp>
#include <weft/debug/contention.hpp>
#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/dump.hpp>
#include <weft/debug/trace.hpp>
#include <weft/http/error.hpp>
#include <weft/sleep.hpp>

#include <array>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::debug {

namespace {

using http::request;

constexpr std::string_view json_type = "application/json";

debug_page failure(std::string why)
{
    debug_page p = text_page(std::move(why) + '\n');
    p.status = http::status::internal_server_error;
    return p;
}

/// Whether ?format=flame is asked for; of other formats only `also` is known, which the caller looks after.
bool wants_flame(const request& req, std::string_view also = {})
{
    const auto format = req.query_value("format");
    if (!format || (!also.empty() && *format == also)) return false;
    if (*format == "flame") return true;
    throw http::error(http::status::bad_request,
                      "format: only flame" + (also.empty() ? "" : " and " + std::string(also)));
}

debug_page profile_file(std::string bytes, bool flame, std::string_view name)
{
    if (flame) return text_page(std::move(bytes), json_type);
    return {std::move(bytes), "application/octet-stream", std::string(name)};
}

/// What `later` has counted since `before`.
profile difference(profile later, const profile& before)
{
    const auto key = [](const profile_sample& s) {
        std::string k;
        for (const auto& f : s.stack)
            k += f.function + '\n' + f.file + ':' + std::to_string(f.line) + '\n';
        for (const auto& [name, value] : s.labels) k += name + '=' + value + '\n';
        return k;
    };
    std::map<std::string, const profile_sample*> known;
    for (const profile_sample& s : before.samples) known[key(s)] = &s;
    for (profile_sample& s : later.samples) {
        const auto was = known.find(key(s));
        if (was == known.end()) continue;
        for (std::size_t i = 0; i < s.values.size(); ++i) s.values[i] -= was->second->values[i];
    }
    std::erase_if(later.samples, [](const profile_sample& s) { return s.values[0] <= 0; });
    return later;
}

/// A profile that grows as the program runs: all of it, or with ?seconds=N what is added in that time.
task<debug_page> contention_page(request& req, measuring::what what, profile (*taken)(),
                                 std::string_view name)
{
    constexpr long most = 3600;
    constexpr std::size_t delay = 1;
    const long seconds = query_number(req, "seconds", 0, 1, most);
    const bool flame = wants_flame(req);
    profile p;
    if (seconds == 0) {
        p = taken();
    } else {
        const profile before = taken();
        const measuring on(what);
        const context gone = req.context();
        co_await sleep(gone, std::chrono::seconds(seconds));
        p = difference(taken(), before);
        p.length = std::chrono::seconds(seconds);
    }
    co_return profile_file(flame ? flame_json(p, delay) : p.encoded(), flame, name);
}

} // namespace

task<debug_page> goroutine_page(request& req)
{
    constexpr long most = 2;
    const long debug = query_number(req, "debug", 0, 0, most);
    const bool flame = wants_flame(req, "json");
    if (flame) co_return profile_file(flame_json(goroutine_profile(), 0), true, {});
    const bool json = req.query_value("format").has_value();
    if (!json && debug == 0)
        co_return profile_file(goroutine_profile().encoded(), false, "goroutine");
    std::ostringstream out;
    dump_options options;
    options.form = json ? dump_form::json : debug == 1 ? dump_form::groups : dump_form::text;
    dump(out, options);
    co_return text_page(out.str(), json ? json_type : plain_text);
}

task<debug_page> profile_page(request& req)
{
    constexpr long usual = 30, most = 3600;
    constexpr std::size_t time = 1;
    const long seconds = query_number(req, "seconds", usual, 1, most);
    const bool flame = wants_flame(req);
    std::unique_ptr<cpu_profile> running;
    try {
        running = std::make_unique<cpu_profile>();
    } catch (const std::exception& e) {
        co_return failure("Could not enable CPU profiling: " + std::string(e.what()));
    }
    const context gone = req.context(); // ends it, if nobody is there any more
    co_await sleep(gone, std::chrono::seconds(seconds));
    // Reading symbol tables takes a while: not on a worker.
    cpu_profile* p = running.get();
    const auto finish = [p, flame] {
        const profile found = p->stop();
        return flame ? flame_json(found, time) : found.encoded();
    };
    std::string bytes = co_await blocking(finish);
    co_return profile_file(std::move(bytes), flame, "profile");
}

task<debug_page> heap_page(request&)
{
    try {
        co_return debug_page{heap_profile(), "application/octet-stream", "heap"};
    } catch (const std::runtime_error& e) {
        co_return failure(e.what());
    }
}

task<debug_page> block_page(request& req)
{
    return contention_page(req, measuring::blocks, block_profile, "block");
}

task<debug_page> mutex_page(request& req)
{
    return contention_page(req, measuring::contention, mutex_profile, "mutex");
}

task<debug_page> trace_page(request& req)
{
    constexpr long usual = 1, most = 3600;
    const long seconds = query_number(req, "seconds", usual, 1, most);
    std::unique_ptr<trace> running;
    try {
        running = std::make_unique<trace>();
    } catch (const std::exception& e) {
        co_return failure("Could not enable tracing: " + std::string(e.what()));
    }
    const context gone = req.context();
    co_await sleep(gone, std::chrono::seconds(seconds));
    trace* t = running.get();
    const auto finish = [t] { // it may be long
        std::ostringstream out;
        t->stop(out);
        return std::move(out).str();
    };
    std::string text = co_await blocking(finish);
    if (text.empty()) co_return failure("The trace could not be written.");
    co_return debug_page{std::move(text), std::string(json_type), "trace.json"};
}

task<debug_page> cmdline_page(request&)
{
    std::ifstream in("/proc/self/cmdline", std::ios::binary);
    std::string all{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    if (!all.empty() && all.back() == '\0') all.pop_back();
    co_return text_page(std::move(all));
}

namespace {

/// How something is turned on and off, and for how many it is on that the program had off.
struct meter {
    bool (*is_on)(const contention_settings& s);
    void (*turn)(bool on);
    int users = 0;
};

std::mutex meters_mutex;
std::array<meter, 3> meters{
    meter{[](const contention_settings& s) { return s.block_rate > duration::zero(); },
          [](bool on) {
              set_block_profile_rate(on ? std::chrono::microseconds(10)
                                        : std::chrono::microseconds(0));
          }},
    meter{[](const contention_settings& s) { return s.mutex_fraction != 0; },
          [](bool on) { set_mutex_profile_fraction(on ? 1 : 0); }},
    meter{[](const contention_settings& s) { return s.latency_one_in != 0; },
          [](bool on) { set_latency_sampling(on ? 16 : 0); }},
};

} // namespace

measuring::measuring(what w) : what_(w)
{
    const std::lock_guard lock(meters_mutex);
    meter& m = meters.at(w);
    ours_ = m.users > 0 || !m.is_on(current_contention_settings());
    if (ours_ && m.users++ == 0) m.turn(true);
}

measuring::~measuring()
{
    const std::lock_guard lock(meters_mutex);
    meter& m = meters.at(what_);
    if (ours_ && --m.users == 0) m.turn(false);
}

} // namespace weft::inline v0_1::debug
