// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/concurrent_map.hpp>

// `concurrent_map`: each operation, for words and for other types; growth; exceptions; many at once.

#include "testing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

using weft::concurrent_map;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;
using namespace std::chrono_literals;

namespace {

template <class T>
T of(int n);
template <>
int of<int>(int n)
{
    return n;
}
template <>
std::string of<std::string>(int n)
{
    return "a string that needs memory of its own, " + std::to_string(n);
}
template <>
std::shared_ptr<const int> of<std::shared_ptr<const int>>(int n)
{
    static std::map<int, std::shared_ptr<const int>>
        all; // so that equal numbers are equal pointers
    auto& p = all[n];
    if (!p) p = std::make_shared<const int>(n);
    return p;
}

template <class K, class V>
struct types {
    using key = K;
    using value = V;
};

/// All keys in one chain.
struct poor_hash {
    std::size_t operator()(int) const noexcept { return 7; }
};

struct text_hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view s) const noexcept
    {
        return std::hash<std::string_view>()(s);
    }
};

/// Compares what words point to. When somebody looks for `watched`, it says so, and sees for a while whether an erase returns.
struct pointee_equal {
    bool operator()(const int* a, const int* b) const
    {
        if (b == watched) {
            begun = true;
            const auto until = std::chrono::steady_clock::now() + 20ms;
            while (!erased && std::chrono::steady_clock::now() < until) std::this_thread::yield();
            if (erased) too_late = true;
        }
        return *a == *b;
    }
    static inline std::atomic<const int*> watched{nullptr};
    static inline std::atomic<bool> begun{false}, erased{false}, too_late{false};
};
struct pointee_hash {
    std::size_t operator()(const int* p) const noexcept { return static_cast<std::size_t>(*p); }
};

/// Throws when told to.
struct touchy {
    explicit touchy(int n) : number(n) {}
    touchy(const touchy& o) : number(o.number)
    {
        if (throws) throw std::runtime_error("copy");
    }
    touchy& operator=(const touchy&) = delete;
    friend bool operator==(const touchy& a, const touchy& b)
    {
        if (throws) throw std::runtime_error("equal");
        return a.number == b.number;
    }

    int number;
    static inline std::atomic<bool> throws{false};
};
struct touchy_hash {
    std::size_t operator()(const touchy& t) const { return static_cast<std::size_t>(t.number); }
};

/// A small random program, beside std::map.
template <class K, class V, class Hash = std::hash<K>>
void compare_with_std_map(int keys)
{
    auto random = weft_test::make_random();
    concurrent_map<K, V, Hash> map;
    std::map<int, int> model;
    for (std::size_t i = 0; i < count(20'000); ++i) {
        const int k = static_cast<int>(random() % static_cast<unsigned>(keys));
        const int v = static_cast<int>(random() % 3);
        const K key = of<K>(k);
        const auto at = model.find(k);
        const std::optional<V> now =
            at == model.end() ? std::nullopt : std::optional(of<V>(at->second));
        switch (random() % 9) {
        case 0: CHECK(map.load(key) == now); break;
        case 1:
            map.store(key, of<V>(v));
            model[k] = v;
            break;
        case 2: {
            const auto r = map.load_or_store(key, of<V>(v));
            CHECK(r.loaded == now.has_value());
            CHECK(r.value == (now ? *now : of<V>(v)));
            if (!now) model[k] = v;
            break;
        }
        case 3:
            CHECK(map.load_and_delete(key) == now);
            model.erase(k);
            break;
        case 4:
            CHECK(map.swap(key, of<V>(v)) == now);
            model[k] = v;
            break;
        case 5: {
            const bool hit = now && at->second == v;
            CHECK(map.compare_and_swap(key, of<V>(v), of<V>(v + 1)) == hit);
            if (hit) at->second = v + 1;
            break;
        }
        case 6: {
            const bool hit = now && at->second == v;
            CHECK(map.compare_and_delete(key, of<V>(v)) == hit);
            if (hit) model.erase(k);
            break;
        }
        case 7: CHECK(map.erase(key) == (model.erase(k) == 1)); break;
        case 8: {
            const auto r = map.update(key, [&](const std::optional<V>& seen) {
                CHECK(seen == now);
                return v == 0 ? std::nullopt : std::optional(of<V>(v));
            });
            CHECK(r.has_value() == (v != 0));
            if (v == 0) model.erase(k);
            else model[k] = v;
            break;
        }
        }
        REQUIRE(map.size() == model.size());
    }
    std::map<K, V> seen;
    map.range([&](const K& k, const V& v) { return seen.emplace(k, v).second; });
    CHECK(seen.size() == model.size());
    for (const auto& [k, v] : model) CHECK(seen.at(of<K>(k)) == of<V>(v));
}

} // namespace

TEST_CASE_TEMPLATE("it does what std::map does", T, types<int, int>, types<int, std::string>,
                   types<std::string, int>, types<std::string, std::shared_ptr<const int>>)
{
    compare_with_std_map<typename T::key, typename T::value>(8);
    compare_with_std_map<typename T::key, typename T::value>(2000);
}

TEST_CASE("a poor hash makes it slow, not wrong")
{
    compare_with_std_map<int, int, poor_hash>(100);
    compare_with_std_map<int, std::string, poor_hash>(100);
}

TEST_CASE_TEMPLATE("it grows, and finds everything", T, types<int, int>, types<int, std::string>)
{
    using V = typename T::value;
    concurrent_map<int, V> map;
    const int n = 20'000;
    for (int i = 0; i < n; ++i) map.store(i, of<V>(i));
    CHECK(map.size() == static_cast<std::size_t>(n));
    int found = 0;
    for (int i = 0; i < n; ++i) found += map.load(i) == of<V>(i);
    CHECK(found == n);
    CHECK_FALSE(map.load(n));
    map.clear();
    CHECK(map.empty());
    map.range([](int, const V&) -> bool { throw std::logic_error("there is nothing"); });
    map.store(3, of<V>(4));
    CHECK(map.load(3) == of<V>(4));
}

TEST_CASE("keys may be looked for by what is not a key")
{
    concurrent_map<std::string, int, text_hash> map;
    map.store("one", 1);
    map.store("two", 2);
    const std::string_view one = "one";
    CHECK(map.load(one) == 1);
    CHECK(map.load_and_delete(one) == 1);
    CHECK_FALSE(map.erase(one));
    CHECK(map.erase(std::string_view("two")));
    CHECK(map.empty());
}

TEST_CASE("range ends when it is told to, and its function may use the map")
{
    concurrent_map<int, std::string> map;
    for (int i = 0; i < 100; ++i) map.store(i, of<std::string>(i));
    int calls = 0;
    map.range([&](int, const std::string&) { return ++calls < 10; });
    CHECK(calls == 10);
    std::array<int, 100> times{};
    map.range([&](int k, const std::string& v) {
        if (k >= 1000) return true; // added below
        ++times[static_cast<std::size_t>(k)];
        for (int i = 0; i < 50; ++i) map.store(1000 + 50 * k + i, v); // it grows, and splits
        map.erase(k);
        CHECK(v == of<std::string>(k)); // whole, although it was erased
        return true;
    });
    CHECK(std::ranges::all_of(times, [](int t) { return t == 1; }));
    CHECK(map.size() == 5000);
}

TEST_CASE("values are destroyed when they are replaced, removed, and with the map")
{
    const auto value = std::make_shared<int>(1);
    {
        concurrent_map<int, std::shared_ptr<int>> map;
        for (int i = 0; i < 100; ++i) map.store(i % 10, value);
        CHECK(value.use_count() == 11);
        map.erase(0);
        CHECK(value.use_count() == 10);
        map.load_or_store(1, value);
        CHECK(value.use_count() == 10);
        map.compare_and_swap(1, value, nullptr);
        CHECK(value.use_count() == 9);
        CHECK_THROWS_AS(map.range([](int, const auto&) -> bool { throw std::runtime_error(""); }),
                        std::runtime_error);
        CHECK(value.use_count() == 9);
    }
    CHECK(value.use_count() == 1);
    concurrent_map<int, std::shared_ptr<int>> map;
    for (int i = 0; i < 100; ++i) map.store(i, value);
    map.clear();
    CHECK(value.use_count() == 1);
}

TEST_CASE("an exception of the user's code leaves the map as it was, and no lock held")
{
    concurrent_map<touchy, touchy, touchy_hash> map;
    const touchy one(1);
    const touchy two(2);
    map.store(one, one);
    touchy::throws = true;
    CHECK_THROWS_WITH(static_cast<void>(map.load(one)), "equal");
    CHECK_THROWS_WITH(map.erase(one), "equal");
    CHECK_THROWS_WITH(static_cast<void>(map.compare_and_swap(one, one, two)), "equal");
    CHECK_THROWS_WITH(map.store(one, two), "copy");
    touchy::throws = false;
    CHECK_THROWS_WITH(map.update(one,
                                 [](std::optional<touchy>) -> std::optional<touchy> {
                                     throw std::runtime_error("f");
                                 }),
                      "f");
    CHECK(map.size() == 1);
    CHECK(map.load(one)->number == 1);
}

TEST_CASE("an Equal of one's own never sees a key whose erase has returned")
{
    using E = pointee_equal;
    concurrent_map<const int*, int, pointee_hash, E> map;
    const int key = 1;
    const int same = 1;
    map.store(&key, 5);
    CHECK(map.load(&same) == 5);
    std::thread eraser([&] {
        while (!E::begun) std::this_thread::yield();
        map.erase(&key);
        E::erased = true; // the owner of `key` may free it now
    });
    E::watched = &same;
    static_cast<void>(map.load(&same));
    E::watched = nullptr;
    eraser.join();
    CHECK_FALSE(E::too_late);
    CHECK(map.empty());
}

TEST_CASE_TEMPLATE("no update is lost", T, types<int, int>, types<std::string, long double>)
{
    on_procs([]() -> task<> {
        using K = typename T::key;
        using V = typename T::value;
        concurrent_map<K, V> map;
        const auto turns = static_cast<int>(count(20'000));
        team all;
        for (int g = 0; g < 8; ++g) {
            all.go([&]() -> task<> {
                for (int i = 0; i < turns; ++i) {
                    map.update(of<K>(i % 3), [](std::optional<V> n) {
                        return std::optional<V>(n.value_or(0) + 1);
                    });
                    if (i % 64 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        co_await all.join();
        V sum = 0;
        for (int k = 0; k < 3; ++k) sum += map.load(of<K>(k)).value_or(0);
        CHECK(sum == static_cast<V>(8 * turns));
    });
}

TEST_CASE_TEMPLATE("a key that stays is found, whatever comes and goes beside it", T,
                   types<int, int>, types<int, std::string>)
{
    on_procs([]() -> task<> {
        using V = typename T::value;
        concurrent_map<int, V> map;
        for (int k = 0; k < 64; ++k) map.store(k, of<V>(k));
        const auto turns = static_cast<int>(count(20'000));
        std::atomic<int> wrong{0};
        team all;
        for (int g = 0; g < 6; ++g) {
            all.go([&, g]() -> task<> {
                for (int i = 0; i < turns; ++i) {
                    const int k = i % 64;
                    if (g % 2 == 0) {
                        if (map.load(k) != of<V>(k)) ++wrong;
                    } else {
                        const int other = 64 + (i * 7 + g * turns) % 5000;
                        map.store(other, of<V>(other));
                        if (i % 3 != 0) map.erase(64 + (i * 7 + g * turns + 3500) % 5000);
                    }
                    if (i % 64 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        co_await all.join();
        CHECK(wrong == 0);
    });
}
