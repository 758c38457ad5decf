// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// mutex: its own members; order, hand-over and owners.

#include <weft/mutex.hpp>

#include "sync_waits.hpp"

#include <weft/debug/lock_cycles.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <utility>

using weft::mutex;
using weft::task;
using weft_test::on_procs;

namespace {

struct subject {
    mutex m;

    void block() { CHECK(m.try_lock()); }
    void release() { m.unlock(); }
    auto wait() { return m.lock(); }
    auto wait(const weft::context& ctx) { return m.lock(ctx); }
    void leave() {}
};

/// Waits for the lock, and writes its name.
task<> sign(mutex& m, std::string& order, char name)
{
    const auto g = co_await m.lock();
    order += name;
}

} // namespace

WEFT_TEST_WAITS("mutex", subject)

TEST_CASE("try_lock, unlock, and misuse that changes nothing")
{
    mutex m;
    CHECK_MISUSE(m.unlock(), "unlock of unlocked mutex");
    CHECK(m.try_lock());
    CHECK(!m.try_lock());
    m.unlock();
    CHECK_MISUSE(m.unlock(), "unlock of unlocked mutex");
    CHECK(m.try_lock());
    mutex::guard g(m); // takes over
    CHECK(!m.try_lock());
    g.unlock();
    g.unlock(); // once only
    CHECK(m.try_lock());
    m.unlock();
    CHECK_MISUSE(m.unlock(), "unlock of unlocked mutex");
}

TEST_CASE("a guard unlocks once, wherever it was moved to")
{
    on_procs([]() -> task<> {
        mutex m, other;
        {
            auto g = co_await m.lock();
            CHECK(g.owns_lock());
            CHECK(g.get() == &m);
            auto moved = std::move(g);
            CHECK(!g); // NOLINT: looked at after the move on purpose
            CHECK(moved);
            CHECK(!m.try_lock());
            mutex::guard second = co_await other.lock();
            second = std::move(moved); // lets go of the other
            CHECK(other.try_lock());
            CHECK(second.get() == &m);
            CHECK(!m.try_lock());
            auto& self = second;
            second = std::move(self); // into itself
            CHECK(!m.try_lock());
        }
        CHECK(m.try_lock());
        {
            mutex::guard kept(m);
            CHECK(kept.release() == &m);
            CHECK(!kept);
        }
        CHECK(!m.try_lock());
        m.unlock();
        CHECK(!mutex::guard().owns_lock());
        CHECK(mutex::guard().get() == nullptr);
    });
}

TEST_CASE("those who wait are served first in, first out, however they wait")
{
    on_procs([]() -> task<> {
        mutex m;
        std::string order;
        CHECK(m.try_lock());
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        weft_test::team all;
        std::size_t waiting = 0;
        const auto start = [&](auto f, auto... args) -> task<> {
            all.go(f, args...);
            co_await weft_test::until_parked(++waiting);
        };
        const auto by_context = [&](char name) -> task<> {
            const auto g = co_await m.lock(ctx);
            order += name;
        };
        const auto by_select = [&](char name) -> task<> {
            auto s = co_await weft::select{m.lock(), weft::channel<int>().receive()};
            order += name;
            s.get<0>().unlock();
        };
        co_await start(sign, std::ref(m), std::ref(order), 'a');
        co_await start(by_context, 'b');
        co_await start(by_select, 'c');
        co_await start(sign, std::ref(m), std::ref(order), 'd');
        co_await start(by_context, 'e');
        m.unlock();
        co_await all.join();
        CHECK(order == "abcde");
    });
}

TEST_CASE("who runs may overtake when the lock is free, and nobody starves of that")
{
    weft_test::watchdog guard;
    weft::run(
        []() -> task<> {
            mutex m;
            bool served = false;
            CHECK(m.try_lock());
            weft::go([&]() -> task<> {
                const auto g = co_await m.lock();
                served = true;
            });
            co_await weft_test::until_parked(1, "sync.Mutex.Lock");
            // The first one overtakes, and the waiter is served by its third turn at the latest.
            m.unlock();
            CHECK(m.try_lock());
            int turns = 0;
            while (!served) {
                co_await weft::this_goroutine::yield();
                ++turns;
                if (served) break;
                m.unlock();
                (void)m.try_lock(); // at once again
            }
            CHECK(turns >= 2);
            CHECK(turns <= 4);
        },
        {.procs = 1});
}

TEST_CASE("one that was woken and ends with its runtime passes the lock on")
{
    weft_test::watchdog guard;
    weft::runtime survivor({.procs = 1});
    for (int round = 0; round < 50; ++round) {
        mutex m;
        std::atomic<bool> inside{false}, go_on{false};
        CHECK(m.try_lock());
        auto patient = weft::join_handle<void>();
        {
            weft::runtime rt({.procs = 1});
            weft::go(rt.get_executor(), [&m]() -> task<> { const auto g = co_await m.lock(); });
            while (weft_test::parked() != 1) std::this_thread::yield();
            patient = weft::spawn(survivor.get_executor(),
                                  [&m]() -> task<> { const auto g = co_await m.lock(); });
            while (weft_test::parked() != 2) std::this_thread::yield();
            // Its only worker is busy, so that the woken one has not run when the runtime ends.
            weft::go(rt.get_executor(), [&] {
                inside = true;
                while (!go_on) std::this_thread::yield();
            });
            while (!inside) std::this_thread::yield();
            m.unlock();
            if (round % 2) { // and one comes in between
                if (m.try_lock()) m.unlock();
            }
            std::thread opener([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(1));
                go_on = true;
            });
            opener.detach();
        }
        weft::sync_wait(survivor.get_executor(), patient.join());
        CHECK(m.try_lock());
    }
}

TEST_CASE("a goroutine that runs long on a free lock lets others run, and not while it holds it")
{
    weft_test::watchdog guard;
    weft::run(
        []() -> task<> {
            mutex m;
            bool others_ran = false, over = false;
            weft::go([&]() -> task<> {
                while (!over) {
                    others_ran = true;
                    CHECK(m.try_lock()); // never found locked
                    m.unlock();
                    co_await weft::this_goroutine::yield();
                }
            });
            for (int i = 0; i < 1000; ++i) { const auto g = co_await m.lock(); }
            CHECK(others_ran);
            over = true;
            co_await weft_test::until_alone();
        },
        {.procs = 1});
}

TEST_CASE("dumps name the owner and the place, whichever way the lock was taken")
{
    on_procs([]() -> task<> {
        mutex m;
        const auto waits = [&m]() -> task<> { const auto g = co_await m.lock(); };
        const auto expect = [&](std::uint64_t owner, std::uint_least32_t line) -> task<> {
            weft::go(waits);
            co_await weft_test::until_parked(1, "sync.Mutex.Lock");
            for (const auto& g : weft::debug::goroutines()) {
                if (g.state != "waiting") continue;
                CHECK(g.lock_holder == owner);
                CHECK(g.locked_at.line() == line);
                CHECK(std::string(g.locked_at.file_name()).ends_with("mutex_test.cpp"));
            }
            CHECK(weft::debug::lock_cycles().empty());
            m.unlock();
            co_await weft_test::until_alone();
        };
        const auto me = weft::this_goroutine::get_id();
        constexpr auto first = __LINE__ + 1;
        auto g = co_await m.lock();
        (void)g.release();
        co_await expect(me, first);
        constexpr auto second = __LINE__ + 1;
        CHECK(m.try_lock());
        co_await expect(me, second);
        constexpr auto third = __LINE__ + 1;
        auto s = co_await weft::select{m.lock()};
        (void)s.get<0>().release();
        co_await expect(me, third);
        constexpr auto fourth = __LINE__ + 1;
        auto t = co_await m.lock(weft::background());
        (void)t.release();
        co_await expect(me, fourth);
        std::thread([&] { CHECK(m.try_lock()); }).join();
        weft::go(waits);
        co_await weft_test::until_parked(1, "sync.Mutex.Lock");
        for (const auto& each : weft::debug::goroutines()) CHECK(each.lock_holder == 0);
        m.unlock();
        co_await weft_test::until_alone();
    });
}

TEST_CASE("one that was woken waits for ever when the mutex goes before its turn")
{
    std::atomic<bool> got_it{false};
    weft_test::watchdog guard;
    weft::run(
        [&]() -> task<> {
            mutex m;
            const auto g = co_await m.lock(); // goes before the mutex does, and wakes
            weft::go([&]() -> task<> {
                const auto mine = co_await m.lock();
                got_it = true;
            });
            co_await weft_test::until_parked(1, "sync.Mutex.Lock");
        },
        {.procs = 1});
    CHECK(!got_it);
}
