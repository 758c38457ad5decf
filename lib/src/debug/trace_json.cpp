// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "../snapshot.hpp"
#include "trace_session.hpp"
#include "trace_story.hpp"

#include <weft/detail/goroutine.hpp>
#include <weft/detail/observer.hpp>

#include <algorithm>
#include <charconv>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>

/// The trace as text. Each runtime is two processes there, one with its workers as threads and one with its goroutines.

namespace weft::inline v0_1::detail {

namespace {

/// Where a track is shown.
struct track {
    std::uint64_t process, thread;
};

class writer {
public:
    explicit writer(std::ostream& out) : out_(out)
    {
        text_.reserve(flush_at + 4096);
        text_ = "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n";
    }

    /// Each event: `open`, any `text`, `number`, `place`, then `close`.
    void open(std::string_view phase, std::string_view name, const track& t)
    {
        text_ += first_ ? "{" : ",\n{";
        first_ = false;
        text_ += "\"ph\":\"";
        text_ += phase;
        text_ += "\",\"name\":";
        quote(name);
        text_ += ",\"pid\":";
        digits(t.process);
        text_ += ",\"tid\":";
        digits(t.thread);
    }
    void at(std::int64_t nanos) // in microseconds, as the format wants it
    {
        text_ += ",\"ts\":";
        digits(static_cast<std::uint64_t>(nanos) / 1000);
        const auto rest = static_cast<unsigned>(nanos % 1000);
        text_ += {'.', static_cast<char>('0' + rest / 100), static_cast<char>('0' + rest / 10 % 10),
                  static_cast<char>('0' + rest % 10)};
    }
    void text(std::string_view key, std::string_view value)
    {
        name(key);
        quote(value);
    }
    void number(std::string_view key, std::uint64_t value)
    {
        name(key);
        digits(value);
    }
    void begin_args() { text_ += ",\"args\":{\"\":0"; } // so that each that follows has its comma
    void end_args() { text_ += '}'; }
    void place(std::string_view key, std::uint64_t site)
    {
        const site_name s = site_of(site);
        if (s.line == 0) return;
        name(key);
        quote(std::string(s.file) + ':' + std::to_string(s.line));
        if (*s.function) text("function", readable_name(s.function));
    }
    void close()
    {
        text_ += '}';
        if (text_.size() > flush_at) flush();
    }

    void finish(std::uint64_t lost)
    {
        text_ += "\n],\"otherData\":{\"lost\":";
        digits(lost);
        text_ += "}}\n";
        flush();
        out_.flush();
    }

private:
    static constexpr std::size_t flush_at = 1 << 16;

    void name(std::string_view key)
    {
        text_ += ",\"";
        text_ += key;
        text_ += "\":";
    }
    void digits(std::uint64_t n)
    {
        char room[24]; // NOLINT(modernize-avoid-c-arrays)
        text_.append(room, std::to_chars(room, room + sizeof room, n).ptr);
    }
    void quote(std::string_view s) { append_json(text_, s); }
    void flush()
    {
        out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
        text_.clear();
    }

    std::ostream& out_;
    std::string text_;
    bool first_ = true;
};

class narrator {
public:
    narrator(std::ostream& out, const trace_copy& c, trace_story& s) : w_(out), copy_(c), story_(s)
    {
    }

    void write()
    {
        name_tracks();
        for (auto& [lane, spans] : story_.on_workers) nested(worker_track(lane), spans);
        for (auto& [g, life] : story_.goroutines) tell_life(g, life);
        for (const trace_story::arrow& a : story_.arrows) arrow(a);
        for (const trace_story::mark& m : story_.marks) mark(m);
        w_.finish(story_.lost);
    }

private:
    static track goroutine_track(std::uint64_t g)
    {
        return {2 * (g >> trace_record::id_bits) + 1, g & trace_record::pack(~std::uint64_t{}, 0)};
    }
    static track worker_track(const trace_story::lane& l)
    {
        return l.runtime == 0 ? track{1, l.worker} : track{2 * l.runtime, l.worker + 1u};
    }
    std::string goroutine_name(std::uint64_t g) const
    {
        const track t = goroutine_track(g);
        std::string n = "goroutine " + std::to_string(t.thread);
        const auto found = story_.goroutines.find(g);
        if (found != story_.goroutines.end() && !found->second.name.empty())
            n += " \"" + found->second.name + '"';
        return n;
    }

    void name_track(std::string_view what, const track& t, std::string_view name)
    {
        w_.open("M", what, t);
        w_.begin_args();
        w_.text("name", name);
        w_.end_args();
        w_.close();
    }
    void name_tracks()
    {
        std::vector<std::uint64_t> runtimes;
        for (const auto& [lane, spans] : story_.on_workers) {
            const track t = worker_track(lane);
            if (lane.runtime == 0) {
                name_track("process_name", t, "other threads");
                name_track("thread_name", t, "thread " + std::to_string(lane.worker));
                continue;
            }
            runtimes.push_back(lane.runtime);
            name_track("thread_name", t, "worker " + std::to_string(lane.worker));
        }
        for (const auto& [g, life] : story_.goroutines) {
            runtimes.push_back(g >> trace_record::id_bits);
            name_track("thread_name", goroutine_track(g), goroutine_name(g));
        }
        std::sort(runtimes.begin(), runtimes.end());
        runtimes.erase(std::unique(runtimes.begin(), runtimes.end()), runtimes.end());
        for (const std::uint64_t r : runtimes) {
            name_track("process_name", {2 * r, 0}, "workers of runtime " + std::to_string(r));
            name_track("process_name", {2 * r + 1, 0},
                       "goroutines of runtime " + std::to_string(r));
        }
    }

    /// Spans of one track, each inside another or apart from it.
    void nested(const track& t, std::vector<trace_story::span>& spans)
    {
        sort_stably(spans, [](const auto& a, const auto& b) {
            return a.begin != b.begin ? a.begin < b.begin : a.end > b.end;
        });
        std::vector<const trace_story::span*> stack;
        std::vector<std::int64_t> ends;
        const auto close_until = [&](std::int64_t when) {
            while (!stack.empty() && ends.back() <= when) {
                end(t, *stack.back(), ends.back());
                stack.pop_back();
                ends.pop_back();
            }
        };
        for (const trace_story::span& s : spans) {
            close_until(s.begin);
            const std::int64_t e = ends.empty() ? s.end : std::min(s.end, ends.back());
            begin(t, s);
            stack.push_back(&s);
            ends.push_back(std::max(e, s.begin));
        }
        close_until(INT64_MAX);
    }
    void begin(const track& t, const trace_story::span& s)
    {
        w_.open("B", name_of(s), t);
        w_.at(s.begin);
        w_.begin_args();
        if (s.kind == trace_story::span_kind::runs)
            w_.text("goroutine", goroutine_name(s.goroutine));
        if (s.kind == trace_story::span_kind::waits) w_.place("site", s.site);
        w_.end_args();
        w_.close();
    }
    void end(const track& t, const trace_story::span& s, std::int64_t when)
    {
        w_.open("E", name_of(s), t);
        w_.at(when);
        w_.begin_args();
        if (s.kind == trace_story::span_kind::runs) {
            w_.text("then",
                    s.ended ? "ended" : wait_reason_text(static_cast<wait_reason>(s.reason)));
            w_.place("site", s.site);
        }
        w_.end_args();
        w_.close();
    }
    std::string name_of(const trace_story::span& s) const
    {
        switch (s.kind) {
        case trace_story::span_kind::runs: return goroutine_name(s.goroutine);
        case trace_story::span_kind::running: return "running";
        case trace_story::span_kind::waits:
            return wait_reason_text(static_cast<wait_reason>(s.reason));
        case trace_story::span_kind::runnable: return "runnable";
        case trace_story::span_kind::timers: return "timers";
        case trace_story::span_kind::idle: return "idle";
        case trace_story::span_kind::wakes: return "wakes";
        }
        return "?";
    }

    void tell_life(std::uint64_t g, trace_story::life& l)
    {
        const track t = goroutine_track(g);
        for (const trace_story::span& s : l.spans) { // one after the other
            begin(t, s);
            end(t, s, s.end);
        }
        if (l.created >= 0) {
            instant("start", t, l.created);
            w_.begin_args();
            if (l.parent) w_.number("parent", l.parent);
            w_.place("site", l.spawn_site);
            w_.end_args();
            w_.close();
        }
        if (l.ended >= 0) {
            instant("end", t, l.ended);
            w_.close();
        }
    }
    void instant(std::string_view name, const track& t, std::int64_t when)
    {
        w_.open("i", name, t);
        w_.at(when);
        w_.text("s", "t");
    }

    void arrow(const trace_story::arrow& a)
    {
        const track from = a.by ? goroutine_track(a.by) : worker_track(a.lane);
        ++arrows_;
        w_.open("s", "wakes", from);
        w_.at(a.from);
        w_.text("cat", "wake");
        w_.number("id", arrows_);
        w_.close();
        w_.open("f", "wakes", goroutine_track(a.goroutine));
        w_.at(a.to);
        w_.text("cat", "wake");
        w_.text("bp", "e");
        w_.number("id", arrows_);
        w_.close();
    }

    std::string text_of(std::uint64_t number) const
    {
        const auto found = copy_.texts.find(number);
        return found == copy_.texts.end() ? "(forgotten)" : found->second;
    }
    void mark(const trace_story::mark& m)
    {
        const track t = m.goroutine ? goroutine_track(m.goroutine) : worker_track(m.lane);
        switch (m.kind) {
        case trace_story::mark_kind::region_begin: async("b", "region", m, t); break;
        case trace_story::mark_kind::region_end: async("e", "region", m, t); break;
        case trace_story::mark_kind::task_begin: async("b", "task", m, t); break;
        case trace_story::mark_kind::task_end: async("e", "task", m, t); break;
        case trace_story::mark_kind::message: {
            const std::string text = text_of(m.a);
            const auto cut = text.find('\0');
            instant(cut == text.npos ? text : std::string_view(text).substr(0, cut), t, m.at);
            w_.text("cat", "log");
            w_.begin_args();
            if (cut != text.npos) w_.text("message", std::string_view(text).substr(cut + 1));
            if (m.b) w_.number("task", m.b);
            w_.end_args();
            w_.close();
            break;
        }
        case trace_story::mark_kind::steal:
            instant("steal", t, m.at);
            w_.begin_args();
            w_.number("goroutines", m.a);
            w_.number("from_worker", m.b);
            w_.end_args();
            w_.close();
            break;
        case trace_story::mark_kind::work_on:
            instant("unpark", t, m.at);
            w_.close();
            break;
        case trace_story::mark_kind::work_off:
            instant("park", t, m.at);
            w_.close();
            break;
        }
    }
    /// A region may span many slices, so it has a track of its own. Regions of one goroutine nest.
    void async(std::string_view phase, std::string_view category, const trace_story::mark& m,
               const track& t)
    {
        w_.open(phase, text_of(m.a), t);
        w_.at(m.at);
        w_.text("cat", category);
        w_.text("id", category == "task" ? "task " + std::to_string(m.b)
                                         : "goroutine " + std::to_string(t.thread));
        w_.begin_args();
        if (m.b) w_.number("task", m.b);
        w_.end_args();
        w_.close();
    }

    writer w_;
    const trace_copy& copy_;
    trace_story& story_;
    std::uint64_t arrows_ = 0;
};

} // namespace

void write_trace(std::ostream& out, const trace_copy& c)
{
    trace_story story(c);
    narrator(out, c, story).write();
}

} // namespace weft::inline v0_1::detail
