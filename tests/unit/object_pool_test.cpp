// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/object_pool.hpp>

// `object_pool`: handles, the bound, whose objects are taken, what becomes of them in the end.

#include "testing.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

using weft::object_pool;
using weft::object_pool_options;
using weft::task;
using weft_test::on_procs;
using weft_test::team;

namespace {

std::atomic<int> alive{0};
std::atomic<int> made{0};

/// Counts itself; cannot be copied.
struct counted {
    explicit counted(int n = 0) : number(n)
    {
        ++alive;
        ++made;
    }
    counted(counted&& o) noexcept : number(o.number) { ++alive; }
    ~counted() { --alive; }

    int number;
};

/// Neither copied nor moved.
struct fixed {
    fixed() = default;
    fixed(fixed&&) = delete;

    std::atomic<int> uses{0};
};

} // namespace

TEST_CASE("a handle gives its object back at the end of its scope, and the next one gets it")
{
    object_pool<std::vector<int>> pool([] { return std::vector<int>(); });
    const int* data;
    {
        auto v = pool.get();
        REQUIRE(v);
        v->assign(100, 7);
        data = v->data();
        CHECK(pool.idle() == 0);
    }
    CHECK(pool.idle() == 1);
    auto v = pool.get();
    CHECK(v->data() == data);
    CHECK((*v)[99] == 7); // as it was left
    auto w = pool.get();
    CHECK(w->empty());
}

TEST_CASE("the type follows from the factory, and need not move")
{
    object_pool pool([] { return fixed(); });
    static_assert(std::is_same_v<decltype(pool), object_pool<fixed>>);
    {
        ++pool.get()->uses;
    }
    CHECK(++pool.get()->uses == 2);

    object_pool bounded([] { return 1; }, {.idle_per_worker = 0});
    static_assert(std::is_same_v<decltype(bounded), object_pool<int>>);
    CHECK(*bounded.get() == 1);
    CHECK(bounded.idle() == 0);
}

TEST_CASE("handles move")
{
    object_pool<int> pool([n = 0]() mutable { return ++n; });
    object_pool<int>::handle a;
    CHECK_FALSE(a);
    a = pool.get();
    auto b = std::move(a);
    CHECK_FALSE(a);
    CHECK(*b == 1);
    a = pool.get();
    CHECK(*a == 2);
    a = std::move(b); // 2 goes back
    CHECK(*a == 1);
    CHECK(pool.idle() == 1);
    auto& same = a;
    a = std::move(same);
    CHECK(*a == 1);
    CHECK(pool.idle() == 1);
}

TEST_CASE("release takes the value out, and the pool has one object less")
{
    object_pool<std::unique_ptr<int>> pool;
    CHECK_FALSE(pool.get());
    pool.put(std::make_unique<int>(5));
    auto h = pool.get();
    const std::unique_ptr<int> mine = h.release();
    CHECK(*mine == 5);
    CHECK_FALSE(h);
    CHECK(pool.idle() == 0);
}

TEST_CASE("what comes back above the bound is destroyed")
{
    {
        object_pool<counted> pool([] { return counted(); }, {.idle_per_worker = 3});
        {
            std::vector<object_pool<counted>::handle> all;
            for (int i = 0; i < 10; ++i) all.push_back(pool.get());
            CHECK(alive == 10);
        }
        CHECK(pool.idle() == 3);
        CHECK(alive == 3);
        pool.put(counted());
        CHECK(alive == 3);
        {
            const auto used = pool.get();
            pool.trim();
            CHECK(alive == 1); // the one in use
        }
        CHECK(alive == 1);
    }
    CHECK(alive == 0);
}

TEST_CASE("a factory that throws leaves the pool as it was")
{
    object_pool<int> pool([first = true]() mutable {
        if (std::exchange(first, false)) throw std::runtime_error("not today");
        return 3;
    });
    CHECK_THROWS_WITH(static_cast<void>(pool.get()), "not today");
    CHECK(*pool.get() == 3);
}

TEST_CASE("what another thread left is taken before a new one is made")
{
    on_procs([]() -> task<> {
        object_pool<counted> pool([] { return counted(); });
        made = 0;
        std::thread([&] { const auto h = pool.get(); }).join(); // a thread without a worker
        CHECK(pool.idle() == 1);
        {
            const auto h = pool.get();
        } // it goes to this worker
        std::thread([&] { const auto h = pool.get(); }).join();
        CHECK(made == 1);
        co_return;
    });
    CHECK(alive == 0);
}

TEST_CASE("a pool made outside serves a runtime with more workers")
{
    object_pool<counted> pool([] { return counted(); });
    on_procs([&]() -> task<> {
        team all;
        for (int i = 0; i < 16; ++i) {
            all.go([&]() -> task<> {
                for (int k = 0; k < 100; ++k) {
                    const auto h = pool.get();
                    co_await weft::this_goroutine::yield(); // it may go back elsewhere
                }
            });
        }
        co_await all.join();
    });
    CHECK(pool.idle() == static_cast<std::size_t>(alive.load()));
    pool.trim();
    CHECK(alive == 0);
}

TEST_CASE("an object has one owner, whoever trims meanwhile")
{
    on_procs([]() -> task<> {
        object_pool<fixed> pool([] { return fixed(); }, {.idle_per_worker = 2});
        const auto turns = static_cast<int>(weft_test::count(10'000));
        std::atomic<int> shared{0};
        team all;
        for (int i = 0; i < 8; ++i) {
            all.go([&, i]() -> task<> {
                for (int k = 0; k < turns; ++k) {
                    {
                        const auto h = pool.get();
                        if (h->uses.fetch_add(1) != 0) ++shared;
                        if (k % 64 == 0) co_await weft::this_goroutine::yield();
                        h->uses.fetch_sub(1);
                    }
                    if (i == 0 && k % 100 == 0) pool.trim();
                }
            });
        }
        co_await all.join();
        CHECK(shared == 0);
    });
}
