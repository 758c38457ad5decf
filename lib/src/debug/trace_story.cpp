// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "trace_story.hpp"

#include <weft/detail/goroutine.hpp>
#include <weft/detail/observer.hpp>

#include <algorithm>
#include <optional>

namespace weft::inline v0_1::detail {

namespace {

using span_kind = trace_story::span_kind;
using mark_kind = trace_story::mark_kind;

/// Records without a time are taken to be so far apart, if there is room.
constexpr double untimed_step = 150;

struct slice {
    std::int64_t begin, end;
    std::uint64_t site;
    std::uint8_t reason; ///< `running`: it had not ended
    bool ended;
};
struct wake {
    std::int64_t at;
    std::uint64_t by; ///< 0: nobody
    trace_story::lane lane;
};
/// What is known of one goroutine, lane by lane.
struct finds {
    std::vector<slice> slices;
    std::vector<wake> wakes;
};

/// Ticks since the beginning, of each record.
std::vector<double> times_of(const std::vector<trace_record>& records, std::uint64_t from,
                             std::uint64_t to)
{
    std::vector<double> t(records.size());
    const auto told = [](const trace_record& r) {
        return r.ticks != 0 && r.ticks != trace_record::unknown_time;
    };
    const auto since = [from](std::uint64_t ticks) {
        return static_cast<double>(static_cast<std::int64_t>(ticks - from));
    };
    std::optional<double> last;
    for (std::size_t i = 0; i < records.size();) {
        if (told(records[i])) {
            last = t[i] = since(records[i].ticks);
            ++i;
            continue;
        }
        std::size_t end = i, steps = 1;
        for (; end < records.size() && !told(records[end]); ++end)
            steps += records[end].ticks == 0 && records[end].kind() != trace_kind::opened;
        const double next = since(end < records.size() ? records[end].ticks : to);
        const double first = last.value_or(next);
        const double step =
            std::clamp((next - first) / static_cast<double>(steps), 0., untimed_step);
        double at = first;
        for (; i != end; ++i) {
            if (records[i].ticks == 0 && records[i].kind() != trace_kind::opened) at += step;
            t[i] = at;
        }
        last = at;
    }
    return t;
}

/// Goes through the records of one worker, or of one thread without.
class listener {
public:
    listener(trace_story& s, std::map<std::uint64_t, finds>& all, const trace_story::lane& l,
             std::int64_t end)
        : story_(s), all_(all), lane_(l), end_(end)
    {
    }

    void hear(const trace_record& r, std::int64_t at)
    {
        late_ = at > end_; // written while the rings were read
        at = std::min(at, end_);
        const std::uint64_t g = r.goroutine();
        switch (r.kind()) {
        case trace_kind::session:
            stack_.clear();
            idle_since_ = timers_since_ = -1;
            break;
        case trace_kind::parked: close(r, at, false); break;
        case trace_kind::ended:
            close(r, at, true);
            story_.goroutines[g].ended = at;
            break;
        case trace_kind::gone:
            for (std::size_t i = stack_.size(); i-- > 0;) {
                if (stack_[i].goroutine != g) continue;
                close(r, at, true);
                break;
            }
            if (at >= 0) story_.goroutines[g].ended = at;
            break;
        case trace_kind::opened: stack_.push_back({g, before_}); break;
        case trace_kind::began:
            if (r.ticks == trace_record::unknown_time) {
                if (!runs(g)) stack_.push_back({g, 0});
                return; // says nothing of the time
            }
            stack_.push_back({g, at});
            break;
        case trace_kind::woken: woken(g, at, top()); break;
        case trace_kind::created: {
            trace_story::life& l = story_.goroutines[g];
            if (at >= 0) l.created = at;
            l.spawn_site = r.a;
            l.parent = r.b;
            woken(g, at, top());
            break;
        }
        case trace_kind::named: name(g, r.a); break;
        case trace_kind::region_began: mark(mark_kind::region_begin, r, at); break;
        case trace_kind::region_ended: mark(mark_kind::region_end, r, at); break;
        case trace_kind::task_began: mark(mark_kind::task_begin, r, at); break;
        case trace_kind::task_ended: mark(mark_kind::task_end, r, at); break;
        case trace_kind::logged: mark(mark_kind::message, r, at); break;
        case trace_kind::stole: mark(mark_kind::steal, r, at); break;
        case trace_kind::worker_on:
            idle_until(at);
            mark(mark_kind::work_on, r, at);
            break;
        case trace_kind::worker_off:
            idle_since_ = at;
            mark(mark_kind::work_off, r, at);
            break;
        case trace_kind::timers_began: timers_since_ = at; break;
        case trace_kind::timers_ended:
            if (timers_since_ >= 0) show({timers_since_, at, 0, 0, span_kind::timers, 0, false});
            timers_since_ = -1;
            break;
        }
        before_ = at;
    }

    /// Nothing more comes. `running`: whose slice had begun, and no record says so.
    void stop(std::uint64_t running)
    {
        if (running && !runs(running)) stack_.push_back({running, before_});
        while (!stack_.empty()) {
            finish(stack_.back(), end_, static_cast<unsigned>(wait_reason::running), 0, false);
            stack_.pop_back();
        }
        idle_until(end_);
    }

    std::map<std::uint64_t, std::uint64_t> names;

private:
    struct open_slice {
        std::uint64_t goroutine;
        std::int64_t begin;
    };

    [[nodiscard]] bool runs(std::uint64_t g) const
    {
        return std::any_of(stack_.begin(), stack_.end(),
                           [g](const open_slice& s) { return s.goroutine == g; });
    }
    [[nodiscard]] std::uint64_t top() const { return stack_.empty() ? 0 : stack_.back().goroutine; }

    void show(trace_story::span s)
    {
        if (s.end < 0) return;
        s.begin = std::max<std::int64_t>(s.begin, 0);
        s.end = std::max(s.begin, s.end);
        story_.on_workers[lane_].push_back(s);
    }
    void idle_until(std::int64_t at)
    {
        if (idle_since_ >= 0) show({idle_since_, at, 0, 0, span_kind::idle, 0, false});
        idle_since_ = -1;
    }

    void close(const trace_record& r, std::int64_t at, bool ended)
    {
        open_slice s{r.goroutine(), before_};
        if (runs(s.goroutine)) {
            do {
                s = stack_.back();
                stack_.pop_back();
            } while (s.goroutine != r.goroutine());
        }
        if (r.b && r.kind() != trace_kind::gone)
            woken(r.b, s.begin + (at - s.begin) / 2, s.goroutine);
        finish(s, at, r.reason(), r.kind() == trace_kind::parked ? r.a : 0, ended);
    }
    void finish(const open_slice& s, std::int64_t at, unsigned reason, std::uint64_t site,
                bool ended)
    {
        if (at < 0) return;
        show({s.begin, at, s.goroutine, site, span_kind::runs, static_cast<std::uint8_t>(reason),
              ended});
        all_[s.goroutine].slices.push_back({std::max<std::int64_t>(s.begin, 0), at, site,
                                            static_cast<std::uint8_t>(reason), ended});
    }
    void woken(std::uint64_t g, std::int64_t at, std::uint64_t by)
    {
        if (at >= 0) all_[g].wakes.push_back({at, by, lane_});
    }
    void name(std::uint64_t g, std::uint64_t text) { names[g] = text; }
    void mark(mark_kind k, const trace_record& r, std::int64_t at)
    {
        // Of what came later only a part is known: the other rings had been read by then.
        if (at >= 0 && !late_) story_.marks.push_back({k, at, r.goroutine(), lane_, r.a, r.b});
    }

    trace_story& story_;
    std::map<std::uint64_t, finds>& all_;
    const trace_story::lane lane_;
    const std::int64_t end_;
    bool late_ = false;       ///< the record is later than that
    std::int64_t before_ = 0; ///< the time of the record before
    std::int64_t idle_since_ = -1, timers_since_ = -1;
    std::vector<open_slice> stack_;
};

/// Makes a goroutine's track of what the workers know of it: they may differ by what the clocks do, and by what no
/// clock was read for.
void tell_life(trace_story& story, std::uint64_t g, finds& f, std::int64_t end)
{
    trace_story::life& l = story.goroutines[g];
    const auto by_begin = [](const slice& a, const slice& b) {
        return a.begin != b.begin ? a.begin < b.begin : a.end < b.end;
    };
    sort_stably(f.slices, by_begin);
    sort_stably(f.wakes, [](const wake& a, const wake& b) { return a.at < b.at; });
    const auto runnable = static_cast<std::uint8_t>(wait_reason::runnable);
    std::int64_t since = l.created; // -1: what it did before is not known
    std::uint8_t reason =
        l.created >= 0 ? runnable : static_cast<std::uint8_t>(wait_reason::running);
    std::uint64_t site = 0;
    std::size_t next = 0;
    const auto wait_until = [&](std::int64_t until, const wake* w) {
        if (since < 0 || reason == static_cast<std::uint8_t>(wait_reason::running)) return;
        std::int64_t ready = w ? std::clamp(w->at, since, until) : until;
        if (is_queued(static_cast<wait_reason>(reason))) ready = since;
        if (ready > since)
            l.spans.push_back({since, ready, g, site, span_kind::waits, reason, false});
        if (until > ready)
            l.spans.push_back({ready, until, g, 0, span_kind::runnable, runnable, false});
    };
    for (slice s : f.slices) {
        s.begin = std::max(s.begin, since);
        s.end = std::max(s.begin, s.end);
        const wake* by = nullptr;
        while (next < f.wakes.size() &&
               (f.wakes[next].at <= s.begin || (!by && f.wakes[next].at < s.end)))
            by = &f.wakes[next++];
        wait_until(s.begin, by);
        if (by) story.arrows.push_back({by->by, by->lane, std::min(by->at, s.begin), g, s.begin});
        l.spans.push_back({s.begin, s.end, g, s.site, span_kind::running, s.reason, s.ended});
        since = s.end;
        reason = s.ended ? static_cast<std::uint8_t>(wait_reason::running) : s.reason;
        site = s.site;
    }
    if (l.ended < 0) wait_until(end, next < f.wakes.size() ? &f.wakes.back() : nullptr);
    else if (l.ended > since) wait_until(l.ended, nullptr);
}

/// An arrow begins in a span of the one who wakes.
void anchor(trace_story& story)
{
    for (trace_story::arrow& a : story.arrows) {
        const auto found = story.goroutines.find(a.by);
        if (a.by != 0 && found != story.goroutines.end()) {
            const auto& spans = found->second.spans;
            auto at = std::upper_bound(spans.begin(), spans.end(), a.from,
                                       [](std::int64_t t, const auto& s) { return t < s.begin; });
            while (at != spans.begin() && (--at)->kind != span_kind::running) {}
            if (at != spans.end() && at->kind == span_kind::running && at->begin <= a.from) {
                a.from = std::min(a.from, at->end);
                continue;
            }
        }
        a.by = 0;
        story.on_workers[a.lane].push_back({a.from, a.from + 1, 0, 0, span_kind::wakes, 0, false});
    }
}

/// Gives regions and tasks that began before the trace, or did not end in it, the end that is missing.
void match_marks(trace_story& story, std::int64_t end)
{
    std::vector<trace_story::mark>& m = story.marks;
    const auto by_time = [](const auto& a, const auto& b) { return a.at < b.at; };
    sort_stably(m, by_time);
    std::map<std::uint64_t, std::vector<std::size_t>> regions, tasks; // open ones
    std::vector<trace_story::mark> missing;
    const auto found = [&](std::vector<std::size_t>& open, std::uint64_t text) {
        for (std::size_t i = open.size(); i-- > 0;) {
            if (m[open[i]].a != text) continue;
            open.erase(open.begin() + static_cast<std::ptrdiff_t>(i));
            return true;
        }
        return false;
    };
    for (std::size_t i = 0; i < m.size(); ++i) {
        const bool task = m[i].kind == mark_kind::task_begin || m[i].kind == mark_kind::task_end;
        auto& open = task ? tasks[m[i].b] : regions[m[i].goroutine];
        if (m[i].kind == mark_kind::task_begin || m[i].kind == mark_kind::region_begin) {
            open.push_back(i);
        } else if ((task || m[i].kind == mark_kind::region_end) && !found(open, m[i].a)) {
            missing.push_back(m[i]);
            missing.back().kind = task ? mark_kind::task_begin : mark_kind::region_begin;
            missing.back().at = 0;
        }
    }
    for (const auto* open : {&regions, &tasks}) {
        for (const auto& [key, indices] : *open) {
            for (std::size_t i = indices.size(); i-- > 0;) { // the innermost ends first
                missing.push_back(m[indices[i]]);
                missing.back().kind = open == &tasks ? mark_kind::task_end : mark_kind::region_end;
                missing.back().at = end;
            }
        }
    }
    m.insert(m.end(), missing.begin(), missing.end());
    sort_stably(m, by_time);
}

} // namespace

trace_story::trace_story(const trace_copy& c)
{
    const auto nanos = [&c](double t) { return static_cast<std::int64_t>(t * c.nanos_per_tick); };
    const std::int64_t end = nanos(static_cast<double>(c.to - c.from));
    std::map<std::uint64_t, finds> all;
    std::map<std::uint64_t, std::uint64_t> names;

    for (const trace_copy::lane& l : c.workers) {
        const auto& records = l.ring.records;
        const std::vector<double> times = times_of(records, c.from, c.to);
        // What was written over belongs to this trace if what is left does.
        if (l.ring.lost != 0 && !times.empty() && times.front() > 0) lost += l.ring.lost;
        listener ear(*this, all, {l.runtime, l.worker}, end);
        for (std::size_t i = 0; i < records.size(); ++i) ear.hear(records[i], nanos(times[i]));
        const bool of_this_trace = !times.empty() && times.back() >= 0;
        ear.stop(of_this_trace ? l.ring.running : 0);
        names.merge(ear.names);
    }

    std::map<std::uint32_t, std::vector<trace_record>> threads;
    for (const auto& e : c.outside.records) {
        if (e.record.ticks >= c.from) threads[e.thread].push_back(e.record);
    }
    if (!c.outside.records.empty() && c.outside.records.front().record.ticks > c.from)
        lost += c.outside.lost;
    for (const auto& [thread, records] : threads) {
        listener ear(*this, all, {0, thread}, end);
        for (const trace_record& r : records)
            ear.hear(r, nanos(static_cast<double>(r.ticks - c.from)));
        ear.stop(0);
        names.merge(ear.names);
    }

    for (auto& [g, f] : all) tell_life(*this, g, f, end);
    anchor(*this);
    match_marks(*this, end);

    for (const auto& [g, text] : names) {
        const auto found = c.texts.find(text);
        if (found != c.texts.end()) goroutines[g].name = found->second;
    }
    for (const debug::goroutine_info& g : c.living) {
        const auto found = goroutines.find(trace_record::pack(g.id, g.runtime));
        if (found == goroutines.end()) continue; // it waited all the time
        if (!g.name.empty()) found->second.name = g.name;
        if (found->second.spawn_site == 0) found->second.spawn_site = site_word(g.spawn_site);
    }
}

} // namespace weft::inline v0_1::detail
