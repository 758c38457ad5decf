// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/plain_entries.hpp>
#include <weft/detail/shared_entries.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

/// `concurrent_map`: a hash map that many goroutines use at once.

namespace weft::inline v0_1 {

namespace detail {

/// Both functions take more types than K (std: transparent).
template <class Hash, class Equal>
concept transparent_lookup = requires {
    typename Hash::is_transparent;
    typename Equal::is_transparent;
};

template <class K, class V, class Equal>
struct entries_of {
    using type = shared_entries<K, V, Equal>;
};
template <machine_word K, machine_word V, compares_words<K> Equal>
struct entries_of<K, V, Equal> {
    using type = plain_entries<K, V, Equal>;
};

} // namespace detail

/// A map from K to V. Each operation takes effect as a whole, at one moment; there are no iterators and no references
/// into it. For several words in one, or an order among the keys, a mutex and a std::map.
///
///     concurrent_map<std::string, int> hits;
///     hits.update(path, [](std::optional<int> n) { return std::optional(n.value_or(0) + 1); });
///
/// Values and keys are copied, hashed, compared, made and destroyed without a lock; only `Equal` is called under one, and
/// must not use the same map; it is given only keys that are in the map, and those of the calls. Where K and V are machine
/// words (numbers, pointers, enums) and `Equal` is `std::equal_to`, loads take no lock at all, and what was erased keeps its
/// room for the next key until the map ends. For a V that is dear to copy take `std::shared_ptr<const V>`.
///
/// An exception of user code leaves the map as it was.
///
/// @par Thread safety  safe, from any thread.
/// @par Ordering       storing a value happens-before the load that finds it.
/// @par Complexity     O(1); an allocation for each value stored, for machine words for each new key.
/// @par Source         Go sync.Map.
template <class K, class V, class Hash = std::hash<K>, class Equal = std::equal_to<>>
    requires std::copy_constructible<V>
class concurrent_map {
    template <class Q>
    static constexpr bool other_key =
        detail::transparent_lookup<Hash, Equal> && !std::is_convertible_v<const Q&, const K&>;

public:
    /// What load_or_store found, or stored.
    struct loaded_value {
        V value;
        bool loaded; ///< it was there
    };

    explicit concurrent_map(Hash hash = {}, Equal equal = {})
        : entries_(equal), hash_(std::move(hash))
    {
    }

    /// The value of a key. With `Hash::is_transparent` and `Equal::is_transparent` this and the other two that look for a key
    /// also take what those take.
    [[nodiscard]] std::optional<V> load(const K& key) const { return load_as(key); }
    template <class Q>
        requires other_key<Q>
    [[nodiscard]] std::optional<V> load(const Q& key) const
    {
        return load_as(key);
    }

    void store(K key, V value) { put(std::move(key), std::move(value), always); }

    /// The value that is there, or else the given one, stored now.
    loaded_value load_or_store(K key, V value)
    {
        if (auto there = load_as(key)) return {std::move(*there), true};
        V stored = value;
        const auto was = put(std::move(key), std::move(value), if_absent);
        if (was.second) return {std::move(stored), false};
        return {was.first.value(), true};
    }

    /// Removes a key; its value, if it was there.
    std::optional<V> load_and_delete(const K& key) { return take(key); }
    template <class Q>
        requires other_key<Q>
    std::optional<V> load_and_delete(const Q& key)
    {
        return take(key);
    }

    /// Removes a key; false: it was not there.
    bool erase(const K& key) { return take_out(key); }
    template <class Q>
        requires other_key<Q>
    bool erase(const Q& key)
    {
        return take_out(key);
    }

    /// Stores a value; the one before, if there was one.
    std::optional<V> swap(K key, V value)
    {
        return put(std::move(key), std::move(value), always).first.copy();
    }

    /// Stores `next` if the key is there and its value equals `expected`.
    bool compare_and_swap(const K& key, const V& expected, const V& next)
        requires std::equality_comparable<V>
    {
        return edit_while(key, [&](const auto& seen) -> std::optional<std::optional<V>> {
            if (!seen || !(seen.value() == expected)) return std::nullopt;
            return std::optional(next);
        });
    }

    /// Removes the key if it is there and its value equals `expected`.
    bool compare_and_delete(const K& key, const V& expected)
        requires std::equality_comparable<V>
    {
        return edit_while(key, [&](const auto& seen) -> std::optional<std::optional<V>> {
            if (!seen || !(seen.value() == expected)) return std::nullopt;
            return std::optional<V>();
        });
    }

    /// Replaces what is there (or is not) by `f(what is there)`, where nothing stands for absence; also the result. `f` runs
    /// without a lock, and again if another change came in between.
    template <class F>
        requires std::is_invocable_r_v<std::optional<V>, F&, std::optional<V>>
    std::optional<V> update(const K& key, F f)
    {
        std::optional<V> next;
        edit_while(key, [&](const auto& seen) -> std::optional<std::optional<V>> {
            next.reset(); // V need not be assignable
            std::optional<V> result = std::invoke(f, std::optional<V>(seen.copy()));
            if (result) next.emplace(std::move(*result));
            return std::optional(next);
        });
        return next;
    }

    /// Calls `f(key, value)` for what is in the map, until it returns false. No lock is held; it may use the map. Each key
    /// comes at most once, with a value that it had during the call; one that is stored or removed meanwhile may come or not.
    template <class F>
        requires std::is_invocable_r_v<bool, F&, const K&, const V&>
    void range(F&& f) const
    {
        entries_.range(f);
    }

    /// Removes all that was there before the call, not at one moment.
    void clear() noexcept { entries_.clear(); }

    /// How many keys there are; while others change the map an estimate.
    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return size() == 0; }

private:
    using entries = typename detail::entries_of<K, V, Equal>::type;

    static constexpr auto always = [](const auto&) { return true; };
    static constexpr auto if_absent = [](const auto& now) { return !now; };
    static constexpr auto if_present = [](const auto& now) { return static_cast<bool>(now); };

    template <class Q>
    std::uint64_t hash_of(const Q& key) const
    {
        return detail::spread_hash(static_cast<std::size_t>(hash_(key)));
    }

    template <class Q>
    std::optional<V> load_as(const Q& key) const
    {
        return entries_.load(hash_of(key), key);
    }

    template <class Allow>
    auto put(K key, V value, const Allow& allow)
    {
        const std::uint64_t hash = hash_of(key);
        auto f = entries::make(hash, std::move(key), std::move(value));
        const auto& its_key = entries::key_of(f);
        return entries_.edit(hash, its_key, std::move(f), allow);
    }

    template <class Q>
    auto remove(const Q& key)
    {
        return entries_.edit(hash_of(key), key, {}, if_present);
    }
    template <class Q>
    std::optional<V> take(const Q& key)
    {
        return remove(key).first.copy();
    }
    template <class Q>
    bool take_out(const Q& key)
    {
        return remove(key).second;
    }

    /// Looks, decides without a lock, and changes if all is as it was seen. `decide` gives what is to be there: a value or
    /// nothing; or gives no answer, and it ends.
    template <class Decide>
    bool edit_while(const K& key, Decide decide)
    {
        const std::uint64_t hash = hash_of(key);
        for (;;) {
            const auto seen = entries_.look(hash, key);
            std::optional<std::optional<V>> next = decide(seen);
            if (!next) return false;
            const auto unchanged = [&](const auto& now) { return entries::same(now, seen); };
            if (!*next) {
                if (entries_.edit(hash, key, {}, unchanged).second) return true;
            } else {
                auto f = entries::make(hash, K(key), *std::move(*next));
                if (entries_.edit(hash, key, std::move(f), unchanged).second) return true;
            }
        }
    }

    mutable entries entries_;
    [[no_unique_address]] Hash hash_;
};

} // namespace weft::inline v0_1
