// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `generator`: values, waits, exceptions, and its end half way.

#include <weft/pattern/generator.hpp>
#include <weft/testing/explore.hpp>
#include <weft/testing/faults.hpp>

#include "testing.hpp"
#include "witness.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::make_channel;
using weft::task;
using weft::pattern::generator;
using weft_test::on_procs;
using weft_test::witness;

namespace {

generator<int> numbers(int n)
{
    for (int i = 0; i < n; ++i) co_yield i;
}

/// Long enough to live on the heap.
std::string text(int i)
{
    return "a rather long text with the number " + std::to_string(i);
}

generator<std::string> texts(int n)
{
    for (int i = 0; i < n; ++i) {
        co_yield text(i); // a temporary
        std::string own = text(i);
        co_yield own; // copied
        CHECK(own == text(i));
        co_yield std::move(own); // moved
        co_yield "short";        // converted
    }
}

generator<int> received(weft::receive_channel<int> from)
{
    while (auto v = co_await from.receive()) co_yield *v;
}

generator<int> watched(std::atomic<int>& destroyed, int n)
{
    const witness w(destroyed);
    for (int i = 0; i < n; ++i) co_yield i;
}

generator<int> failing(std::atomic<int>& destroyed)
{
    const witness w(destroyed);
    co_yield 1;
    throw std::runtime_error("no more");
}

task<int> doubled(int v)
{
    co_await weft::this_goroutine::yield();
    co_return 2 * v;
}

generator<int> doubles(generator<int> of)
{
    while (auto v = co_await of.next()) co_yield co_await doubled(*v);
}

} // namespace

TEST_CASE("values come in order, each when it is asked for, and then nothing")
{
    on_procs([]() -> task<> {
        auto g = numbers(1000);
        int next = 0;
        while (auto v = co_await g.next()) CHECK(*v == next++);
        CHECK(next == 1000);
        CHECK(g.ended());
        for (int i = 0; i < 3; ++i) CHECK_FALSE(co_await g.next());
        generator<int> none;
        CHECK(none.ended());
        CHECK_FALSE(co_await none.next());
        auto empty = numbers(0);
        CHECK_FALSE(empty.ended()); // nobody has asked
        CHECK_FALSE(co_await empty.next());
    });
}

TEST_CASE("values with destructors are handed over once")
{
    on_procs([]() -> task<> {
        auto g = texts(20);
        for (int i = 0; i < 20; ++i) {
            for (int k = 0; k < 3; ++k) {
                auto v = co_await g.next();
                CHECK(v == text(i));
            }
            auto v = co_await g.next();
            CHECK(v == "short");
        }
        CHECK_FALSE(co_await g.next());

        auto f = [](int n) -> generator<std::unique_ptr<int>> {
            for (int i = 0; i < n; ++i) co_yield std::make_unique<int>(i);
        };
        auto owners = f(10);
        int sum = 0;
        while (auto v = co_await owners.next()) sum += **v;
        CHECK(sum == 45);
    });
}

TEST_CASE("it may wait, and it may move from goroutine to goroutine between two values")
{
    on_procs([](unsigned procs) -> task<> {
        auto c = make_channel<int>();
        weft::go([c]() -> task<> {
            for (int i = 0; i < 500; ++i) co_await c.send(i);
            c.close();
        });
        auto g = std::make_shared<generator<int>>(doubles(received(c)));
        auto turn = make_channel<int>(1);
        co_await turn.send(0);
        weft_test::team readers;
        for (unsigned i = 0; i < procs + 1; ++i) {
            readers.go([g, turn]() -> task<> {
                for (;;) {
                    auto t = co_await turn.receive();
                    if (!t) co_return;
                    auto v = co_await g->next();
                    if (!v) {
                        CHECK(*t == 500);
                        turn.close();
                        co_return;
                    }
                    CHECK(*v == 2 * *t);
                    co_await turn.send(*t + 1);
                }
            });
        }
        co_await readers.join();
        CHECK(g->ended());
    });
}

TEST_CASE("an exception reaches next, and the frame is gone by then")
{
    on_procs([]() -> task<> {
        std::atomic<int> destroyed{0};
        auto g = failing(destroyed);
        CHECK(co_await g.next() == 1);
        std::string what;
        int gone = 0;
        try {
            static_cast<void>(co_await g.next());
        } catch (const std::runtime_error& e) {
            what = e.what();
            gone = destroyed;
        }
        CHECK(what == "no more");
        CHECK(gone == 1);
        CHECK(g.ended());
        CHECK_FALSE(co_await g.next());
    });
}

TEST_CASE("destroyed half way, or before the first value, what lives in it is destroyed")
{
    on_procs([]() -> task<> {
        std::atomic<int> destroyed{0};
        {
            auto g = watched(destroyed, 10);
            for (int i = 0; i < 3; ++i) static_cast<void>(co_await g.next());
            CHECK(destroyed == 0);
        }
        CHECK(destroyed == 1);
        {
            auto never_asked = watched(destroyed, 10);
        }
        CHECK(destroyed == 1); // its body never began
        auto g = watched(destroyed, 10);
        CHECK(co_await g.next() == 0);
        g = numbers(3); // the old one goes
        CHECK(destroyed == 2);
        CHECK(co_await g.next() == 0);
        auto moved = std::move(g);
        CHECK(g.ended()); // NOLINT: moved from
        CHECK(co_await moved.next() == 1);
    });
}

TEST_CASE("it may be destroyed after the goroutine that asked it has ended")
{
    std::atomic<int> destroyed{0};
    std::shared_ptr<generator<int>> kept;
    on_procs([&]() -> task<> {
        kept = std::make_shared<generator<int>>(watched(destroyed, 10));
        auto h = weft::spawn([&]() -> task<> { CHECK(co_await kept->next() == 0); });
        co_await h.join();
    });
    kept.reset();
    CHECK(destroyed == 3);
}

TEST_CASE("unwound in the middle of a wait it goes with its goroutine, whoever owns it")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<int> destroyed{0};
        const auto waiting = [](std::atomic<int>& d) -> generator<int> {
            const witness w(d);
            co_yield 1;
            co_await weft::channel<int>().receive(); // for ever
        };
        auto kept = std::make_shared<generator<int>>(waiting(destroyed));
        weft::run(
            [&]() -> task<> {
                auto body = [kept]() -> task<> {
                    while (co_await kept->next()) continue;
                };
                weft::go(body);
                co_await weft_test::until_parked(1, "chan receive");
            },
            {.procs = procs});
        CHECK(destroyed == 1);
        CHECK(kept->ended());
    }
}

TEST_CASE("next of a generator that is running is misuse")
{
    on_procs(
        []() -> task<> {
            auto c = make_channel<int>();
            auto g = received(c);
            auto h = weft::spawn([&]() -> task<> { CHECK(co_await g.next() == 7); });
            co_await weft_test::until_parked(1, "chan receive");
            CHECK_MISUSE(co_await g.next(), "next of a generator that is running");
            co_await c.send(7);
            co_await h.join();
        },
        weft_test::leftovers::none);
}

TEST_CASE("a context that ends interrupts what it waits for, at every moment, and leaks nothing")
{
    std::atomic<int> made{0}, destroyed{0};
    const auto report = weft::testing::cancel_everywhere(
        [&](weft::context ctx) -> task<> {
            auto body = [](std::atomic<int>& m, std::atomic<int>& d) -> generator<int> {
                ++m;
                const witness w(d);
                for (int i = 0; i < 4; ++i) {
                    co_await weft::sleep(1s);
                    co_yield i;
                    co_await weft::this_goroutine::yield();
                }
            };
            auto g = body(made, destroyed);
            auto c = make_channel<int>();
            weft::go(ctx, [c]() -> task<> {
                while (co_await c.receive()) continue;
            });
            const weft::defer end([c] { c.close(); });
            while (auto v = co_await g.next()) co_await c.send(*v);
        },
        {.check =
             [&] {
                 if (made != destroyed) throw std::runtime_error("a frame is lost");
             },
         .schedules = 5});
    CHECK(report.places > 8);
}

TEST_CASE("two generators in a select loop, on many schedules")
{
    const auto seen = weft::testing::explore(
        []() -> task<> {
            auto odd = make_channel<int>(), even = make_channel<int>();
            const auto feed = [](weft::channel<int> to, int first) -> task<> {
                auto g = numbers(8);
                while (auto v = co_await g.next()) {
                    if (*v % 2 == first) co_await to.send(*v);
                }
                to.close();
            };
            weft::go(feed, odd, 1);
            weft::go(feed, even, 0);
            auto both = [](weft::channel<int> a, weft::channel<int> b) -> generator<int> {
                while (a || b) {
                    auto s = co_await weft::select{a.receive(), b.receive()};
                    auto v = s.index() == 0 ? s.get<0>() : s.get<1>();
                    if (v) co_yield *v;
                    else (s.index() == 0 ? a : b) = {};
                }
            };
            auto g = both(odd, even);
            int sum = 0, n = 0;
            while (auto v = co_await g.next()) sum += *v, ++n;
            CHECK(sum == 28);
            CHECK(n == 8);
        },
        {.schedules = 300});
    CHECK(seen.schedules == 300);
}
