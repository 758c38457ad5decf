// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/goroutines.hpp>

#include "snapshot.hpp"

#include <weft/detail/scheduler.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string_view>
#include <utility>
#include <vector>

namespace weft::inline v0_1 {

namespace detail {

namespace {

struct orphan {
    std::shared_ptr<scheduler> sched;
    std::optional<std::chrono::steady_clock::time_point>
        clean_since; ///< nothing refers to it any more
};

struct orphanage {
    os_mutex mutex;
    std::deque<orphan> all;
};

orphanage& the_orphanage()
{
    static auto* o = new orphanage; // never destroyed: an Asio context may end late
    return *o;
}

} // namespace

/// The last one to let go is in the middle of using the scheduler, so it cannot free it. Who keeps
/// the next orphan frees those that nobody has referred to for a good while; a few are looked at each time, in turn.
void keep_orphaned(std::shared_ptr<scheduler> s)
{
    constexpr auto good_while = std::chrono::seconds(10);
    constexpr std::size_t looks = 4;              // more than the two that each needs
    std::vector<std::shared_ptr<scheduler>> gone; // freed outside the lock
    orphanage& o = the_orphanage();
    std::lock_guard lock(o.mutex);
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t n = std::min(looks, o.all.size()); n != 0; --n) {
        orphan each = std::move(o.all.front());
        o.all.pop_front();
        if (each.sched->has_orphans()) {
            each.clean_since.reset();
        } else if (!each.clean_since) {
            each.clean_since = now;
        } else if (now - *each.clean_since > good_while) {
            gone.push_back(std::move(each.sched));
            continue;
        }
        o.all.push_back(std::move(each));
    }
    o.all.push_back({std::move(s), {}});
}

void free_orphaned()
{
    std::deque<orphan> gone;
    orphanage& o = the_orphanage();
    std::lock_guard lock(o.mutex);
    for (std::size_t n = o.all.size(); n != 0; --n) {
        orphan each = std::move(o.all.front());
        o.all.pop_front();
        (each.sched->has_orphans() ? o.all : gone).push_back(std::move(each));
    }
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

std::vector<goroutine_info> goroutines_of(detail::scheduler& sched)
{
    std::vector<goroutine_info> all;
    detail::snapshot_part taken;
    if (!detail::take_snapshot(sched, taken)) return all;
    all.reserve(taken.goroutines.size());
    const auto now = sched.time();
    for (const detail::snapshot& s : taken.goroutines) {
        goroutine_info g;
        g.id = s.id;
        g.runtime = sched.number;
        g.name.assign(s.name, s.name_length);
        g.labels = s.labels.list();
        g.state = detail::state_text(s.reason);
        g.wait_reason = detail::wait_reason_text(s.reason);
        g.waiting = s.waiting(now);
        g.parent = s.parent;
        g.spawn_site = s.spawn_site;
        const auto frames = taken.frames_of(s);
        g.frames.assign(frames.begin(), frames.end());
        g.lock_holder = s.lock.goroutine();
        g.lock_holder_runtime = detail::runtime_of_holder(sched, s.lock);
        g.locked_at = s.lock.site;
        all.push_back(std::move(g));
    }
    return all;
}

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
    if (!g.name.empty()) out << ' ' << detail::quoted(g.name);
    out << " [" << g.wait_reason;
    if (const auto minutes = std::chrono::duration_cast<std::chrono::minutes>(g.waiting).count();
        minutes > 0) {
        out << ", " << minutes << (minutes == 1 ? " minute" : " minutes");
    }
    out << ']';
    if (!g.labels.empty()) out << ' ' << detail::label_text(g.labels);
    out << ":\n";
    const auto print_site = [&out](const std::source_location& f) {
        out << detail::readable_name(f.function_name()) << "\n\t" << f.file_name() << ':'
            << f.line() << '\n';
    };
    for (const auto& f : g.frames) {
        if (!detail::is_internal(f)) print_site(f);
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

} // namespace debug
} // namespace weft::inline v0_1
