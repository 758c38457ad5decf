// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Select: what happens to the cases that were not chosen. Nothing.

#include "testing.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <utility>

using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;
using weft_test::until_parked;

namespace {

struct operand_failed : std::runtime_error {
    operand_failed() : runtime_error("operand failed") {}
};

int failing_operand()
{
    throw operand_failed{};
}

} // namespace

TEST_CASE("SELECT-06 a case that was not chosen writes nothing and keeps its value")
{
    on_procs([]() -> task<void> {
        int* const nowhere = nullptr; // writing through it would crash
        auto idle = make_channel<int>();
        auto out = make_channel<std::unique_ptr<int>>();
        auto ready = make_channel<int>(3);

        co_await ready.send(1);
        auto s = co_await weft::select{idle.receive_up_to(3, nowhere), ready.receive(),
                                       out.send(std::make_unique<int>(7))};
        CHECK(s.index() == 1);
        CHECK(s.get<1>() == 1);
        auto back = std::move(s.unsent<2>());
        CHECK((back && *back == 7));

        auto d = weft::try_select{idle.receive_up_to(3, nowhere), out.send(std::move(back))};
        CHECK(d.index() == d.npos);
        back = std::move(d.unsent<1>());
        CHECK((back && *back == 7));

        team sender;
        sender.go([&]() -> task<void> {
            co_await until_parked(1, "select");
            co_await ready.send(2);
        });
        auto parked = co_await weft::select{out.send(std::move(back)), ready.receive(),
                                            idle.receive_up_to(3, nowhere)};
        CHECK(parked.index() == 1);
        CHECK(parked.get<1>() == 2);
        back = std::move(parked.unsent<0>());
        CHECK((back && *back == 7));
        co_await sender.join();
        CHECK_FALSE(out.try_receive().has_value());
    });
}

TEST_CASE("SELECT-09 selects that took the default leave no waiter behind")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>();
        int taken = 0;
        for (int i = 0; i < 1000; ++i) {
            auto s = weft::try_select{c.send(1)};
            auto r = weft::try_select{c.receive()};
            if (s.index() != s.npos || r.index() != r.npos) ++taken;
        }
        CHECK(taken == 0);

        team receiver;
        receiver.go([&]() -> task<void> {
            auto v = co_await c.receive();
            CHECK(v == 2);
        });
        co_await until_parked(1, "chan receive");
        co_await c.send(2);
        co_await receiver.join();

        team sender;
        sender.go([&]() -> task<void> { co_await c.send(3); });
        co_await until_parked(1, "chan send");
        auto v = co_await c.receive();
        CHECK(v == 3);
        co_await sender.join();
    });
}

TEST_CASE("SELECT-20 selects beside an idle channel do not use up memory")
{
    on_procs([]() -> task<void> {
        const std::size_t batch = count(100'000);
        auto c = make_channel<int>();
        auto idle = make_channel<int>();
        team sender;
        sender.go([&]() -> task<void> {
            for (std::size_t i = 0; i < 2 * batch; ++i) co_await c.send(1);
        });
        std::size_t received = 0;
        auto receive_batch = [&]() -> task<void> {
            for (std::size_t i = 0; i < batch; ++i) {
                auto s = co_await weft::select{c.receive(), idle.receive()};
                if (s.index() == 0) ++received;
            }
        };
        co_await receive_batch();
        const auto before = weft_test::live_heap();
        co_await receive_batch();
        const auto after = weft_test::live_heap();
        CHECK(after < before + 100 * 1024);
        CHECK(received == 2 * batch);
        co_await sender.join();
        CHECK_FALSE(idle.try_send(1));
    });
}

TEST_CASE("SELECT-24 an exception from the code of the chosen case leaves the exchange done")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>();
        auto idle = make_channel<int>();
        auto handler = weft::spawn([&]() -> task<void> {
            auto s = co_await weft::select{c.receive(), idle.receive()};
            if (s.index() == 0) throw operand_failed{};
        });
        co_await c.send(1); // returns: the receive has happened
        bool caught = false;
        try {
            co_await handler.join();
        } catch (const operand_failed&) {
            caught = true;
        }
        CHECK(caught);
        CHECK_FALSE(idle.try_send(1));

        team sender;
        sender.go([&]() -> task<void> { co_await c.send(2); });
        auto v = co_await c.receive();
        CHECK(v == 2);
        co_await sender.join();
    });
}

TEST_CASE("SELECT-25 an exception while the operands are computed commits nothing")
{
    on_procs([]() -> task<void> {
        auto a = make_channel<int>();
        auto b = make_channel<int>(1);
        auto full = make_channel<int>(1);
        co_await full.send(1);
        int caught = 0;
        for (int i = 0; i < 3; ++i) {
            try {
                if (i == 0) co_await weft::select{a.receive(), b.send(failing_operand())};
                if (i == 1) co_await weft::select{b.send(failing_operand()), full.receive()};
                if (i == 2) (void)weft::try_select{full.receive(), a.send(failing_operand())};
            } catch (const operand_failed&) {
                ++caught;
            }
        }
        CHECK(caught == 3);
        CHECK_FALSE(a.try_send(1));
        CHECK_FALSE(a.try_receive().has_value());
        CHECK(b.size() == 0);
        CHECK(full.size() == 1);
        CHECK(full.try_receive() == 1);
    });
}

TEST_CASE("SELECT-26 a handle that comes and goes does not disturb a parked select")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<int>();
        auto idle = make_channel<int>();
        std::atomic<bool> finished{false};
        team selecting;
        selecting.go([&]() -> task<void> {
            auto s = co_await weft::select{c.receive(), idle.receive()};
            finished = true;
            CHECK(s.index() == 0);
            CHECK(s.get<0>() == 1);
        });
        co_await until_parked(1, "select");
        for (int i = 0; i < 10; ++i) {
            auto copy = c;
            weft::send_channel<int> sending = copy;
            weft::receive_channel<int> receiving = copy;
        }
        co_await sleep_ms(50);
        CHECK_FALSE(finished.load());
        CHECK_FALSE(c.closed());
        co_await c.send(1);
        co_await selecting.join();
        CHECK(finished.load());
    });
}
