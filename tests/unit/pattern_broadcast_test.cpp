// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `broadcast`: who gets what under which policy, waiting publishers, and every way to end.

#include <weft/pattern/broadcast.hpp>
#include <weft/testing/explore.hpp>
#include <weft/testing/faults.hpp>

#include "testing.hpp"
#include "witness.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::pattern::broadcast;
using weft::pattern::broadcast_policy;
using weft::pattern::subscription;
using weft_test::on_procs;
using weft_test::team;
using weft_test::until_parked;

namespace {

/// What is in the buffer now.
template <class T>
std::vector<T> buffered(const subscription<T>& s)
{
    std::vector<T> all;
    while (auto v = s.try_receive()) all.push_back(std::move(*v));
    return all;
}

/// Everything until the end.
task<std::vector<int>> all_of(subscription<int> s)
{
    std::vector<int> all;
    while (auto v = co_await s.receive()) all.push_back(*v);
    co_return all;
}

} // namespace

TEST_CASE("every subscriber gets every value, from when it subscribed to the close")
{
    on_procs([]() -> task<> {
        broadcast<int> b;
        co_await b.publish(0); // nobody hears it
        auto early = b.subscribe(broadcast_policy::block, 3);
        auto a = weft::spawn(all_of, std::move(early));
        for (int i = 1; i <= 100; ++i) co_await b.publish(i);
        auto late = b.subscribe(broadcast_policy::block, 1);
        auto z = weft::spawn(all_of, std::move(late));
        for (int i = 101; i <= 200; ++i) co_await b.publish(i);
        CHECK(b.subscribers() == 2);
        b.close();
        CHECK(b.subscribers() == 0);
        const auto first = co_await a.join();
        const auto second = co_await z.join();
        CHECK(first.size() == 200);
        CHECK(second.size() == 100);
        for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i] == static_cast<int>(i) + 1);
        for (std::size_t i = 0; i < second.size(); ++i)
            CHECK(second[i] == static_cast<int>(i) + 101);
    });
}

TEST_CASE("a full buffer: each policy does what it says, and counts what was missed")
{
    on_procs([]() -> task<> {
        broadcast<std::string> b;
        auto newest = b.subscribe(broadcast_policy::drop_newest, 2);
        auto oldest = b.subscribe(broadcast_policy::drop_oldest, 2);
        auto strict = b.subscribe(broadcast_policy::disconnect, 2);
        for (const char* v : {"a", "b", "c", "d"}) co_await b.publish(v);
        CHECK(b.subscribers() == 2);
        CHECK(buffered(newest) == std::vector<std::string>{"a", "b"});
        CHECK(newest.missed() == 2);
        CHECK(buffered(oldest) == std::vector<std::string>{"c", "d"});
        CHECK(oldest.missed() == 2);
        CHECK(strict.cut_off());
        CHECK(strict.missed() == 1);
        CHECK(co_await strict.receive() == "a");
        CHECK(co_await strict.receive() == "b");
        CHECK_FALSE(co_await strict.receive());
        co_await b.publish("e"); // the others go on
        CHECK(co_await newest.receive() == "e");
        CHECK(co_await oldest.receive() == "e");
        CHECK_FALSE(newest.cut_off());
        CHECK(newest.capacity() == 2);
    });
}

TEST_CASE("a publisher waits for a block subscriber, and nobody has the value before it goes on")
{
    on_procs([]() -> task<> {
        broadcast<int> b;
        auto slow = b.subscribe(broadcast_policy::block, 1);
        auto quick = b.subscribe(broadcast_policy::drop_oldest, 8);
        co_await b.publish(1);
        int three = 3;
        CHECK_FALSE(b.try_publish(std::move(three)));
        auto h = weft::spawn([b]() -> task<> { co_await b.publish(2); });
        co_await until_parked(1, "chan send");
        CHECK(quick.size() == 1);
        CHECK(co_await slow.receive() == 1);
        co_await h.join();
        CHECK(quick.size() == 2);
        CHECK(co_await slow.receive() == 2);
        CHECK(b.try_publish(three));
        CHECK(buffered(quick) == std::vector<int>{1, 2, 3});
        CHECK(slow.missed() == 0);
    });
}

TEST_CASE("a subscription that goes lets the publisher go on")
{
    on_procs([]() -> task<> {
        broadcast<int> b;
        auto other = b.subscribe(broadcast_policy::block, 8);
        auto slow = std::make_unique<subscription<int>>(b.subscribe(broadcast_policy::block, 1));
        co_await b.publish(1);
        team publishers;
        for (int i = 0; i < 3; ++i) publishers.go([b]() -> task<> { co_await b.publish(2); });
        co_await until_parked(3, "chan send");
        slow.reset();
        co_await publishers.join();
        CHECK(other.size() == 4);
        CHECK(b.subscribers() == 1);
    });
}

TEST_CASE("goroutines that receive from a subscription that goes get nothing")
{
    on_procs([]() -> task<> {
        broadcast<int> b;
        auto s = std::make_unique<subscription<int>>(b.subscribe(broadcast_policy::block, 1));
        auto h = weft::spawn([&]() -> task<bool> {
            auto v = co_await s->receive();
            co_return v.has_value();
        });
        co_await until_parked(1, "chan receive");
        s.reset();
        const bool got = co_await h.join();
        CHECK_FALSE(got);
    });
}

TEST_CASE("close and the last handle end it; misuse is told")
{
    on_procs([]() -> task<> {
        broadcast<int> b;
        CHECK_MISUSE(b.subscribe(broadcast_policy::block, 0),
                     "broadcast: subscription without a buffer");
        auto s = b.subscribe(broadcast_policy::block, 1);
        co_await b.publish(1);
        auto h = weft::spawn([b]() -> task<> {
            CHECK_MISUSE(co_await b.publish(2), "publish on closed broadcast");
        });
        co_await until_parked(1, "chan send");
        b.close();
        co_await h.join();
        CHECK(b.closed());
        CHECK_MISUSE(b.close(), "close of closed broadcast");
        CHECK_MISUSE(co_await b.publish(2), "publish on closed broadcast");
        CHECK_MISUSE(b.try_publish(2), "publish on closed broadcast");
        CHECK(co_await s.receive() == 1);
        CHECK_FALSE(co_await s.receive());
        auto late = b.subscribe(broadcast_policy::block, 1);
        CHECK_FALSE(co_await late.receive());

        auto other = std::make_unique<broadcast<int>>();
        auto t = other->subscribe(broadcast_policy::drop_oldest, 1);
        co_await other->publish(7);
        auto end = weft::spawn(all_of, std::move(t));
        other.reset();
        const auto rest = co_await end.join();
        CHECK(rest == std::vector<int>{7});
        CHECK_FALSE(static_cast<bool>(t)); // NOLINT: moved from
        CHECK_MISUSE(t.try_receive(), "use of an empty subscription");
    });
}

TEST_CASE("publish and receive are select cases, and have a context")
{
    on_procs([]() -> task<> {
        broadcast<std::string> b;
        auto full = b.subscribe(broadcast_policy::block, 1);
        auto empty = b.subscribe(broadcast_policy::drop_newest, 4);
        co_await b.publish("first");
        auto never = make_channel<int>();
        auto s = weft::try_select{b.publish("lost"), never.receive()};
        CHECK(s.index() == s.npos);
        CHECK(s.unsent<0>() == "lost");
        auto r = co_await weft::select{never.receive(), empty.receive()};
        CHECK(r.index() == 1);
        CHECK(r.get<1>() == "first");

        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn([until = ctx, &empty, b]() -> task<int> {
            int ended = 0;
            try {
                co_await b.publish(until, "second");
            } catch (const weft::error& e) {
                ended += e.code() == weft::errc::canceled;
            }
            try {
                co_await empty.receive(until);
            } catch (const weft::error& e) {
                ended += e.code() == weft::errc::canceled;
            }
            co_return ended;
        });
        co_await until_parked(1, "chan send");
        cancel();
        const int ended = co_await h.join();
        CHECK(ended == 2);
        CHECK(buffered(full) == std::vector<std::string>{"first"});
        CHECK(empty.size() == 0);
    });
}

TEST_CASE("an ordinary thread publishes and receives through completion tokens")
{
    weft::runtime rt({.procs = 2});
    broadcast<int> b;
    auto s = b.subscribe(broadcast_policy::block, 1);
    auto first = s.receive()(asio::use_future);
    b.publish(1)(asio::use_future).get();
    CHECK(first.get() == 1);
    b.publish(2)(asio::use_future).get();
    auto third = b.publish(3)(asio::use_future);
    CHECK(third.wait_for(0s) == std::future_status::timeout);
    CHECK(s.receive()(asio::use_future).get() == 2);
    third.get();
    rt.join();
}

TEST_CASE("values are copied for all but the last, and none is left over")
{
    on_procs([]() -> task<> {
        auto shared = std::make_shared<int>(5);
        {
            broadcast<std::shared_ptr<int>> b;
            auto x = b.subscribe(broadcast_policy::drop_oldest, 2);
            auto y = b.subscribe(broadcast_policy::block, 4);
            for (int i = 0; i < 4; ++i) co_await b.publish(shared);
            CHECK(shared.use_count() == 5); // two of them in both buffers, two in one
            auto v = co_await y.receive();
            CHECK(*v == shared);
            CHECK(shared.use_count() == 5); // moved
            v = x.try_receive();
            CHECK(shared.use_count() == 5); // copied, in the place of v's old one
        }
        CHECK(shared.use_count() == 1);
    });
}

TEST_CASE("many publishers: all block subscribers see the same order, and nothing is lost")
{
    on_procs([](unsigned procs) -> task<> {
        const int each = static_cast<int>(weft_test::count(3000));
        broadcast<int> b;
        std::vector<weft::join_handle<std::vector<int>>> readers;
        for (std::size_t i = 0; i < 3; ++i) {
            auto s = b.subscribe(broadcast_policy::block, 1 + 5 * i);
            readers.push_back(weft::spawn(all_of, std::move(s)));
        }
        team publishers;
        for (unsigned p = 0; p < procs + 1; ++p) {
            publishers.go([b, p, each]() -> task<> {
                for (int i = 0; i < each; ++i) co_await b.publish(static_cast<int>(p) * each + i);
            });
        }
        // Others come and go, at whatever moment.
        auto over = make_channel<void>();
        auto visitor = weft::spawn([b, over]() -> task<> {
            for (int i = 0; i < 500 && !over.closed(); ++i) {
                auto s = b.subscribe(static_cast<broadcast_policy>(i % 4), 1);
                if (i % 3 != 0)
                    static_cast<void>(co_await weft::select{s.receive(), over.receive()});
                else co_await weft::this_goroutine::yield();
            }
        });
        co_await publishers.join();
        over.close();
        co_await visitor.join();
        b.close();
        const auto first = co_await readers[0].join();
        CHECK(first.size() == static_cast<std::size_t>(each) * (procs + 1));
        for (std::size_t i = 1; i < readers.size(); ++i) {
            const auto other = co_await readers[i].join();
            CHECK(other == first);
        }
    });
}

TEST_CASE("the end of a context at every moment loses nothing and leaves nobody behind")
{
    std::atomic<int> made{0}, destroyed{0};
    const auto report = weft::testing::cancel_everywhere(
        [&](weft::context ctx) -> task<> {
            broadcast<std::shared_ptr<weft_test::witness>> b;
            auto quick = b.subscribe(broadcast_policy::block, 2);
            auto slow = b.subscribe(broadcast_policy::block, 1);
            weft::go(ctx, [s = std::move(quick)]() -> task<> {
                while (co_await s.receive()) continue;
            });
            weft::go(ctx, [s = std::move(slow)]() -> task<> {
                while (co_await s.receive()) co_await weft::sleep(1s);
            });
            for (int i = 0; i < 4; ++i) {
                ++made;
                auto v = std::make_shared<weft_test::witness>(destroyed);
                co_await b.publish(std::move(v));
            }
        },
        {.check =
             [&] {
                 if (made != destroyed) throw std::runtime_error("a value is lost");
             },
         .schedules = 5});
    CHECK(report.places > 10);
}

TEST_CASE("publishers, subscribers that leave and a close, on many schedules")
{
    const auto seen = weft::testing::explore(
        []() -> task<> {
            broadcast<int> b;
            auto stays = b.subscribe(broadcast_policy::block, 1);
            auto leaves = b.subscribe(broadcast_policy::block, 1);
            auto reader = weft::spawn(all_of, std::move(stays));
            weft::go([s = std::move(leaves)]() -> task<> {
                auto v = co_await s.receive();
                CHECK(v.has_value());
            });
            team publishers;
            for (int p = 0; p < 2; ++p) {
                publishers.go([b, p]() -> task<> {
                    for (int i = 0; i < 3; ++i) co_await b.publish(10 * p + i);
                });
            }
            co_await publishers.join();
            b.close();
            const auto all = co_await reader.join();
            int last[2] = {-1, -1};
            for (const int v : all) {
                CHECK(v % 10 == last[v / 10] + 1); // each publisher's in order
                last[v / 10] = v % 10;
            }
            CHECK(all.size() == 6);
        },
        {.schedules = 500});
    CHECK(seen.schedules == 500);
}
