// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The end of a runtime: whatever a goroutine waits for, it is unwound, and what it owns is
// destroyed exactly once.

#include "testing.hpp"
#include "witness.hpp"

#include <asio/buffer.hpp>
#include <asio/deferred.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::witness;

namespace {

/// Starts `waits` as a goroutine of a runtime, twice, one of them inside a child task; once both
/// are parked for `reason`, ends the runtime. Each owns an argument, a capture and two locals.
void check_unwound(unsigned procs, std::string reason, std::function<task<>()> waits)
{
    weft_test::note_procs(procs);
    weft_test::watchdog guard;
    std::atomic<int> destroyed{0};
    std::atomic<bool> went_on{false};
    {
        weft::runtime rt({.procs = procs});
        auto body = [&, w = witness(destroyed)](witness, bool nested) -> task<> {
            const witness first(destroyed);
            const auto child = [&]() -> task<> {
                const witness second(destroyed);
                co_await waits();
                went_on = true;
            };
            if (nested) co_await child();
            const witness second(destroyed);
            co_await waits();
            went_on = true;
        };
        weft::go(rt.get_executor(), body, witness(destroyed), false);
        weft::go(rt.get_executor(), std::move(body), witness(destroyed), true);
        while (weft_test::parked(reason) != 2) std::this_thread::yield();
        destroyed = 0; // the temporaries of above
    }
    CHECK(destroyed == 8);
    CHECK(!went_on);
    weft_test::note_procs(0);
}

void check_unwound(std::string reason, std::function<task<>()> waits)
{
    for (unsigned procs : {1u, 2u, 4u}) check_unwound(procs, reason, waits);
}

} // namespace

TEST_CASE("a runtime ends with goroutines parked on a receive")
{
    auto ch = make_channel<int>();
    check_unwound("chan receive", [=]() -> task<> { co_await ch.receive(); });
    CHECK(!ch.try_send(1)); // nobody is left in its queue
}

TEST_CASE("a runtime ends with goroutines parked on a send, which keep their values")
{
    auto ch = make_channel<std::shared_ptr<int>>(1);
    auto value = std::make_shared<int>(1);
    CHECK(ch.try_send(value));
    check_unwound("chan send", [=]() -> task<> { co_await ch.send(value); });
    CHECK(ch.size() == 1);
    CHECK(ch.try_receive() == value);
    CHECK(!ch.try_receive());
    CHECK(value.use_count() == 1);
}

TEST_CASE("a runtime ends with goroutines parked on nil channels")
{
    check_unwound("chan receive (nil chan)", []() -> task<> { co_await channel<int>().receive(); });
    check_unwound("chan send (nil chan)", []() -> task<> { co_await channel<int>().send(1); });
}

TEST_CASE("a runtime ends with goroutines parked on selects")
{
    auto a = make_channel<int>();
    auto b = make_channel<std::string>();
    check_unwound("select", [=]() -> task<> {
        co_await weft::select{a.receive(), b.send("unsent"), a.receive(), channel<int>().send(1)};
    });
    CHECK(!a.try_send(1));
    CHECK(!b.try_receive());
    check_unwound("select", [=]() -> task<> {
        std::vector cases(50, a.receive());
        co_await weft::select_any(std::move(cases));
    });
    CHECK(!a.try_send(1));
    check_unwound("select (no cases)", []() -> task<> {
        co_await weft::select{channel<int>().receive(), channel<int>().send(1)};
    });
}

TEST_CASE("a runtime ends with goroutines parked on joins")
{
    weft::runtime other({.procs = 1});
    auto h =
        weft::spawn(other.get_executor(), []() -> task<> { co_await channel<int>().receive(); });
    check_unwound("join", [=]() -> task<> { co_await h.join(); });
}

TEST_CASE("a runtime ends with goroutines in Asio operations")
{
    check_unwound("asio operation", []() -> task<> {
        asio::steady_timer timer(weft::this_goroutine::get_executor(), std::chrono::hours(1));
        co_await timer.async_wait(asio::deferred);
    });
    check_unwound("asio operation", []() -> task<> {
        using asio::ip::tcp;
        tcp::acceptor door(weft::this_goroutine::get_executor(),
                           tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        auto visitor = co_await door.async_accept(asio::deferred);
    });
}

TEST_CASE("a runtime ends with goroutines in blocking calls, when those have returned")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<bool> open{false};
        std::atomic<int> inside{0};
        std::thread opener([&] {
            while (inside != 2) std::this_thread::yield();
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
            open = true;
        });
        check_unwound(procs, "blocking call", [&]() -> task<> {
            auto call = [&] {
                ++inside;
                while (!open) std::this_thread::yield();
            };
            co_await weft::blocking(call);
        });
        opener.join();
    }
}

TEST_CASE("goroutines that never started, or stand in a queue, are destroyed too")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<int> destroyed{0};
        {
            weft::runtime rt({.procs = procs});
            for (int i = 0; i < 200; ++i) {
                weft::go(
                    rt.get_executor(),
                    [](witness) -> task<> {
                        for (;;) co_await weft::this_goroutine::yield();
                    },
                    witness(destroyed));
            }
        }
        CHECK(destroyed == 200);
    }
}

TEST_CASE("handlers that did not run are destroyed")
{
    std::atomic<int> destroyed{0};
    std::atomic<bool> busy{false}, go_on{false};
    {
        weft::runtime rt({.procs = 1});
        asio::post(rt.get_executor(), [&] {
            busy = true;
            while (!go_on) std::this_thread::yield();
        });
        while (!busy) std::this_thread::yield();
        asio::post(rt.get_executor(), [w = witness(destroyed)] {});
        asio::steady_timer timer(rt.get_executor(), std::chrono::hours(1));
        timer.async_wait([w = witness(destroyed)](std::error_code) {});
        go_on = true;
    }
    CHECK(destroyed == 2);
}

TEST_CASE("the destructor of a local may still use channels, and start goroutines that do not run")
{
    auto told = make_channel<int>(10);
    std::atomic<int> destroyed{0};
    std::atomic<bool> ran{false};
    {
        weft::runtime rt({.procs = 2});
        for (int i = 0; i < 5; ++i) {
            weft::go(rt.get_executor(), [&, ex = rt.get_executor()]() -> task<> {
                weft::defer tell([&] {
                    CHECK(told.try_send(1));
                    weft::go(ex, [&ran](witness) { ran = true; }, witness(destroyed));
                });
                co_await channel<int>().receive();
            });
        }
        while (weft_test::parked() != 5) std::this_thread::yield();
    }
    CHECK(told.size() == 5);
    CHECK(destroyed == 5);
    CHECK(!ran);
}

TEST_CASE("goroutines of another runtime go on when their partner's runtime ends")
{
    weft::runtime survivor({.procs = 1});
    auto ch = make_channel<int>();
    {
        weft::runtime rt({.procs = 1});
        weft::go(rt.get_executor(), [=]() -> task<> {
            for (;;) co_await ch.send(1);
        });
        for (int i = 0; i < 10; ++i) {
            CHECK(weft::sync_wait(survivor.get_executor(), ch.receive()) == 1);
        }
    }
    CHECK(!ch.try_receive());
    weft::go(survivor.get_executor(), [=]() -> task<> { co_await ch.send(2); });
    CHECK(weft::sync_wait(survivor.get_executor(), ch.receive()) == 2);
}

TEST_CASE("a runtime ends while other threads wake its goroutines")
{
    for (int round = 0; round < 50; ++round) {
        std::atomic<bool> over{false};
        auto ch = make_channel<int>(4);
        std::thread poker([&] {
            for (int i = 0; !over; ++i) (void)ch.try_send(i);
        });
        std::atomic<int> destroyed{0};
        {
            weft::runtime rt({.procs = 2});
            for (int i = 0; i < 4; ++i) {
                weft::go(
                    rt.get_executor(),
                    [=](witness) -> task<> {
                        while (co_await ch.receive()) {}
                    },
                    witness(destroyed));
            }
            while (weft_test::parked() == 0) std::this_thread::yield();
        }
        over = true;
        poker.join();
        CHECK(destroyed == 4);
    }
}

namespace {

enum class taken_out_by { a_cancellation, another_case, another_case_and_a_release };

/// A goroutine waits for `Object` and a channel in a select that is decided, but does not run before the runtime ends.
/// The object goes between, and its memory is written over.
template <class Object, class Wait, class Use>
void check_unwound_without(taken_out_by how, Wait wait, Use use)
{
    weft_test::watchdog guard;
    std::atomic<int> destroyed{0};
    alignas(Object) std::byte room[sizeof(Object)];
    {
        weft::runtime rt({.procs = 1});
        weft::sync_wait(rt.get_executor(), [&]() -> task<> {
            auto* object = new (room) Object();
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto ch = make_channel<int>();
            auto selects = [&destroyed, wait, object, ch]() -> task<> {
                const witness w(destroyed);
                co_await weft::select{wait(*object), ch.receive()};
            };
            weft::go(ctx, selects);
            co_await weft_test::until_parked(1, "select");
            weft::go([] { std::this_thread::sleep_for(50ms); }); // goes before it
            if (how == taken_out_by::a_cancellation) cancel();
            else co_await ch.send(1);
            if (how == taken_out_by::another_case_and_a_release) use(*object);
            object->~Object();
            std::fill(std::begin(room), std::end(room), std::byte(0xff));
        });
    }
    CHECK(destroyed == 1);
}

} // namespace

TEST_CASE("what a decided select stood at may go before it runs")
{
    for (const auto how : {taken_out_by::a_cancellation, taken_out_by::another_case,
                           taken_out_by::another_case_and_a_release}) {
        CAPTURE(static_cast<int>(how));
        struct none : weft::semaphore {
            none() : semaphore(1) { CHECK(try_acquire()); }
        };
        check_unwound_without<none>(
            how, [](none& s) { return s.acquire(); }, [](none& s) { s.release(); });
        check_unwound_without<weft::event>(
            how, [](weft::event& e) { return e.wait(); }, [](weft::event& e) { e.set(); });
        struct one : weft::wait_group {
            one() { add(1); }
        };
        check_unwound_without<one>(how, [](one& g) { return g.wait(); }, [](one& g) { g.done(); });
    }
}
