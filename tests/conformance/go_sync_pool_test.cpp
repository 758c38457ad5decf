// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// sync.Pool and sync.Map by Go's rules.

#include "testing.hpp"

#include <weft/object_pool.hpp>

#include <atomic>
#include <cstddef>

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
