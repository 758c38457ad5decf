// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/lock_cycles.hpp>

#include <weft/detail/scheduler.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <iterator>
#include <map>
#include <ostream>

namespace weft::debug {

namespace {

using detail::goroutine;
using detail::wait_reason;
using waits = std::map<std::uint64_t, lock_wait>; // by goroutine; each waits for one lock at most

waits all_waits(detail::scheduler& s)
{
    waits found;
    s.with_world_stopped([&] {
        for (detail::registry_shard* shard : s.shards()) {
            // A dump's moment: what allocates under this lock is the dumping thread alone.
            shard->lock.lock();
            for (goroutine* g = shard->live.front(); g;
                 g = detail::intrusive_list<goroutine>::next(g)) {
                const wait_reason r = g->reason.load(std::memory_order_acquire);
                if (r == wait_reason::running || r == wait_reason::runnable || !g->parked_on)
                    continue;
                const detail::lock_owner o = g->parked_on.verb->owner(g->parked_on.driver);
                if (o.goroutine == 0) continue;
                found[g->id] = {g->id, g->extras ? g->extras->name : std::string(),
                                g->top_core ? g->top_core->site : std::source_location(),
                                o.goroutine, o.site};
            }
            shard->lock.unlock();
        }
    });
    return found;
}

} // namespace

std::vector<lock_cycle> lock_cycles_of(detail::scheduler& s)
{
    waits open = all_waits(s);
    std::vector<lock_cycle> cycles;
    while (!open.empty()) {
        // From any goroutine along the holders, until the way ends or comes back to itself.
        lock_cycle way;
        std::uint64_t at = open.begin()->first;
        for (auto it = open.find(at); it != open.end(); it = open.find(at)) {
            way.push_back(it->second);
            at = it->second.holder;
            open.erase(it);
        }
        const auto begin = std::find_if(way.begin(), way.end(),
                                        [at](const lock_wait& w) { return w.goroutine == at; });
        if (begin != way.end()) cycles.emplace_back(begin, way.end());
    }
    return cycles;
}

std::vector<lock_cycle> lock_cycles()
{
    std::vector<lock_cycle> all;
    for (const auto& s : detail::world()) {
        auto some = lock_cycles_of(*s);
        std::move(some.begin(), some.end(), std::back_inserter(all));
    }
    return all;
}

void print(std::ostream& out, const lock_cycle& c)
{
    out << "lock cycle:\n";
    for (const lock_wait& w : c) {
        out << "goroutine " << w.goroutine;
        if (!w.name.empty()) out << " \"" << w.name << '"';
        out << " waits at " << w.waits_at.file_name() << ':' << w.waits_at.line()
            << " for a lock that ";
        if (w.holder == w.goroutine) out << "it took itself";
        else out << "goroutine " << w.holder << " took";
        out << " at " << w.locked_at.file_name() << ':' << w.locked_at.line() << '\n';
    }
}

} // namespace weft::debug
