// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/lock_cycles.hpp>

#include "snapshot.hpp"

#include <algorithm>
#include <map>
#include <ostream>
#include <utility>

namespace weft::inline v0_1::debug {

std::vector<lock_cycle> lock_cycles(const std::vector<goroutine_info>& all)
{
    // Who waits for a lock; each waits for one at most.
    using identity = std::pair<std::uint64_t, std::uint64_t>; // runtime and id
    const auto who = [](const goroutine_info& g) { return identity(g.runtime, g.id); };
    std::map<identity, const goroutine_info*> open;
    for (const auto& g : all) {
        if (g.lock_holder != 0) open[who(g)] = &g;
    }
    std::vector<lock_cycle> cycles;
    while (!open.empty()) {
        // From any goroutine along the holders, until the way ends or comes back to itself.
        lock_cycle way;
        auto at = open.begin()->first;
        for (auto it = open.find(at); it != open.end(); it = open.find(at)) {
            way.push_back(*it->second);
            at = {it->second->lock_holder_runtime, it->second->lock_holder};
            open.erase(it);
        }
        const auto begin =
            std::find_if(way.begin(), way.end(), [&](const auto& g) { return who(g) == at; });
        if (begin != way.end()) cycles.emplace_back(begin, way.end());
    }
    return cycles;
}

std::vector<lock_cycle> lock_cycles()
{
    return lock_cycles(goroutines());
}

namespace {

void print_place(std::ostream& out, const std::source_location& f)
{
    out << " at " << f.file_name() << ':' << f.line();
}

} // namespace

void print_cycle(std::ostream& out, const lock_cycle& c)
{
    const bool several = std::any_of(
        c.begin(), c.end(), [&c](const auto& g) { return g.runtime != c.front().runtime; });
    const auto print_who = [&](std::uint64_t id, std::uint64_t runtime) {
        out << "goroutine " << id;
        if (several) out << " of runtime " << runtime;
    };
    out << "lock cycle:\n";
    for (const auto& g : c) {
        print_who(g.id, g.runtime);
        if (!g.name.empty()) out << ' ' << detail::quoted(g.name);
        out << " waits";
        print_place(out, g.frames.empty() ? std::source_location() : g.frames.front());
        out << " for a lock that ";
        if (g.lock_holder == g.id && g.lock_holder_runtime == g.runtime) {
            out << "it took itself";
        } else {
            print_who(g.lock_holder, g.lock_holder_runtime);
            out << " took";
        }
        print_place(out, g.locked_at);
        out << '\n';
    }
}

} // namespace weft::inline v0_1::debug
