// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Select: selects that meet sends, receives and other selects, for a long time and all at once.

#include "testing.hpp"

#include <array>
#include <atomic>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;

namespace {

using half = task<void> (*)(channel<int> ch, channel<int> idle);

task<void> plain_send(channel<int> ch, channel<int>)
{
    co_await ch.send(1);
}
task<void> single_select_send(channel<int> ch, channel<int>)
{
    co_await weft::select{ch.send(1)};
}
task<void> double_select_send(channel<int> ch, channel<int> idle)
{
    co_await weft::select{ch.send(1), idle.receive()};
}
task<void> plain_receive(channel<int> ch, channel<int>)
{
    co_await ch.receive();
}
task<void> single_select_receive(channel<int> ch, channel<int>)
{
    co_await weft::select{ch.receive()};
}
task<void> double_select_receive(channel<int> ch, channel<int> idle)
{
    co_await weft::select{idle.receive(), ch.receive()};
}

} // namespace

TEST_CASE("SELECT-13 every form of send meets every form of receive")
{
    on_procs([]() -> task<void> {
        for (half send : {plain_send, single_select_send, double_select_send}) {
            for (half receive : {plain_receive, single_select_receive, double_select_receive}) {
                auto ch = make_channel<int>();
                auto idle = make_channel<int>();
                auto repeat = [&](half one) -> task<void> {
                    for (int i = 0; i < 100; ++i) co_await one(ch, idle);
                };
                team both;
                both.go(repeat, send);
                both.go(repeat, receive);
                co_await both.join();
                CHECK_FALSE(idle.try_send(1));
            }
        }
    });
}

TEST_CASE("SELECT-17 chaos: selects and plain operations share four channels and all end")
{
    on_procs([]() -> task<void> {
        const std::size_t n = count(10'000);
        const std::array<channel<std::size_t>, 4> c{
            make_channel<std::size_t>(0), make_channel<std::size_t>(0),
            make_channel<std::size_t>(2), make_channel<std::size_t>(3)};
        std::atomic<std::size_t> received{0};
        team all;
        for (auto& ch : c) {
            all.go([&]() -> task<void> {
                for (std::size_t i = 0; i < n; ++i) co_await ch.send(i);
            });
            all.go([&]() -> task<void> {
                for (std::size_t i = 0; i < n; ++i) {
                    auto v = co_await ch.receive();
                    if (v) ++received;
                }
            });
        }
        all.go([&]() -> task<void> {
            auto open = c;
            std::array<std::size_t, 4> done{};
            for (std::size_t i = 0; i < 4 * n; ++i) {
                auto s = co_await weft::select{open[3].send(i), open[2].send(i), open[0].send(i),
                                               open[1].send(i)};
                const std::size_t k = std::array{3, 2, 0, 1}[s.index()];
                if (++done[k] == n) open[k] = {};
            }
        });
        all.go([&]() -> task<void> {
            auto open = c;
            std::array<std::size_t, 4> done{};
            for (std::size_t i = 0; i < 4 * n; ++i) {
                auto s = co_await weft::select{open[0].receive(), open[1].receive(),
                                               open[2].receive(), open[3].receive()};
                ++received;
                if (++done[s.index()] == n) open[s.index()] = {};
            }
        });
        co_await all.join();
        CHECK(received == 8 * n);
        for (auto& ch : c) CHECK(ch.size() == 0);
    });
}

TEST_CASE("SELECT-18 two selects per round follow a partner that alternates two channels")
{
    on_procs([]() -> task<void> {
        const int rounds = static_cast<int>(count(10'000));
        std::atomic<int> wrong{0};
        {
            auto c1 = make_channel<int>(64);
            auto c2 = make_channel<int>(5);
            auto tokens = make_channel<void>(100);
            team producer;
            producer.go([&]() -> task<void> {
                for (int i = 0; i < rounds; ++i) {
                    co_await c1.send(i);
                    co_await tokens.receive();
                    co_await c2.send(i);
                    co_await tokens.receive();
                }
            });
            for (int i = 0; i < rounds; ++i) {
                for (std::size_t k : {0u, 1u}) {
                    auto s = co_await weft::select{c1.receive(), c2.receive()};
                    const auto v = s.index() == 0 ? s.get<0>() : s.get<1>();
                    if (s.index() != k || v != i) ++wrong;
                    co_await tokens.send();
                }
            }
            co_await producer.join();
        }
        CHECK(wrong == 0);
        {
            auto c1 = make_channel<int>();
            auto c2 = make_channel<int>();
            auto tokens = make_channel<void>(100);
            team consumer;
            consumer.go([&]() -> task<void> {
                for (int i = 0; i < rounds; ++i) {
                    auto first = co_await c1.receive();
                    auto second = co_await c2.receive();
                    if (first != i || second != i) ++wrong;
                    co_await tokens.receive();
                }
            });
            for (int i = 0; i < rounds; ++i) {
                for (std::size_t k : {0u, 1u}) {
                    auto s = co_await weft::select{c1.send(i), c2.send(i)};
                    if (s.index() != k) ++wrong;
                }
                co_await tokens.send();
            }
            co_await consumer.join();
        }
        CHECK(wrong == 0);
    });
}

TEST_CASE("SELECT-23 selects nest inside the code of each other's cases")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>(1);
        int deepest = -1;
        auto first = co_await weft::select{c.send(0)};
        if (first.index() == 0) {
            auto second = co_await weft::select{c.receive()};
            if (second.get<0>() == 0) {
                auto third = co_await weft::select{c.send(1)};
                if (third.index() == 0) {
                    auto fourth = co_await weft::select{c.receive()};
                    deepest = fourth.get<0>().value_or(-1);
                }
            }
        }
        CHECK(deepest == 1);
    });
}

TEST_CASE("SELECT-29 a channel of capacity one is a lock through selects as well")
{
    on_procs([]() -> task<void> {
        const std::size_t rounds = count(10'000);
        auto lock = make_channel<void>(1);
        auto idle = make_channel<int>();
        std::size_t plain = 0;
        team workers;
        for (int k = 0; k < 2; ++k) {
            workers.go([&]() -> task<void> {
                for (std::size_t i = 0; i < rounds; ++i) {
                    co_await weft::select{lock.send(), idle.receive()};
                    ++plain;
                    co_await weft::select{idle.receive(), lock.receive()};
                }
            });
        }
        co_await workers.join();
        CHECK(plain == 2 * rounds);
    });
}
