// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The doors of select: its forms, results, unsent values, and misuse. Fairness, races and Go's own
// tests are in tests/conformance; completion tokens are in select_token_test.cpp.

#include "testing.hpp"

#include <weft/select.hpp>

#include <memory>
#include <string>
#include <type_traits>
#include <variant>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::select_any;
using weft::select_biased;
using weft::task;
using weft::try_select;
using weft_test::on_procs;
using weft_test::until_parked;

TEST_CASE("the result tells which case happened, and has its value")
{
    on_procs([]() -> task<> {
        auto numbers = make_channel<int>(1);
        auto texts = make_channel<std::string>(1);
        auto signals = make_channel<void>(1);
        auto full = make_channel<int>();

        co_await numbers.send(1);
        auto s = co_await weft::select{texts.receive(), numbers.receive(), signals.receive(),
                                       full.send(2)};
        static_assert(decltype(s)::npos == static_cast<std::size_t>(-1));
        CHECK(s.index() == 1);
        CHECK(s.get<1>() == 1);
        CHECK_THROWS_AS((void)s.get<0>(), std::bad_variant_access);
        CHECK(s.unsent<3>() == 2);

        co_await texts.send("word");
        auto t = co_await weft::select{texts.receive(), numbers.receive()};
        CHECK(t.index() == 0);
        const std::string word = std::move(*t.get<0>());
        CHECK(word == "word");

        co_await signals.send();
        auto u = co_await weft::select{numbers.receive(), signals.receive()};
        CHECK(u.index() == 1);
        CHECK(u.get<1>());

        auto v = co_await weft::select{full.receive(), numbers.send(3)};
        CHECK(v.index() == 1);
        CHECK(numbers.try_receive() == 3);
    });
}

TEST_CASE("a select waits for the first case that can happen, the others have no effect")
{
    on_procs([]() -> task<> {
        auto a = make_channel<int>();
        auto b = make_channel<std::unique_ptr<int>>();
        auto c = make_channel<void>();
        weft_test::team other;
        other.go([=]() -> task<> {
            co_await until_parked(1, "select");
            auto p = co_await b.receive();
            CHECK(**p == 7);
        });
        auto s = co_await weft::select{a.receive(), b.send(std::make_unique<int>(7)), c.receive()};
        CHECK(s.index() == 1);
        co_await other.join();
        CHECK(!a.try_send(1)); // nobody waits any more
        CHECK(!c.try_send());
    });
}

TEST_CASE("closed channels: a receive is ready with nothing, a send is misuse when it is chosen")
{
    on_procs([]() -> task<> {
        auto closed = make_channel<int>();
        auto never = channel<int>();
        closed.close();
        auto s = co_await weft::select{never.receive(), closed.receive()};
        CHECK(s.index() == 1);
        CHECK(!s.get<1>());
        CHECK_MISUSE((co_await weft::select{never.receive(), closed.send(1)}),
                     "send on closed channel");
        CHECK_MISUSE((try_select{never.receive(), closed.send(1)}), "send on closed channel");
        CHECK_MISUSE((co_await select_biased{closed.send(1), closed.receive()}),
                     "send on closed channel");
        auto biased = co_await select_biased{closed.receive(), closed.send(1)};
        CHECK(biased.index() == 0);

        auto open = make_channel<int>();
        weft_test::team waits;
        waits.go([=]() -> task<> {
            CHECK_MISUSE((co_await weft::select{open.send(1), never.receive()}),
                         "send on closed channel");
        });
        co_await until_parked(1, "select");
        open.close();
        co_await waits.join();
    });
}

TEST_CASE("try_select takes a ready case or none, and never waits, in threads as well")
{
    auto a = make_channel<int>(1);
    auto b = make_channel<int>(1);
    auto none = try_select{a.receive(), b.receive()};
    CHECK(none.index() == none.npos);
    auto sent = try_select{a.receive(), b.send(4)};
    CHECK(sent.index() == 1);
    auto full = try_select{b.send(5)};
    CHECK(full.index() == full.npos);
    CHECK(full.unsent<0>() == 5);
    auto got = try_select{a.receive(), b.receive()};
    CHECK(got.index() == 1);
    CHECK(got.get<1>() == 4);
    auto empty = try_select{};
    CHECK(empty.index() == empty.npos);
    auto nil = try_select{channel<int>().receive(), channel<int>().send(1)};
    CHECK(nil.index() == nil.npos);
}

TEST_CASE("select_biased takes the first ready case in the order written")
{
    on_procs([]() -> task<> {
        auto a = make_channel<int>(1), b = make_channel<int>(1), c = make_channel<int>(1);
        for (int i = 0; i < 100; ++i) {
            CHECK(b.try_send(i));
            CHECK(c.try_send(i));
            auto s = co_await select_biased{a.receive(), b.receive(), c.receive()};
            CHECK(s.index() == 1);
            s = co_await select_biased{a.receive(), b.receive(), c.receive()};
            CHECK(s.index() == 2);
        }
        weft_test::team sender;
        sender.go([c]() -> task<> {
            co_await until_parked(1, "select");
            co_await c.send(8);
        });
        auto s = co_await select_biased{a.receive(), b.receive(), c.receive()};
        CHECK(s.get<2>() == 8);
        co_await sender.join();
    });
}

TEST_CASE("a || b || c is the same as select{a, b, c}")
{
    on_procs([]() -> task<> {
        auto a = make_channel<int>(1), b = make_channel<int>(1);
        auto quit = make_channel<void>();
        CHECK(b.try_send(2));
        auto s = co_await (a.receive() || b.receive());
        CHECK(s.index() == 1);
        CHECK(s.get<1>() == 2);
        quit.close();
        auto t = co_await (a.receive() || b.receive() || quit.receive() || channel<int>().send(1));
        static_assert(std::is_same_v<decltype(t),
                                     decltype(weft::select{a.receive(), b.receive(), quit.receive(),
                                                           a.send(1)})::result_type>);
        CHECK(t.index() == 2);
    });
}

TEST_CASE("select_any takes a range of like cases, thousands of them")
{
    on_procs([]() -> task<> {
        std::vector<channel<int>> all;
        for (int i = 0; i < 3000; ++i) all.push_back(make_channel<int>());
        const auto receives = [&] {
            std::vector<decltype(all[0].receive())> cases;
            for (auto& ch : all) cases.push_back(ch.receive());
            return cases;
        };
        weft_test::team sender;
        sender.go([&]() -> task<> {
            co_await until_parked(1, "select");
            co_await all[2222].send(5);
        });
        auto [index, value] = co_await select_any(receives());
        CHECK(index == 2222);
        CHECK(value == 5);
        co_await sender.join();

        auto named = receives(); // copied, not taken
        all[7].close();
        const auto closed = co_await select_any(named);
        CHECK(closed.index == 7);
        CHECK(!closed.value);
        CHECK(named.size() == 3000);
        const auto again = co_await select_any(named);
        CHECK(again.index == 7);

        std::vector<decltype(all[0].send(1))> sends;
        for (int i = 0; i < 3; ++i) sends.push_back(all[i].send(i));
        weft_test::team receiver;
        receiver.go([&]() -> task<> {
            auto v = co_await all[1].receive();
            CHECK(v == 1);
        });
        const auto sent = co_await select_any(std::move(sends));
        CHECK(sent.index == 1);
        co_await receiver.join();
    });
}

TEST_CASE("a value that was not sent can be sent again")
{
    on_procs([]() -> task<> {
        auto slow = make_channel<std::unique_ptr<int>>();
        auto quick = make_channel<int>(1);
        CHECK(quick.try_send(1));
        auto s = co_await weft::select{slow.send(std::make_unique<int>(9)), quick.receive()};
        CHECK(s.index() == 1);
        auto again = std::move(s.unsent<0>());
        weft_test::team receiver;
        receiver.go([slow]() -> task<> {
            auto p = co_await slow.receive();
            CHECK(**p == 9);
        });
        co_await slow.send(std::move(again));
        co_await receiver.join();
    });
}

TEST_CASE("a case may have a temporary operand: it lives as long as the select")
{
    on_procs([]() -> task<> {
        auto ch = make_channel<std::string>(1);
        std::vector<int> calls;
        const auto operand = [&](int i) -> const channel<std::string>& {
            calls.push_back(i);
            return ch;
        };
        auto s = co_await weft::select{operand(0).send(std::string(100, 'a')), operand(1).receive(),
                                       operand(2).send("short")};
        CHECK(s.index() != 1);
        CHECK(calls == std::vector{0, 1, 2}); // once, from left to right
        CHECK(ch.size() == 1);
    });
}
