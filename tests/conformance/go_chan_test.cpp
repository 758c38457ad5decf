// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels: who waits for whom, order, length and capacity, nil channels, handles.

#include "testing.hpp"

#include <atomic>
#include <concepts>
#include <cstdint>
#include <limits>
#include <optional>

using weft::channel;
using weft::make_channel;
using weft::receive_channel;
using weft::send_channel;
using weft::task;
using weft_test::capacities;
using weft_test::count;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;
using weft_test::until_parked;

namespace {

template <class T>
task<std::optional<T>> receive_by_select(channel<T> ch)
{
    auto s = co_await weft::select{ch.receive()};
    co_return std::move(s.template get<0>());
}

task<void> fill(channel<int> ch, std::size_t n)
{
    for (std::size_t i = 0; i < n; ++i) co_await ch.send(static_cast<int>(i));
}

template <class Channel>
concept can_send = requires(Channel ch) { ch.send(1); };
template <class Channel>
concept can_try_send = requires(Channel ch) { ch.try_send(1); };
template <class Channel>
concept can_receive = requires(Channel ch) { ch.receive(); };
template <class Channel>
concept can_try_receive = requires(Channel ch) { ch.try_receive(); };
template <class Channel>
concept can_close = requires(Channel ch) { ch.close(); };

} // namespace

TEST_CASE("CHAN-01 a receive from an empty channel waits for a send, at every capacity")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : capacities()) {
            auto ch = make_channel<int>(capacity);
            std::atomic<int> received{0};
            team receivers;
            receivers.go([&]() -> task<void> {
                auto v = co_await ch.receive();
                if (v.has_value()) ++received;
            });
            receivers.go([&]() -> task<void> {
                auto v = co_await receive_by_select(ch);
                if (v.has_value()) ++received;
            });
            co_await until_parked(1, "chan receive");
            co_await until_parked(1, "select");
            co_await sleep_ms(1);
            CHECK(received == 0);
            CHECK_FALSE(ch.try_receive().has_value());
            co_await ch.send(1);
            co_await ch.send(2);
            co_await receivers.join();
            CHECK(received == 2);
        }
    });
}

TEST_CASE("CHAN-02 a send to a full channel waits for a receive, at every capacity")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : capacities()) {
            auto ch = make_channel<int>(capacity);
            co_await fill(ch, capacity);
            std::atomic<bool> sent{false};
            team sender;
            sender.go([&]() -> task<void> {
                co_await ch.send(-1);
                sent = true;
            });
            co_await until_parked(1, "chan send");
            co_await sleep_ms(1);
            CHECK_FALSE(sent.load());
            CHECK_FALSE(ch.try_send(-2));
            auto first = co_await ch.receive();
            CHECK(first == (capacity == 0 ? -1 : 0));
            co_await sender.join();
            CHECK(sent.load());
            CHECK(ch.size() == capacity);
        }
    });
}

TEST_CASE("CHAN-03 values arrive in the order in which they were sent, at every capacity")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : capacities()) {
            auto ch = make_channel<int>(capacity);
            for (bool with_select : {false, true}) {
                team producer;
                producer.go([&]() -> task<void> { co_await fill(ch, 100); });
                int misplaced = 0;
                for (int i = 0; i < 100; ++i) {
                    std::optional<int> v;
                    if (with_select) {
                        v = co_await receive_by_select(ch);
                    } else {
                        v = co_await ch.receive();
                    }
                    if (v != i) ++misplaced;
                }
                CHECK(misplaced == 0);
                co_await producer.join();
            }
        }
    });
}

TEST_CASE("CHAN-03 the operand of a send may itself wait for a receive")
{
    on_procs([]() -> task<void> {
        auto in = make_channel<int>();
        auto out = make_channel<int>();
        team relay;
        relay.go([&]() -> task<void> {
            for (int i = 0; i < 100; ++i) co_await out.send((co_await in.receive()).value() + 1);
        });
        int misplaced = 0;
        for (int i = 0; i < 100; ++i) {
            co_await in.send(i);
            auto v = co_await out.receive();
            if (v != i + 1) ++misplaced;
        }
        CHECK(misplaced == 0);
        co_await relay.join();
    });
}

TEST_CASE("CHAN-04 size and capacity count the buffer, and only the buffer")
{
    on_procs([]() -> task<void> {
        auto ten = make_channel<int>(10);
        CHECK(ten.size() == 0);
        CHECK(ten.capacity() == 10);
        co_await fill(ten, 3);
        CHECK(ten.size() == 3);
        CHECK(ten.capacity() == 10);

        auto unbuffered = make_channel<int>();
        CHECK(unbuffered.size() == 0);
        CHECK(unbuffered.capacity() == 0);
        team sender;
        sender.go([&]() -> task<void> { co_await unbuffered.send(1); });
        co_await until_parked(1, "chan send");
        CHECK(unbuffered.size() == 0);
        CHECK(unbuffered.capacity() == 0);
        co_await unbuffered.receive();
        co_await sender.join();

        for (std::size_t capacity : capacities()) {
            auto ch = make_channel<int>(capacity);
            CHECK(ch.size() == 0);
            CHECK(ch.capacity() == capacity);
            co_await fill(ch, capacity);
            CHECK(ch.size() == capacity);
            CHECK(ch.capacity() == capacity);
        }
    });
}

TEST_CASE("CHAN-05 size follows each send and each receive")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<int>(1000);
        int wrong = 0;
        for (int round = 0; round < 100; ++round) {
            for (std::size_t i = 0; i < 50; ++i) {
                co_await ch.send(1);
                if (ch.size() != i + 1) ++wrong;
            }
            for (std::size_t i = 0; i < 50; ++i) {
                co_await ch.receive();
                if (ch.size() != 49 - i) ++wrong;
            }
        }
        for (std::size_t i = 0; i < 1000; ++i) {
            co_await ch.send(1);
            if (ch.size() != i + 1) ++wrong;
        }
        for (std::size_t i = 0; i < 1000; ++i) co_await ch.receive();
        CHECK(wrong == 0);
        CHECK(ch.size() == 0);
    });
}

TEST_CASE("CHAN-06 size stays between zero and the capacity while both ends are busy")
{
    on_procs([]() -> task<void> {
        const std::size_t items = count(25'000);
        for (std::size_t capacity : {1000u, 0u}) {
            auto ch = make_channel<int>(capacity);
            std::atomic<int> wrong{0};
            team producer;
            producer.go([&]() -> task<void> {
                for (std::size_t i = 0; i < items; ++i) {
                    co_await ch.send(1);
                    if (ch.size() > capacity) ++wrong;
                }
            });
            for (std::size_t i = 0; i < items; ++i) {
                co_await ch.receive();
                if (ch.size() > capacity) ++wrong;
            }
            co_await producer.join();
            CHECK(wrong == 0);
            CHECK(ch.size() == 0);
        }
    });
}

TEST_CASE("CHAN-07 an absurd capacity is misuse, not a crash or a small channel")
{
    on_procs([]() -> task<void> {
        const char* text = "makechan: size out of range";
        constexpr auto most = std::numeric_limits<std::size_t>::max();
        CHECK_MISUSE(make_channel<int>(most), text);
        CHECK_MISUSE(make_channel<int>(most / 2), text);
        CHECK_MISUSE(make_channel<char>(static_cast<std::size_t>(-5)), text);
        auto after = make_channel<int>(1);
        co_await after.send(1);
        CHECK(after.try_receive() == 1);
    });
}

TEST_CASE("CHAN-08 a nil channel never sends, never receives and has no room")
{
    on_procs(
        []() -> task<void> {
            auto finished = std::make_shared<std::atomic<int>>(0);
            weft::go([finished]() -> task<void> {
                channel<int> nil;
                co_await nil.receive();
                ++*finished;
            });
            weft::go([finished]() -> task<void> {
                channel<int> nil;
                co_await nil.send(1);
                ++*finished;
            });
            co_await until_parked(1, "chan receive");
            co_await until_parked(1, "chan send");
            co_await sleep_ms(100);
            CHECK(*finished == 0);
            channel<int> nil;
            CHECK_FALSE(static_cast<bool>(nil));
            CHECK_FALSE(nil.try_receive().has_value());
            CHECK_FALSE(nil.try_send(1));
            CHECK(nil.size() == 0);
            CHECK(nil.capacity() == 0);
        },
        weft_test::leftovers::parked);
}

TEST_CASE("CHAN-20 handles are equal exactly when they name the same channel")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 1u}) {
            auto one = make_channel<int>(capacity);
            auto copy = one;
            auto other = make_channel<int>(capacity);
            CHECK(one == copy);
            CHECK_FALSE(one != copy);
            CHECK(one != other);
            CHECK(send_channel<int>{one} == send_channel<int>{copy});
            CHECK(receive_channel<int>{one} != receive_channel<int>{other});
            CHECK(one != channel<int>{});
        }
        CHECK(channel<int>{} == channel<int>{});
        CHECK(receive_channel<int>{} == receive_channel<int>{});
        co_return;
    });
}

TEST_CASE("CHAN-21 a direction is given away and never comes back")
{
    using both = channel<int>;
    using sends = send_channel<int>;
    using receives = receive_channel<int>;

    static_assert(std::convertible_to<both, sends>);
    static_assert(std::convertible_to<both, receives>);
    static_assert(!std::is_constructible_v<both, sends>);
    static_assert(!std::is_constructible_v<both, receives>);
    static_assert(!std::is_constructible_v<sends, receives>);
    static_assert(!std::is_constructible_v<receives, sends>);
    static_assert(!std::convertible_to<both, send_channel<long>>);

    static_assert(can_send<both> && can_receive<both> && can_close<both>);
    static_assert(can_send<sends> && can_try_send<sends> && can_close<sends>);
    static_assert(!can_receive<sends> && !can_try_receive<sends>);
    static_assert(can_receive<receives> && can_try_receive<receives>);
    static_assert(!can_send<receives> && !can_try_send<receives> && !can_close<receives>);

    on_procs([]() -> task<void> {
        both ch = make_channel<int>(1);
        sends in = ch;
        receives out = ch;
        co_await in.send(1);
        auto v = co_await out.receive();
        CHECK(v == 1);
    });
}
