// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `oneshot`: one value once, and what each half sees of the other's end.

#include <weft/pattern/oneshot.hpp>
#include <weft/testing/explore.hpp>
#include <weft/testing/faults.hpp>

#include "testing.hpp"
#include "witness.hpp"

#include <asio/use_future.hpp>

#include <atomic>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::pattern::oneshot;
using weft::pattern::oneshot_receiver;
using weft::pattern::oneshot_sender;
using weft_test::on_procs;
using weft_test::until_parked;

TEST_CASE("a value that is there, or comes, is received once")
{
    on_procs([]() -> task<> {
        auto [set, get] = oneshot<std::string>();
        CHECK_FALSE(get.try_receive());
        CHECK(set.set("there"));
        CHECK(co_await get.receive() == "there");
        CHECK_FALSE(co_await get.receive()); // as a closed channel
        CHECK_FALSE(get.try_receive());

        oneshot<std::unique_ptr<int>> later;
        auto h = weft::spawn([r = std::move(later.receiver)]() -> task<int> {
            auto v = co_await r.receive();
            co_return v ? **v : -1;
        });
        co_await until_parked(1, "chan receive");
        CHECK(later.sender.set(std::make_unique<int>(7)));
        const int v = co_await h.join();
        CHECK(v == 7);
    });
}

TEST_CASE("what is set twice, or used when it is empty, is misuse")
{
    on_procs([]() -> task<> {
        auto [set, get] = oneshot<int>();
        set.set(1);
        CHECK_MISUSE(set.set(2), "set of a oneshot that was set");
        CHECK(get.try_receive() == 1);
        CHECK_MISUSE(set.set(2), "set of a oneshot that was set");
        const auto taken = std::move(set);
        CHECK_FALSE(static_cast<bool>(set)); // NOLINT: moved from
        CHECK(static_cast<bool>(taken));
        CHECK_MISUSE(set.set(3), "use of an empty oneshot_sender");
        CHECK_MISUSE(co_await set.abandoned(), "use of an empty oneshot_sender");
        const auto kept = std::move(get);
        CHECK_MISUSE(get.try_receive(), "use of an empty oneshot_receiver");
        CHECK_MISUSE(co_await get.receive(), "use of an empty oneshot_receiver");
    });
}

TEST_CASE("a sender that goes without a value ends the wait")
{
    on_procs([]() -> task<> {
        std::optional<oneshot<int>> both(std::in_place);
        auto r = std::move(both->receiver);
        auto h = weft::spawn([&r]() -> task<bool> {
            auto v = co_await r.receive();
            co_return v.has_value();
        });
        co_await until_parked(1, "chan receive");
        both.reset();
        const bool got = co_await h.join();
        CHECK_FALSE(got);

        oneshot<int> one, two;
        one.sender = std::move(two.sender); // one's own sender goes
        CHECK_FALSE(co_await one.receiver.receive());
        one.sender.set(2);
        CHECK(co_await two.receiver.receive() == 2);
    });
}

TEST_CASE("a receiver that goes is seen by the sender, and the value is not lost")
{
    on_procs([]() -> task<> {
        oneshot<std::unique_ptr<int>> o;
        auto h = weft::spawn([s = std::move(o.sender)]() mutable -> task<std::unique_ptr<int>> {
            CHECK_FALSE(s.is_abandoned());
            co_await s.abandoned();
            CHECK(s.is_abandoned());
            auto mine = std::make_unique<int>(3);
            CHECK_FALSE(s.set(std::move(mine)));
            co_return mine; // untouched
        });
        co_await until_parked(1, "event");
        {
            const auto gone = std::move(o.receiver);
        }
        const auto back = co_await h.join();
        CHECK(back != nullptr);

        std::atomic<int> destroyed{0};
        oneshot<weft_test::witness> w;
        w.sender.set(weft_test::witness(destroyed));
        CHECK(destroyed == 0);
        {
            const auto unseen = std::move(w.receiver);
        }
        CHECK(destroyed == 1);
    });
}

TEST_CASE("the first of two goroutines gets the value, the other nothing")
{
    on_procs([]() -> task<> {
        auto [set, get] = oneshot<int>();
        std::atomic<int> values{0}, empties{0};
        weft_test::team both;
        for (int i = 0; i < 2; ++i) {
            both.go([&, &r = get]() -> task<> {
                auto v = co_await r.receive();
                ++(v ? values : empties);
            });
        }
        co_await until_parked(2, "chan receive");
        set.set(1);
        co_await both.join();
        CHECK(values == 1);
        CHECK(empties == 1);
    });
}

TEST_CASE("a lost select and an ended context leave the value where it is")
{
    on_procs([]() -> task<> {
        auto [set, get] = oneshot<int>();
        auto c = make_channel<int>(1);
        co_await c.send(1);
        auto s = co_await weft::select{get.receive(), c.receive()};
        CHECK(s.index() == 1);
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn([until = ctx, &r = get]() -> task<bool> {
            try {
                static_cast<void>(co_await r.receive(until));
            } catch (const weft::error& e) {
                co_return e.code() == weft::errc::canceled;
            }
            co_return false;
        });
        co_await until_parked(1, "chan receive");
        cancel();
        const bool ended = co_await h.join();
        CHECK(ended);
        set.set(5);
        auto t = co_await weft::select{c.receive(), get.receive()};
        CHECK(t.index() == 1);
        CHECK(t.get<1>() == 5);
    });
}

TEST_CASE("between ordinary threads, with a completion token")
{
    for (int i = 0; i < 100; ++i) {
        oneshot<int> o;
        auto got = o.receiver.receive()(asio::use_future);
        std::thread setter([s = std::move(o.sender), i]() mutable { s.set(i); });
        CHECK(got.get() == i);
        setter.join();
    }
}

TEST_CASE("halves that end at any moment, on all schedules with two interruptions")
{
    const auto seen = weft::testing::exhaustive(
        []() -> task<> {
            auto [set, get] = oneshot<std::unique_ptr<int>>();
            auto sender = weft::spawn([s = std::move(set)]() mutable -> task<bool> {
                co_await weft::this_goroutine::yield();
                auto v = std::make_unique<int>(1);
                const bool sent = s.set(std::move(v));
                CHECK(sent == (v == nullptr));
                co_return sent;
            });
            auto give_up = make_channel<int>(1);
            weft::go([give_up]() -> task<> { co_await give_up.send(1); });
            bool received = false;
            {
                const auto r = std::move(get);
                auto s = co_await weft::select{r.receive(), give_up.receive()};
                received = s.index() == 0;
                if (received) CHECK(s.get<0>().has_value());
            }
            const bool sent = co_await sender.join();
            CHECK((sent || !received));
        },
        2);
    CHECK(seen.complete);
    CHECK(seen.schedules > 10);
}

TEST_CASE("the end of a context at every moment leaves no value and nobody behind")
{
    std::atomic<int> made{0}, destroyed{0};
    const auto report = weft::testing::cancel_everywhere(
        [&](weft::context ctx) -> task<> {
            for (int i = 0; i < 3; ++i) {
                oneshot<weft_test::witness> o;
                weft::go(ctx, [&made, &destroyed, s = std::move(o.sender)]() mutable -> task<> {
                    co_await weft::sleep(1s);
                    ++made;
                    s.set(weft_test::witness(destroyed));
                });
                auto v = co_await o.receiver.receive();
                CHECK(v.has_value());
            }
        },
        {.check =
             [&] {
                 if (made != destroyed) throw std::runtime_error("a value is lost");
             },
         .schedules = 5});
    CHECK(report.places > 6);
}
