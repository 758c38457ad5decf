// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/dump.hpp>

#include "dump_filter.hpp"
#include "dump_places.hpp"
#include "emergency.hpp"
#include "snapshot.hpp"

#include <weft/detail/world.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <functional>
#include <map>
#include <ostream>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft::inline v0_1::debug {

namespace {

using detail::label_ref;
using detail::mixed;
using detail::place_table;
using detail::snapshot;
using detail::snapshot_part;
using detail::wait_reason;
using steady = std::chrono::steady_clock;

void append_number(std::string& to, std::uint64_t n)
{
    char digits[20];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

/// What writes one form.
class writer {
public:
    explicit writer(const dump_options& o) : options(o), filter_(o.filter) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    virtual ~writer() = default;

    void add(const detail::scheduler& of, const snapshot_part& part)
    {
        now = of.time();
        for (const snapshot& s : part.goroutines) {
            ++total;
            frames.clear();
            for (const auto& f : part.frames_of(s)) {
                const std::uint32_t n = sites.number(f);
                if (shown(n)) frames.push_back(n);
            }
            spawned = sites.number(s.spawn_site);
            if (!filter_.takes_all() && !is_wanted(s)) continue;
            ++matched;
            one(of, s);
        }
        part_is_over();
    }
    virtual void finish(bool complete) = 0;

protected:
    const dump_options options;
    place_table sites;
    std::size_t total = 0, matched = 0;
    // Of the one at hand:
    clock::time_point now;
    std::vector<std::uint32_t> frames; ///< innermost first; those to be shown
    std::uint32_t spawned = 0;

    virtual void one(const detail::scheduler& of, const snapshot& s) = 0;
    virtual void part_is_over() {}

    /// The `n`th of what is found, from 1, is to be shown.
    [[nodiscard]] bool is_in_view(std::size_t n) const noexcept
    {
        return n > options.skip && n - options.skip <= options.most;
    }
    [[nodiscard]] std::uint64_t waiting_nanoseconds(const snapshot& s) const noexcept
    {
        return static_cast<std::uint64_t>(
            std::chrono::duration_cast<std::chrono::nanoseconds>(s.waiting(now)).count());
    }

private:
    [[nodiscard]] bool shown(std::uint32_t site) const noexcept
    {
        return sites[site].line != 0 && (options.all_frames || !sites[site].internal);
    }
    bool is_wanted(const snapshot& s)
    {
        if (sites[spawned].line == 0) return filter_.takes(s, frames, sites);
        frames.push_back(spawned);
        const bool wanted = filter_.takes(s, frames, sites);
        frames.pop_back();
        return wanted;
    }

    detail::dump_filter filter_;
};

// ---------------------------------------------------------------- groups

struct group {
    std::size_t count = 0;
    std::vector<std::uint32_t> frames; ///< innermost first; those to be shown
    std::uint32_t spawn_site = 0;
    wait_reason reason{};
    label_ref labels;
    std::uint64_t waiting = 0, longest = 0; ///< nanoseconds, of all and of one
    std::vector<std::uint64_t> ids;         ///< the first few
};

class group_writer : public writer {
public:
    using writer::writer;

    /// The most first, as far as the options have them shown.
    std::vector<const group*> sorted() const
    {
        std::vector<const group*> all;
        for (const auto& [hash, g] : groups_) all.push_back(&g);
        std::sort(all.begin(), all.end(), [](const group* a, const group* b) {
            return std::tie(b->count, a->ids) < std::tie(a->count, b->ids); // then the oldest
        });
        all.erase(all.begin(),
                  all.begin() + static_cast<std::ptrdiff_t>(std::min(options.skip, all.size())));
        all.resize(std::min(options.most, all.size()));
        return all;
    }
    const place_table::entry& site(std::uint32_t n) const noexcept { return sites[n]; }

    void finish(bool) override {}

protected:
    void one(const detail::scheduler&, const snapshot& s) override
    {
        constexpr std::size_t ids_kept = 5;
        group& g = of(s);
        ++g.count;
        const std::uint64_t waited = waiting_nanoseconds(s);
        g.waiting += waited;
        g.longest = std::max(g.longest, waited);
        if (g.ids.size() < ids_kept) g.ids.push_back(s.id);
    }
    [[nodiscard]] std::size_t found() const noexcept { return groups_.size(); }

private:
    group& of(const snapshot& s)
    {
        std::size_t h = static_cast<std::size_t>(s.reason);
        for (const std::uint32_t n : frames) h = mixed(h, n);
        h = mixed(h, spawned);
        for (const auto& [key, value] : s.labels.list())
            h = mixed(mixed(h, std::hash<std::string>()(key)), std::hash<std::string>()(value));
        const auto [from, to] = groups_.equal_range(h);
        for (auto it = from; it != to; ++it) {
            group& g = it->second;
            if (g.reason == s.reason && g.spawn_site == spawned && g.frames == frames &&
                (g.labels.get() == s.labels.get() || g.labels.list() == s.labels.list()))
                return g;
        }
        return groups_.emplace(h, group{0, frames, spawned, s.reason, s.labels, 0, 0, {}})->second;
    }

    std::unordered_multimap<std::size_t, group> groups_;
};

class group_text_writer final : public group_writer {
public:
    group_text_writer(const dump_options& o, std::ostream& out) : group_writer(o), out_(out) {}

    void finish(bool complete) override
    {
        out_ << "goroutine profile: total " << matched << '\n';
        for (const group* g : sorted()) {
            out_ << g->count << " @ " << detail::wait_reason_text(g->reason) << '\n';
            if (g->labels) out_ << "# labels: " << detail::label_text(g->labels.list()) << '\n';
            for (const std::uint32_t f : g->frames) print("#\t", f);
            if (site(g->spawn_site).line != 0) print("#\tcreated by ", g->spawn_site);
            out_ << '\n';
        }
        if (!complete) out_ << "(not all of them: there was no time, or a runtime ended)\n";
    }

private:
    void print(const char* before, std::uint32_t n)
    {
        const auto& e = site(n);
        out_ << before << e.function << '\t' << e.file << ':' << e.line << '\n';
    }

    std::ostream& out_;
};

// ---------------------------------------------------------------- text

/// One text for each place, made once.
class site_texts {
public:
    template <class Make>
    const std::string& of(std::uint32_t n, Make make)
    {
        if (n >= texts_.size()) texts_.resize(n + 1);
        if (texts_[n].empty()) texts_[n] = make();
        return texts_[n];
    }

private:
    std::vector<std::string> texts_;
};

class text_writer final : public writer {
public:
    text_writer(const dump_options& o, std::ostream& out) : writer(o), out_(out) {}

    void finish(bool complete) override
    {
        if (!complete) out_ << "\n(not all of them: there was no time, or a runtime ended)\n";
    }

private:
    void one(const detail::scheduler&, const snapshot& s) override
    {
        if (!is_in_view(matched)) return;
        if (any_) text_ += '\n';
        any_ = true;
        head(s);
        for (const std::uint32_t n : frames) text_ += place(n);
        if (sites[spawned].line != 0) {
            text_ += "created by ";
            if (s.parent) {
                text_ += "goroutine ";
                append_number(text_, s.parent);
                text_ += " at ";
            }
            text_ += place(spawned);
        }
    }
    void part_is_over() override
    {
        out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
        text_.clear();
    }
    void head(const snapshot& s)
    {
        text_ += "goroutine ";
        append_number(text_, s.id);
        if (s.name_length != 0) {
            text_ += ' ';
            detail::append_json(text_, {s.name, s.name_length});
        }
        text_ += " [";
        text_ += detail::wait_reason_text(s.reason);
        const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(s.waiting(now));
        if (minutes.count() > 0) {
            text_ += ", ";
            append_number(text_, static_cast<std::uint64_t>(minutes.count()));
            text_ += minutes.count() == 1 ? " minute" : " minutes";
        }
        text_ += ']';
        if (s.labels) {
            text_ += ' ';
            text_ += detail::label_text(s.labels.list());
        }
        text_ += ":\n";
    }
    const std::string& place(std::uint32_t n)
    {
        return texts_.of(n, [&] {
            const auto& e = sites[n];
            return e.function + "\n\t" + e.file + ':' + std::to_string(e.line) + '\n';
        });
    }

    std::ostream& out_;
    std::string text_;
    site_texts texts_;
    bool any_ = false;
};

// ---------------------------------------------------------------- JSON

/// The places as JSON, each made once.
class place_json {
public:
    explicit place_json(const place_table& sites) noexcept : sites_(sites) {}

    void append(std::string& to, std::uint32_t n)
    {
        to += texts_.of(n, [&] {
            const auto& e = sites_[n];
            std::string t = "{\"function\": ";
            detail::append_json(t, e.function);
            t += ", \"file\": ";
            detail::append_json(t, e.file);
            t += ", \"line\": ";
            append_number(t, e.line);
            return t += '}';
        });
    }
    void append_stack(std::string& to, std::uint32_t spawned,
                      const std::vector<std::uint32_t>& frames)
    {
        to += ", \"spawned_at\": ";
        if (sites_[spawned].line != 0) append(to, spawned);
        else to += "null";
        to += ", \"frames\": [";
        const char* separator = "";
        for (const std::uint32_t n : frames) {
            to += separator;
            append(to, n);
            separator = ", ";
        }
        to += ']';
    }

private:
    const place_table& sites_;
    site_texts texts_;
};

void append_field(std::string& to, const char* name, std::uint64_t n)
{
    to.append(", \"").append(name).append("\": ");
    append_number(to, n);
}

void append_field(std::string& to, const char* name, const char* word)
{
    to.append(", \"").append(name).append("\": \"").append(word).append("\"");
}

void append_labels(std::string& to, const label_ref& labels)
{
    to.append(", \"labels\": ").append(detail::label_text(labels.list()));
}

std::string json_end(std::size_t total, std::size_t matched, bool complete)
{
    std::string t;
    append_field(t, "total", total);
    append_field(t, "matched", matched);
    return t + ", \"complete\": " + (complete ? "true" : "false") + "}\n";
}

class json_writer final : public writer {
public:
    json_writer(const dump_options& o, std::ostream& out) : writer(o), out_(out)
    {
        out_ << "{\"goroutines\": [";
    }
    void finish(bool complete) override { out_ << "\n]" << json_end(total, matched, complete); }

private:
    void one(const detail::scheduler& of, const snapshot& s) override
    {
        if (!is_in_view(matched)) return;
        text_ += any_ ? ",\n{\"id\": " : "\n{\"id\": ";
        any_ = true;
        append_number(text_, s.id);
        append_field(text_, "runtime", of.number);
        text_ += ", \"name\": ";
        detail::append_json(text_, {s.name, s.name_length});
        append_labels(text_, s.labels);
        append_field(text_, "state", detail::state_text(s.reason));
        append_field(text_, "wait_reason", detail::wait_reason_text(s.reason));
        append_field(text_, "waiting_ns", waiting_nanoseconds(s));
        append_field(text_, "parent", s.parent);
        places_.append_stack(text_, spawned, frames);
        append_field(text_, "lock_holder", s.lock.goroutine());
        append_field(text_, "lock_holder_runtime", detail::runtime_of_holder(of, s.lock));
        text_ += '}';
    }
    void part_is_over() override
    {
        out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
        text_.clear();
    }

    std::ostream& out_;
    std::string text_;
    place_json places_{sites};
    bool any_ = false;
};

class group_json_writer final : public group_writer {
public:
    group_json_writer(const dump_options& o, std::ostream& out) : group_writer(o), out_(out) {}

    void finish(bool complete) override
    {
        place_json places(sites);
        std::string t = "{\"groups\": [";
        const char* separator = "\n";
        for (const group* g : sorted()) {
            t.append(separator).append("{\"count\": ");
            separator = ",\n";
            append_number(t, g->count);
            t += ", \"ids\": [";
            for (const std::uint64_t& id : g->ids) {
                if (&id != g->ids.data()) t += ", ";
                append_number(t, id);
            }
            t += ']';
            append_labels(t, g->labels);
            append_field(t, "state", detail::state_text(g->reason));
            append_field(t, "wait_reason", detail::wait_reason_text(g->reason));
            append_field(t, "waiting_ns", g->waiting);
            append_field(t, "longest_ns", g->longest);
            places.append_stack(t, g->spawn_site, g->frames);
            t += '}';
        }
        t += "\n]";
        append_field(t, "found", found());
        out_ << t << json_end(total, matched, complete);
    }

private:
    std::ostream& out_;
};

void write_all(writer& w, duration limit)
{
    const auto until = limit < std::chrono::hours(24) ? steady::now() + limit
                                                      : steady::now() + std::chrono::hours(24);
    bool complete = true;
    for (const auto& s : detail::world()) {
        complete &=
            detail::walk_in_parts(*s, until, [&](const snapshot_part& part) { w.add(*s, part); });
    }
    w.finish(complete);
}

} // namespace

void dump(std::ostream& out, const dump_options& options)
{
    if (detail::is_forked_off()) {
        if (options.form == dump_form::json || options.form == dump_form::json_groups) {
            const bool single = options.form == dump_form::json;
            out << (single ? "{\"goroutines\": []" : "{\"groups\": [], \"found\": 0")
                << json_end(0, 0, false);
            return;
        }
        detail::write_emergency_dump(
            [](void* to, const char* text, std::size_t n) noexcept {
                static_cast<std::ostream*>(to)->write(text, static_cast<std::streamsize>(n));
            },
            &out);
        return;
    }
    const auto write = [&]<class Writer>(std::type_identity<Writer>) {
        Writer w(options, out);
        write_all(w, options.limit);
    };
    switch (options.form) {
    case dump_form::text: return write(std::type_identity<text_writer>());
    case dump_form::groups: return write(std::type_identity<group_text_writer>());
    case dump_form::json: return write(std::type_identity<json_writer>());
    case dump_form::json_groups: return write(std::type_identity<group_json_writer>());
    }
}

void dump(std::ostream& out)
{
    dump(out, {});
}

profile goroutine_profile(duration limit)
{
    group_writer w{dump_options()};
    const auto begin = steady::now();
    profile p;
    p.values = {{"goroutine", "count"}};
    p.period_type = {"goroutine", "count"};
    p.period = 1;
    p.begin_nanoseconds = std::chrono::duration_cast<std::chrono::nanoseconds>(
                              std::chrono::system_clock::now().time_since_epoch())
                              .count();
    if (!detail::is_forked_off()) write_all(w, limit);
    for (const group* g : w.sorted()) {
        profile_sample s;
        for (const std::uint32_t f : g->frames)
            s.stack.push_back({w.site(f).function, w.site(f).file, w.site(f).line, 0});
        if (s.stack.empty() && w.site(g->spawn_site).line != 0) {
            const auto& e = w.site(g->spawn_site); // it runs: all that is known is who began it
            s.stack.push_back({e.function, e.file, e.line, 0});
        }
        s.values = {static_cast<std::int64_t>(g->count)};
        s.labels = g->labels.list();
        s.labels.emplace_back("wait_reason", detail::wait_reason_text(g->reason));
        p.samples.push_back(std::move(s));
    }
    p.length = std::chrono::duration_cast<duration>(steady::now() - begin);
    return p;
}

} // namespace weft::inline v0_1::debug
