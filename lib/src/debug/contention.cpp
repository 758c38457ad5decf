// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/contention.hpp>

#include "../snapshot.hpp"
#include "contention_tables.hpp"
#include "ticks_in.hpp"

#include <weft/detail/observer.hpp>
#include <weft/detail/random.hpp>
#include <weft/detail/scheduler.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <map>
#include <mutex>
#include <string>

namespace weft::inline v0_1::detail {

namespace {

/// How often something happened, and how long it took in all, by the places that lead to it.
///
/// Who may touch what: an entry is taken by whoever moves its `state` from `free` to `taken`; that one writes
/// `key`, then `state` becomes `ready`, and `key` stays. The sums are added to by anybody. One that comes upon an
/// entry that is `taken` goes on to the next, so a key may stand in two entries. There is nothing to wait for.
class site_table {
public:
    static constexpr std::size_t depth = 8; ///< of a chain; what is further out is left off
    using chain = std::array<std::uint64_t, depth + 1>; ///< the reason, then sites, innermost first

    void add(const chain& c, std::uint64_t count, std::uint64_t ticks) noexcept
    {
        entry* e = find(c);
        if (!e) {
            lost_.fetch_add(count, std::memory_order_relaxed);
            return;
        }
        e->count.fetch_add(count, std::memory_order_relaxed);
        e->ticks.fetch_add(ticks, std::memory_order_relaxed);
    }

    struct sums {
        std::uint64_t count = 0, ticks = 0;
    };
    void add_to(std::map<chain, sums>& all) const
    {
        for (const entry& e : entries_) {
            if (e.state.load(std::memory_order_acquire) != state::ready) continue;
            chain c;
            for (std::size_t i = 0; i < c.size(); ++i)
                c[i] = e.key[i].load(std::memory_order_relaxed);
            sums& s = all[c];
            s.count += e.count.load(std::memory_order_relaxed);
            s.ticks += e.ticks.load(std::memory_order_relaxed);
        }
        if (const std::uint64_t n = lost_.load(std::memory_order_relaxed)) all[{}].count += n;
    }
    void clear() noexcept
    {
        for (entry& e : entries_) {
            e.count.store(0, std::memory_order_relaxed);
            e.ticks.store(0, std::memory_order_relaxed);
        }
        lost_.store(0, std::memory_order_relaxed);
    }

private:
    static constexpr std::size_t size = 1024, tries = 32;
    enum class state : std::uint8_t { free, taken, ready };

    struct entry {
        atomic<detail::site_table::state> state{site_table::state::free};
        std::array<atomic<std::uint64_t>, depth + 1> key{};
        atomic<std::uint64_t> count{0}, ticks{0};
    };

    entry* find(const chain& c) noexcept
    {
        std::uint64_t hash = 0;
        for (const std::uint64_t word : c)
            hash = (std::rotl(hash, 23) ^ word) * 0x9e3779b97f4a7c15u;
        for (std::size_t i = 0; i < tries; ++i) {
            entry& e = entries_[((hash >> 32) + i) % size];
            state s = e.state.load(std::memory_order_acquire);
            if (s == state::free &&
                e.state.compare_exchange_strong(s, state::taken, std::memory_order_acquire)) {
                for (std::size_t k = 0; k < c.size(); ++k)
                    e.key[k].store(c[k], std::memory_order_relaxed);
                e.state.store(state::ready, std::memory_order_release);
                return &e;
            }
            if (s != state::ready) continue;
            bool same = true;
            for (std::size_t k = 0; same && k < c.size(); ++k)
                same = e.key[k].load(std::memory_order_relaxed) == c[k];
            if (same) return &e;
        }
        return nullptr;
    }

    std::array<entry, size> entries_;
    atomic<std::uint64_t> lost_{0};
};

/// Workers share some, so that they rarely meet; threads without a worker have the first.
constexpr std::size_t shares = 8;

/// Made when first turned on, and kept: a hook may be late.
struct tables {
    std::array<site_table, shares> of;
};
constinit atomic<tables*> blocks{nullptr}, contentions{nullptr};

constexpr std::size_t latency_buckets = 44; // up to some hours
struct alignas(cache_line) latency_share {
    std::array<atomic<std::uint64_t>, latency_buckets> count{}; ///< by the bits of its ticks
    atomic<std::uint64_t> ticks{0};                             ///< of all of them
};
constinit std::array<latency_share, shares> latencies{};

constinit atomic<std::uint64_t> block_rate_ticks{0}, block_rate_nanos{0};
constinit atomic<std::uint32_t> mutex_fraction{0}, latency_fraction{0};

os_mutex& settings() noexcept
{
    static auto* m = new os_mutex;
    return *m;
}

void ensure(atomic<tables*>& t)
{
    if (!t.load(std::memory_order_acquire)) t.store(new tables, std::memory_order_release);
}

site_table* here(const atomic<tables*>& t) noexcept
{
    tables* all = t.load(std::memory_order_acquire);
    if (!all) return nullptr;
    const worker* w = this_thread_state().held;
    return &all->of[w ? w->index % shares : 0];
}

fast_random& dice() noexcept
{
    thread_local fast_random r(ticks() | 1);
    return r;
}

/// Others can end it, and nothing else: what Go's block profile has.
bool is_profiled(wait_reason r) noexcept
{
    switch (r) {
    case wait_reason::running:
    case wait_reason::runnable:
    case wait_reason::contending:
    case wait_reason::asio_operation:
    case wait_reason::blocking_call:
    case wait_reason::pending:
    case wait_reason::sleep: return false;
    default: return true;
    }
}

} // namespace

void count_block(const goroutine& g, std::uint64_t waited) noexcept
{
    const auto why = g.reason.load(std::memory_order_relaxed);
    site_table* t = here(blocks);
    const std::uint64_t rate = block_rate_ticks.load(std::memory_order_relaxed);
    if (!t || rate == 0 || !is_profiled(why)) return;
    std::uint64_t count = 1;
    if (waited < rate) { // it stands for those that were not drawn
        if (dice().next() % rate >= waited) return;
        count = rate / std::max<std::uint64_t>(waited, 1);
        waited = rate;
    }
    site_table::chain c{static_cast<std::uint64_t>(why)};
    std::size_t n = 1;
    for (const promise_core* f = g.top_core; f && n < c.size(); f = f->caller)
        c[n++] = site_word(f->site);
    t->add(c, count, waited);
}

void count_contention(std::uint64_t site, std::uint64_t waited) noexcept
{
    site_table* t = here(contentions);
    const std::uint32_t one_in = mutex_fraction.load(std::memory_order_relaxed);
    if (!t || one_in == 0 || dice().below(one_in) != 0) return;
    t->add({0, site}, one_in, waited * one_in);
}

void count_latency(unsigned w, std::uint64_t waited) noexcept
{
    latency_share& s = latencies[w % shares];
    s.count[std::min<std::size_t>(std::bit_width(waited), latency_buckets - 1)].fetch_add(
        1, std::memory_order_relaxed);
    s.ticks.fetch_add(waited, std::memory_order_relaxed);
}

bool is_latency_sampled() noexcept
{
    const std::uint32_t one_in = latency_fraction.load(std::memory_order_relaxed);
    return one_in == 1 || (one_in != 0 && dice().below(one_in) == 0);
}

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::debug {

using namespace detail;

void set_block_profile_rate(duration rate)
{
    std::lock_guard lock(settings());
    const auto nanos = std::chrono::duration_cast<std::chrono::nanoseconds>(rate).count();
    if (nanos <= 0) {
        observe(observer_bit::blocks, false);
        block_rate_nanos.store(0, std::memory_order_relaxed);
        return;
    }
    ensure(blocks);
    block_rate_ticks.store(std::max<std::uint64_t>(1, ticks_in(rate, nanos_per_tick())),
                           std::memory_order_relaxed);
    block_rate_nanos.store(static_cast<std::uint64_t>(nanos), std::memory_order_relaxed);
    observe(observer_bit::blocks, true);
}

unsigned set_mutex_profile_fraction(unsigned one_in)
{
    std::lock_guard lock(settings());
    if (one_in != 0) ensure(contentions);
    const auto before = mutex_fraction.exchange(one_in, std::memory_order_relaxed);
    observe(observer_bit::contention, one_in != 0);
    return before;
}

void set_latency_sampling(unsigned one_in) noexcept
{
    std::lock_guard lock(settings());
    latency_fraction.store(one_in, std::memory_order_relaxed);
    observe(observer_bit::latency, one_in != 0);
}

contention_settings current_contention_settings() noexcept
{
    contention_settings s;
    s.block_rate = std::chrono::duration_cast<duration>(
        std::chrono::nanoseconds(block_rate_nanos.load(std::memory_order_relaxed)));
    s.mutex_fraction = mutex_fraction.load(std::memory_order_relaxed);
    s.latency_one_in = latency_fraction.load(std::memory_order_relaxed);
    return s;
}

namespace {

profile made_of(const atomic<tables*>& t)
{
    profile p;
    p.values = {{"contentions", "count"}, {"delay", "nanoseconds"}};
    p.period_type = p.values[0];
    p.period = 1;
    const tables* all = t.load(std::memory_order_acquire);
    if (!all) return p;
    std::map<site_table::chain, site_table::sums> sums;
    for (const site_table& share : all->of) share.add_to(sums);
    const double nanos = nanos_per_tick();
    for (const auto& [chain, sum] : sums) {
        if (sum.count == 0) continue;
        profile_sample s;
        for (std::size_t i = 1; i < chain.size() && chain[i] != 0; ++i) {
            const site_name n = site_of(chain[i]);
            if (n.line == 0) continue;
            s.stack.push_back({readable_name(n.function), n.file, n.line, 0});
        }
        if (s.stack.empty()) s.stack.push_back({"(unknown)", "", 0, 0});
        s.values = {static_cast<std::int64_t>(sum.count),
                    static_cast<std::int64_t>(static_cast<double>(sum.ticks) * nanos)};
        if (chain[0] != 0)
            s.labels.emplace_back("reason", wait_reason_text(static_cast<wait_reason>(chain[0])));
        p.samples.push_back(std::move(s));
    }
    return p;
}

} // namespace

profile block_profile()
{
    return made_of(blocks);
}

profile mutex_profile()
{
    return made_of(contentions);
}

latency_histogram scheduling_latency()
{
    std::array<std::uint64_t, latency_buckets> counts{};
    double all_ticks = 0;
    latency_histogram h;
    for (const latency_share& s : latencies) {
        for (std::size_t b = 0; b < latency_buckets; ++b) {
            const std::uint64_t n = s.count[b].load(std::memory_order_relaxed);
            counts[b] += n;
            h.count += n;
        }
        all_ticks += static_cast<double>(s.ticks.load(std::memory_order_relaxed));
    }
    if (h.count == 0) return h; // nor is the clock's speed waited for
    const double nanos = nanos_per_tick();
    const auto lasting = [nanos](double ticks) {
        return std::chrono::duration_cast<duration>(
            std::chrono::duration<double, std::nano>(ticks * nanos));
    };
    h.sum = lasting(all_ticks);
    for (std::size_t b = 0; b < latency_buckets; ++b) {
        if (counts[b] == 0 && h.buckets.empty()) continue;
        h.buckets.push_back({lasting(static_cast<double>(std::uint64_t{1} << b)), counts[b]});
    }
    while (h.buckets.back().count == 0) h.buckets.pop_back();
    return h;
}

duration latency_histogram::quantile(double q) const noexcept
{
    const double wanted = q * static_cast<double>(count);
    std::uint64_t seen = 0;
    for (const bucket& b : buckets) {
        seen += b.count;
        if (seen != 0 && static_cast<double>(seen) >= wanted) return b.below;
    }
    return {};
}

void reset_contention() noexcept
{
    for (const auto* t : {&blocks, &contentions}) {
        if (tables* all = t->load(std::memory_order_acquire)) {
            for (site_table& share : all->of) share.clear();
        }
    }
    for (latency_share& s : latencies) {
        for (auto& n : s.count) n.store(0, std::memory_order_relaxed);
        s.ticks.store(0, std::memory_order_relaxed);
    }
}

} // namespace weft::inline v0_1::debug
