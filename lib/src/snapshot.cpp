// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "snapshot.hpp"

#include <weft/detail/threads.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace weft::inline v0_1::detail {

namespace {

using steady = std::chrono::steady_clock;

/// In one part of a walk: a stop of some milliseconds.
constexpr std::size_t part_goroutines = 8192;
constexpr std::size_t frames_each = 8;
/// Under one lock, when they are only counted.
constexpr std::size_t count_at_once = 1024;

/// The frames of a goroutine that runs are not ours to read.
const promise_core* readable_chain(const goroutine& g, wait_reason r) noexcept
{
    return r == wait_reason::running ? nullptr : g.top_core;
}

std::size_t chain_length(const goroutine& g, wait_reason r) noexcept
{
    std::size_t n = 0;
    for (const auto* c = readable_chain(g, r); c; c = c->caller) ++n;
    return n;
}

goroutine* next_of(goroutine* g) noexcept
{
    return intrusive_list<goroutine>::next(g);
}

/// Locked. The frames may be fewer than there are if the room ends.
void copy_one(goroutine& g, wait_reason reason, std::uint64_t self, snapshot_part& into) noexcept
{
    snapshot& s = into.goroutines.emplace_back();
    s.id = g.id;
    s.parent = g.parent;
    s.spawn_site = g.spawn_site;
    s.reason = reason;
    s.first_frame = into.sites.size();
    if (reason != wait_reason::running && g.id != self) s.since = g.since;
    if (is_waiting(reason) && g.parked_on) s.lock = g.parked_on.verb->owner(g.parked_on.driver);
    for (const auto* c = readable_chain(g, reason); c && into.sites.size() < into.sites.capacity();
         c = c->caller) {
        into.sites.push_back(c->site);
        ++s.frames;
    }
    if (g.extras) s.name_length = g.extras->name.copy(s.name, sizeof s.name);
    s.labels = label_ref(g.labels);
}

struct room {
    std::size_t goroutines = 0, frames = 0;
};

void measure(registry_shard& shard, room& r) noexcept
{
    shard.lock.lock();
    for (goroutine* g = shard.live.front(); g; g = next_of(g)) {
        ++r.goroutines;
        r.frames += chain_length(*g, g->reason.load(std::memory_order_acquire));
    }
    shard.lock.unlock();
}

void copy_shard(registry_shard& shard, std::uint64_t self, snapshot_part& into) noexcept
{
    shard.lock.lock();
    for (goroutine* g = shard.live.front();
         g && into.goroutines.size() < into.goroutines.capacity(); g = next_of(g)) {
        copy_one(*g, g->reason.load(std::memory_order_acquire), self, into);
    }
    shard.lock.unlock();
}

/// The goroutine of that runtime in which this is called, whose record says that it waits since its slice began.
std::uint64_t own_id(const scheduler& s) noexcept
{
    const goroutine* self = this_thread_state().current;
    return self && self->sched == &s ? self->id : 0;
}

/// The cursors of all shards: one walk at a time. Goroutines of any runtime may wait here, so a worker among them rests
/// when the one who walks stops its world.
class walk_right {
public:
    walk_right(scheduler& s, steady::time_point limit)
    {
        while (!(held_ = mutex().try_lock())) {
            if (steady::now() >= limit) return;
            s.rest_if_asked();
            pause_thread(std::chrono::microseconds(50));
        }
    }
    walk_right(const walk_right&) = delete;
    walk_right& operator=(const walk_right&) = delete;
    ~walk_right()
    {
        if (held_) mutex().unlock();
    }
    explicit operator bool() const noexcept { return held_; }

private:
    static os_mutex& mutex()
    {
        static auto* m = new os_mutex; // never destroyed: a dump may come late
        return *m;
    }
    bool held_ = false;
};

/// Goes through one shard with its cursor.
class shard_walk {
public:
    explicit shard_walk(registry_shard& s) noexcept : shard_(s)
    {
        shard_.lock.lock();
        shard_.cursor = shard_.live.front();
        shard_.lock.unlock();
    }
    shard_walk(const shard_walk&) = delete;
    shard_walk& operator=(const shard_walk&) = delete;
    ~shard_walk()
    {
        shard_.lock.lock();
        shard_.cursor = nullptr;
        shard_.lock.unlock();
    }

    /// Under the lock: calls `f` for one after another, until it is false; then that one is the next again.
    /// True: there is no more.
    template <class F>
    bool go_on(F f) noexcept
    {
        shard_.lock.lock();
        while (shard_.cursor && f(*shard_.cursor)) shard_.cursor = next_of(shard_.cursor);
        const bool over = shard_.cursor == nullptr;
        shard_.lock.unlock();
        return over;
    }

private:
    registry_shard& shard_;
};

/// One stop of the world for one part. True: the shard is through.
struct part_copier {
    snapshot_part& part;
    std::uint64_t self, before;
    std::size_t lacking = 0; ///< a chain longer than all the room

    bool operator()(shard_walk& at) noexcept
    {
        return at.go_on([this](goroutine& g) noexcept {
            if (g.id >= before) return true; // begun after the walk
            const wait_reason reason = g.reason.load(std::memory_order_acquire);
            if (part.goroutines.size() == part.goroutines.capacity()) return false;
            if (const std::size_t n = chain_length(g, reason);
                n > part.sites.capacity() - part.sites.size()) {
                if (part.goroutines.empty()) lacking = n;
                return false;
            }
            copy_one(g, reason, self, part);
            return true;
        });
    }
};

} // namespace

bool take_snapshot(scheduler& sched, snapshot_part& into, std::optional<steady::time_point> limit)
{
    const auto copy = [&, self = own_id(sched)] {
        room total;
        const auto shards = sched.shards();
        for (auto* s : shards) measure(*s, total);
        constexpr std::size_t slack = 64; // a goroutine in a long slice may have started others
        into.goroutines.reserve(total.goroutines + slack);
        into.sites.reserve(total.frames + slack);
        for (auto* s : shards) copy_shard(*s, self, into);
    };
    if (!sched.with_world_stopped(copy, limit)) return false;
    std::sort(into.goroutines.begin(), into.goroutines.end(),
              [](const auto& a, const auto& b) { return a.id < b.id; });
    return true;
}

bool walk_in_parts(scheduler& sched, steady::time_point limit,
                   const std::function<void(const snapshot_part&)>& use)
{
    if (sched.live() <= part_goroutines) {
        snapshot_part all;
        if (!take_snapshot(sched, all, limit)) return false;
        use(all);
        return true;
    }
    const walk_right right(sched, limit);
    if (!right) return false;
    constexpr auto long_wait = std::chrono::milliseconds(20);
    snapshot_part part;
    std::size_t room = part_goroutines;
    // One that was begun since: by a worker whose batch of ids was taken before, it is looked at as well.
    const std::uint64_t before = sched.next_ids();
    for (registry_shard* shard : sched.shards()) {
        shard_walk at(*shard);
        for (bool over = false; !over;) {
            part.goroutines.clear();
            part.sites.clear();
            part.goroutines.reserve(room);
            part.sites.reserve(room * frames_each);
            part_copier copy{part, own_id(sched), before};
            const auto asked = steady::now();
            auto stopped = asked;
            if (!sched.with_world_stopped(
                    [&] {
                        stopped = steady::now();
                        over = copy(at);
                    },
                    limit)) {
                return false;
            }
            if (copy.lacking != 0) {
                part.sites.reserve(2 * copy.lacking);
                continue;
            }
            use(part);
            if (steady::now() >= limit) return false;
            // Somebody is in a long slice, and waiting for him again and again would take for ever.
            if (stopped - asked > long_wait) room = std::max(room, sched.live() + 64);
        }
    }
    return true;
}

bool count_reasons(scheduler& sched, steady::time_point limit, reason_counts& into)
{
    const walk_right right(sched, limit);
    if (!right) return false;
    const std::uint64_t before = sched.next_ids();
    for (registry_shard* shard : sched.shards()) {
        shard_walk at(*shard);
        for (bool over = false; !over;) {
            std::size_t n = 0;
            over = at.go_on([&](goroutine& g) noexcept {
                if (n++ == count_at_once) return false;
                if (g.id < before)
                    ++into.of[static_cast<std::size_t>(g.reason.load(std::memory_order_relaxed))];
                return true;
            });
            if (steady::now() >= limit) return false;
        }
    }
    return true;
}

std::uint64_t runtime_of_holder(const scheduler& waits, const lock_owner& held)
{
    if (held.key == 0) return 0;
    const auto is_its = [&held](const scheduler& s) {
        return static_cast<std::uint16_t>(s.number) == held.runtime();
    };
    if (is_its(waits)) return waits.number;
    for (const auto& s : world()) {
        if (is_its(*s)) return s->number;
    }
    return held.runtime(); // it has ended
}

const char* state_text(wait_reason r) noexcept
{
    return is_waiting(r) ? "waiting" : wait_reason_text(r);
}

bool is_internal(const std::source_location& f) noexcept
{
    const std::string_view file = f.file_name();
    return f.line() == 0 || file.find("weft/detail/") != file.npos ||
           file.find("weft/testing/") != file.npos || file.ends_with("testing/machine.cpp") ||
           file.ends_with("weft/run.hpp") || file.ends_with("weft/sync_wait.hpp") ||
           file.ends_with("weft/join_handle.hpp");
}

namespace {

/// Out of "void f(f(int)::_Z1fi.Frame*)": "f(int)".
std::string_view out_of_frame(std::string_view name) noexcept
{
    constexpr std::string_view frame = ".Frame*)";
    if (!name.ends_with(frame)) return name;
    const auto end = name.rfind("::_Z");
    std::size_t depth = 0;
    for (std::size_t i = name.size(); i-- > 0;) {
        if (name[i] == ')') ++depth;
        if (name[i] == '(' && --depth == 0) {
            return end != name.npos && end > i ? name.substr(i + 1, end - i - 1) : name;
        }
    }
    return name;
}

/// Out of "std::vector<int> a::f(int) const": "a::f(int) const".
std::string_view without_result(std::string_view name) noexcept
{
    constexpr std::string_view unnamed = "(anonymous", operator_word = "operator";
    std::size_t begin = 0, depth = 0;
    for (std::size_t i = 0; i < name.size(); ++i) {
        const char c = name[i];
        const std::string_view rest = name.substr(i);
        const bool parameters = c == '(' && depth == 0 && !rest.starts_with(unnamed);
        // What follows this word may be a blank, or look like a bracket.
        const bool operators =
            depth == 0 && rest.starts_with(operator_word) && (i == begin || name[i - 1] == ':');
        if (parameters || operators) return name.substr(begin);
        if (c == '<' || c == '(' || c == '[' || c == '{') ++depth;
        if ((c == '>' || c == ')' || c == ']' || c == '}') && depth != 0) --depth;
        if (c == ' ' && depth == 0) begin = i + 1;
    }
    return name;
}

} // namespace

std::string_view user_function(std::string_view name) noexcept
{
    return without_result(out_of_frame(name));
}

std::string readable_name(std::string_view name)
{
    std::string text;
    in_readable_pieces(name, [&text](std::string_view piece) { text += piece; });
    return text;
}

namespace {

/// Of the character that `s` begins with, not an ASCII one; 0: it is no UTF-8.
std::size_t utf8_length(std::string_view s) noexcept
{
    const auto byte = [s](std::size_t i) { return static_cast<unsigned char>(s[i]); };
    const std::size_t n = byte(0) >= 0xf0 ? 4 : byte(0) >= 0xe0 ? 3 : byte(0) >= 0xc2 ? 2 : 0;
    if (n == 0 || byte(0) > 0xf4 || s.size() < n) return 0;
    for (std::size_t i = 1; i < n; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return 0;
    }
    const unsigned char first = byte(0), second = byte(1);
    const bool wrong = (first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
                       (first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f);
    return wrong ? 0 : n;
}

} // namespace

void append_json(std::string& to, std::string_view s)
{
    constexpr std::string_view hex = "0123456789abcdef";
    to += '"';
    for (std::size_t i = 0; i < s.size(); ++i) {
        const char c = s[i];
        const auto u = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            to += '\\';
            to += c;
        } else if (c == '\n') {
            to += "\\n";
        } else if (u < 0x20) {
            to += "\\u00";
            to += hex[u >> 4];
            to += hex[u & 15];
        } else if (u >= 0x80) {
            const std::size_t n = utf8_length(s.substr(i));
            n == 0 ? to += '?' : to += s.substr(i, n);
            if (n != 0) i += n - 1;
        } else {
            to += c;
        }
    }
    to += '"';
}

std::string quoted(std::string_view s)
{
    std::string t;
    append_json(t, s);
    return t;
}

std::string label_text(const label_list& labels)
{
    std::string t = "{";
    for (const auto& [key, value] : labels) {
        if (t.size() > 1) t += ", ";
        append_json(t, key);
        t += ": ";
        append_json(t, value);
    }
    return t += '}';
}

} // namespace weft::inline v0_1::detail
