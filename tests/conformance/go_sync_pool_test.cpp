// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// sync.Pool and sync.Map by Go's rules.

#include "testing.hpp"

#include <weft/concurrent_map.hpp>
#include <weft/object_pool.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>

using weft::concurrent_map;
using weft::object_pool;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;

namespace {

/// Counts how many there are.
struct counted {
    counted(int n, std::atomic<long>& a) : number(n), alive(&a) { ++*alive; }
    counted(counted&& o) noexcept : number(o.number), alive(o.alive) { ++*alive; }
    ~counted() { --*alive; }

    int number;
    std::atomic<long>* alive;
};

} // namespace

TEST_CASE("SYNC-24 an empty pool gives nothing, or what its factory makes")
{
    on_procs([]() -> task<> {
        object_pool<int> empty;
        CHECK_FALSE(empty.get());

        object_pool pool([n = 0]() mutable { return ++n; });
        CHECK(pool.get().release() == 1);
        CHECK(pool.get().release() == 2);
        pool.put(42);
        CHECK(pool.get().release() == 42);
        CHECK(pool.get().release() == 3);
        co_return;
    });
}

TEST_CASE("SYNC-25 a pool under stress gives only what was put, and destroys each object once")
{
    on_procs([]() -> task<> {
        std::atomic<long> alive{0};
        std::atomic<int> wrong{0};
        {
            object_pool<counted> pool;
            const std::size_t turns = count(100'000);
            team all;
            for (int i = 0; i < 10; ++i) {
                all.go([&]() -> task<> {
                    for (std::size_t k = 0; k < turns; ++k) {
                        pool.put(counted(0, alive));
                        const auto h = pool.get();
                        if (h && h->number != 0) ++wrong;
                        if (k % 64 == 0) co_await weft::this_goroutine::yield();
                    }
                });
            }
            co_await all.join();
            CHECK(wrong == 0);
            CHECK(alive == static_cast<long>(pool.idle()));
            CHECK(alive > 0);
        }
        CHECK(alive == 0); // neither one left, nor one destroyed twice
    });
}

namespace {

/// What is stored for `key` in turn `i`: one of three values that no other key has.
template <class V>
V value_of(int key, int i)
{
    if constexpr (std::is_same_v<V, int>) return key * 3 + i % 3;
    else return std::to_string(key * 3 + i % 3);
}
int key_of(int value)
{
    return value / 3;
}
int key_of(const std::string& value)
{
    return std::stoi(value) / 3;
}

} // namespace

TEST_CASE_TEMPLATE(
    "SYNC-26 a map is written, read and cleared at once, and empty after the last clear", V, int,
    std::string)
{
    on_procs([]() -> task<> {
        concurrent_map<int, V> map;
        const auto turns = static_cast<int>(count(10'000));
        std::atomic<int> wrong{0};
        team all;
        for (int g = 0; g < 10; ++g) {
            all.go([&, g]() -> task<> {
                for (int i = 0; i < turns; ++i) {
                    const int k = (i + g * 17) % 100;
                    map.store(k, value_of<V>(k, i));
                    if (i % 32 == 0) co_await weft::this_goroutine::yield();
                }
            });
            all.go([&, g]() -> task<> {
                for (int i = 0; i < turns; ++i) {
                    const int k = (i + g * 13) % 100;
                    const auto v = map.load(k);
                    if (v && key_of(*v) != k) ++wrong;
                    if (i % 32 == 0) co_await weft::this_goroutine::yield();
                }
            });
            all.go([&]() -> task<> {
                for (int i = 0; i < turns / 10; ++i) {
                    map.clear();
                    if (i % 8 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        co_await all.join();
        CHECK(wrong == 0);
        map.clear();
        CHECK(map.empty());
        map.range([](int, const V&) {
            CHECK("there is nothing" == nullptr);
            return true;
        });
    });
}

TEST_CASE_TEMPLATE("SYNC-26 range sees each key at most once, and only what was stored for it", V,
                   int, std::string)
{
    on_procs([]() -> task<> {
        constexpr int keys = 1000;
        concurrent_map<int, V> map;
        std::atomic<bool> over{false};
        std::atomic<int> wrong{0};
        team all;
        for (int g = 1; g <= 4; ++g) {
            all.go([&, g]() -> task<> {
                for (int i = 0; !over; ++i) {
                    const int k = i * g % keys;
                    if (i % 5 == 0) map.erase(k);
                    else map.store(k, value_of<V>(k, i));
                    if (i % 32 == 0) co_await weft::this_goroutine::yield();
                }
            });
        }
        const std::size_t rounds = count(1000);
        for (std::size_t r = 0; r < rounds; ++r) {
            std::array<bool, keys> seen{};
            map.range([&](int k, const V& v) {
                if (key_of(v) != k || std::exchange(seen[static_cast<std::size_t>(k)], true))
                    ++wrong;
                return true;
            });
            co_await weft::this_goroutine::yield();
        }
        over = true;
        co_await all.join();
        CHECK(wrong == 0);
    });
}
