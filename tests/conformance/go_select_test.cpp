// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Select: which case fires, and when none does.

#include "testing.hpp"

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;
using weft_test::until_parked;

TEST_CASE("SELECT-01 the case that is ready fires")
{
    on_procs([]() -> task<void> {
        std::vector<channel<int>> c;
        for (int i = 0; i < 5; ++i) c.push_back(make_channel<int>(1));
        co_await c[4].send(5);
        auto s = co_await weft::select{c[0].receive(), c[1].receive(), c[2].receive(),
                                       c[3].receive(), c[4].receive()};
        CHECK(s.index() == 4);
        CHECK(s.get<4>() == 5);

        for (int round = 0; round < 10; ++round) {
            const std::size_t ready = round % 2;
            co_await c[ready].send(round);
            auto t = co_await weft::select{c[0].receive(), c[1].receive()};
            CHECK(t.index() == ready);
            CHECK((ready == 0 ? t.get<0>() : t.get<1>()) == round);

            co_await c[ready].send(round);
            auto u = co_await (c[0].receive() || c[1].receive());
            CHECK(u.index() == ready);
        }
    });
}

TEST_CASE("SELECT-02 a try_select takes the default exactly when nothing is ready")
{
    on_procs([]() -> task<void> {
        auto none = weft::try_select{};
        CHECK(none.index() == none.npos);

        auto unbuffered = make_channel<int>();
        auto idle = weft::try_select{unbuffered.receive(), unbuffered.send(1)};
        CHECK(idle.index() == idle.npos);

        auto one = make_channel<int>(1);
        auto sent = weft::try_select{one.send(1)};
        CHECK(sent.index() == 0);
        CHECK(one.size() == 1);
        auto full = weft::try_select{one.send(2)};
        CHECK(full.index() == full.npos);
        auto received = weft::try_select{one.receive()};
        CHECK(received.index() == 0);
        CHECK(received.get<0>() == 1);
        auto empty = weft::try_select{one.receive()};
        CHECK(empty.index() == empty.npos);

        channel<int> nil;
        auto nil_send = weft::try_select{nil.send(1)};
        CHECK(nil_send.index() == nil_send.npos);
        auto nil_receive = weft::try_select{nil.receive()};
        CHECK(nil_receive.index() == nil_receive.npos);
        co_return;
    });
}

TEST_CASE("SELECT-03 a select without a case that can ever fire waits for ever")
{
    on_procs(
        []() -> task<void> {
            auto finished = std::make_shared<std::atomic<int>>(0);
            weft::go([finished]() -> task<void> {
                co_await weft::select{};
                ++*finished;
            });
            weft::go([finished]() -> task<void> {
                channel<int> nil;
                co_await weft::select{nil.receive()};
                ++*finished;
            });
            weft::go([finished]() -> task<void> {
                channel<int> nil;
                co_await weft::select{nil.send(1)};
                ++*finished;
            });
            weft::go([finished]() -> task<void> {
                channel<int> nil;
                co_await weft::select{nil.receive(), nil.send(1)};
                ++*finished;
            });
            weft::go([finished]() -> task<void> {
                auto idle = make_channel<int>();
                co_await weft::select{idle.receive()};
                ++*finished;
            });
            co_await until_parked(5, "select");
            co_await sleep_ms(100);
            CHECK(*finished == 0);
            co_await until_parked(5, "select");
        },
        weft_test::leftovers::parked);
}

TEST_CASE("SELECT-04 a loop that turns each case off after it fired ends with the default")
{
    on_procs([]() -> task<void> {
        for (bool both : {true, false}) {
            auto one = make_channel<int>(1);
            auto two = make_channel<int>(1);
            channel<int> a = one;
            channel<int> b = both ? two : channel<int>{};
            int sends = 0;
            for (;;) {
                auto s = weft::try_select{a.send(1), b.send(2)};
                if (s.index() == s.npos) break;
                (s.index() == 0 ? a : b) = {};
                ++sends;
            }
            CHECK(sends == (both ? 2 : 1));
            CHECK((one.try_receive().value_or(0) | two.try_receive().value_or(0)) ==
                  (both ? 3 : 1));
        }
        co_return;
    });
}

TEST_CASE("SELECT-05 a select over two parked senders releases exactly one")
{
    on_procs([]() -> task<void> {
        auto c1 = make_channel<int>();
        auto c2 = make_channel<int>();
        std::atomic<int> released{0};
        team senders;
        senders.go([&]() -> task<void> {
            co_await c1.send(1);
            ++released;
        });
        senders.go([&]() -> task<void> {
            co_await c2.send(2);
            ++released;
        });
        co_await until_parked(2, "chan send");
        auto first = co_await weft::select{c1.receive(), c2.receive()};
        CHECK((first.index() == 0 ? first.get<0>() == 1 : first.get<1>() == 2));
        co_await weft_test::yield_until([&] { return released == 1; });
        co_await sleep_ms(50);
        CHECK(released == 1);
        CHECK(weft_test::parked("chan send") == 1);
        auto second = co_await weft::select{c1.receive(), c2.receive()};
        CHECK(second.index() == 1 - first.index());
        co_await senders.join();
        CHECK(released == 2);
    });
}

TEST_CASE("SELECT-07 a parked select is woken by the partner of one of its cases")
{
    on_procs([]() -> task<void> {
        for (std::size_t which : {0u, 1u}) {
            std::vector<channel<int>> c{make_channel<int>(), make_channel<int>()};
            team partner;
            partner.go([&]() -> task<void> {
                co_await until_parked(1, "select");
                co_await sleep_ms(50);
                co_await c[which].send(10);
                co_await until_parked(1, "select");
                co_await sleep_ms(50);
                auto v = co_await c[which].receive();
                CHECK(v == 20 + static_cast<int>(which));
            });
            auto received = co_await weft::select{c[0].receive(), c[1].receive()};
            CHECK(received.index() == which);
            CHECK((which == 0 ? received.get<0>() : received.get<1>()) == 10);
            auto sent = co_await weft::select{c[0].send(20), c[1].send(21)};
            CHECK(sent.index() == which);
            co_await partner.join();
        }
    });
}

TEST_CASE("SELECT-08 a close wakes a parked select with an empty receive")
{
    on_procs([]() -> task<void> {
        auto r1 = make_channel<int>();
        auto r2 = make_channel<int>();
        team closer;
        closer.go([&]() -> task<void> {
            co_await until_parked(1, "select");
            r1.close();
            for (int i = 0; i < 5; ++i) co_await r2.send(i);
        });
        auto s = co_await weft::select{r1.receive(), r2.receive()};
        CHECK(s.index() == 0);
        CHECK_FALSE(s.get<0>().has_value());
        for (int i = 0; i < 5; ++i) {
            auto v = co_await r2.receive();
            CHECK(v == i);
        }
        co_await closer.join();
    });
}

TEST_CASE("SELECT-11 a select never meets itself on an unbuffered channel")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>();
        for (std::size_t chosen : {0u, 1u}) {
            std::atomic<bool> finished{false};
            team alone;
            alone.go([&]() -> task<void> {
                auto s = co_await weft::select{c.send(1), c.receive()};
                finished = true;
                CHECK(s.index() == chosen);
            });
            co_await until_parked(1, "select");
            co_await sleep_ms(100);
            CHECK_FALSE(finished.load());
            if (chosen == 0) {
                CHECK(c.try_receive() == 1);
            } else {
                CHECK(c.try_send(2));
            }
            co_await alone.join();
        }
    });
}

TEST_CASE("SELECT-12 send and receive on one buffered channel: the possible one fires")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>(1);
        for (int round = 0; round < 10; ++round) {
            auto on_empty = co_await weft::select{c.send(round), c.receive()};
            CHECK(on_empty.index() == 0);
            auto on_full = co_await weft::select{c.send(-1), c.receive()};
            CHECK(on_full.index() == 1);
            CHECK(on_full.get<1>() == round);
        }
    });
}

TEST_CASE("SELECT-27 a select yields the index and the value of its case")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<std::string>(1);
        auto evaluate = [&](std::string offer) -> task<std::string> {
            channel<std::string> in = offer.empty() ? channel<std::string>{} : c;
            auto s = weft::try_select{in.send(offer), c.receive()};
            if (s.index() == 0) co_return "bar";
            if (s.index() == 1) co_return *s.get<1>();
            co_return "baz";
        };
        auto first = co_await evaluate("foo");
        CHECK(first == "bar");
        auto second = co_await evaluate("");
        CHECK(second == "foo");
        auto third = co_await evaluate("");
        CHECK(third == "baz");
    });
}

TEST_CASE("SELECT-28 two one-shot channels are collected in either order of arrival")
{
    on_procs([]() -> task<void> {
        for (bool reversed : {false, true}) {
            auto a = make_channel<int>();
            auto b = make_channel<int>();
            team senders;
            senders.go([a, b, reversed]() mutable -> task<void> {
                if (reversed) co_await b.send(456);
                co_await a.send(123);
                if (!reversed) co_await b.send(456);
            });
            std::vector<int> collected;
            while (a || b) {
                auto s = co_await weft::select{a.receive(), b.receive()};
                if (s.index() == 0) {
                    collected.push_back(s.get<0>().value_or(0));
                    a = {};
                } else {
                    collected.push_back(s.get<1>().value_or(0));
                    b = {};
                }
            }
            CHECK(collected == (reversed ? std::vector{456, 123} : std::vector{123, 456}));
            co_await senders.join();
        }
    });
}
