// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/dump.hpp>

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
#include <unordered_map>
#include <utility>
#include <vector>

namespace weft::debug {

namespace {

using detail::label_ref;
using detail::snapshot;
using detail::snapshot_part;
using detail::wait_reason;
using steady = std::chrono::steady_clock;

void append_number(std::string& to, std::uint64_t n)
{
    char digits[20];
    to.append(digits, std::to_chars(digits, digits + sizeof digits, n).ptr);
}

std::size_t mixed(std::size_t h, std::size_t with) noexcept
{
    return (h ^ with) * 0x9E3779B97F4A7C15ULL + (h >> 29);
}

/// A place, numbered: those of equal text have one number, whichever copy of an inline function they are of.
class site_table {
public:
    struct entry {
        std::string function, file;
        std::uint32_t line = 0;
        bool internal = false;
    };

    std::uint32_t number(const std::source_location& at)
    {
        const raw_key key{at.file_name(), at.function_name(), at.line()};
        if (const auto found = numbers_.find(key); found != numbers_.end()) return found->second;
        entry e{detail::readable_name(at.function_name()), at.file_name(), at.line(),
                detail::is_internal(at)};
        const std::string text = e.function + '\n' + e.file + '\n' + std::to_string(e.line);
        const auto n =
            by_text_.try_emplace(text, static_cast<std::uint32_t>(entries_.size())).first->second;
        if (n == entries_.size()) entries_.push_back(std::move(e));
        numbers_.emplace(key, n);
        return n;
    }
    const entry& operator[](std::uint32_t n) const noexcept { return entries_[n]; }

private:
    struct raw_key {
        const char* file;
        const char* function;
        std::uint32_t line;
        bool operator==(const raw_key&) const noexcept = default;
    };
    struct raw_hash {
        std::size_t operator()(const raw_key& k) const noexcept
        {
            return mixed(mixed(reinterpret_cast<std::size_t>(k.function), k.line),
                         reinterpret_cast<std::size_t>(k.file));
        }
    };

    std::unordered_map<raw_key, std::uint32_t, raw_hash> numbers_;
    std::map<std::string, std::uint32_t> by_text_;
    std::vector<entry> entries_;
};

/// What writes one form.
class writer {
public:
    explicit writer(const dump_options& o) noexcept : options(o) {}
    writer(const writer&) = delete;
    writer& operator=(const writer&) = delete;
    virtual ~writer() = default;

    virtual void add(const detail::scheduler& of, const snapshot_part& part,
                     clock::time_point now) = 0;
    virtual void finish(bool complete) = 0;

protected:
    const dump_options options;
    site_table sites;

    [[nodiscard]] bool shown(std::uint32_t site) const noexcept
    {
        return sites[site].line != 0 && (options.all_frames || !sites[site].internal);
    }
};

// ---------------------------------------------------------------- groups

struct group {
    std::size_t count = 0;
    std::vector<std::uint32_t> frames; ///< innermost first; those to be shown
    std::uint32_t spawn_site = 0;
    wait_reason reason{};
    label_ref labels;
};

class group_writer : public writer {
public:
    using writer::writer;

    void add(const detail::scheduler&, const snapshot_part& part, clock::time_point) override
    {
        for (const snapshot& s : part.goroutines) {
            ++total_;
            ++of(s, part).count;
        }
    }

    /// The most first.
    std::vector<const group*> sorted() const
    {
        std::vector<const group*> all;
        for (const auto& [hash, g] : groups_) all.push_back(&g);
        std::sort(all.begin(), all.end(), [](const group* a, const group* b) {
            return std::tie(b->count, a->frames) < std::tie(a->count, b->frames);
        });
        return all;
    }
    const site_table::entry& site(std::uint32_t n) const noexcept { return sites[n]; }
    std::size_t total() const noexcept { return total_; }

    void finish(bool) override {}

private:
    group& of(const snapshot& s, const snapshot_part& part)
    {
        frames_.clear();
        std::size_t h = static_cast<std::size_t>(s.reason);
        for (const auto& f : part.frames_of(s)) {
            const std::uint32_t n = sites.number(f);
            if (!shown(n)) continue;
            frames_.push_back(n);
            h = mixed(h, n);
        }
        const std::uint32_t spawned = sites.number(s.spawn_site);
        h = mixed(h, spawned);
        for (const auto& [key, value] : s.labels.list())
            h = mixed(mixed(h, std::hash<std::string>()(key)), std::hash<std::string>()(value));
        const auto [from, to] = groups_.equal_range(h);
        for (auto it = from; it != to; ++it) {
            group& g = it->second;
            if (g.reason == s.reason && g.spawn_site == spawned && g.frames == frames_ &&
                (g.labels.get() == s.labels.get() || g.labels.list() == s.labels.list()))
                return g;
        }
        return groups_.emplace(h, group{0, frames_, spawned, s.reason, s.labels})->second;
    }

    std::unordered_multimap<std::size_t, group> groups_;
    std::vector<std::uint32_t> frames_;
    std::size_t total_ = 0;
};

class group_text_writer final : public group_writer {
public:
    group_text_writer(const dump_options& o, std::ostream& out) noexcept
        : group_writer(o), out_(out)
    {
    }

    void finish(bool complete) override
    {
        out_ << "goroutine profile: total " << total() << '\n';
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
    text_writer(const dump_options& o, std::ostream& out) noexcept : writer(o), out_(out) {}

    void add(const detail::scheduler&, const snapshot_part& part, clock::time_point now) override
    {
        for (const snapshot& s : part.goroutines) {
            if (any_) text_ += '\n';
            any_ = true;
            head(s, now);
            for (const auto& f : part.frames_of(s)) {
                if (const std::uint32_t n = sites.number(f); shown(n)) text_ += place(n);
            }
            if (const std::uint32_t n = sites.number(s.spawn_site); sites[n].line != 0) {
                text_ += "created by ";
                if (s.parent) {
                    text_ += "goroutine ";
                    append_number(text_, s.parent);
                    text_ += " at ";
                }
                text_ += place(n);
            }
        }
        out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
        text_.clear();
    }
    void finish(bool complete) override
    {
        if (!complete) out_ << "\n(not all of them: there was no time, or a runtime ended)\n";
    }

private:
    void head(const snapshot& s, clock::time_point now)
    {
        text_ += "goroutine ";
        append_number(text_, s.id);
        if (s.name_length != 0) {
            text_ += " \"";
            text_.append(s.name, s.name_length);
            text_ += '"';
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

class json_writer final : public writer {
public:
    json_writer(const dump_options& o, std::ostream& out) : writer(o), out_(out)
    {
        out_ << "{\"goroutines\": [";
    }

    void add(const detail::scheduler& of, const snapshot_part& part, clock::time_point now) override
    {
        for (const snapshot& s : part.goroutines) {
            text_ += any_ ? ",\n{\"id\": " : "\n{\"id\": ";
            any_ = true;
            append_number(text_, s.id);
            text_ += ", \"runtime\": ";
            append_number(text_, of.number);
            text_ += ", \"name\": ";
            detail::append_json(text_, {s.name, s.name_length});
            text_ += ", \"labels\": ";
            text_ += detail::label_text(s.labels.list());
            text_ += ", \"state\": \"";
            text_ += detail::state_text(s.reason);
            text_ += "\", \"wait_reason\": \"";
            text_ += detail::wait_reason_text(s.reason);
            text_ += "\", \"waiting_ns\": ";
            append_number(
                text_,
                static_cast<std::uint64_t>(
                    std::chrono::duration_cast<std::chrono::nanoseconds>(s.waiting(now)).count()));
            text_ += ", \"parent\": ";
            append_number(text_, s.parent);
            text_ += ", \"spawned_at\": ";
            const std::uint32_t spawned = sites.number(s.spawn_site);
            text_ += sites[spawned].line != 0 ? place(spawned) : "null";
            text_ += ", \"frames\": [";
            const char* separator = "";
            for (const auto& f : part.frames_of(s)) {
                const std::uint32_t n = sites.number(f);
                if (!shown(n)) continue;
                text_ += separator;
                text_ += place(n);
                separator = ", ";
            }
            text_ += "], \"lock_holder\": ";
            append_number(text_, s.lock.goroutine);
            text_ += '}';
        }
        out_.write(text_.data(), static_cast<std::streamsize>(text_.size()));
        text_.clear();
    }
    void finish(bool complete) override
    {
        out_ << "\n], \"complete\": " << (complete ? "true" : "false") << "}\n";
    }

private:
    std::string place(std::uint32_t n)
    {
        return texts_.of(n, [&] {
            const auto& e = sites[n];
            std::string t = "{\"function\": ";
            detail::append_json(t, e.function);
            t += ", \"file\": ";
            detail::append_json(t, e.file);
            t += ", \"line\": ";
            append_number(t, e.line);
            return t += '}';
        });
    }

    std::ostream& out_;
    std::string text_;
    site_texts texts_;
    bool any_ = false;
};

void write_all(writer& w, duration limit)
{
    const auto until = limit < std::chrono::hours(24) ? steady::now() + limit
                                                      : steady::now() + std::chrono::hours(24);
    bool complete = true;
    for (const auto& s : detail::world()) {
        complete &= detail::walk_in_parts(
            *s, until, [&](const snapshot_part& part) { w.add(*s, part, clock::now()); });
    }
    w.finish(complete);
}

} // namespace

void dump(std::ostream& out, const dump_options& options)
{
    if (detail::is_forked_off()) {
        if (options.form == dump_form::json) {
            out << "{\"goroutines\": [], \"complete\": false}\n";
            return;
        }
        detail::write_emergency_dump(
            [](void* to, const char* text, std::size_t n) noexcept {
                static_cast<std::ostream*>(to)->write(text, static_cast<std::streamsize>(n));
            },
            &out);
        return;
    }
    switch (options.form) {
    case dump_form::text: {
        text_writer w(options, out);
        return write_all(w, options.limit);
    }
    case dump_form::groups: {
        group_text_writer w(options, out);
        return write_all(w, options.limit);
    }
    case dump_form::json: {
        json_writer w(options, out);
        return write_all(w, options.limit);
    }
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

} // namespace weft::debug
