// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What costs memory and what does not. The whole program's operator new is counted.

#include "testing.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>

namespace {

std::atomic<std::size_t> allocations{0};

void* counted(std::size_t size, std::size_t alignment)
{
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (size == 0) size = 1;
    if (alignment < alignof(std::max_align_t)) alignment = alignof(std::max_align_t);
    if (void* p = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment))
        return p;
    throw std::bad_alloc();
}

} // namespace

void* operator new(std::size_t size)
{
    return counted(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    return counted(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept
{
    std::free(p);
}

using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

constexpr int rounds = 500;

/// How often `body` allocates once it is warm. The least of several runs: an operation that
/// allocates does so `rounds` times in each of them, while a thread that starts late, or Asio when
/// it queues the worker's own handler for the first time, does it once.
template <class Body>
task<std::size_t> allocations_of(Body& body)
{
    co_await body();
    auto least = static_cast<std::size_t>(-1);
    for (int i = 0; i < 5 && least != 0; ++i) {
        task<> measured = body(); // its frame does not count
        const std::size_t before = allocations;
        co_await std::move(measured);
        least = std::min<std::size_t>(least, allocations - before);
    }
    co_return least;
}

/// Fails unless `body` runs on one worker without an allocation.
template <class Body>
void check_none(Body body)
{
    weft_test::watchdog guard;
    weft::run(
        [&]() -> task<> {
            const std::size_t n = co_await allocations_of(body);
            CHECK(n == 0);
        },
        {.procs = 1});
}

/// A goroutine that answers on `back` to each value from `there`, until that is closed.
task<> answer(channel<int> there, channel<int> back)
{
    while (auto v = co_await there.receive()) co_await back.send(*v);
}

} // namespace

TEST_CASE("the counter counts")
{
    const std::size_t before = allocations;
    const auto p = std::make_unique<int>(1);
    CHECK(allocations == before + 1);
}

TEST_CASE("a send and a receive that need not wait allocate nothing")
{
    auto ch = make_channel<std::string>(4);
    auto signals = make_channel<void>(1);
    check_none([&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            co_await ch.send("short");
            co_await ch.receive();
            co_await signals.send();
            co_await signals.receive();
        }
    });
}

TEST_CASE("calls that never wait allocate nothing, whether they succeed or not")
{
    auto ch = make_channel<int>(1);
    check_none([&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            (void)ch.try_send(1);
            (void)ch.try_send(2);
            (void)ch.try_receive();
            (void)ch.try_receive();
            (void)weft::try_select{ch.receive(), channel<int>().send(1)};
            (void)weft::try_select{ch.receive(), ch.send(1)};
        }
        co_return;
    });
}

TEST_CASE("a hand-off between two goroutines, where one always waits, allocates nothing")
{
    auto there = make_channel<int>(), back = make_channel<int>();
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) weft::go(answer, there, back);
        for (int i = 0; i < rounds; ++i) {
            co_await there.send(i);
            co_await back.receive();
        }
    });
}

TEST_CASE("a full buffer and its waiting senders cost nothing more")
{
    auto ch = make_channel<int>(2);
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) {
            for (int i = 0; i < 4; ++i) {
                weft::go([ch]() -> task<> {
                    for (;;) co_await ch.send(1);
                });
            }
        }
        for (int i = 0; i < rounds; ++i) {
            co_await ch.receive();
            if (i % 3 == 0) co_await weft::this_goroutine::yield();
        }
    });
}

TEST_CASE("a select allocates nothing, whether it finds a case ready or waits")
{
    auto there = make_channel<int>(), back = make_channel<int>(), quit = make_channel<int>();
    auto ready = make_channel<int>(1);
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) weft::go(answer, there, back);
        for (int i = 0; i < rounds; ++i) {
            co_await weft::select{ready.send(1), quit.receive()};
            co_await weft::select_biased{quit.receive(), ready.receive()};
            co_await weft::select{there.send(i), quit.receive()};
            co_await weft::select{quit.receive(), back.receive()};
            co_await (there.send(i) || quit.receive());
            co_await back.receive();
        }
    });
}

TEST_CASE("locks, permits and counts that need not wait allocate nothing, nor do their selects")
{
    weft::mutex m;
    weft::rw_mutex rw;
    weft::semaphore permits(5);
    weft::wait_group all;
    weft::event set(true);
    weft::latch over(0);
    weft::barrier alone(1);
    const auto ctx = weft::background();
    check_none([&]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            {
                const auto g = co_await m.lock();
                (void)m.try_lock();
            }
            {
                const auto g = co_await rw.lock();
                (void)rw.try_lock_shared();
            }
            {
                const auto one = co_await rw.lock_shared();
                const auto two = co_await rw.shared().lock();
                (void)rw.try_lock();
            }
            co_await permits.acquire(2);
            permits.release(2);
            {
                const auto p = co_await permits.hold(3);
                (void)permits.try_acquire(3);
            }
            all.add(2);
            all.done();
            all.done();
            co_await all.wait();
            co_await set.wait();
            co_await over.wait();
            (void)co_await alone.arrive_and_wait();
            {
                const auto g = co_await m.lock(ctx);
                co_await all.wait(ctx);
            }
            {
                auto s = co_await weft::select{m.lock(), channel<int>().receive()};
            }
        }
    });
    CHECK(m.try_lock());
    CHECK(permits.available() == 5);
}

TEST_CASE("a lock that is waited for allocates nothing, and neither does once when it is done")
{
    weft::mutex m;
    weft::once once;
    weft::semaphore turn(1);
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) {
            for (int i = 0; i < 4; ++i) {
                weft::go([&]() -> task<> {
                    for (;;) {
                        {
                            const auto g = co_await m.lock();
                            co_await weft::this_goroutine::yield();
                        }
                        const auto p = co_await turn.hold();
                        co_await weft::this_goroutine::yield();
                    }
                });
            }
        }
        const auto nothing = [] {};
        co_await once.call(nothing);
        for (int i = 0; i < rounds; ++i) {
            {
                const auto g = co_await m.lock();
            }
            {
                const auto p = co_await turn.hold();
            }
            co_await once.call(nothing);
        }
    });
}

TEST_CASE("sleeping allocates nothing, alone or in company")
{
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) {
            for (int i = 0; i < 20; ++i) {
                weft::go([i]() -> task<> {
                    for (;;) co_await weft::sleep(std::chrono::microseconds(10 + i));
                });
            }
        }
        for (int i = 0; i < rounds / 10; ++i) {
            co_await weft::sleep(std::chrono::microseconds(i % 3 ? 1 : 50));
            co_await weft::sleep(weft::duration::zero());
        }
    });
}

TEST_CASE("a moment in a select allocates nothing, whether it comes or not")
{
    auto there = make_channel<int>(), back = make_channel<int>(), idle = make_channel<int>();
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) weft::go(answer, there, back);
        for (int i = 0; i < rounds; ++i) {
            co_await weft::select{there.send(i), weft::after(std::chrono::seconds(1))};
            co_await weft::select{back.receive(), weft::after(std::chrono::seconds(1)),
                                  weft::at(weft::time_point::max())};
            if (i % 10) continue;
            co_await weft::select{idle.receive(), weft::after(std::chrono::microseconds(1))};
            (void)weft::try_select{idle.receive(), weft::after(std::chrono::seconds(1))};
        }
    });
}

TEST_CASE("timers and tickers made, set, stopped and dropped: memory is used again")
{
    check_none([]() -> task<> {
        for (int i = 0; i < rounds; ++i) {
            weft::timer t(std::chrono::seconds(1));
            (void)t.reset(std::chrono::seconds(2));
            (void)t.stop();
            (void)t.reset(weft::duration::zero());
            (void)co_await t.channel().receive();
            weft::timer dropped(std::chrono::seconds(1));
            weft::ticker k(std::chrono::microseconds(i % 10 ? 1'000'000 : 5));
            if (i % 10 == 0) (void)co_await k.channel().receive();
            k.stop();
        }
    });
}

TEST_CASE("yield and the operation budget allocate nothing")
{
    bool started = false;
    check_none([&]() -> task<> {
        if (!std::exchange(started, true)) {
            weft::go([]() -> task<> {
                for (;;) co_await weft::this_goroutine::yield();
            });
        }
        for (int i = 0; i < rounds; ++i) co_await weft::this_goroutine::yield();
    });
}

TEST_CASE("closing wakes any number of goroutines without an allocation")
{
    weft::run(
        []() -> task<> {
            auto least = static_cast<std::size_t>(-1);
            for (int attempt = 0; attempt < 5 && least != 0; ++attempt) {
                auto ch = make_channel<int>();
                int awake = 0;
                for (int i = 0; i < 1000; ++i) {
                    weft::go([&awake, ch]() -> task<> {
                        co_await ch.receive();
                        ++awake;
                    });
                }
                co_await weft_test::until_parked(1000);
                const std::size_t before = allocations;
                ch.close();
                while (awake != 1000) co_await weft::this_goroutine::yield();
                least = std::min<std::size_t>(least, allocations - before);
                co_await weft_test::until_alone();
            }
            CHECK(least == 0);
        },
        {.procs = 1});
}

TEST_CASE("a goroutine costs its coroutine frames and nothing else")
{
    weft::run(
        []() -> task<> {
            auto gate = make_channel<void>();
            auto body = [gate]() -> task<> { co_await gate.receive(); };
            weft::go(body);
            co_await weft::this_goroutine::yield();
            const std::size_t before = allocations;
            for (int i = 0; i < 100; ++i) weft::go(body);
            for (int i = 0; i < 3; ++i) co_await weft::this_goroutine::yield();
            CHECK(allocations - before <=
                  201); // the bottom frame with the record, and the function's own
            const std::size_t plain = allocations;
            for (int i = 0; i < 100; ++i) weft::go([] {});
            CHECK(allocations - plain <= 101);
            gate.close();
            co_await weft_test::until_alone();
        },
        {.procs = 1});
}

TEST_CASE("awaiting a child task costs its frame")
{
    weft::run(
        []() -> task<> {
            const auto child = []() -> task<int> { co_return 1; };
            int sum = co_await child();
            const std::size_t before = allocations;
            for (int i = 0; i < 100; ++i) sum += co_await child();
            CHECK(allocations - before <= 101);
            CHECK(sum == 101);
        },
        {.procs = 1});
}

TEST_CASE("joining allocates nothing")
{
    weft::run(
        []() -> task<> {
            auto least = static_cast<std::size_t>(-1);
            for (int attempt = 0; attempt < 5 && least != 0; ++attempt) {
                auto gate = make_channel<void>();
                auto early = weft::spawn([]() -> task<int> { co_return 1; });
                auto late = weft::spawn([gate]() -> task<int> {
                    co_await gate.receive();
                    co_return 2;
                });
                co_await weft_test::until_parked(1, "chan receive");
                weft::go([gate] { (void)gate.try_send(); }); // runs when main waits
                const std::size_t before = allocations;
                const int one = co_await early.join();
                const int two = co_await late.join();
                least = std::min<std::size_t>(least, allocations - before);
                CHECK(one + two == 3);
            }
            CHECK(least == 0);
        },
        {.procs = 1});
}

TEST_CASE("ready operations allocate nothing on several workers, either")
{
    for (unsigned procs : {2u, 4u}) {
        weft_test::note_procs(procs);
        weft::run(
            []() -> task<> {
                auto ch = make_channel<int>(1);
                auto body = [&]() -> task<> {
                    for (int i = 0; i < rounds; ++i) {
                        co_await ch.send(1);
                        co_await weft::select{ch.receive(), channel<int>().receive()};
                        (void)weft::try_select{ch.receive()};
                    }
                };
                const std::size_t n = co_await allocations_of(body);
                CHECK(n == 0);
            },
            {.procs = procs});
    }
    weft_test::note_procs(0);
}
