// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/goroutines.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <ostream>
#include <string_view>

namespace weft {

namespace detail {

namespace {

struct world_list {
    os_mutex mutex;
    std::vector<scheduler*> all;
};

world_list& the_world()
{
    static auto* w = new world_list; // never destroyed: a dump may come late
    return *w;
}

} // namespace

void join_world(scheduler& s)
{
    std::lock_guard lock(the_world().mutex);
    the_world().all.push_back(&s);
}

void leave_world(scheduler& s) noexcept
{
    std::lock_guard lock(the_world().mutex);
    std::erase(the_world().all, &s);
}

std::vector<std::shared_ptr<scheduler>> world()
{
    std::lock_guard lock(the_world().mutex);
    std::vector<std::shared_ptr<scheduler>> running;
    for (scheduler* s : the_world().all) {
        if (auto p = s->weak_from_this().lock()) running.push_back(std::move(p));
    }
    return running;
}

namespace {

struct orphan {
    std::shared_ptr<scheduler> sched;
    std::chrono::steady_clock::time_point
        clean_since{}; ///< nothing refers to it; zero: something does
};

struct orphanage {
    os_mutex mutex;
    std::vector<orphan> all;
};

} // namespace

/// The last one to let go is in the middle of using the scheduler, so it cannot free it. Who keeps
/// the next orphan frees those that nobody has referred to for a good while.
void keep_orphaned(std::shared_ptr<scheduler> s)
{
    constexpr auto good_while = std::chrono::seconds(10);
    static auto* o = new orphanage; // never destroyed: an Asio context may end late
    std::lock_guard lock(o->mutex);
    const auto now = std::chrono::steady_clock::now();
    std::erase_if(o->all, [&](orphan& each) {
        if (each.sched->has_orphans()) {
            each.clean_since = {};
        } else if (each.clean_since == std::chrono::steady_clock::time_point()) {
            each.clean_since = now;
        }
        return each.clean_since != std::chrono::steady_clock::time_point() &&
               now - each.clean_since > good_while;
    });
    o->all.push_back({std::move(s), {}});
}

/// By its text, as a record has it.
bool waits_for_goroutines(std::string_view text) noexcept
{
    for (const auto r : {wait_reason::running, wait_reason::runnable, wait_reason::asio_operation,
                         wait_reason::blocking_call, wait_reason::pending, wait_reason::sleep}) {
        if (text == wait_reason_text(r)) return false;
    }
    return true;
}

const char* wait_reason_text(wait_reason r) noexcept
{
    switch (r) {
    case wait_reason::running: return "running";
    case wait_reason::runnable:
    case wait_reason::contending: return "runnable";
    case wait_reason::asio_operation: return "asio operation";
    case wait_reason::blocking_call: return "blocking call";
    case wait_reason::chan_receive: return "chan receive";
    case wait_reason::chan_send: return "chan send";
    case wait_reason::chan_receive_nil: return "chan receive (nil chan)";
    case wait_reason::chan_send_nil: return "chan send (nil chan)";
    case wait_reason::select: return "select";
    case wait_reason::select_no_cases: return "select (no cases)";
    case wait_reason::join: return "join";
    case wait_reason::pending: return "pending operation";
    case wait_reason::sleep: return "sleep";
    case wait_reason::context_done: return "context done";
    case wait_reason::mutex_lock: return "sync.Mutex.Lock";
    case wait_reason::rw_mutex_lock: return "sync.RWMutex.Lock";
    case wait_reason::rw_mutex_lock_shared: return "sync.RWMutex.RLock";
    case wait_reason::cond: return "sync.Cond.Wait";
    case wait_reason::wait_group: return "sync.WaitGroup.Wait";
    case wait_reason::semaphore: return "semaphore acquire";
    case wait_reason::event: return "event wait";
    case wait_reason::latch: return "latch wait";
    case wait_reason::barrier: return "barrier wait";
    case wait_reason::settle: return "settle";
    }
    return "unknown";
}

} // namespace detail

namespace debug {

namespace {

using detail::goroutine;
using detail::intrusive_list;
using detail::promise_core;
using detail::wait_reason;

/// What is copied under the shard's lock, where nothing may be allocated.
struct snapshot {
    std::uint64_t id, parent;
    std::source_location spawn_site;
    wait_reason reason;
    clock::time_point since;
    std::size_t first_frame, frames;
    std::size_t name_length;
    char name[64];
    detail::lock_owner lock;
};

bool is_waiting(wait_reason r) noexcept
{
    return r != wait_reason::running && !is_queued(r);
}

const char* state_of(wait_reason r) noexcept
{
    return is_waiting(r) ? "waiting" : detail::wait_reason_text(r);
}

/// The frames of a goroutine that runs are not ours to read.
const promise_core* readable_chain(const goroutine& g, wait_reason r) noexcept
{
    return r == wait_reason::running ? nullptr : g.top_core;
}

struct room {
    std::size_t goroutines = 0, frames = 0;
};

room measure(detail::registry_shard& shard) noexcept
{
    room r;
    shard.lock.lock();
    for (const goroutine* g = shard.live.front(); g;
         g = intrusive_list<goroutine>::next(const_cast<goroutine*>(g))) {
        ++r.goroutines;
        for (auto* c = readable_chain(*g, g->reason.load(std::memory_order_acquire)); c;
             c = c->caller)
            ++r.frames;
    }
    shard.lock.unlock();
    return r;
}

void copy_shard(detail::registry_shard& shard, std::vector<snapshot>& into,
                std::vector<std::source_location>& sites) noexcept
{
    shard.lock.lock();
    for (goroutine* g = shard.live.front(); g && into.size() < into.capacity();
         g = intrusive_list<goroutine>::next(g)) {
        const wait_reason reason = g->reason.load(std::memory_order_acquire);
        snapshot s{g->id, g->parent, g->spawn_site, reason, {}, sites.size(), 0, 0, {}, {}};
        if (reason != wait_reason::running) s.since = g->since;
        if (is_waiting(reason) && g->parked_on)
            s.lock = g->parked_on.verb->owner(g->parked_on.driver);
        for (auto* c = readable_chain(*g, reason); c && sites.size() < sites.capacity();
             c = c->caller) {
            sites.push_back(c->site);
            ++s.frames;
        }
        if (g->extras) s.name_length = g->extras->name.copy(s.name, sizeof s.name);
        into.push_back(s);
    }
    shard.lock.unlock();
}

} // namespace

std::vector<goroutine_info> goroutines_of(detail::scheduler& sched)
{
    std::vector<snapshot> taken;
    std::vector<std::source_location> sites;
    const goroutine* self = detail::this_thread_state().current;
    const std::uint64_t own_id = self && self->sched == &sched ? self->id : 0;
    sched.with_world_stopped([&] {
        room total;
        const auto shards = sched.shards();
        for (auto* s : shards) {
            const room r = measure(*s);
            total.goroutines += r.goroutines;
            total.frames += r.frames;
        }
        constexpr std::size_t slack = 64; // a goroutine in a long slice may have started others
        taken.reserve(total.goroutines + slack);
        sites.reserve(total.frames + slack);
        for (auto* s : shards) copy_shard(*s, taken, sites);
    });
    std::sort(taken.begin(), taken.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
    std::vector<goroutine_info> all;
    all.reserve(taken.size());
    const auto now = clock::now();
    for (const snapshot& s : taken) {
        goroutine_info g;
        g.id = s.id;
        g.runtime = sched.number;
        g.name.assign(s.name, s.name_length);
        g.state = state_of(s.reason);
        g.wait_reason = detail::wait_reason_text(s.reason);
        if (s.since != clock::time_point() && s.id != own_id)
            g.waiting = std::max(duration::zero(), now - s.since);
        g.parent = s.parent;
        g.spawn_site = s.spawn_site;
        g.frames.assign(sites.begin() + static_cast<std::ptrdiff_t>(s.first_frame),
                        sites.begin() + static_cast<std::ptrdiff_t>(s.first_frame + s.frames));
        g.lock_holder = s.lock.goroutine;
        g.locked_at = s.lock.site;
        all.push_back(std::move(g));
    }
    return all;
}

namespace {

/// The library's own frames around the user's function.
bool is_internal(const std::source_location& f)
{
    const std::string_view file = f.file_name();
    return f.line() == 0 || file.find("weft/detail/") != file.npos ||
           file.find("weft/testing/") != file.npos || file.ends_with("testing/machine.cpp") ||
           file.ends_with("weft/run.hpp") || file.ends_with("weft/sync_wait.hpp") ||
           file.ends_with("weft/join_handle.hpp");
}

/// GCC names the function that a coroutine was turned into, "void f(f(int)::_Z1fi.Frame*)"; the
/// user knows it as "f(int)".
std::string_view readable_name(std::string_view name)
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

} // namespace

std::vector<goroutine_info> goroutines()
{
    std::vector<goroutine_info> all;
    for (const auto& s : detail::world()) {
        auto some = goroutines_of(*s);
        all.insert(all.end(), std::make_move_iterator(some.begin()),
                   std::make_move_iterator(some.end()));
    }
    return all;
}

std::size_t goroutine_count()
{
    std::size_t n = 0;
    for (const auto& s : detail::world()) n += s->live();
    return n;
}

std::vector<goroutine_info> blocked_longer_than(duration d)
{
    auto all = goroutines();
    std::erase_if(all, [d](const goroutine_info& g) {
        return g.state != "waiting" || g.waiting < d ||
               !detail::waits_for_goroutines(g.wait_reason);
    });
    return all;
}

void print(std::ostream& out, const goroutine_info& g)
{
    out << "goroutine " << g.id;
    if (!g.name.empty()) out << " \"" << g.name << '"';
    out << " [" << g.wait_reason;
    if (const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(g.waiting).count();
        minutes > 0) {
        out << ", " << minutes << (minutes == 1 ? " minute" : " minutes");
    }
    out << "]:\n";
    const auto print_site = [&out](const std::source_location& f) {
        out << readable_name(f.function_name()) << "\n\t" << f.file_name() << ':' << f.line()
            << '\n';
    };
    for (const auto& f : g.frames) {
        if (!is_internal(f)) print_site(f);
    }
    if (g.spawn_site.line() != 0) {
        out << "created by ";
        if (g.parent) out << "goroutine " << g.parent << " at ";
        print_site(g.spawn_site);
    }
}

void print(std::ostream& out, const std::vector<goroutine_info>& all)
{
    const char* separator = "";
    for (const auto& g : all) {
        out << separator;
        print(out, g);
        separator = "\n";
    }
}

void dump(std::ostream& out)
{
    print(out, goroutines());
}

} // namespace debug
} // namespace weft
