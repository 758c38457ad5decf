// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/striped_table.hpp>
#include <weft/detail/threads.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <mutex>
#include <optional>
#include <type_traits>
#include <utility>

/// Entries of a concurrent_map whose keys and values are machine words, compared as such.

namespace weft::inline v0_1::detail {

/// A type that is read and written in one step, and whose equal bits are equal values.
template <class T>
concept machine_word = std::is_trivially_copyable_v<T> && std::is_copy_constructible_v<T> &&
                       std::is_move_constructible_v<T> && std::is_copy_assignable_v<T> &&
                       std::is_move_assignable_v<T> && std::is_default_constructible_v<T> &&
                       (sizeof(T) == 1 || sizeof(T) == 2 || sizeof(T) == 4 || sizeof(T) == 8) &&
                       (std::is_scalar_v<T> || std::has_unique_object_representations_v<T>);

/// How words are compared without a lock: by nothing but themselves. A function of the user's could look at what a key
/// points to, or hold one that was erased meanwhile, and gone.
template <class Equal, class K>
concept compares_words = std::is_scalar_v<K> && (std::same_as<Equal, std::equal_to<>> ||
                                                 std::same_as<Equal, std::equal_to<K>>);

/// Loads take no lock and write nothing (see striped_table), a store writes into the entry that is there. Entries that were
/// taken out wait for the next that comes in; they are freed with the map.
template <machine_word K, machine_word V, compares_words<K> Equal>
class plain_entries {
    struct entry {
        std::uint64_t hash_value() const noexcept { return hash.load(std::memory_order_relaxed); }

        atomic<entry*> next{nullptr};
        atomic<std::uint64_t> hash{0};
        atomic<K> key{};
        atomic<V> value{};
    };
    using table = striped_table<entry>;

public:
    struct sighting {
        std::optional<V> seen;

        explicit operator bool() const noexcept { return seen.has_value(); }
        const V& value() const noexcept { return *seen; }
        const std::optional<V>& copy() const noexcept { return seen; }
    };
    struct fresh {
        K key;
        V value;
    };

    explicit plain_entries(const Equal& e) : equal_(e) {}
    ~plain_entries()
    {
        clear();
        for (auto& s : table_.stripes()) {
            while (entry* e = s.spare) {
                s.spare = e->next.load(std::memory_order_relaxed);
                delete e;
            }
        }
    }

    static fresh make(std::uint64_t, const K& k, const V& v) { return {k, v}; }
    static const K& key_of(const fresh& f) noexcept { return f.key; }

    template <class Q>
    std::optional<V> load(std::uint64_t hash, const Q& key)
    {
        auto& s = table_.stripe_of(hash);
        if constexpr (std::same_as<Q, K>) { // else it is the user's function that compares
            for (int tries = 0; tries < 4; ++tries) {
                const std::uint32_t before = s.version.load(std::memory_order_acquire);
                if (before % 2 != 0) continue;
                std::optional<V> found;
                entry* e = table_.chain_of(s, hash).load(std::memory_order_acquire);
                int steps = 0; // a chain that changes may lead anywhere, in circles too
                for (; e && steps < most_steps; ++steps) {
                    if (equal_(e->key.load(std::memory_order_acquire), key)) {
                        found = e->value.load(std::memory_order_acquire);
                        break;
                    }
                    e = e->next.load(std::memory_order_acquire);
                }
                if (WEFT_UNLIKELY(steps == most_steps)) break;
                if (WEFT_LIKELY(s.version.load(std::memory_order_relaxed) == before)) return found;
            }
        }
        const std::lock_guard hold(s.lock);
        return value_of(find(s, hash, key)->load(std::memory_order_relaxed));
    }

    template <class Q>
    sighting look(std::uint64_t hash, const Q& key)
    {
        return {load(hash, key)};
    }

    /// As of shared_entries.
    template <class Q, class Allow>
    std::pair<sighting, bool> edit(std::uint64_t hash, const Q& key, std::optional<fresh> f,
                                   Allow allow)
    {
        auto& s = table_.stripe_of(hash);
        for (entry* more = nullptr;;) {
            std::optional<std::pair<sighting, bool>> was = try_edit(s, hash, key, f, allow, more);
            delete more; // it was not needed after all
            if (WEFT_LIKELY(was.has_value())) {
                table_.make_room(s);
                return *was;
            }
            more = new entry; // not under the lock
        }
    }
    static bool same(const std::optional<V>& now, const sighting& seen) noexcept
    {
        if (!now || !seen.seen) return !now && !seen.seen;
        return std::memcmp(&*now, &*seen.seen, sizeof(V)) == 0;
    }

    template <class F>
    void range(F& f)
    {
        auto show = [&](const pair& e) { return static_cast<bool>(f(e.key, e.value)); };
        table_.template each<pair>(show);
    }

    void clear() noexcept
    {
        table_.clear([](auto& s, entry* e) { keep_spare(s, e); }, [] {});
    }

    [[nodiscard]] std::size_t size() const noexcept { return table_.size(); }

private:
    static constexpr int most_steps = 32;

    struct pair {
        explicit pair(const entry& e) noexcept
            : key(e.key.load(std::memory_order_relaxed)),
              value(e.value.load(std::memory_order_relaxed))
        {
        }
        K key;
        V value;
    };

    static std::optional<V> value_of(const entry* e) noexcept
    {
        return e ? std::optional<V>(e->value.load(std::memory_order_relaxed)) : std::nullopt;
    }

    /// Nothing: it needs an entry, and there is neither a spare one nor `more`, which becomes null if it is used.
    template <class Q, class Allow>
    std::optional<std::pair<sighting, bool>> try_edit(typename table::stripe& s, std::uint64_t hash,
                                                      const Q& key, const std::optional<fresh>& f,
                                                      Allow& allow, entry*& more)
    {
        const std::lock_guard hold(s.lock);
        auto* at = find(s, hash, key);
        entry* e = at->load(std::memory_order_relaxed);
        std::pair<sighting, bool> was{{value_of(e)}, false};
        was.second = allow(was.first.seen);
        if (!was.second) return was;
        if (e && f) {
            e->value.store(f->value, std::memory_order_release);
        } else if (e) {
            table_.remove(s, *at, e);
            keep_spare(s, e);
        } else if (f) {
            if (!s.spare && !more) return std::nullopt;
            e = s.spare;
            if (e) s.spare = e->next.load(std::memory_order_relaxed);
            else e = std::exchange(more, nullptr);
            e->hash.store(hash, std::memory_order_release);
            e->key.store(f->key, std::memory_order_release);
            e->value.store(f->value, std::memory_order_release);
            table_.insert(s, *at, e);
        }
        return was;
    }

    static void keep_spare(typename table::stripe& s, entry* e) noexcept
    {
        e->next.store(std::exchange(s.spare, e), std::memory_order_release);
    }

    /// Locked: the link to the entry with this key, or the last of its chain.
    template <class Q>
    typename table::link* find(typename table::stripe& s, std::uint64_t hash, const Q& key)
    {
        auto* at = &table_.chain_of(s, hash);
        while (entry* e = at->load(std::memory_order_relaxed)) {
            if (equal_(e->key.load(std::memory_order_relaxed), key)) break;
            at = &e->next;
        }
        return at;
    }

    table table_;
    [[no_unique_address]] Equal equal_;
};

} // namespace weft::inline v0_1::detail
