// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Timers that goroutines and ordinary threads set, stop, receive from and drop all at once. Each
// setting of a timer has one end: it is delivered, stopped, or set anew.

#include "testing.hpp"

#include <asio/io_context.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <random>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using weft::task;
using weft::ticker;
using weft::time_point;
using weft::timer;

namespace {

using generator = std::minstd_rand;

weft::duration some_time(generator& random)
{
    switch (random() % 6) {
    case 0: return 0ns;
    case 1: return -1ms;
    case 2: return 1h;
    default: return weft::duration(random() % 300'000);
    }
}

/// A timer, or one that calls a function, with what became of its settings.
struct shared_timer {
    std::atomic<std::int64_t> settings{1}, ended{0}, delivered{0};
    timer t;

    shared_timer(const weft::executor& ex, bool calls)
        : t(calls ? weft::after_func(ex, 100us, [this] { ++delivered; }) : timer(ex, 100us))
    {
    }

    void set(weft::duration d)
    {
        ++settings;
        if (t.reset(d)) ++ended;
    }
    void stop()
    {
        if (t.stop()) ++ended;
    }
    void received(time_point due)
    {
        ++delivered;
        if (due > weft::clock::now()) throw std::logic_error("a timer rang early");
    }
    void look()
    {
        if (auto due = t.channel().try_receive()) received(*due);
    }
    [[nodiscard]] bool settled() const { return settings == ended + delivered; }
};

using timers = std::vector<std::unique_ptr<shared_timer>>;

timers make_timers(const weft::executor& ex, int n)
{
    timers all;
    for (int i = 0; i < n; ++i) all.push_back(std::make_unique<shared_timer>(ex, i % 3 == 0));
    return all;
}

/// What anybody may do without waiting.
void meddle(shared_timer& s, generator& random)
{
    switch (random() % 4) {
    case 0: s.stop(); break;
    case 1: s.look(); break;
    default: s.set(some_time(random)); break;
    }
}

task<> goroutine_at(timers& all, generator random, int steps)
{
    for (int i = 0; i < steps; ++i) {
        shared_timer& s = *all[random() % all.size()];
        shared_timer& other = *all[random() % all.size()];
        switch (random() % 5) {
        case 0: {
            auto ch = s.t.channel();
            auto r = co_await weft::select{ch.receive(), weft::after(50us)};
            if (r.index() == 0) s.received(*r.get<0>());
            break;
        }
        case 1: {
            auto a = s.t.channel(), b = other.t.channel();
            auto r = co_await weft::select{weft::after(weft::duration(random() % 100'000)),
                                           a.receive(), b.receive()};
            if (r.index() == 1) s.received(*r.get<1>());
            if (r.index() == 2) other.received(*r.get<2>());
            break;
        }
        case 2: co_await weft::sleep(weft::duration(random() % 20'000)); break;
        default: meddle(s, random); break;
        }
    }
}

void thread_at(timers& all, generator random, int steps)
{
    for (int i = 0; i < steps; ++i) {
        shared_timer& s = *all[random() % all.size()];
        if (random() % 8 || !s.t.channel()) {
            meddle(s, random);
            continue;
        }
        auto future = s.t.channel().receive()(asio::use_future);
        while (future.wait_for(100us) != std::future_status::ready) s.set(0ns);
        s.received(*future.get());
    }
}

/// Ends what is still set, and checks the sums; a function may be about to run.
void settle(timers& all)
{
    for (auto& s : all) {
        s->stop();
        s->look();
        REQUIRE_FALSE(s->t.stop());
    }
    const auto give_up = weft::clock::now() + 10s;
    for (auto& s : all) {
        while (!s->settled() && weft::clock::now() < give_up) std::this_thread::yield();
        REQUIRE(s->settings == s->ended + s->delivered);
    }
}

} // namespace

TEST_CASE("stress: goroutines and threads at the same timers, each setting has one end")
{
    auto random = weft_test::make_random();
    const int steps = static_cast<int>(weft_test::count(20'000));
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        weft::runtime rt({.procs = procs});
        timers all = make_timers(rt.get_executor(), 7);
        for (int k = 0; k < 6; ++k) {
            weft::go(rt.get_executor(), goroutine_at, std::ref(all),
                     generator(static_cast<unsigned>(random())), steps);
        }
        std::vector<std::thread> threads;
        for (int k = 0; k < 2; ++k) {
            threads.emplace_back(thread_at, std::ref(all),
                                 generator(static_cast<unsigned>(random())), steps);
        }
        for (auto& t : threads) t.join();
        rt.join();
        settle(all);
        weft_test::note_procs(0);
    }
}

TEST_CASE("stress: the same on a host that others run, and that goes idle in between")
{
    auto random = weft_test::make_random();
    const int steps = static_cast<int>(weft_test::count(5000));
    for (unsigned procs : {1u, 2u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        asio::io_context context;
        weft::runtime rt(context.get_executor(), {.procs = procs});
        timers all = make_timers(rt.get_executor(), 5);
        for (int k = 0; k < 4; ++k) {
            weft::go(rt.get_executor(), goroutine_at, std::ref(all),
                     generator(static_cast<unsigned>(random())), steps);
        }
        auto work = asio::make_work_guard(context);
        std::vector<std::thread> hosts;
        for (int k = 0; k < 2; ++k) hosts.emplace_back([&] { context.run(); });
        thread_at(all, generator(static_cast<unsigned>(random())), steps);
        rt.join();
        settle(all);
        work.reset();
        for (auto& t : hosts) t.join(); // no stopped timer holds it
        weft_test::note_procs(0);
    }
}

TEST_CASE("stress: timers made here, received there, and dropped anywhere")
{
    auto random = weft_test::make_random();
    const int n = static_cast<int>(weft_test::count(50'000));
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        weft::runtime rt({.procs = procs});
        struct pair {
            timer t;
            weft::receive_channel<time_point> ch;
        };
        auto handed_over = weft::make_channel<std::unique_ptr<pair>>(16);
        std::atomic<int> made{0}, rung{0}, dropped{0};
        const auto make = [&](generator& choose) {
            const auto d = some_time(choose);
            auto p = std::make_unique<pair>();
            p->t = timer(rt.get_executor(), d);
            p->ch = p->t.channel();
            if (choose() % 2) p->t = {}; // its channel keeps it
            ++made;
            return p;
        };
        for (int k = 0; k < 2; ++k) {
            weft::go(rt.get_executor(),
                     [&, choose = generator(static_cast<unsigned>(random()))]() mutable -> task<> {
                         for (int i = 0; i < n / 4; ++i) {
                             auto p = make(choose);
                             co_await handed_over.send(std::move(p));
                         }
                     });
        }
        std::thread maker([&, choose = generator(static_cast<unsigned>(random()))]() mutable {
            for (int i = 0; i < n / 4; ++i) {
                auto p = make(choose);
                while (!handed_over.try_send(std::move(p))) std::this_thread::yield();
            }
        });
        std::thread taker([&] {
            while (made < n / 4 * 3 || handed_over.size() != 0) {
                if (auto p = handed_over.try_receive()) (*p)->ch.try_receive() ? ++rung : ++dropped;
            }
        });
        for (int k = 0; k < 3; ++k) {
            weft::go(rt.get_executor(), [&]() -> task<> {
                while (auto p = co_await handed_over.receive()) {
                    auto& ch = (*p)->ch;
                    auto s = co_await weft::select{ch.receive(), weft::after(100us)};
                    if ((*p)->t && !(*p)->t.stop() && s.index() != 0)
                        throw std::logic_error("a timer ended, and nobody had its value");
                    s.index() == 0 ? ++rung : ++dropped;
                }
            });
        }
        maker.join();
        taker.join();
        while (rung + dropped < n / 4 * 3) std::this_thread::yield();
        handed_over.close();
        rt.join();
        CHECK(rung + dropped == made);
        CHECK(rung > 0);
        weft_test::note_procs(0);
    }
}

TEST_CASE("stress: functions that set their own timers while others stop them")
{
    auto random = weft_test::make_random();
    const int rounds = static_cast<int>(weft_test::count(500));
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        for (int round = 0; round < rounds; ++round) {
            weft_test::watchdog guard;
            weft::runtime rt({.procs = procs});
            std::atomic<std::int64_t> settings{1}, ended{0}, calls{0};
            std::atomic<bool> over{false};
            timer t;
            auto there = weft::make_channel<void>();
            t = weft::after_func(rt.get_executor(), 0ms, [&]() -> task<> {
                ++calls;
                co_await there.receive();
                if (over) co_return;
                ++settings;
                if (t.reset(weft::duration(calls % 20'000))) ++ended;
            });
            there.close();
            std::thread other([&, choose = generator(static_cast<unsigned>(random()))]() mutable {
                for (int i = 0; i < 100; ++i) {
                    if (t.stop()) ++ended;
                    ++settings;
                    if (t.reset(weft::duration(choose() % 20'000))) ++ended;
                }
            });
            other.join();
            over = true;
            rt.join();
            if (t.stop()) ++ended;
            rt.join();
            const auto give_up = weft::clock::now() + 10s;
            while (settings != ended + calls && weft::clock::now() < give_up)
                std::this_thread::yield();
            REQUIRE(settings == ended + calls);
            rt.join(); // the last call may still be at its end
        }
    }
    weft_test::note_procs(0);
}

TEST_CASE("stress: tickers of all policies under stop, reset and receive")
{
    auto random = weft_test::make_random();
    const int steps = static_cast<int>(weft_test::count(20'000));
    for (unsigned procs : {1u, 2u, 4u}) {
        weft_test::note_procs(procs);
        weft_test::watchdog guard;
        weft::runtime rt({.procs = procs});
        std::vector<ticker> tickers;
        for (const auto late : {weft::late_ticks::drop, weft::late_ticks::burst,
                                weft::late_ticks::delay, weft::late_ticks::skip}) {
            tickers.emplace_back(rt.get_executor(), 50us, late);
        }
        const auto meddle_with = [&](ticker& t, generator& choose) {
            switch (choose() % 4) {
            case 0: t.stop(); break;
            case 1:
                if (auto tick = t.channel().try_receive()) {
                    if (*tick > weft::clock::now()) throw std::logic_error("a tick came early");
                }
                break;
            default: t.reset(weft::duration(1 + choose() % 200'000)); break;
            }
        };
        for (int k = 0; k < 4; ++k) {
            weft::go(rt.get_executor(),
                     [&, choose = generator(static_cast<unsigned>(random()))]() mutable -> task<> {
                         for (int i = 0; i < steps; ++i) {
                             ticker& t = tickers[choose() % tickers.size()];
                             if (choose() % 2) {
                                 auto ch = t.channel();
                                 co_await weft::select{ch.receive(), weft::after(100us)};
                             } else {
                                 meddle_with(t, choose);
                             }
                         }
                     });
        }
        generator choose(static_cast<unsigned>(random()));
        for (int i = 0; i < steps; ++i) meddle_with(tickers[choose() % 4], choose);
        rt.join();
        for (auto& t : tickers) {
            t.stop();
            REQUIRE_FALSE(t.channel().try_receive().has_value());
        }
        weft_test::note_procs(0);
    }
}
