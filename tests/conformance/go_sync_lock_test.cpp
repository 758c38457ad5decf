// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Mutex and RWMutex, by Go's rules.

#include "testing.hpp"
#include "ways_out.hpp"

#include <atomic>
#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::mutex;
using weft::rw_mutex;
using weft::task;
using weft_test::on_every_way_out;
using weft_test::on_procs;

namespace {

constexpr const char* locking = "sync.Mutex.Lock";
constexpr const char* writing = "sync.RWMutex.Lock";
constexpr const char* reading = "sync.RWMutex.RLock";

/// Takes the lock within 100 ms.
task<> check_lockable(mutex& m)
{
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 100ms);
    bool locked = false;
    try {
        const auto g = co_await m.lock(ctx);
        locked = true;
    } catch (const weft::error&) {
    }
    CHECK(locked);
}

} // namespace

TEST_CASE("SYNC-05 try_lock, and ten goroutines that lock a thousand times each")
{
    on_procs([]() -> task<> {
        mutex m;
        (void)co_await m.lock(); // the guard goes at once
        auto g = co_await m.lock();
        CHECK(!m.try_lock());
        g.unlock();
        CHECK(m.try_lock());
        m.unlock();
        std::atomic<int> ended{0};
        weft_test::team all;
        for (int i = 0; i < 10; ++i) {
            all.go([&]() -> task<> {
                for (int n = 0; n < 1'000; ++n) {
                    if (n % 3 == 0) {
                        if (m.try_lock()) m.unlock();
                        continue;
                    }
                    const auto mine = co_await m.lock();
                }
                ++ended;
            });
        }
        co_await all.join();
        CHECK(ended == 10);
    });
}

TEST_CASE("SYNC-06 a thousand goroutines add to a plain number under the lock")
{
    for (const unsigned procs : {1u, 2u, 4u, 8u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        weft::run(
            []() -> task<> {
                mutex m;
                std::size_t n = 0;
                const auto goroutines = weft_test::count(1'000);
                weft_test::team all;
                for (std::size_t i = 0; i < goroutines; ++i) {
                    all.go([&]() -> task<> {
                        for (int k = 0; k < 100; ++k) {
                            const auto g = co_await m.lock();
                            ++n;
                        }
                    });
                }
                co_await all.join();
                CHECK(n == goroutines * 100);
            },
            {.procs = procs});
    }
    weft_test::note_procs(0);
}

TEST_CASE("SYNC-07 unlock of an unlocked mutex, fresh or for the second time")
{
    on_procs([]() -> task<> {
        mutex m;
        CHECK_MISUSE(m.unlock(), "unlock of unlocked mutex");
        auto g = co_await m.lock();
        (void)g.release();
        m.unlock();
        CHECK_MISUSE(m.unlock(), "unlock of unlocked mutex");
        CHECK(m.try_lock());
    });
}

TEST_CASE("SYNC-08 locked by one and unlocked by another; held across a change of thread")
{
    on_procs([]() -> task<> {
        mutex m;
        auto locker = weft::spawn([&m]() -> task<> {
            auto g = co_await m.lock();
            (void)g.release();
        });
        co_await locker.join();
        CHECK(!m.try_lock());
        auto unlocker = weft::spawn([&m] { m.unlock(); });
        co_await unlocker.join();
        CHECK(m.try_lock());
        m.unlock();
        {
            const auto g = co_await m.lock();
            co_await weft::blocking([] {}); // comes back on any worker
            co_await weft::sleep(1ms);
            CHECK(!m.try_lock());
        }
        CHECK(m.try_lock());
    });
}

TEST_CASE("SYNC-09 those who wait for a held mutex get it in the order in which they came")
{
    on_procs([]() -> task<> {
        mutex m;
        std::string order;
        auto g = co_await m.lock();
        weft_test::team all;
        for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
            all.go([&, name]() -> task<> {
                const auto mine = co_await m.lock();
                order += name;
            });
            co_await weft_test::until_parked(static_cast<std::size_t>(name - 'a') + 1, locking);
        }
        g.unlock();
        co_await all.join();
        CHECK(order == "abcdef");
    });
}

TEST_CASE("SYNC-10 a guard unlocks on a normal exit, an exception and an early return")
{
    on_procs([]() -> task<> {
        mutex m;
        const auto is_free = [&m] {
            const bool taken = m.try_lock();
            if (taken) m.unlock();
            return taken;
        };
        co_await on_every_way_out([&m] { return m.lock(); }, [&m] { return !m.try_lock(); },
                                  is_free);
    });
}

TEST_CASE("SYNC-11 one that holds the mutex or waits for it is ended: another one gets it")
{
    on_procs([]() -> task<> {
        mutex m;
        for (const bool by_timeout : {false, true}) {
            auto [ctx, cancel] =
                weft::with_timeout(weft::background(), by_timeout ? weft::duration(1ms) : 1h);
            const auto holds = [&m]() -> task<> {
                const auto g = co_await m.lock();
                co_await weft::channel<int>().receive();
            };
            auto holder = weft::spawn(ctx, holds);
            if (!by_timeout) co_await weft_test::until_parked(1, "chan receive");
            auto waiter = weft::spawn(ctx, holds);
            if (!by_timeout) {
                co_await weft_test::until_parked(1, locking);
                cancel();
            }
            int ended = 0;
            for (auto* h : {&holder, &waiter}) {
                try {
                    co_await h->join();
                } catch (const weft::error&) {
                    ++ended;
                }
            }
            CHECK(ended == 2);
            co_await check_lockable(m);
            // One that only waits, while another one holds it.
            auto g = co_await m.lock();
            auto [brief, stop] = weft::with_timeout(weft::background(), 1ms);
            auto waits = weft::spawn(brief, holds);
            bool gave_up = false;
            try {
                co_await waits.join();
            } catch (const weft::error&) {
                gave_up = true;
            }
            CHECK(gave_up);
            g.unlock();
            co_await check_lockable(m);
        }
    });
}

TEST_CASE("SYNC-12 one, three and four readers all hold the lock at the same moment")
{
    on_procs([]() -> task<> {
        for (const int n : {1, 3, 4}) {
            rw_mutex m;
            auto inside = weft::make_channel<void>(), go_on = weft::make_channel<void>();
            weft_test::team all;
            for (int i = 0; i < n; ++i) {
                all.go([&m, inside, go_on]() -> task<> {
                    const auto g = co_await m.lock_shared();
                    co_await inside.send();
                    co_await go_on.receive();
                });
            }
            for (int i = 0; i < n; ++i) co_await inside.receive();
            CHECK(!m.try_lock());
            go_on.close();
            co_await all.join();
            CHECK(m.try_lock());
        }
    });
}

TEST_CASE("SYNC-13 which of try_lock and try_lock_shared succeed")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        {
            const auto g = co_await m.lock();
            CHECK(!m.try_lock());
            CHECK(!m.try_lock_shared());
        }
        CHECK(m.try_lock());
        m.unlock();
        CHECK(m.try_lock_shared());
        m.unlock_shared();
        const auto one = co_await m.lock_shared();
        const auto two = co_await m.lock_shared();
        CHECK(m.try_lock_shared());
        CHECK(!m.try_lock());
        m.unlock_shared();
    });
}

TEST_CASE("SYNC-14 hammer: a writer sees itself alone, readers see readers")
{
    for (const unsigned procs : {1u, 4u}) {
        weft_test::note_procs(procs);
        for (const int readers : {1, 3, 5, 10}) {
            weft_test::watchdog guard;
            weft::run(
                [readers]() -> task<> {
                    rw_mutex m;
                    std::atomic<int> activity{0};
                    const auto loops = weft_test::count(1'000);
                    weft_test::team all;
                    for (int i = 0; i < 2; ++i) {
                        all.go([&]() -> task<> {
                            for (std::size_t n = 0; n < loops; ++n) {
                                const auto g = co_await m.lock();
                                CHECK((activity += 10'000) == 10'000);
                                if (n % 16 == 0) co_await weft::this_goroutine::yield();
                                activity -= 10'000;
                            }
                        });
                    }
                    for (int i = 0; i < readers; ++i) {
                        all.go([&]() -> task<> {
                            for (std::size_t n = 0; n < loops; ++n) {
                                const auto g = co_await m.lock_shared();
                                const int now = ++activity;
                                CHECK(now >= 1);
                                CHECK(now < 10'000);
                                if (n % 16 == 0) co_await weft::this_goroutine::yield();
                                --activity;
                            }
                        });
                    }
                    co_await all.join();
                    CHECK(activity == 0);
                },
                {.procs = procs});
        }
    }
    weft_test::note_procs(0);
}

TEST_CASE("SYNC-15 the view of readers: two holds block a writer, a writer blocks the view")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        auto view = m.shared();
        auto one = co_await view.lock();
        auto two = co_await view.lock();
        std::atomic<bool> written{false};
        auto writer = weft::spawn([&]() -> task<> {
            const auto g = co_await m.lock();
            written = true;
        });
        co_await weft_test::until_parked(1, writing);
        one.unlock();
        CHECK(weft_test::parked(writing) == 1);
        CHECK(!written);
        two.unlock();
        co_await writer.join();
        CHECK(written);
        auto g = co_await m.lock();
        CHECK(!view.try_lock());
        auto reader = weft::spawn([&]() -> task<> { const auto mine = co_await view.lock(); });
        co_await weft_test::until_parked(1, reading);
        g.unlock();
        co_await reader.join();
    });
}

TEST_CASE("SYNC-16 misuse of an RWMutex")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        CHECK_MISUSE(m.unlock(), "unlock of unlocked RWMutex");
        CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex");
        {
            const auto g = co_await m.lock_shared();
            CHECK_MISUSE(m.unlock(), "unlock of unlocked RWMutex");
        }
        CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex"); // one too many
        {
            const auto g = co_await m.lock();
            CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex");
        }
        CHECK_MISUSE(m.unlock(), "unlock of unlocked RWMutex");
        CHECK(m.try_lock());
    });
}

TEST_CASE("SYNC-17 a writer that waits keeps new readers out until it has come and gone")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        std::string order;
        auto first = co_await m.lock_shared();
        weft_test::team all;
        all.go([&]() -> task<> {
            const auto g = co_await m.lock();
            order += 'w';
        });
        co_await weft_test::until_parked(1, writing);
        CHECK(!m.try_lock_shared());
        all.go([&]() -> task<> {
            const auto g = co_await m.lock_shared();
            order += 'r';
        });
        co_await weft_test::until_parked(1, reading);
        CHECK(!m.try_lock_shared());
        CHECK(order.empty());
        first.unlock();
        co_await all.join();
        CHECK(order == "wr");
        CHECK(m.try_lock_shared());
    });
}
