// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Select: the choice among several ready cases, and selects of very many cases.

#include "testing.hpp"

#include <array>
#include <numeric>
#include <utility>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

task<void> fill(channel<int> ch, std::size_t n, int value)
{
    for (std::size_t i = 0; i < n; ++i) co_await ch.send(value);
}

template <std::size_t... I>
task<std::size_t> select_among(std::array<channel<int>, sizeof...(I)>& c, std::index_sequence<I...>)
{
    auto s = co_await weft::select{c[I].receive()...};
    co_return s.index();
}

} // namespace

TEST_CASE("SELECT-10 a channel may be listed twice in each direction")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>(1000);
        co_await fill(c, 500, 0);
        std::array<int, 4> chosen{};
        for (int i = 0; i < 10'000; ++i) {
            auto s = co_await weft::select{c.receive(), c.receive(), c.send(1), c.send(2)};
            ++chosen[s.index()];
        }
        for (int n : chosen) CHECK(n > 0);
        CHECK(static_cast<int>(c.size()) == 500 - chosen[0] - chosen[1] + chosen[2] + chosen[3]);
    });
}

TEST_CASE("SELECT-14 closed channels: a receive is ready, a send is misuse if chosen")
{
    on_procs([]() -> task<void> {
        const char* text = "send on closed channel";
        auto closed = make_channel<int>();
        auto idle = make_channel<int>();
        closed.close();

        auto s = co_await weft::select{idle.receive(), closed.receive()};
        CHECK(s.index() == 1);
        CHECK_FALSE(s.get<1>().has_value());
        int wrong = 0;
        for (int i = 0; i < 1000; ++i) {
            auto t = weft::try_select{closed.receive()};
            if (t.index() != 0 || t.get<0>().has_value()) ++wrong;
        }
        CHECK(wrong == 0);

        CHECK_MISUSE((co_await weft::select{closed.send(1), idle.receive()}), text);
        CHECK_MISUSE((weft::try_select{idle.receive(), closed.send(1)}), text);

        auto later = make_channel<int>();
        team closer;
        closer.go([&]() -> task<void> {
            co_await until_parked(1, "select");
            later.close();
        });
        CHECK_MISUSE((co_await weft::select{idle.receive(), later.send(1)}), text);
        co_await closer.join();

        auto ready = make_channel<int>(1);
        int misuses = 0;
        int received = 0;
        for (int i = 0; i < 200; ++i) {
            co_await ready.send(i);
            try {
                auto u = co_await weft::select{closed.send(1), ready.receive()};
                if (u.index() == 1 && u.get<1>() == i) ++received;
            } catch (const weft::misuse_error&) {
                ++misuses;
                if (ready.try_receive() != i) ++wrong; // the losing case has not happened
            }
        }
        CHECK(wrong == 0);
        CHECK(misuses > 0);
        CHECK(received > 0);
        CHECK(misuses + received == 200);
    });
}

TEST_CASE("SELECT-15 of two sends of different values to one channel both get their share")
{
    on_procs([]() -> task<void> {
        const int n = 100;
        for (std::size_t capacity : {0u, 100u}) {
            auto c = make_channel<int>(capacity);
            team sender;
            sender.go([&]() -> task<void> {
                for (int i = 0; i < n; ++i) co_await weft::select{c.send(1), c.send(0)};
            });
            int ones = 0;
            for (int i = 0; i < n; ++i) {
                auto v = co_await c.receive();
                ones += v.value_or(0);
            }
            CHECK(ones > 10);
            CHECK(n - ones > 10);
            co_await sender.join();
        }
    });
}

TEST_CASE("SELECT-16 of two cases that are always ready each gets at least a quarter")
{
    on_procs([]() -> task<void> {
        const std::size_t n = count(10'000);
        auto a = make_channel<int>(n);
        auto b = make_channel<int>(n);
        co_await fill(a, n, 1);
        co_await fill(b, n, 1);
        std::array<std::size_t, 2> received{};
        for (std::size_t i = 0; i < n; ++i) {
            auto s = co_await weft::select{a.receive(), b.receive()};
            ++received[s.index()];
        }
        CHECK(received[0] >= n / 4);
        CHECK(received[1] >= n / 4);

        auto c = make_channel<int>(n);
        auto d = make_channel<int>(n);
        for (std::size_t i = 0; i < n; ++i) co_await weft::select{c.send(1), d.send(1)};
        CHECK(c.size() >= n / 4);
        CHECK(d.size() >= n / 4);
        CHECK(c.size() + d.size() == n);
    });
}

TEST_CASE("SELECT-21 of 64 ready cases exactly one commits")
{
    on_procs([]() -> task<void> {
        std::array<channel<int>, 64> c;
        for (auto& ch : c) {
            ch = make_channel<int>(1);
            co_await ch.send(1);
        }
        const auto chosen = co_await select_among(c, std::make_index_sequence<64>{});
        for (std::size_t i = 0; i < c.size(); ++i) CHECK(c[i].size() == (i == chosen ? 0 : 1));
    });
}

TEST_CASE("SELECT-22 a select over a range of thousands of cases finds the ready one")
{
    on_procs([]() -> task<void> {
        for (std::size_t cases : {1'000u, 10'000u}) {
            std::vector<channel<int>> c;
            for (std::size_t i = 0; i < cases; ++i) c.push_back(make_channel<int>());
            auto receives = [&] {
                std::vector<weft::receive_operation<int>> all;
                for (auto& ch : c) all.push_back(ch.receive());
                return all;
            };
            for (std::size_t k : {std::size_t{0}, cases / 2 - 1, cases - 1}) {
                team sender;
                sender.go([&]() -> task<void> { co_await c[k].send(static_cast<int>(k)); });
                co_await until_parked(1, "chan send");
                auto [ready, value] = co_await weft::select_any(receives());
                CHECK(ready == k);
                CHECK(value == static_cast<int>(k));
                co_await sender.join();

                sender.go([&]() -> task<void> {
                    co_await until_parked(1, "select");
                    co_await c[k].send(-1);
                });
                auto [woken, late] = co_await weft::select_any(receives());
                CHECK(woken == k);
                CHECK(late == -1);
                co_await sender.join();
            }
            std::size_t waiting = 0;
            for (auto& ch : c) waiting += ch.try_send(1);
            CHECK(waiting == 0);
        }
    });
}

TEST_CASE("SELECT-30 a biased select takes the first ready case in order")
{
    on_procs([]() -> task<void> {
        const std::size_t n = count(10'000);
        auto a = make_channel<int>(n);
        auto b = make_channel<int>(n);
        auto c = make_channel<int>(1);
        co_await fill(a, n, 1);
        co_await fill(b, n, 1);
        co_await c.send(1);
        std::array<std::size_t, 3> chosen{};
        for (std::size_t i = 0; i < n; ++i) {
            auto s = co_await weft::select_biased{a.receive(), b.receive(), c.receive()};
            ++chosen[s.index()];
        }
        CHECK(chosen == std::array<std::size_t, 3>{n, 0, 0});
        for (std::size_t i = 0; i < n; ++i) {
            auto s = co_await weft::select_biased{a.receive(), b.receive(), c.receive()};
            ++chosen[s.index()];
        }
        CHECK(chosen == std::array<std::size_t, 3>{n, n, 0});
        auto last = co_await weft::select_biased{a.receive(), b.receive(), c.receive()};
        CHECK(last.index() == 2);

        team sender;
        sender.go([&]() -> task<void> {
            co_await until_parked(1, "select");
            co_await b.send(2);
        });
        auto parked = co_await weft::select_biased{a.receive(), b.receive(), c.receive()};
        CHECK(parked.index() == 1);
        CHECK(parked.get<1>() == 2);
        co_await sender.join();
    });
}
