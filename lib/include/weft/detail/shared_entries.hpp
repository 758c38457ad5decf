// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/striped_table.hpp>
#include <weft/detail/threads.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

/// Entries of a concurrent_map whose keys or values are more than a machine word.

namespace weft::inline v0_1::detail {

/// An entry never changes: to store is to put another in its place. Whoever looks at one shares it, and copies, compares
/// and destroys without the lock. Under the lock only `Equal` is called, for entries with the same hash.
template <class K, class V, class Equal>
class shared_entries {
    struct entry {
        template <class Key, class Value>
        entry(std::uint64_t h, Key&& k, Value&& v)
            : hash(h), key(std::forward<Key>(k)), value(std::forward<Value>(v))
        {
        }
        std::uint64_t hash_value() const noexcept { return hash; }

        atomic<entry*> next{nullptr};
        atomic<std::size_t> users{1}; ///< the table is one
        const std::uint64_t hash;
        const K key;
        const V value;
    };
    using table = striped_table<entry>;

public:
    /// A share in an entry; empty: none. Made under the lock from an entry of the table, and let go of without it.
    class sighting {
    public:
        sighting() noexcept = default;
        explicit sighting(entry& e) noexcept : entry_(&e)
        {
            e.users.fetch_add(1, std::memory_order_relaxed);
        }
        static sighting adopt(entry* e) noexcept
        {
            sighting s;
            s.entry_ = e;
            return s;
        }
        sighting(sighting&& o) noexcept : entry_(std::exchange(o.entry_, nullptr)) {}
        sighting& operator=(sighting&& o) noexcept
        {
            sighting other(std::move(o));
            std::swap(entry_, other.entry_);
            return *this;
        }
        ~sighting()
        {
            if (entry_ && entry_->users.fetch_sub(1, std::memory_order_acq_rel) == 1) delete entry_;
        }

        explicit operator bool() const noexcept { return entry_ != nullptr; }
        const K& key() const noexcept { return entry_->key; }
        const V& value() const noexcept { return entry_->value; }
        std::optional<V> copy() const { return entry_ ? std::optional<V>(value()) : std::nullopt; }

    private:
        friend class shared_entries;
        entry* entry_ = nullptr;
    };
    using fresh = sighting;

    explicit shared_entries(const Equal& e) : equal_(e) {}
    ~shared_entries() { clear(); }

    template <class Key, class Value>
    static fresh make(std::uint64_t hash, Key&& k, Value&& v)
    {
        return fresh::adopt(new entry(hash, std::forward<Key>(k), std::forward<Value>(v)));
    }
    static const K& key_of(const fresh& f) noexcept { return f.key(); }

    template <class Q>
    sighting look(std::uint64_t hash, const Q& key)
    {
        auto& s = table_.stripe_of(hash);
        const std::lock_guard hold(s.lock);
        entry* e = find(s, hash, key)->load(std::memory_order_relaxed);
        return e ? sighting(*e) : sighting();
    }

    template <class Q>
    std::optional<V> load(std::uint64_t hash, const Q& key)
    {
        if constexpr (std::is_trivially_copyable_v<V> && sizeof(V) <= cache_line) {
            auto& s = table_.stripe_of(hash);
            const std::lock_guard hold(s.lock); // to copy takes no longer than to share
            entry* e = find(s, hash, key)->load(std::memory_order_relaxed);
            return e ? std::optional<V>(e->value) : std::nullopt;
        } else {
            return look(hash, key).copy();
        }
    }

    /// Puts `f`, or if that is empty nothing, in the place of what is there, if `allow(now)` says so: `now` converts to
    /// bool, and to what `same` takes. The result: what was there, and whether it was allowed.
    template <class Q, class Allow>
    std::pair<sighting, bool> edit(std::uint64_t hash, const Q& key, fresh f, Allow allow)
    {
        auto& s = table_.stripe_of(hash);
        std::pair<sighting, bool> was;
        {
            const std::lock_guard hold(s.lock);
            auto* at = find(s, hash, key);
            entry* e = at->load(std::memory_order_relaxed);
            was.second = allow(e);
            if (!was.second) {
                if (e) was.first = sighting(*e);
                return was;
            }
            entry* put = std::exchange(f.entry_, nullptr);
            if (e && put) {
                put->next.store(e->next.load(std::memory_order_relaxed), std::memory_order_relaxed);
                at->store(put, std::memory_order_release);
            } else if (e) {
                table_.remove(s, *at, e);
            } else if (put) {
                table_.insert(s, *at, put);
            }
            was.first.entry_ = e; // the table's share
        }
        table_.make_room(s);
        return was;
    }
    static bool same(const entry* now, const sighting& seen) noexcept { return now == seen.entry_; }

    template <class F>
    void range(F& f)
    {
        auto show = [&](sighting& e) { return static_cast<bool>(f(e.key(), e.value())); };
        table_.template each<sighting>(show);
    }

    void clear() noexcept
    {
        entry* out = nullptr;
        table_.clear(
            [&](auto&, entry* e) {
                e->next.store(std::exchange(out, e), std::memory_order_relaxed);
            },
            [&] {
                while (out) {
                    entry* e = std::exchange(out, out->next.load(std::memory_order_relaxed));
                    sighting::adopt(e);
                }
            });
    }

    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

private:
    /// Locked: the link to the entry with this key, or the last of its chain.
    template <class Q>
    typename table::link* find(typename table::stripe& s, std::uint64_t hash, const Q& key)
    {
        auto* at = &table_.chain_of(s, hash);
        while (entry* e = at->load(std::memory_order_relaxed)) {
            if (e->hash == hash && equal_(e->key, key)) break;
            at = &e->next;
        }
        return at;
    }

    table table_;
    [[no_unique_address]] Equal equal_;
};

} // namespace weft::inline v0_1::detail
