// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/detail/threads.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <new>
#include <vector>

/// The hash table under concurrent_map: pointers and locks; keys and values are not seen here.

namespace weft::inline v0_1::detail {

/// Spreads what a hash function gives over all bits: std::hash of a number is that number.
inline std::uint64_t spread_hash(std::size_t h) noexcept
{
    const std::uint64_t spread = h * std::uint64_t{0x9E3779B97F4A7C15};
    return spread ^ (spread >> 32);
}

/// Chains of entries in stripes, each with a lock of its own. The top bits of a hash choose the stripe, the low ones
/// the bucket in it.
///
/// A stripe grows by linear hashing: with each entry above one per bucket, one bucket is split in two. So nothing is
/// ever rehashed as a whole, no critical section is long, and buckets never move: they lie in segments, each as large as
/// all before it, which stay until the end. With n buckets and m = bit_floor(n), a hash belongs to bucket
/// `hash % 2m` if there is one, else to `hash % m`.
///
/// Readers without the lock: `version` is odd while entries leave a chain or change chains. Who sees the same even
/// version before and after has read a true state, provided that entries are never freed, as those are that go to `spare`.
/// So that this holds on any machine, links and what lies in entries are written with release, and read with acquire.
///
/// `Entry` has `atomic<Entry*> next` and `std::uint64_t hash_value() const`. Whoever owns the table empties it before its end.
template <class Entry>
class striped_table {
public:
    using link = atomic<Entry*>;
    static constexpr std::size_t stripe_count = 64;

    struct alignas(cache_line) stripe {
        // What readers look at, and few writes change.
        atomic<std::uint32_t> version{0};
        std::uint32_t number = 0;
        atomic<std::size_t> buckets{1}; ///< only grows
        link first{nullptr};            ///< bucket 0

        // What every write changes.
        alignas(cache_line) spinlock lock;
        atomic<std::size_t> entries{0};
        Entry* spare = nullptr; ///< entries to be used again, linked by `next`
    };

    /// While it lives readers without the lock are turned away; the lock is held.
    class change {
    public:
        explicit change(stripe& s) noexcept : version_(s.version)
        {
            version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        }
        change(const change&) = delete;
        change& operator=(const change&) = delete;
        ~change()
        {
            version_.store(version_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
        }

    private:
        atomic<std::uint32_t>& version_;
    };

    striped_table()
    {
        for (std::size_t i = 0; i < stripe_count; ++i)
            stripes_[i].number = static_cast<std::uint32_t>(i);
    }
    striped_table(const striped_table&) = delete;
    striped_table& operator=(const striped_table&) = delete;
    ~striped_table()
    {
        for (auto& segment : segments_) delete[] segment.load(std::memory_order_relaxed);
    }

    stripe& stripe_of(std::uint64_t hash) noexcept { return stripes_[hash >> 58]; }
    std::array<stripe, stripe_count>& stripes() noexcept { return stripes_; }

    /// The chain for `hash`. Without the lock it may be the wrong one; the version tells.
    link& chain_of(stripe& s, std::uint64_t hash) noexcept
    {
        const std::size_t n = s.buckets.load(std::memory_order_acquire);
        const std::size_t m = std::bit_floor(n);
        const auto i = static_cast<std::size_t>(hash & (2 * m - 1));
        return bucket(s, i < n ? i : i - m);
    }

    /// Locked. `at` ends its chain.
    void insert(stripe& s, link& at, Entry* e) noexcept
    {
        e->next.store(nullptr, std::memory_order_release);
        at.store(e, std::memory_order_release);
        count(s, 1);
        for (int i = 0; i < 2 && crowded(s) && segment_is_there(s); ++i) split(s);
    }
    /// Locked.
    void remove(stripe& s, link& at, Entry* e) noexcept
    {
        const change hidden(s);
        at.store(e->next.load(std::memory_order_relaxed), std::memory_order_release);
        count(s, static_cast<std::size_t>(-1));
    }

    /// After inserting, without the lock: makes room for more buckets when they run out. Where memory does, chains grow longer.
    void make_room(stripe& s) noexcept
    {
        if (WEFT_LIKELY(!crowded(s)) || segment_is_there(s)) return;
        const std::size_t k = segment_of(s.buckets.load(std::memory_order_relaxed));
        if (k >= segments_.size()) return;
        link* fresh = new (std::nothrow) link[stripe_count << k]();
        link* none = nullptr;
        if (!segments_[k].compare_exchange_strong(none, fresh, std::memory_order_acq_rel))
            delete[] fresh;
    }

    [[nodiscard]] std::size_t size() const noexcept
    {
        std::size_t all = 0;
        for (const stripe& s : stripes_) all += s.entries.load(std::memory_order_relaxed);
        return all;
    }

    /// Calls `f(Item&)` for each entry, without a lock, until it returns false. `Item(Entry&)` is made under the lock, and
    /// must not fail. Each hash is looked at once, however the table grows meanwhile.
    template <class Item, class F>
    void each(F& f)
    {
        std::vector<Item> batch;
        for (stripe& s : stripes_) {
            const std::size_t n = s.buckets.load(std::memory_order_acquire);
            for (std::size_t from = 0; from < n; from += buckets_at_once) {
                collect(s, from, n, batch);
                for (Item& item : batch)
                    if (!f(item)) return;
                batch.clear();
            }
        }
    }

    /// Takes out all entries; `keep(stripe, entry)` is called under the lock, `then()` after it.
    template <class Keep, class Then>
    void clear(Keep keep, Then then)
    {
        for (stripe& s : stripes_) {
            const std::size_t n = s.buckets.load(std::memory_order_acquire);
            for (std::size_t from = 0; from < n; from += buckets_at_once) {
                {
                    const std::lock_guard hold(s.lock);
                    const change hidden(s);
                    each_chain(s, from, n, [&](link& chain) {
                        Entry* e = chain.load(std::memory_order_relaxed);
                        chain.store(nullptr, std::memory_order_release);
                        while (e) {
                            Entry* next = e->next.load(std::memory_order_relaxed);
                            count(s, static_cast<std::size_t>(-1));
                            keep(s, e);
                            e = next;
                        }
                    });
                }
                then();
            }
        }
    }

private:
    static constexpr std::size_t buckets_at_once = 16;

    /// Segment k has the buckets 2^k up to 2^(k+1), of all stripes.
    static std::size_t segment_of(std::size_t bucket) noexcept
    {
        return static_cast<std::size_t>(std::bit_width(bucket)) - 1;
    }
    bool segment_is_there(const stripe& s) const noexcept
    {
        const std::size_t k = segment_of(s.buckets.load(std::memory_order_relaxed));
        return k < segments_.size() && segments_[k].load(std::memory_order_acquire);
    }
    static bool crowded(const stripe& s) noexcept
    {
        return 2 * s.entries.load(std::memory_order_relaxed) >
               s.buckets.load(std::memory_order_relaxed);
    }
    static void count(stripe& s, std::size_t more) noexcept
    {
        s.entries.store(s.entries.load(std::memory_order_relaxed) + more,
                        std::memory_order_relaxed);
    }

    link& bucket(stripe& s, std::size_t i) noexcept
    {
        if (i == 0) return s.first;
        const std::size_t k = segment_of(i);
        link* segment = segments_[k].load(std::memory_order_acquire);
        return segment[(std::size_t{s.number} << k) + i - (std::size_t{1} << k)];
    }

    /// Locked: what belongs to the bucket after the last moves there.
    void split(stripe& s) noexcept
    {
        const change hidden(s);
        const std::size_t n = s.buckets.load(std::memory_order_relaxed);
        const std::size_t m = std::bit_floor(n);
        link* low = &bucket(s, n - m);
        link* high = &bucket(s, n);
        for (Entry* e = low->load(std::memory_order_relaxed); e;) {
            link*& to = (e->hash_value() & (2 * m - 1)) == n ? high : low;
            Entry* next = e->next.load(std::memory_order_relaxed);
            to->store(e, std::memory_order_release);
            to = &e->next;
            e = next;
        }
        low->store(nullptr, std::memory_order_release);
        high->store(nullptr, std::memory_order_release);
        s.buckets.store(n + 1, std::memory_order_release);
    }

    /// Locked: calls `f` for each chain that has come out of the buckets `from`, ... of a table that had `n` then.
    template <class F>
    void each_chain(stripe& s, std::size_t from, std::size_t n, F f)
    {
        const std::size_t m = std::bit_floor(n);
        const std::size_t now = s.buckets.load(std::memory_order_relaxed);
        for (std::size_t j = from; j < std::min(n, from + buckets_at_once); ++j) {
            const bool whole = j < m && j + m >= n; // it had not been split then
            for (std::size_t i = j; i < now; i += whole ? m : 2 * m) f(bucket(s, i));
        }
    }

    template <class Item>
    void collect(stripe& s, std::size_t from, std::size_t n, std::vector<Item>& batch)
    {
        for (std::size_t enough = 2 * buckets_at_once;; enough *= 2) {
            batch.reserve(enough); // not under the lock
            const std::lock_guard hold(s.lock);
            std::size_t there = 0;
            each_chain(s, from, n, [&](link& chain) { there += length(chain); });
            if (there > batch.capacity()) {
                enough = std::max(enough, there);
                continue;
            }
            each_chain(s, from, n, [&](link& chain) {
                for (Entry* e = chain.load(std::memory_order_relaxed); e;
                     e = e->next.load(std::memory_order_relaxed))
                    batch.emplace_back(*e);
            });
            return;
        }
    }
    static std::size_t length(const link& chain) noexcept
    {
        std::size_t n = 0;
        for (const Entry* e = chain.load(std::memory_order_relaxed); e;
             e = e->next.load(std::memory_order_relaxed))
            ++n;
        return n;
    }

    std::array<stripe, stripe_count> stripes_;
    std::array<atomic<link*>, 40> segments_{};
};

} // namespace weft::inline v0_1::detail
