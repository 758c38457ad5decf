// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Locks, conditions, permits and counts against contexts that end at random: whoever says it got something
// did, nobody else has it, and nothing is lost.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::task;
using weft_test::count;
using weft_test::on_procs;

namespace {

/// Contexts that end soon: by a timeout, by another goroutine, before they are used, or never.
class endings {
public:
    explicit endings(std::uint64_t seed) : random_(seed) {}

    struct short_life {
        context ctx;
        weft::cancel_function cancel;
    };
    short_life next()
    {
        auto made = weft::with_timeout(
            weft::background(), random_() % 3
                                    ? weft::duration(std::chrono::nanoseconds(random_() % 20'000))
                                    : weft::duration(1h));
        switch (random_() % 4) {
        case 0: made.cancel(); break;
        case 1: weft::go([cancel = made.cancel] { cancel(); }); break;
        default: break;
        }
        return {made.ctx, made.cancel};
    }
    std::uint64_t roll() { return random_(); }

private:
    std::mt19937_64 random_;
};

/// What all goroutines of a test did together.
struct tally {
    std::atomic<std::int64_t> done{0}, given_up{0};
};

/// Runs `step(endings&, n)` `rounds` times in each of `goroutines`; an ended context counts as given up.
template <class Step>
task<> crowd(tally& t, int goroutines, std::size_t rounds, Step step)
{
    weft_test::team all;
    auto random = weft_test::make_random();
    for (int i = 0; i < goroutines; ++i) {
        all.go([&t, rounds, &step, seed = random()]() -> task<> {
            endings mine(seed);
            for (std::size_t n = 0; n < rounds; ++n) {
                bool gave_up = false;
                try {
                    co_await step(mine);
                    ++t.done;
                } catch (const weft::error&) {
                    gave_up = true;
                }
                if (gave_up) ++t.given_up;
            }
        });
    }
    co_await all.join();
    CHECK(t.done + t.given_up == static_cast<std::int64_t>(rounds) * goroutines);
}

constexpr int goroutines = 8;

} // namespace

TEST_CASE("mutex: one at a time, by every way to wait")
{
    on_procs([]() -> task<> {
        weft::mutex m;
        std::int64_t inside = 0, entered = 0; // plain: the mutex guards them
        tally t;
        const auto work = [&](endings& e) -> task<> {
            CHECK(++inside == 1);
            ++entered;
            if (e.roll() % 4 == 0) co_await weft::this_goroutine::yield();
            --inside;
        };
        const auto step = [&](endings& e) -> task<> {
            switch (e.roll() % 5) {
            case 0: {
                const auto g = co_await m.lock();
                co_await work(e);
                break;
            }
            case 1: {
                auto life = e.next();
                const auto g = co_await m.lock(life.ctx);
                co_await work(e);
                break;
            }
            case 2: {
                auto life = e.next();
                auto s = co_await weft::select{life.ctx.done(), m.lock()};
                if (s.index() == 0) throw weft::error(weft::errc::canceled);
                co_await work(e);
                break;
            }
            case 3: {
                auto life = e.next();
                const auto bound = [&]() -> task<> {
                    const auto g = co_await m.lock();
                    co_await work(e);
                };
                auto h = weft::spawn(life.ctx, bound);
                co_await h.join();
                break;
            }
            default:
                if (!m.try_lock()) throw weft::error(weft::errc::canceled);
                weft::mutex::guard g(m);
                co_await work(e);
            }
        };
        co_await crowd(t, goroutines, count(50'000) / goroutines, step);
        CHECK(entered >= t.done); // a bound one may have been inside when it was ended
        CHECK(inside >= 0);
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("rw_mutex: writers alone, readers together, and nobody shut out at the end")
{
    on_procs([]() -> task<> {
        weft::rw_mutex m;
        std::atomic<int> readers{0}, writers{0};
        std::int64_t written = 0; // plain
        tally t;
        const auto reads = [&](endings& e) -> task<> {
            ++readers;
            CHECK(writers == 0);
            const auto before = written;
            if (e.roll() % 4 == 0) std::this_thread::yield();
            CHECK(written == before);
            --readers;
            co_return;
        };
        const auto writes = [&](endings& e) -> task<> {
            CHECK(++writers == 1);
            CHECK(readers == 0);
            ++written;
            if (e.roll() % 4 == 0) std::this_thread::yield();
            --writers;
            co_return;
        };
        const auto step = [&](endings& e) -> task<> {
            auto life = e.next();
            switch (e.roll() % 6) {
            case 0: {
                const auto g = co_await m.lock();
                co_await writes(e);
                break;
            }
            case 1: {
                const auto g = co_await m.lock(life.ctx);
                co_await writes(e);
                break;
            }
            case 2: {
                const auto g = co_await m.lock_shared();
                co_await reads(e);
                break;
            }
            case 3: {
                const auto g = co_await m.lock_shared(life.ctx);
                co_await reads(e);
                break;
            }
            case 4: {
                const auto bound = [&]() -> task<> {
                    const auto g = co_await m.lock();
                    co_await writes(e);
                };
                auto h = weft::spawn(life.ctx, bound);
                co_await h.join();
                break;
            }
            default: {
                auto s = co_await weft::select{m.lock_shared(), life.ctx.done()};
                if (s.index() == 1) throw weft::error(weft::errc::canceled);
                co_await reads(e);
            }
            }
        };
        co_await crowd(t, goroutines, count(50'000) / goroutines, step);
        CHECK(readers == 0);
        CHECK(writers == 0);
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("semaphore: never more than there are, and all of them back")
{
    on_procs([]() -> task<> {
        constexpr std::int64_t size = 5;
        weft::semaphore s(size);
        std::atomic<std::int64_t> in_use{0};
        tally t;
        const auto uses = [&](endings& e, std::int64_t n) -> task<> {
            CHECK(in_use.fetch_add(n) + n <= size);
            if (e.roll() % 4 == 0) std::this_thread::yield();
            in_use -= n;
            co_return;
        };
        const auto step = [&](endings& e) -> task<> {
            const auto n = static_cast<std::int64_t>(e.roll() % 8); // some are too many
            auto life = e.next();
            if (n > size) {
                life.cancel();
                const auto p = co_await s.hold(life.ctx, n);
            } else if (e.roll() % 3 == 0) {
                const auto p = co_await s.hold(n);
                co_await uses(e, n);
            } else if (e.roll() % 2 == 0) {
                const auto p = co_await s.hold(life.ctx, n);
                co_await uses(e, n);
            } else {
                const auto bound = [&]() -> task<> {
                    co_await s.acquire(n);
                    co_await uses(e, n);
                    s.release(n);
                };
                auto h = weft::spawn(life.ctx, bound);
                co_await h.join();
            }
        };
        co_await crowd(t, goroutines, count(50'000) / goroutines, step);
        CHECK(in_use == 0);
        CHECK(s.available() == size);
    });
}

TEST_CASE("cond: as many taken as were put, though some that wait give up")
{
    on_procs([]() -> task<> {
        weft::mutex m;
        weft::cond changed(m);
        std::int64_t stock = 0, puts = 0, taken = 0; // plain
        const auto rounds = count(40'000) / goroutines;
        std::atomic<int> left{goroutines / 2};
        weft_test::team all;
        auto random = weft_test::make_random();
        for (int i = 0; i < goroutines / 2; ++i) {
            all.go([&]() -> task<> {
                for (std::size_t n = 0; n < rounds; ++n) {
                    auto g = co_await m.lock();
                    ++stock;
                    ++puts;
                    if (n % 2) g.unlock();
                    changed.signal();
                }
                const auto g = co_await m.lock();
                if (--left == 0) changed.broadcast();
            });
        }
        for (int i = 0; i < goroutines; ++i) {
            all.go([&, i, seed = random()]() -> task<> {
                endings e(seed);
                const auto take = [&](context ctx) -> task<bool> {
                    auto g = co_await m.lock();
                    while (stock == 0) {
                        if (left == 0) co_return false;
                        if (i % 2) co_await changed.wait(ctx, g);
                        else co_await changed.wait(g);
                    }
                    --stock;
                    ++taken;
                    co_return true;
                };
                for (bool more = true; more;) {
                    auto life = e.next();
                    try {
                        if (i % 4 < 2) {
                            more = co_await take(life.ctx);
                        } else {
                            auto h = weft::spawn(life.ctx, take, life.ctx);
                            more = co_await h.join();
                        }
                    } catch (const weft::error&) {
                        more = true;
                    }
                }
            });
        }
        co_await all.join(); // a lost signal is a deadlock here
        CHECK(stock == 0);
        CHECK(taken == puts);
        CHECK(m.try_lock());
        m.unlock();
    });
}

TEST_CASE("wait_group: whoever is let go sees all that was done before")
{
    on_procs([]() -> task<> {
        tally t;
        const auto step = [&](endings& e) -> task<> {
            weft::wait_group g;
            std::int64_t sums[4] = {}; // plain, one each
            for (auto& sum : sums) {
                g.go([&sum, lazy = e.roll() % 2 == 0]() -> task<> {
                    if (lazy) co_await weft::this_goroutine::yield();
                    sum = 1;
                });
            }
            auto life = e.next();
            bool gave_up = false;
            try {
                co_await g.wait(life.ctx);
            } catch (const weft::error&) {
                gave_up = true;
            }
            co_await g.wait();
            CHECK(sums[0] + sums[1] + sums[2] + sums[3] == 4);
            if (gave_up) throw weft::error(weft::errc::canceled);
        };
        co_await crowd(t, goroutines, count(20'000) / goroutines, step);
    });
}
