// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels: the edges of Go's memory model. The plain variables below are shared on purpose; a
// missing edge shows as a wrong value or as a report of the thread sanitizer.

#include "testing.hpp"

#include <memory>

using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

TEST_CASE("CHAN-23 what precedes a send is visible after the matching receive")
{
    on_procs([]() -> task<void> {
        const std::size_t rounds = count(1000);
        for (std::size_t capacity : {0u, 10u}) {
            auto ch = make_channel<std::size_t>(capacity);
            std::vector<std::size_t> plain(rounds);
            team sender;
            sender.go([&]() -> task<void> {
                for (std::size_t i = 0; i < rounds; ++i) {
                    plain[i] = i + 1;
                    co_await ch.send(i);
                }
            });
            std::size_t wrong = 0;
            for (std::size_t i = 0; i < rounds; ++i) {
                auto v = co_await ch.receive();
                if (v != i || plain[i] != i + 1) ++wrong;
            }
            CHECK(wrong == 0);
            co_await sender.join();
        }
    });
}

TEST_CASE("CHAN-24 what precedes an unbuffered receive is visible after the matching send")
{
    on_procs([]() -> task<void> {
        const int rounds = static_cast<int>(count(1000));
        auto ch = make_channel<void>();
        std::vector<int> plain(static_cast<std::size_t>(rounds));
        team receiver;
        receiver.go([&]() -> task<void> {
            for (auto& slot : plain) {
                slot = 7;
                co_await ch.receive();
            }
        });
        int wrong = 0;
        for (auto& slot : plain) {
            co_await ch.send();
            if (slot != 7) ++wrong;
        }
        CHECK(wrong == 0);
        co_await receiver.join();
    });
}

TEST_CASE("CHAN-25 a channel of capacity one is a lock")
{
    on_procs([]() -> task<void> {
        const std::size_t rounds = count(10'000);
        auto lock = make_channel<void>(1);
        std::size_t plain = 0;
        team workers;
        for (int k = 0; k < 2; ++k) {
            workers.go([&]() -> task<void> {
                for (std::size_t i = 0; i < rounds; ++i) {
                    co_await lock.send();
                    ++plain;
                    co_await lock.receive();
                }
            });
        }
        co_await workers.join();
        CHECK(plain == 2 * rounds);
    });
}

TEST_CASE("CHAN-26 a parked sender publishes its memory when its value moves up")
{
    on_procs([]() -> task<void> {
        for (std::size_t round = 0; round < count(100); ++round) {
            const bool by_select = round % 2 == 1;
            auto ch = make_channel<int*>(1);
            int first = 1;
            int second = 0;
            co_await ch.send(&first);
            team sender;
            sender.go([&]() -> task<void> {
                second = 42;
                co_await ch.send(&second);
            });
            co_await until_parked(1, "chan send");
            auto head = co_await ch.receive();
            CHECK(head == &first);
            std::optional<int*> tail;
            if (by_select) {
                auto idle = make_channel<int>();
                auto s = co_await weft::select{ch.receive(), idle.receive()};
                tail = s.get<0>();
            } else {
                tail = co_await ch.receive();
            }
            CHECK(tail == &second);
            CHECK(**tail == 42);
            co_await sender.join();
        }
    });
}
