// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Channels: element types of every kind, each object delivered once and destroyed once.

#include "testing.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

struct nothing {};

/// As little as a channel may ask of its elements: nothrow move construction.
struct rigid {
    explicit rigid(int n) : number(n) {}
    rigid(rigid&& other) noexcept : number(std::exchange(other.number, -1)) {}
    rigid& operator=(rigid&&) = delete;
    int number;
};

struct block {
    std::array<std::uint8_t, 32 * 1024 - 8> bytes;
    std::uint64_t sum;

    static block filled(unsigned salt)
    {
        block b;
        b.sum = 0;
        for (std::size_t i = 0; i < b.bytes.size(); ++i) {
            b.bytes[i] = static_cast<std::uint8_t>(i * 31 + salt);
            b.sum += b.bytes[i];
        }
        return b;
    }
    bool intact() const
    {
        std::uint64_t n = 0;
        for (auto byte : bytes) n += byte;
        return n == sum;
    }
};
static_assert(sizeof(block) == 32 * 1024 && std::is_trivially_copyable_v<block>);

/// Counts the destruction of the object itself, not of what was moved from.
struct counted {
    explicit counted(std::atomic<std::size_t>& n) : destroyed(&n) {}
    counted(counted&& other) noexcept : destroyed(std::exchange(other.destroyed, nullptr)) {}
    ~counted()
    {
        if (destroyed) ++*destroyed;
    }
    std::atomic<std::size_t>* destroyed;
};

/// The element is itself a channel of such elements.
struct relay {
    weft::receive_channel<relay> next;
};

template <class T>
task<void> non_blocking_forms(T value, std::size_t capacity)
{
    auto ch = make_channel<T>(capacity);
    CHECK_FALSE(ch.try_receive().has_value());
    if (capacity == 0) CHECK_FALSE(ch.try_send(T{value}));

    team receiver;
    receiver.go([&]() -> task<void> {
        auto got = co_await ch.receive();
        CHECK(got == value);
    });
    co_await until_parked(1, "chan receive");
    CHECK(ch.try_send(T{value}));
    co_await receiver.join();

    team sender;
    sender.go([&]() -> task<void> { co_await ch.send(value); });
    if (capacity == 0) {
        co_await until_parked(1, "chan send");
    } else {
        co_await sender.join();
    }
    CHECK(ch.try_receive() == value);
    CHECK_FALSE(ch.try_receive().has_value());
    co_await sender.join();
}

/// Sends make(n) in one of four ways and returns how often it arrived, intact, in four others.
template <class T, class Make, class Number>
task<void> move_only_elements(Make make, Number number)
{
    const int rounds = static_cast<int>(count(10'000));
    int wrong = 0;
    for (std::size_t capacity : {0u, 1u}) {
        for (int i = 0; i < rounds; ++i) {
            auto ch = make_channel<T>(capacity);
            team sender;
            sender.go([&, i]() -> task<void> {
                if (i % 3 == 0) {
                    co_await ch.send(make(i));
                } else if (i % 3 == 1) {
                    auto idle = make_channel<T>();
                    co_await weft::select{idle.receive(), ch.send(make(i))};
                } else {
                    T value = make(i);
                    while (!ch.try_send(std::move(value))) co_await weft::this_goroutine::yield();
                }
            });
            std::optional<int> got;
            if (i % 2 == 0 || (i % 3 == 2 && capacity == 0)) {
                auto v = co_await ch.receive();
                if (v) got = number(*v);
            } else if (i % 4 == 1) {
                auto idle = make_channel<T>();
                auto s = co_await weft::select{ch.receive(), idle.receive()};
                if (s.index() == 0 && s.template get<0>()) got = number(*s.template get<0>());
            } else {
                while (!got) {
                    auto v = ch.try_receive();
                    if (v) got = number(*v);
                    if (!v) co_await weft::this_goroutine::yield();
                }
            }
            co_await sender.join();
            if (got != i || ch.size() != 0) ++wrong;
        }
    }
    CHECK(wrong == 0);
}

} // namespace

TEST_CASE("CHAN-09 elements of an empty type are counted like any others")
{
    on_procs([]() -> task<void> {
        const std::size_t tokens = count(10'000);
        for (std::size_t capacity : {0u, 1u}) {
            auto ch = make_channel<nothing>(capacity);
            auto bare = make_channel<void>(capacity);
            team producer;
            producer.go([&]() -> task<void> {
                for (std::size_t i = 0; i < tokens; ++i) co_await ch.send(nothing{});
                ch.close();
                for (std::size_t i = 0; i < tokens; ++i) co_await bare.send();
                bare.close();
            });
            std::size_t received = 0;
            while (auto v = co_await ch.receive()) ++received;
            CHECK(received == tokens);
            received = 0;
            while (co_await bare.receive()) ++received;
            CHECK(received == tokens);
            co_await producer.join();
        }
    });
}

TEST_CASE("CHAN-10 the non-blocking forms succeed exactly when the other side is there")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 1u}) {
            co_await non_blocking_forms<std::int32_t>(-7, capacity);
            co_await non_blocking_forms<std::int64_t>(std::int64_t{1} << 40, capacity);
            co_await non_blocking_forms<bool>(true, capacity);
            co_await non_blocking_forms<std::string>("a string too long for its own frame",
                                                     capacity);
        }
    });
}

TEST_CASE("CHAN-11 a large element arrives intact and does not overflow the stack")
{
    on_procs([]() -> task<void> {
        for (std::size_t capacity : {0u, 4u}) {
            for (bool receiver_first : {false, true}) {
                auto ch = make_channel<block>(capacity);
                std::atomic<int> intact{0};
                auto receiver = [&]() -> task<void> {
                    for (int i = 0; i < 10; ++i) {
                        auto b = co_await ch.receive();
                        if (b && b->intact() && b->bytes[0] == i) ++intact;
                    }
                };
                auto sender = [&]() -> task<void> {
                    for (unsigned i = 0; i < 10; ++i) co_await ch.send(block::filled(i));
                };
                team both;
                if (receiver_first) {
                    both.go(receiver);
                    co_await until_parked(1, "chan receive");
                    both.go(sender);
                } else {
                    both.go(sender);
                    co_await until_parked(1, "chan send");
                    both.go(receiver);
                }
                co_await both.join();
                CHECK(intact == 10);
            }
        }
    });
}

TEST_CASE("CHAN-12 move-only elements arrive exactly once through every form")
{
    on_procs([]() -> task<void> {
        co_await move_only_elements<std::unique_ptr<int>>(
            [](int n) { return std::make_unique<int>(n); },
            [](const std::unique_ptr<int>& p) { return p ? *p : -1; });
        co_await move_only_elements<rigid>([](int n) { return rigid{n}; },
                                           [](const rigid& r) { return r.number; });
    });
}

TEST_CASE("CHAN-13 a try_send that fails leaves its value with the caller")
{
    const std::string letters = "abcdefghijklmnopqrstuvwxyz";
    on_procs([&]() -> task<void> {
        std::string text = letters;
        auto unbuffered = make_channel<std::string>();
        CHECK_FALSE(unbuffered.try_send(std::move(text)));
        CHECK(text == letters);

        auto full = make_channel<std::string>(1);
        co_await full.send("old");
        CHECK_FALSE(full.try_send(std::move(text)));
        CHECK(text == letters);
        CHECK(full.try_receive() == "old");

        team receiver;
        receiver.go([&]() -> task<void> {
            auto got = co_await unbuffered.receive();
            CHECK(got == letters);
        });
        co_await until_parked(1, "chan receive");
        CHECK(unbuffered.try_send(std::move(text)));
        CHECK(text.empty());
        co_await receiver.join();
    });
}

TEST_CASE("CHAN-14 each message is the receiving end of the next channel")
{
    on_procs([]() -> task<void> {
        const std::size_t hops = count(1000);
        for (std::size_t capacity : {0u, 1u, 2u}) {
            auto first = make_channel<relay>(capacity);
            team sender;
            sender.go([=]() -> task<void> {
                auto current = first;
                for (std::size_t i = 0; i < hops; ++i) {
                    auto next = make_channel<relay>(capacity);
                    relay message{next};
                    co_await current.send(std::move(message));
                    current = next;
                }
                current.close();
            });
            weft::receive_channel<relay> current = first;
            std::size_t followed = 0;
            while (auto message = co_await current.receive()) {
                current = message->next;
                ++followed;
            }
            CHECK(followed == hops);
            co_await sender.join();
        }
    });
}

TEST_CASE("CHAN-15 each element is destroyed once, the unread ones with the channel")
{
    on_procs([]() -> task<void> {
        auto random = weft_test::make_random();
        for (int run = 0; run < 20; ++run) {
            for (std::size_t capacity : {50u, 0u}) {
                const std::size_t transfers = random() % (count(10'000) + 1);
                const std::size_t unread = capacity == 0 ? 0 : random() % 50;
                std::atomic<std::size_t> destroyed{0};
                auto ch = make_channel<counted>(capacity);
                team producer;
                producer.go([&]() -> task<void> {
                    for (std::size_t i = 0; i < transfers; ++i) {
                        co_await ch.send(counted{destroyed});
                    }
                });
                for (std::size_t i = 0; i < transfers; ++i) co_await ch.receive();
                co_await producer.join();
                for (std::size_t i = 0; i < unread; ++i) co_await ch.send(counted{destroyed});
                CHECK(destroyed == transfers);
                ch = {};
                CHECK(destroyed == transfers + unread);
            }
        }
    });
}

TEST_CASE("CHAN-16 an unread element dies with the last handle, not later")
{
    on_procs([]() -> task<void> {
        auto ch = make_channel<std::shared_ptr<int>>(1);
        auto copy = ch;
        auto element = std::make_shared<int>(1);
        std::weak_ptr<int> watch = element;
        co_await ch.send(std::move(element));
        ch = {};
        CHECK_FALSE(watch.expired());
        copy = {};
        CHECK(watch.expired());
    });
}
