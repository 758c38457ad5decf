// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The channel's door: handles and their halves, the calls that never wait, receive_up_to, misuse.
// What Go's own tests say about channels is in tests/conformance; completion tokens are in
// channel_token_test.cpp.

#include "testing.hpp"

#include <weft/channel.hpp>

#include <algorithm>
#include <deque>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::receive_channel;
using weft::send_channel;
using weft::task;
using weft_test::on_procs;

static_assert(std::is_nothrow_default_constructible_v<channel<int>>);
static_assert(std::is_nothrow_copy_constructible_v<channel<int>>);
static_assert(std::is_nothrow_move_assignable_v<channel<int>>);
static_assert(std::is_convertible_v<channel<int>, send_channel<int>>);
static_assert(std::is_convertible_v<channel<int>, receive_channel<int>>);
static_assert(!std::is_convertible_v<send_channel<int>, channel<int>>);
static_assert(!std::is_convertible_v<send_channel<int>, receive_channel<int>>);
static_assert(std::is_same_v<decltype(channel<int>().try_receive()), std::optional<int>>);
static_assert(std::is_same_v<decltype(channel<void>().try_receive()), bool>);
static_assert(std::is_same_v<channel<std::string>::value_type, std::string>);
static_assert(sizeof(channel<std::string>) == sizeof(void*));

TEST_CASE("a handle is nil or one of many names of a channel")
{
    const channel<int> nil;
    CHECK(!nil);
    CHECK(nil == channel<int>());
    CHECK(nil.size() == 0);
    CHECK(nil.capacity() == 0);
    CHECK(!nil.closed());
    CHECK(!nil.drained());

    auto ch = make_channel<int>(2);
    CHECK(ch);
    CHECK(ch != nil);
    const auto copy = ch;
    CHECK(copy == ch);
    CHECK(make_channel<int>(2) != ch);
    CHECK(copy.try_send(1));
    CHECK(ch.size() == 1);
    CHECK(ch.capacity() == 2);

    const send_channel<int> in = ch;
    const receive_channel<int> out = ch;
    CHECK(in == send_channel<int>(copy));
    CHECK(out.size() == 1);
    CHECK(in.capacity() == 2);
    CHECK(!send_channel<int>());
    CHECK(!receive_channel<int>());

    auto moved = std::move(ch);
    CHECK(!ch); // NOLINT: a moved-from handle is nil
    CHECK(moved == copy);
    moved = channel<int>();
    CHECK(!moved);
    CHECK(copy.try_receive() == 1);
}

TEST_CASE("try_send and try_receive do what needs no waiting")
{
    auto ch = make_channel<std::string>(1);
    std::string text(30, 'x');
    CHECK(ch.try_send(std::move(text)));
    CHECK(text.empty());
    text.assign(30, 'y');
    CHECK(!ch.try_send(std::move(text)));
    CHECK(text == std::string(30, 'y')); // untouched
    const std::string constant = "copied";
    CHECK(!ch.try_send(constant));
    CHECK(ch.try_receive() == std::string(30, 'x'));
    CHECK(!ch.try_receive());
    CHECK(ch.try_send(constant));
    CHECK(ch.try_receive() == constant);

    CHECK(!channel<int>().try_send(1));
    CHECK(!channel<int>().try_receive());
    CHECK(!make_channel<int>().try_send(1)); // nobody receives
}

TEST_CASE("a channel of void carries signals")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<void>(1);
        CHECK(ch.try_send());
        CHECK(!ch.try_send());
        const bool first = co_await ch.receive();
        CHECK(first);
        co_await ch.send();
        CHECK(ch.try_receive());
        CHECK(!ch.try_receive());
        ch.close();
        const bool closed = co_await ch.receive();
        CHECK(!closed);
    });
}

TEST_CASE("values that can only be moved go through, waiting or not")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<std::unique_ptr<int>>();
        weft_test::team sender;
        sender.go([ch]() -> task<> {
            co_await ch.send(std::make_unique<int>(1));
            auto second = std::make_unique<int>(2);
            co_await ch.send(std::move(second));
        });
        auto p = co_await ch.receive();
        CHECK(**p == 1);
        p = co_await ch.receive();
        CHECK(**p == 2);
        co_await sender.join();
        auto buffered = make_channel<std::unique_ptr<int>>(1);
        auto third = std::make_unique<int>(3);
        CHECK(buffered.try_send(std::move(third)));
        CHECK(!third);
    });
}

TEST_CASE("the halves send and receive, and are what a function should take")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<std::string>(4);
        const send_channel<std::string> in = ch;
        const receive_channel<std::string> out = ch;
        co_await in.send("from a literal");
        CHECK(in.try_send(std::string("tried")));
        auto text = co_await out.receive();
        CHECK(text == "from a literal");
        CHECK(out.try_receive() == "tried");
        in.close();
        CHECK(out.closed());
        std::vector<std::string> rest;
        const std::size_t n = co_await out.receive_up_to(5, std::back_inserter(rest));
        CHECK(n == 0);
    });
}

TEST_CASE("receive_up_to takes what is there, and waits only for the first")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<int>(8);
        for (int i = 0; i < 6; ++i) CHECK(ch.try_send(i));
        std::vector<int> got;
        auto n = co_await ch.receive_up_to(4, std::back_inserter(got));
        CHECK(n == 4);
        CHECK(got == std::vector{0, 1, 2, 3});
        n = co_await ch.receive_up_to(4, std::back_inserter(got));
        CHECK(n == 2);
        CHECK(got.back() == 5);
        n = co_await ch.receive_up_to(0, std::back_inserter(got));
        CHECK(n == 0);

        weft_test::team receiver;
        receiver.go([ch]() -> task<> {
            int room[3] = {};
            const auto one = co_await ch.receive_up_to(3, room);
            CHECK(one == 1);
            CHECK(room[0] == 6);
        });
        co_await weft_test::until_parked(1, "chan receive");
        co_await ch.send(6);
        co_await receiver.join();

        CHECK(ch.try_send(7));
        ch.close();
        std::deque<int> last;
        n = co_await ch.receive_up_to(3, std::back_inserter(last));
        CHECK(n == 1);
        n = co_await ch.receive_up_to(3, std::back_inserter(last));
        CHECK(n == 0);
        CHECK(last.size() == 1);
    });
}

TEST_CASE("receive_up_to takes from waiting senders as well, in order")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<int>(2);
        weft_test::team senders;
        for (int i = 0; i < 5; ++i) {
            senders.go([ch, i]() -> task<> { co_await ch.send(i); });
        }
        co_await weft_test::until_parked(3, "chan send");
        std::vector<int> got;
        const auto n = co_await ch.receive_up_to(10, std::back_inserter(got));
        CHECK(n == 5);
        CHECK(ch.size() == 0);
        co_await senders.join();
        std::sort(got.begin(), got.end());
        CHECK(got == std::vector{0, 1, 2, 3, 4});
    });
}

TEST_CASE("an output iterator that throws costs one value")
{
    on_procs([]() -> task<> {
        struct picky {
            std::vector<int>* into;
            picky& operator*() { return *this; }
            picky& operator++() { return *this; }
            picky& operator=(int v)
            {
                if (v == 2) throw std::runtime_error("not two");
                into->push_back(v);
                return *this;
            }
        };
        auto ch = make_channel<int>(8);
        for (int i = 1; i <= 4; ++i) CHECK(ch.try_send(i));
        std::vector<int> got;
        const picky into{&got};
        CHECK_THROWS_AS(co_await ch.receive_up_to(4, into), std::runtime_error);
        CHECK(got == std::vector{1});
        CHECK(ch.size() == 2);
        const auto n = co_await ch.receive_up_to(4, into);
        CHECK(n == 2);
        CHECK(got == std::vector{1, 3, 4});
    });
}

TEST_CASE("misuse throws Go's words and leaves the channel usable")
{
    on_procs([]() -> task<> {
        CHECK_MISUSE(channel<int>().close(), "close of nil channel");
        CHECK_MISUSE(send_channel<int>().close(), "close of nil channel");
        CHECK_MISUSE(make_channel<int>(std::numeric_limits<std::size_t>::max()),
                     "makechan: size out of range");
        auto ch = make_channel<int>(3);
        CHECK(ch.try_send(1));
        CHECK(ch.try_send(2));
        ch.close();
        CHECK(ch.closed());
        CHECK(!ch.drained());
        CHECK_MISUSE(ch.close(), "close of closed channel");
        CHECK_MISUSE(send_channel<int>(ch).close(), "close of closed channel");
        CHECK_MISUSE(co_await ch.send(3), "send on closed channel");
        CHECK_MISUSE(co_await send_channel<int>(ch).send(3), "send on closed channel");
        CHECK_MISUSE(ch.try_send(3), "send on closed channel");
        CHECK_MISUSE(weft::try_select{ch.send(3)}, "send on closed channel");
        CHECK(ch.size() == 2);
        auto v = co_await ch.receive();
        CHECK(v == 1);
        CHECK(ch.try_receive() == 2);
        CHECK(ch.drained());
        v = co_await ch.receive();
        CHECK(!v);
    });
}

TEST_CASE("a send that fails keeps its value")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<std::unique_ptr<int>>();
        weft_test::team sender;
        sender.go([ch]() -> task<> {
            auto send = ch.send(std::make_unique<int>(5));
            CHECK_MISUSE(co_await std::move(send), "send on closed channel");
            CHECK(*send.unsent() == 5); // NOLINT: the operation itself was not moved
        });
        co_await weft_test::until_parked(1, "chan send");
        ch.close();
        co_await sender.join();
    });
}

TEST_CASE("buffered values die with the last handle")
{
    auto value = std::make_shared<int>(1);
    {
        auto ch = make_channel<std::shared_ptr<int>>(4);
        CHECK(ch.try_send(value));
        CHECK(ch.try_send(value));
        const receive_channel<std::shared_ptr<int>> half = ch;
        ch = {};
        CHECK(value.use_count() == 3);
        CHECK(half.try_receive() == value);
    }
    CHECK(value.use_count() == 1);
}
