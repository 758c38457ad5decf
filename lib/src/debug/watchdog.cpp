// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/watchdog.hpp>

#include "contention_tables.hpp"
#include "ticks_in.hpp"
#include "watch_round.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/detail/observer.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/world.hpp>
#include <weft/error.hpp>
#include <weft/log.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

namespace {

struct watch {
    os_mutex mutex; ///< guards all below
    bool on = false;
    debug::watchdog_options options;
    double nanos_per_tick = 1;
    std::set<std::uint64_t> slow_sites; ///< reported
    /// How many waited at a place, when it was reported last; by the text that names it.
    std::map<std::string, std::size_t> blocked_places;
    std::deque<debug::watchdog_finding> findings; ///< the latest
};

watch& the_watch()
{
    static auto* w = new watch; // never destroyed: a monitor may look late
    return *w;
}

constinit atomic<std::uint64_t> slice_limit_ticks{UINT64_MAX};
/// In nanoseconds; 0: nobody watches. Read by the monitors.
constinit atomic<std::int64_t> blocked_look_every{0};

void report(const std::string& text)
{
    constexpr std::size_t most_kept = 100;
    {
        std::lock_guard lock(the_watch().mutex);
        auto& kept = the_watch().findings;
        kept.push_back({std::chrono::system_clock::now(), text});
        if (kept.size() > most_kept) kept.pop_front();
    }
    log(log_level::warning, text);
}

std::string place(std::uint64_t site)
{
    const site_name s = site_of(site);
    return s.line == 0 ? "its start" : std::string(s.file) + ':' + std::to_string(s.line);
}

std::string in_words(std::chrono::nanoseconds d)
{
    if (d >= 10s) return std::to_string(d / 1s) + " s";
    if (d >= 10ms) return std::to_string(d / 1ms) + " ms";
    return std::to_string(d / 1us) + " us";
}

/// If this place has not been told of: nanoseconds per tick.
std::optional<double> is_news(std::uint64_t site)
{
    std::lock_guard lock(the_watch().mutex);
    if (!the_watch().on || !the_watch().slow_sites.insert(site).second) return std::nullopt;
    return the_watch().nanos_per_tick;
}

void report_slice(std::uint64_t who, std::uint64_t site, const std::uint64_t* until,
                  std::uint64_t took)
{
    const auto nanos_per_tick = is_news(site);
    if (!nanos_per_tick) return;
    const std::chrono::nanoseconds d(
        static_cast<std::int64_t>(static_cast<double>(took) * *nanos_per_tick));
    std::string text = "watchdog: goroutine " + std::to_string(who);
    text += until ? " ran for " + in_words(d) : " has run for " + in_words(d) + " so far,";
    text += " without letting others run, from " + place(site);
    if (until) text += *until ? " to " + place(*until) : std::string(" to its end");
    report(text);
}

void look_at_slices(worker_notes& n)
{
    // One that is over and was noted down.
    if (const std::uint64_t took = n.long_ticks.load(std::memory_order_acquire)) {
        const std::uint64_t until = n.long_end.load(std::memory_order_relaxed);
        const std::uint64_t site = n.long_site.load(std::memory_order_relaxed);
        const std::uint64_t who = n.long_who.load(std::memory_order_relaxed);
        n.long_ticks.store(0, std::memory_order_release);
        report_slice(who, site, &until, took);
    }
    // One that lasts.
    const std::uint64_t began = n.slice_began.load(std::memory_order_acquire);
    if (!is_of_now(began)) return;
    const std::uint64_t now = ticks();
    if (now < began || now - began < slice_limit_ticks.load(std::memory_order_relaxed)) return;
    const std::uint64_t site = n.slice_site.load(std::memory_order_relaxed);
    const std::uint64_t who = n.slice_who.load(std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_acquire);
    if (n.slice_began.load(std::memory_order_relaxed) != began) return; // it was two slices
    report_slice(who, site, nullptr, now - began);
}

/// Where the user sees it wait: the innermost place outside of the library's own headers.
const std::source_location* waits_at(const debug::goroutine_info& g)
{
    for (const auto& f : g.frames) {
        const std::string_view file = f.file_name();
        if (f.line() != 0 && file.find("weft/detail/") == file.npos) return &f;
    }
    return g.frames.empty() ? nullptr : g.frames.data();
}

void look_at_blocked(scheduler& s)
{
    debug::watchdog_options o;
    {
        std::lock_guard lock(the_watch().mutex);
        if (!the_watch().on || the_watch().options.blocked_limit <= duration::zero()) return;
        o = the_watch().options;
    }
    std::map<std::string, std::vector<std::uint64_t>> places;
    for (const debug::goroutine_info& g : debug::goroutines_of(s)) {
        if (g.state != "waiting" || g.waiting < o.blocked_limit ||
            !waits_for_goroutines(g.wait_reason))
            continue;
        const std::source_location* at = waits_at(g);
        std::string text = "[" + g.wait_reason + "] at ";
        text += at ? std::string(at->file_name()) + ':' + std::to_string(at->line()) : "its start";
        places[text].push_back(g.id);
    }
    for (const auto& [text, ids] : places) {
        {
            std::lock_guard lock(the_watch().mutex);
            std::size_t& before = the_watch().blocked_places[text];
            if (before != 0 && ids.size() < 2 * before) continue;
            before = ids.size();
        }
        std::string told = "watchdog: " + std::to_string(ids.size()) +
                           (ids.size() == 1 ? " goroutine has" : " goroutines have") +
                           " waited for more than " + in_words(o.blocked_limit) + " " + text + ":";
        for (std::size_t i = 0; i < std::min(ids.size(), o.most_listed); ++i)
            told.append(1, ' ').append(std::to_string(ids[i]));
        if (ids.size() > o.most_listed) told += " ...";
        report(told);
    }
}

} // namespace

std::uint64_t longest_slice_ticks() noexcept
{
    return slice_limit_ticks.load(std::memory_order_relaxed);
}

clock::duration watch_interval() noexcept
{
    return clock::duration(
        std::chrono::nanoseconds(blocked_look_every.load(std::memory_order_relaxed)));
}

void watch_round(scheduler& s, std::chrono::steady_clock::time_point& next_look)
{
    if (observer_bits() & observer_bit::trace) trace_beat();
    try {
        if (observer_bits() & observer_bit::slices) {
            for (worker* w : s.all_workers()) look_at_slices(w->notes);
        }
        const auto every = watch_interval();
        const auto now = std::chrono::steady_clock::now();
        if (every == clock::duration::zero() || now < next_look) return;
        next_look = now + every;
        look_at_blocked(s);
        leave_population(); // the look took locks
    } catch (...) {         // NOLINT(bugprone-empty-catch)
        // No memory for a report: it will come again.
    }
}

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::debug {

using namespace detail;

watchdog::watchdog(watchdog_options o)
{
    const double nanos = nanos_per_tick();
    {
        std::lock_guard lock(the_watch().mutex);
        if (the_watch().on) throw_misuse("watchdog is already enabled");
        the_watch().on = true;
        the_watch().options = o;
        the_watch().nanos_per_tick = nanos;
        the_watch().slow_sites.clear();
        the_watch().blocked_places.clear();
    }
    if (o.slice_limit > duration::zero()) {
        slice_limit_ticks.store(ticks_in(o.slice_limit, nanos), std::memory_order_relaxed);
        for (const auto& s : world()) { // an earlier watchdog's
            for (worker* w : s->all_workers())
                w->notes.long_ticks.store(0, std::memory_order_relaxed);
        }
        observe(observer_bit::slices, true);
    }
    if (o.blocked_limit > duration::zero()) {
        const auto every = std::clamp<duration>(o.blocked_limit / 2, std::chrono::milliseconds(1),
                                                std::chrono::seconds(1));
        blocked_look_every.store(std::chrono::nanoseconds(every).count(),
                                 std::memory_order_relaxed);
        for (const auto& s : world()) s->rouse_monitor(); // it may be asleep without a limit
    }
}

watchdog::~watchdog()
{
    blocked_look_every.store(0, std::memory_order_relaxed);
    observe(observer_bit::slices, false);
    slice_limit_ticks.store(UINT64_MAX, std::memory_order_relaxed);
    std::lock_guard lock(the_watch().mutex);
    the_watch().on = false;
}

bool watchdog::is_enabled()
{
    std::lock_guard lock(the_watch().mutex);
    return the_watch().on;
}

std::vector<watchdog_finding> watchdog_findings()
{
    std::lock_guard lock(the_watch().mutex);
    return {the_watch().findings.begin(), the_watch().findings.end()};
}

} // namespace weft::inline v0_1::debug
