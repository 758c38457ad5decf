// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels: long traffic between few and many goroutines, nothing lost, doubled or reordered.

#include "testing.hpp"

#include <atomic>
#include <vector>

using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("CHAN-17 one sender to one receiver: strict order, then the close")
{
    on_procs([]() -> task<void> {
        const int items = static_cast<int>(count(100'000));
        for (std::size_t capacity : {0u, 3u}) {
            auto ch = make_channel<int>(capacity);
            team producer;
            producer.go([&]() -> task<void> {
                for (int i = 0; i < items; ++i) co_await ch.send(i);
                ch.close();
            });
            int expected = 0;
            int misplaced = 0;
            while (auto v = co_await ch.receive()) {
                if (*v != expected++) ++misplaced;
            }
            CHECK(expected == items);
            CHECK(misplaced == 0);
            auto after = co_await ch.receive();
            CHECK_FALSE(after.has_value());
            co_await producer.join();
        }
    });
}

TEST_CASE("CHAN-18 four senders to four receivers: every value arrives exactly four times")
{
    on_procs([]() -> task<void> {
        const int items = static_cast<int>(count(25'000));
        for (std::size_t capacity : {0u, 1u, 3u, 64u}) {
            auto ch = make_channel<int>(capacity);
            std::vector<std::atomic<int>> seen(static_cast<std::size_t>(items));
            team all;
            for (int k = 0; k < 4; ++k) {
                all.go([&]() -> task<void> {
                    for (int i = 0; i < items; ++i) co_await ch.send(i);
                });
                all.go([&]() -> task<void> {
                    for (int i = 0; i < items; ++i) {
                        auto v = co_await ch.receive();
                        if (v) ++seen[static_cast<std::size_t>(*v)];
                    }
                });
            }
            co_await all.join();
            int wrong = 0;
            for (auto& n : seen) {
                if (n != 4) ++wrong;
            }
            CHECK(wrong == 0);
            CHECK(ch.size() == 0);
        }
    });
}

TEST_CASE("CHAN-19 thousands of channels that carry one value each")
{
    on_procs([]() -> task<void> {
        const int channels = static_cast<int>(count(10'000));
        for (std::size_t capacity : {0u, 1u}) {
            std::atomic<int> delivered{0};
            team all;
            for (int i = 0; i < channels; ++i) {
                auto ch = make_channel<int>(capacity);
                all.go([ch, i]() mutable -> task<void> { co_await ch.send(i); });
                all.go([ch, i, &delivered]() mutable -> task<void> {
                    auto v = co_await ch.receive();
                    if (v == i) ++delivered;
                });
            }
            co_await all.join();
            CHECK(delivered == channels);
        }
    });
}

TEST_CASE("CHAN-22 numbered messages reach ten selecting receivers once and in order")
{
    on_procs([]() -> task<void> {
        const int messages = 1000;
        enum : int { unsent, sent, received };
        auto ch = make_channel<int>(2);
        std::vector<std::atomic<int>> states(messages);
        std::atomic<int> wrong{0};
        team receivers;
        for (int k = 0; k < 10; ++k) {
            receivers.go([&]() -> task<void> {
                int last = -1;
                for (;;) {
                    auto s = co_await weft::select{ch.receive()};
                    auto v = s.get<0>();
                    if (!v) break;
                    if (*v <= last) ++wrong;
                    last = *v;
                    if (states[static_cast<std::size_t>(*v)].exchange(received) != sent) ++wrong;
                }
            });
        }
        for (int i = 0; i < messages; ++i) {
            if (states[static_cast<std::size_t>(i)].exchange(sent) != unsent) ++wrong;
            co_await weft::select{ch.send(i)};
        }
        ch.close();
        co_await receivers.join();
        for (auto& state : states) {
            if (state != received) ++wrong;
        }
        CHECK(wrong == 0);
    });
}
