// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "counted.hpp"

#include "testing.hpp"

#include <weft/weft.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <iterator>
#include <optional>
#include <random>
#include <thread>
#include <vector>

// Random mixes of everything a channel can do, with each value accounted for: what was sent was
// received once, and nothing is alive at the end.

using stress::counted;
using weft::channel;
using weft::make_channel;
using weft::task;

namespace {

struct tally {
    std::atomic<std::int64_t> sent{0}, received{0};
};

task<> mixed_sender(std::array<channel<counted>, 3> chans, std::uint64_t seed, int n, tally& t,
                    channel<void> done)
{
    std::mt19937_64 rng(seed);
    for (int i = 1; i <= n; ++i) {
        auto& a = chans[rng() % 3];
        auto& b = chans[rng() % 3];
        switch (rng() % 4) {
        case 0: co_await a.send(counted(i)); break;
        case 1: {
            auto s = co_await weft::select{a.send(counted(i)), b.send(counted(i))};
            static_cast<void>(s);
            break;
        }
        case 2: {
            counted v(i);
            while (!a.try_send(std::move(v))) co_await weft::this_goroutine::yield();
            break;
        }
        default: {
            auto s = weft::try_select{a.send(counted(i)), b.send(counted(i))};
            if (s.index() == s.npos) co_await a.send(std::move(s.unsent<0>()));
            break;
        }
        }
        t.sent += i;
    }
    co_await done.send();
}

// Each channel has receivers of its own, so that no mix of senders can wait for ever.

task<> plain_receiver(channel<counted> ch, tally& t, channel<void> done)
{
    while (auto v = co_await ch.receive()) t.received += v->value();
    co_await done.send();
}

task<> batch_receiver(channel<counted> ch, tally& t, channel<void> done)
{
    std::vector<counted> some;
    while (co_await ch.receive_up_to(4, std::back_inserter(some)) != 0) {
        for (const auto& v : some) t.received += v.value();
        some.clear();
    }
    co_await done.send();
}

task<> select_receiver(std::array<channel<counted>, 3> chans, tally& t, channel<void> done)
{
    const auto take = [&t](std::optional<counted>& v, channel<counted>& from) {
        if (v) {
            t.received += v->value();
        } else {
            from = {}; // nil from now on
        }
    };
    while (chans[0] || chans[1] || chans[2]) {
        auto s = co_await weft::select{chans[0].receive(), chans[1].receive(), chans[2].receive()};
        switch (s.index()) {
        case 0: take(s.get<0>(), chans[0]); break;
        case 1: take(s.get<1>(), chans[1]); break;
        default: take(s.get<2>(), chans[2]); break;
        }
    }
    co_await done.send();
}

} // namespace

TEST_CASE("stress: random senders, receivers and selects lose and double nothing")
{
    auto rng = weft_test::make_random();
    const int rounds = static_cast<int>(weft_test::count(400));
    for (int round = 0; round < rounds / 10; ++round) {
        const unsigned procs = 1u << (rng() % 3);
        tally t;
        weft::run(
            [&]() -> task<> {
                std::array<channel<counted>, 3> chans{
                    make_channel<counted>(0), make_channel<counted>(1), make_channel<counted>(5)};
                auto sent = make_channel<void>();
                auto received = make_channel<void>();
                constexpr int workers = 6, each = 300;
                for (int k = 0; k < workers; ++k) {
                    weft::go(mixed_sender, chans, rng(), each, std::ref(t), sent);
                }
                for (auto& c : chans) {
                    weft::go(plain_receiver, c, std::ref(t), received);
                    weft::go(batch_receiver, c, std::ref(t), received);
                }
                for (int k = 0; k < 3; ++k) weft::go(select_receiver, chans, std::ref(t), received);
                for (int k = 0; k < workers; ++k) co_await sent.receive();
                for (auto& c : chans) c.close();
                for (int k = 0; k < 9; ++k) co_await received.receive();
            },
            {.procs = procs});
        REQUIRE(t.sent == t.received);
        REQUIRE(counted::alive() == 0);
    }
}

TEST_CASE("stress: ordinary threads and goroutines share a channel, alone and together by turns")
{
    // The number of threads that touch the channel keeps changing between one and several, which is
    // what the locks without locked instructions must survive.
    auto rng = weft_test::make_random();
    weft::runtime rt({.procs = 2});
    auto ch = make_channel<counted>(16);
    std::atomic<std::int64_t> received{0};
    std::int64_t sent = 0;
    auto consumer = weft::make_channel<void>();
    weft::go(rt.get_executor(), [&]() -> task<> {
        while (auto v = co_await ch.receive()) received += v->value();
        consumer.close();
    });
    const int rounds = static_cast<int>(weft_test::count(2000));
    for (int round = 0; round < rounds; ++round) {
        const int busy = static_cast<int>(rng() % 200);
        // A goroutine alone for a while ...
        weft::sync_wait(rt.get_executor(), [&]() -> task<> {
            for (int i = 0; i < busy; ++i) co_await ch.send(counted(1));
        });
        sent += busy;
        // ... then a thread cuts in.
        std::thread intruder([&] {
            for (int i = 0; i < 50; ++i) {
                counted v(2);
                while (!ch.try_send(std::move(v))) std::this_thread::yield();
            }
        });
        weft::sync_wait(rt.get_executor(), [&]() -> task<> {
            for (int i = 0; i < busy; ++i) co_await ch.send(counted(3));
        });
        intruder.join();
        sent += 3 * busy + 100;
    }
    ch.close();
    weft::sync_wait(rt.get_executor(), consumer.receive());
    CHECK(received == sent);
    CHECK(counted::alive() == 0);
}

TEST_CASE("stress: close races with senders, receivers and selects, each has one outcome")
{
    auto rng = weft_test::make_random();
    const int rounds = static_cast<int>(weft_test::count(4000));
    weft::run(
        [&]() -> task<> {
            for (int round = 0; round < rounds; ++round) {
                auto ch = make_channel<counted>(rng() % 3);
                auto idle = make_channel<counted>();
                auto done = make_channel<void>();
                std::atomic<int> sent{0}, refused{0}, received{0};
                constexpr int n = 4;
                for (int k = 0; k < n; ++k) {
                    weft::go([&, ch, idle, done, k]() -> task<> {
                        try {
                            if (k % 2) {
                                co_await ch.send(counted(1));
                            } else {
                                auto s = co_await weft::select{ch.send(counted(1)), idle.receive()};
                                static_cast<void>(s);
                            }
                            ++sent;
                        } catch (const weft::misuse_error&) {
                            ++refused;
                        }
                        co_await done.send();
                    });
                    weft::go([&, ch, done]() -> task<> {
                        while (auto v = co_await ch.receive()) ++received;
                        co_await done.send();
                    });
                }
                for (auto spin = rng() % 4; spin > 0; --spin)
                    co_await weft::this_goroutine::yield();
                ch.close();
                for (int k = 0; k < 2 * n; ++k) co_await done.receive();
                if (sent != received || sent + refused != n)
                    throw std::logic_error("a send had no outcome or two");
            }
        },
        {.procs = 2});
    CHECK(counted::alive() == 0);
}

TEST_CASE("stress: a runtime ends while ordinary threads still use its channels")
{
    auto rng = weft_test::make_random();
    const int rounds = static_cast<int>(weft_test::count(2000));
    for (int round = 0; round < rounds / 4; ++round) {
        auto ch = make_channel<counted>(rng() % 2);
        auto out = make_channel<counted>(4);
        std::atomic<bool> stop{false};
        std::thread outside([&] {
            while (!stop) {
                counted v(1);
                static_cast<void>(ch.try_send(std::move(v)));
                static_cast<void>(out.try_receive());
            }
        });
        {
            weft::runtime rt({.procs = 1u + static_cast<unsigned>(rng() % 2)});
            for (int k = 0; k < 8; ++k) {
                weft::go(rt.get_executor(), [ch, out]() -> task<> {
                    while (auto v = co_await ch.receive()) {
                        auto s = co_await weft::select{out.send(std::move(*v)), ch.receive()};
                        static_cast<void>(s);
                    }
                });
            }
            std::this_thread::sleep_for(std::chrono::microseconds(rng() % 300));
        }
        stop = true;
        outside.join();
        while (ch.try_receive()) {}
        while (out.try_receive()) {}
        REQUIRE(counted::alive() == 0);
    }
}
