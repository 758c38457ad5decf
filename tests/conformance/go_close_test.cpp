// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Close: what is buffered drains, then every receive is empty; who waits is woken; misuse.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <optional>
#include <string>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::capacities;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

constexpr const char* send_on_closed = "send on closed channel";

/// The forms of a receive that a closed channel must answer alike, and at once.
using receive_form = task<std::optional<int>> (*)(channel<int>);

task<std::optional<int>> plain(channel<int> ch)
{
    auto v = co_await ch.receive();
    co_return v;
}

task<std::optional<int>> tried(channel<int> ch)
{
    co_return ch.try_receive();
}

task<std::optional<int>> selected(channel<int> ch)
{
    auto s = co_await weft::select{ch.receive()};
    CHECK(s.index() == 0);
    co_return s.get<0>();
}

task<std::optional<int>> selected_beside_idle(channel<int> ch)
{
    auto idle = make_channel<int>();
    auto s = co_await weft::select{idle.receive(), ch.receive()};
    CHECK(s.index() == 1);
    co_return s.get<1>();
}

task<std::optional<int>> tried_select(channel<int> ch)
{
    auto s = weft::try_select{ch.receive()};
    CHECK(s.index() == 0);
    co_return s.get<0>();
}

task<std::optional<int>> tried_select_beside_idle(channel<int> ch)
{
    auto idle = make_channel<int>();
    auto s = weft::try_select{ch.receive(), idle.receive()};
    CHECK(s.index() == 0);
    co_return s.get<0>();
}

constexpr receive_form receive_forms[] = {
    plain, tried, selected, selected_beside_idle, tried_select, tried_select_beside_idle};

/// One goroutine of CLOSE-05 and 06: counts how a send that waits for the close ends.
task<void> send_until_closed(channel<int> ch, int value, std::atomic<int>& misuses)
{
    try {
        co_await ch.send(value);
    } catch (const weft::misuse_error& misuse) {
        if (misuse.what() == std::string{send_on_closed}) ++misuses;
    }
}

} // namespace

TEST_CASE("CLOSE-01 every receive from a closed empty channel is ready and empty")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>();
        CHECK_FALSE(ch.closed());
        CHECK_FALSE(ch.drained());
        ch.close();
        CHECK(ch.closed());
        CHECK(ch.drained());
        for (int round = 0; round < 3; ++round) {
            for (auto form : receive_forms) {
                auto v = co_await form(ch);
                CHECK_FALSE(v.has_value());
            }
        }
    });
}

TEST_CASE("CLOSE-02 whichever receive comes first gets what a closed channel still holds")
{
    on_procs([]() -> task<void> {
        for (auto first : receive_forms) {
            auto ch = make_channel<int>(2);
            co_await ch.send(1);
            ch.close();
            CHECK(ch.closed());
            CHECK_FALSE(ch.drained());
            auto v = co_await first(ch);
            CHECK(v == 1);
            CHECK(ch.drained());
            for (auto form : receive_forms) {
                v = co_await form(ch);
                CHECK_FALSE(v.has_value());
            }
        }
    });
}

TEST_CASE("CLOSE-03 a closed full channel drains in order, at every capacity")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : capacities()) {
            const int n = static_cast<int>(capacity);
            auto ch = make_channel<int>(capacity);
            for (int i = 0; i < n; ++i) co_await ch.send(i);
            ch.close();
            int wrong = 0;
            for (int i = 0; i < n; ++i) {
                auto v = co_await ch.receive();
                if (v != i) ++wrong;
            }
            for (int i = 0; i < 10; ++i) {
                auto v = co_await ch.receive();
                if (v.has_value()) ++wrong;
            }
            CHECK(wrong == 0);
        }
    });
}

TEST_CASE("CLOSE-04 close wakes every parked receiver, each with nothing")
{
    on_procs([]() -> task<void> {
        for (std::size_t receivers : {1u, 100u}) {
            auto ch = make_channel<int>();
            std::atomic<std::size_t> empty{0};
            team waiting;
            for (std::size_t i = 0; i < receivers; ++i) {
                waiting.go([&]() -> task<void> {
                    auto v = co_await ch.receive();
                    if (!v) ++empty;
                });
            }
            co_await until_parked(receivers, "chan receive");
            const auto start = std::chrono::steady_clock::now();
            ch.close();
            co_await waiting.join();
            CHECK(empty == receivers);
            CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds{1});
        }
    });
}

TEST_CASE("CLOSE-05 close ends parked unbuffered sends in misuse and drops their values")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>();
        std::atomic<int> misuses{0};
        team senders;
        senders.go([&]() -> task<void> { co_await send_until_closed(ch, 1, misuses); });
        senders.go([&]() -> task<void> { co_await send_until_closed(ch, 2, misuses); });
        co_await until_parked(2, "chan send");
        ch.close();
        auto v = co_await ch.receive();
        CHECK_FALSE(v.has_value());
        co_await senders.join();
        CHECK(misuses == 2);
        CHECK_FALSE(ch.try_receive().has_value());
    });
}

TEST_CASE("CLOSE-06 close keeps the buffered value and drops the parked one")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(1);
        std::atomic<int> misuses{0};
        co_await ch.send(1);
        team sender;
        sender.go([&]() -> task<void> { co_await send_until_closed(ch, 2, misuses); });
        co_await until_parked(1, "chan send");
        ch.close();
        co_await sender.join();
        CHECK(misuses == 1);
        auto v = co_await ch.receive();
        CHECK(v == 1);
        v = co_await ch.receive();
        CHECK_FALSE(v.has_value());
    });
}

TEST_CASE("CLOSE-07 a send on a closed channel is misuse, with and without room")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 1u}) {
            auto ch = make_channel<int>(capacity);
            ch.close();
            CHECK_MISUSE(co_await ch.send(1), send_on_closed);
            CHECK(ch.size() == 0);
            auto v = co_await ch.receive();
            CHECK_FALSE(v.has_value());
        }
    });
}

TEST_CASE("CLOSE-08 a try_send on a closed channel is misuse and never a refusal")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 1u}) {
            auto ch = make_channel<int>(capacity);
            ch.close();
            CHECK_MISUSE(ch.try_send(1), send_on_closed);
            CHECK_MISUSE((weft::try_select{ch.send(1)}), send_on_closed);
            CHECK(ch.size() == 0);
        }
        auto full = make_channel<int>(1);
        co_await full.send(1);
        full.close();
        CHECK_MISUSE(full.try_send(2), send_on_closed);
        CHECK(full.try_receive() == 1);
    });
}

TEST_CASE("CLOSE-09 a second close is misuse and changes nothing")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(2);
        co_await ch.send(1);
        ch.close();
        CHECK_MISUSE(ch.close(), "close of closed channel");
        auto v = co_await ch.receive();
        CHECK(v == 1);
        CHECK_MISUSE(ch.close(), "close of closed channel");
        for (auto form : receive_forms) {
            v = co_await form(ch);
            CHECK_FALSE(v.has_value());
        }
    });
}

TEST_CASE("CLOSE-10 the close of a nil channel is misuse")
{
    on_procs([]() -> task<void> {
        channel<int> nil;
        CHECK_MISUSE(nil.close(), "close of nil channel");
        CHECK_MISUSE(weft::send_channel<int>{nil}.close(), "close of nil channel");
        co_return;
    });
}

TEST_CASE("CLOSE-11 a range over a channel sees everything up to the close")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<char>();
        team producer;
        producer.go([&]() -> task<void> {
            for (char c = 'a'; c <= 'z'; ++c) co_await ch.send(c);
            ch.close();
        });
        std::string text;
        while (auto c = co_await ch.receive()) text += *c;
        CHECK(text == "abcdefghijklmnopqrstuvwxyz");
        co_await producer.join();
    });
}

TEST_CASE("CLOSE-12 a range over a closed channel runs once per buffered value")
{
    on_procs([]() -> task<void> {
        for (int buffered : {0, 2}) {
            auto ch = make_channel<int>(2);
            for (int i = 0; i < buffered; ++i) co_await ch.send(i);
            ch.close();
            int iterations = 0;
            while (auto v = co_await ch.receive()) ++iterations;
            CHECK(iterations == buffered);
        }
    });
}

TEST_CASE("CLOSE-13 a range that stops early leaves the rest in the channel")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(4);
        for (int i = 0; i < 4; ++i) co_await ch.send(2);
        int sum = 0;
        while (auto v = co_await ch.receive()) {
            sum += *v;
            if (sum >= 3) break;
        }
        CHECK(sum == 4);
        CHECK(ch.try_receive() == 2);
        CHECK(ch.try_receive() == 2);
        CHECK_FALSE(ch.try_receive().has_value());
    });
}

TEST_CASE("CLOSE-14 eight ranges share one channel and all end with it")
{
    on_procs([]() -> task<void> {
        const int items = static_cast<int>(count(10'000));
        auto ch = make_channel<int>();
        std::atomic<int> received{0};
        team consumers;
        for (int k = 0; k < 8; ++k) {
            consumers.go([&]() -> task<void> {
                while (auto v = co_await ch.receive()) ++received;
            });
        }
        for (int i = 0; i < items; ++i) co_await ch.send(i);
        ch.close();
        co_await consumers.join();
        CHECK(received == items);
    });
}

TEST_CASE("CLOSE-15 a closed channel keeps its capacity and counts down as it drains")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(5);
        for (int i = 0; i < 3; ++i) co_await ch.send(i);
        ch.close();
        CHECK(ch.size() == 3);
        CHECK(ch.capacity() == 5);
        for (std::size_t left : {2u, 1u, 0u}) {
            co_await ch.receive();
            CHECK(ch.size() == left);
            CHECK(ch.capacity() == 5);
        }
    });
}

TEST_CASE("CLOSE-16 what precedes a close is visible to whoever sees it")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 10u}) {
            for (auto form : {plain, selected, selected_beside_idle}) {
                auto ch = make_channel<int>(capacity);
                int shared = 0;
                team closer;
                closer.go([&]() -> task<void> {
                    shared = 1;
                    ch.close();
                    co_return;
                });
                auto v = co_await form(ch);
                CHECK_FALSE(v.has_value());
                CHECK(shared == 1);
                co_await closer.join();
            }
            auto ch = make_channel<int>(capacity);
            int shared = 0;
            team closer;
            closer.go([&]() -> task<void> {
                co_await ch.send(1);
                shared = 1;
                ch.close();
            });
            int iterations = 0;
            while (auto v = co_await ch.receive()) ++iterations;
            CHECK(iterations == 1);
            CHECK(shared == 1);
            co_await closer.join();
        }
    });
}
