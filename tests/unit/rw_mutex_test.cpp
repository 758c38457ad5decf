// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// rw_mutex: its own members; who goes before whom.

#include <weft/rw_mutex.hpp>

#include "sync_waits.hpp"

#include <string>
#include <utility>

using weft::rw_mutex;
using weft::task;
using weft_test::on_procs;

namespace {

/// Waits to write, while somebody writes or reads.
template <bool HeldByReader>
struct writer_of {
    rw_mutex m;

    void block()
    {
        if (HeldByReader) CHECK(m.try_lock_shared());
        else CHECK(m.try_lock());
    }
    void release()
    {
        if (HeldByReader) m.unlock_shared();
        else m.unlock();
    }
    auto wait() { return m.lock(); }
    auto wait(const weft::context& ctx) { return m.lock(ctx); }
    void leave() {}
};
using writer = writer_of<false>;
using writer_behind_reader = writer_of<true>;

struct reader : writer_of<false> {
    auto wait() { return m.lock_shared(); }
    auto wait(const weft::context& ctx) { return m.lock_shared(ctx); }
};

constexpr const char* writing = "sync.RWMutex.Lock";
constexpr const char* reading = "sync.RWMutex.RLock";

} // namespace

WEFT_TEST_WAITS("rw_mutex, a writer behind a writer", writer)
WEFT_TEST_WAITS("rw_mutex, a writer behind a reader", writer_behind_reader)
WEFT_TEST_WAITS("rw_mutex, a reader behind a writer", reader)

TEST_CASE("what can be had at once, and misuse that changes nothing")
{
    rw_mutex m;
    CHECK_MISUSE(m.unlock(), "unlock of unlocked RWMutex");
    CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex");
    CHECK(m.try_lock());
    CHECK(!m.try_lock());
    CHECK(!m.try_lock_shared());
    CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex");
    m.unlock();
    CHECK(m.try_lock_shared());
    CHECK(m.try_lock_shared());
    CHECK(!m.try_lock());
    CHECK_MISUSE(m.unlock(), "unlock of unlocked RWMutex");
    m.unlock_shared();
    CHECK(!m.try_lock());
    m.unlock_shared();
    CHECK_MISUSE(m.unlock_shared(), "RUnlock of unlocked RWMutex");
    auto view = m.shared();
    CHECK(view.try_lock());
    CHECK(!m.try_lock());
    view.unlock();
    CHECK_MISUSE(view.unlock(), "RUnlock of unlocked RWMutex");
    {
        CHECK(m.try_lock());
        rw_mutex::guard g(m);
        CHECK(!view.try_lock());
    }
    {
        CHECK(view.try_lock());
        rw_mutex::shared_guard g(m);
        CHECK(!m.try_lock());
        auto moved = std::move(g);
        CHECK(moved.get() == &m);
    }
    CHECK(m.try_lock());
    m.unlock();
}

TEST_CASE("a writer that waits and is cancelled lets in the readers it kept out")
{
    for (const bool bound : {false, true}) {
        CAPTURE(bound);
        on_procs([bound]() -> task<> {
            rw_mutex m;
            CHECK(m.try_lock_shared());
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            const auto writes = [&]() -> task<> {
                if (bound) {
                    const auto g = co_await m.lock();
                } else {
                    const auto g = co_await m.lock(ctx);
                }
            };
            auto w = bound ? weft::spawn(ctx, writes) : weft::spawn(writes);
            co_await weft_test::until_parked(1, writing);
            CHECK(!m.try_lock_shared());
            weft_test::team readers;
            auto both = weft::make_channel<void>();
            for (int i = 0; i < 2; ++i) {
                readers.go([&m, both]() -> task<> {
                    const auto g = co_await m.lock_shared();
                    co_await both.receive(); // both are in at the same time
                });
            }
            co_await weft_test::until_parked(2, reading);
            cancel();
            std::error_code code;
            try {
                co_await w.join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
            co_await weft_test::until_parked(2, "chan receive");
            CHECK(m.try_lock_shared());
            m.unlock_shared();
            both.close();
            co_await readers.join();
            m.unlock_shared();
            CHECK(m.try_lock());
            m.unlock();
        });
    }
}

TEST_CASE("one of two writers is cancelled: the other one still keeps readers out")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        std::string order;
        CHECK(m.try_lock_shared());
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto first =
            weft::spawn([&, own = ctx]() -> task<> { const auto g = co_await m.lock(own); });
        co_await weft_test::until_parked(1, writing);
        weft_test::team all;
        all.go([&]() -> task<> {
            const auto g = co_await m.lock();
            order += 'w';
        });
        co_await weft_test::until_parked(2, writing);
        all.go([&]() -> task<> {
            const auto g = co_await m.lock_shared();
            order += 'r';
        });
        co_await weft_test::until_parked(1, reading);
        cancel();
        try {
            co_await first.join();
        } catch (const weft::error&) {
            order += 'c';
        }
        CHECK(!m.try_lock_shared());
        CHECK(weft_test::parked(reading) == 1);
        m.unlock_shared();
        co_await all.join();
        CHECK(order == "cwr");
    });
}

TEST_CASE("a writer's select that takes another case lets readers in")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        CHECK(m.try_lock_shared());
        auto other = weft::make_channel<int>();
        auto w = weft::spawn([&m, other]() -> task<> {
            auto s = co_await weft::select{m.lock(), other.receive()};
            CHECK(s.index() == 1);
        });
        co_await weft_test::until_parked(1, "select");
        auto r = weft::spawn([&m]() -> task<> { const auto g = co_await m.lock_shared(); });
        co_await weft_test::until_parked(1, reading);
        co_await other.send(1);
        co_await w.join();
        co_await r.join();
        m.unlock_shared();
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("readers that wait go before the next writer, and all of them together")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        std::atomic<int> inside{0};
        CHECK(m.try_lock());
        weft_test::team all;
        bool written = false;
        all.go([&]() -> task<> {
            const auto g = co_await m.lock();
            CHECK(inside == 0);
            written = true;
        });
        co_await weft_test::until_parked(1, writing);
        auto go_on = weft::make_channel<void>();
        for (int i = 0; i < 3; ++i) {
            all.go([&, go_on]() -> task<> {
                const auto g = co_await m.lock_shared();
                ++inside;
                co_await go_on.receive();
                CHECK(!written);
                --inside;
            });
        }
        co_await weft_test::until_parked(3, reading);
        m.unlock();
        co_await weft_test::until_parked(3, "chan receive");
        CHECK(inside == 3);
        CHECK(weft_test::parked(writing) == 1);
        go_on.close();
        co_await all.join();
        CHECK(written);
    });
}

TEST_CASE("a view takes contexts, and both locks of one object can stand in one select")
{
    on_procs([]() -> task<> {
        rw_mutex m;
        auto view = m.shared();
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        {
            const auto g = co_await view.lock(ctx);
            const auto h = co_await view.lock();
            CHECK(!m.try_lock());
        }
        CHECK(m.try_lock());
        auto either = weft::spawn([&]() -> task<> {
            auto s = co_await weft::select{m.lock(), m.lock_shared()};
            CHECK(s.index() == 1); // readers go first when a writer unlocks
            CHECK(!m.try_lock());
            CHECK(m.try_lock_shared());
            m.unlock_shared();
        });
        co_await weft_test::until_parked(1, "select");
        m.unlock();
        co_await either.join();
        cancel();
        const auto locks = [&]() -> task<> { const auto g = co_await view.lock(ctx); };
        const auto code = co_await weft_test::code_of(locks());
        CHECK(code == weft::errc::canceled);
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("readers and writers on many schedules: a writer is alone")
{
    weft::testing::explore(
        []() -> task<> {
            rw_mutex m;
            int readers = 0, writers = 0;
            weft::wait_group all;
            const auto reads = [&]() -> task<> {
                const auto g = co_await m.lock_shared();
                ++readers;
                CHECK(writers == 0);
                co_await weft::this_goroutine::yield();
                --readers;
            };
            const auto writes = [&]() -> task<> {
                const auto g = co_await m.lock();
                ++writers;
                CHECK(writers == 1);
                CHECK(readers == 0);
                co_await weft::this_goroutine::yield();
                --writers;
            };
            for (int i = 0; i < 2; ++i) {
                all.go(reads);
                all.go(writes);
                all.go(reads);
            }
            co_await all.wait();
            CHECK(m.try_lock());
        },
        {.schedules = weft_test::count(20'000)});
}
