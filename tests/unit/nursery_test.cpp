// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `nursery`: nothing outlives it, and one failure ends all.

#include "ending.hpp"
#include "testing.hpp"
#include "witness.hpp"

#include <weft/nursery.hpp>
#include <weft/testing.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::make_channel;
using weft::nursery;
using weft::task;
using weft_test::ending_of;
using weft_test::on_procs;
using weft_test::until_parked;
using weft_test::witness;
namespace testing = weft::testing;

namespace {

const std::string canceled = weft::error(weft::errc::canceled).what();

void fail(const char* text)
{
    throw std::runtime_error(text);
}

} // namespace

TEST_CASE("it waits for its goroutines, and returns what its body did")
{
    on_procs([]() -> task<> {
        std::atomic<int> sum = 0;
        std::atomic<int> gone = 0;
        auto add = [&sum](auto... n) -> task<> {
            co_await weft::this_goroutine::yield();
            sum += (0 + ... + n);
        };
        auto body = [&](nursery& n) -> task<std::unique_ptr<int>> {
            n.go([&sum, w = witness(gone)] { ++sum; });
            n.go(add);
            n.go(add, 10);
            n.go(add, 100, 100);
            n.go(add, 1000, 1000, 1000);
            co_return std::make_unique<int>(5);
        };
        const auto p = co_await nursery::run(body);
        CHECK(*p == 5);
        CHECK(sum == 3'211);
        CHECK(gone == 1);
        auto plain = [&](nursery& n) {
            n.go(add, 1);
            return 6;
        };
        const int six = co_await nursery::run(weft::background(), plain);
        CHECK(six == 6);
        CHECK(sum == 3'212);
        auto nothing = [](nursery&) {};
        co_await nursery::run(nothing);
    });
}

TEST_CASE("goroutines start others, also after the body has returned")
{
    on_procs([]() -> task<> {
        std::atomic<int> ran = 0;
        auto body = [&ran](nursery& n) -> task<> {
            auto deeper = [&ran](auto self, nursery& inner, int depth) -> task<> {
                ++ran;
                co_await weft::this_goroutine::yield();
                if (depth > 0) {
                    inner.go(self, self, std::ref(inner), depth - 1);
                    inner.go(self, self, std::ref(inner), depth - 1);
                }
            };
            n.go(deeper, deeper, std::ref(n), 4);
            co_return;
        };
        co_await nursery::run(body);
        CHECK(ran == 31);
    });
}

TEST_CASE("the first failure ends the others and the body, and comes out")
{
    on_procs([]() -> task<> {
        std::atomic<int> ended = 0;
        auto endless = [&ended]() -> task<> {
            const weft::defer end([&ended] { ++ended; });
            co_await weft::sleep(1h);
        };
        auto body = [&](nursery& n) -> task<int> {
            n.go(endless);
            n.go(endless);
            n.go([] { fail("boom"); });
            co_await endless();
            co_return 1;
        };
        CHECK(co_await ending_of(nursery::run(body)) == "boom");
        CHECK(ended <= 3);
        ended = 0;
        auto failing_body = [&](nursery& n) -> task<> {
            auto gate = make_channel<void>();
            auto told = [&ended, gate]() -> task<> {
                const weft::defer end([&ended] { ++ended; });
                co_await gate.receive();
                co_await weft::sleep(1h);
            };
            n.go(told);
            n.go(told);
            co_await gate.send();
            co_await gate.send();
            fail("body");
        };
        CHECK(co_await ending_of(nursery::run(failing_body)) == "body");
        CHECK(ended == 2);
    });
}

TEST_CASE(
    "a failure counts for more than the obedience of others, and for as much as it comes first")
{
    on_procs([]() -> task<> {
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto obedient = []() -> task<> { co_await weft::sleep(1h); };
        auto begun = make_channel<void>();
        auto stubborn = [begun](context inner) -> task<> {
            co_await begun.send(); // one that the end finds unbegun never runs
            try {
                co_await inner.done();
                co_await weft::this_goroutine::yield();
            } catch (const weft::error&) {
                fail("cannot clean up");
            }
            fail("cannot clean up");
        };
        auto body = [&, c = cancel](nursery& n) -> task<> {
            n.go(obedient);
            n.go(stubborn, n.get_context());
            co_await begun.receive();
            c();
            co_await obedient();
        };
        CHECK(co_await ending_of(nursery::run(ctx, body)) == "cannot clean up");
    });
}

TEST_CASE("the end of the parent ends it, with that context's error")
{
    on_procs([]() -> task<> {
        auto body = [](nursery& n) -> task<> {
            n.go([]() -> task<> { co_await weft::sleep(1h); });
            co_return;
        };
        {
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 1ms);
            CHECK(co_await ending_of(nursery::run(ctx, body)) ==
                  weft::error(weft::errc::deadline_exceeded).what());
        }
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        cancel();
        std::atomic<int> ran = 0;
        auto late = [&ran](nursery&) { ++ran; };
        CHECK(co_await ending_of(nursery::run(ctx, late)) == canceled);
        CHECK(ran == 0);
        CHECK_MISUSE(co_await nursery::run(context(), body),
                     "cannot create context from nil parent");
    });
}

TEST_CASE("the end of the caller's own context ends it, whatever the parent")
{
    on_procs([]() -> task<> {
        for (const bool own : {false, true}) {
            std::atomic<int> ended = 0;
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto caller = [&]() -> task<> {
                auto body = [&ended](nursery& n) -> task<> {
                    auto slow = [&ended]() -> task<> {
                        try {
                            co_await weft::sleep(1h);
                        } catch (const weft::error&) {
                            ++ended;
                            throw;
                        }
                    };
                    n.go(slow);
                    co_await slow();
                };
                std::string text;
                if (own) text = co_await ending_of(nursery::run(body));
                else text = co_await ending_of(nursery::run(weft::background(), body));
                CHECK(text == canceled);
                CHECK(ended == 2); // it has waited
            };
            auto h = weft::spawn(ctx, caller);
            co_await until_parked(2, "sleep");
            cancel();
            co_await h.join();
        }
    });
}

TEST_CASE("dumps show where its goroutines were started")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        auto held = [gate](int) -> task<> { co_await gate.receive(); };
        const auto line = std::source_location::current().line() + 2;
        auto body = [&](nursery& n) -> task<> {
            n.go(held, 1);
            n.go(held, 2);
            co_await until_parked(2, "chan receive");
            std::vector<unsigned> lines;
            for (const auto& info : weft::debug::goroutines()) {
                if (info.wait_reason == "chan receive") lines.push_back(info.spawn_site.line());
            }
            CHECK(lines == std::vector<unsigned>{line, line + 1});
            co_await gate.send();
            co_await gate.send();
        };
        co_await nursery::run(body);
    });
}

TEST_CASE("a runtime that ends takes a nursery and its goroutines")
{
    std::atomic<int> gone = 0;
    on_procs(
        [&gone]() -> task<> {
            gone = 0;
            auto job = [&gone]() -> task<> {
                auto body = [&gone](nursery& n) -> task<> {
                    auto never = make_channel<void>();
                    auto f = [w = witness(gone), never]() -> task<> { co_await never.receive(); };
                    n.go(f);
                    co_await f();
                };
                co_await nursery::run(body);
            };
            weft::go(job);
            co_await until_parked(2, "chan receive");
            CHECK(gone == 0);
        },
        weft_test::leftovers::parked);
    CHECK(gone == 2);
    testing::leak_check();
}

TEST_CASE("a body that is unwound with its runtime still has its captures, and its nursery")
{
    // The goroutine of the caller is older, and so it is unwound first.
    std::atomic<int> gone = 0;
    std::atomic<int> unwound = 0;
    std::atomic<int> too_late = 0;
    on_procs(
        [&]() -> task<> {
            gone = 0;
            auto job = [&]() -> task<> {
                auto body = [&, w = witness(gone)](nursery& n) -> task<int> {
                    const weft::defer end([&] {
                        ++unwound;
                        if (gone != 0 || n.get_context().err()) ++too_late;
                    });
                    auto never = make_channel<void>();
                    co_await never.receive();
                    co_return 1;
                };
                co_await nursery::run(std::move(body));
            };
            weft::go(job);
            co_await until_parked(1, "chan receive");
        },
        weft_test::leftovers::parked);
    CHECK(unwound == 3);
    CHECK(too_late == 0);
    CHECK(gone == 1);
    testing::leak_check();
}

TEST_CASE("nothing of a body is left when it returns")
{
    on_procs([]() -> task<> {
        for (int i = 0; i < 100; ++i) {
            std::atomic<int> gone = 0;
            auto body = [w = witness(gone)](nursery& n) -> task<> {
                n.go([] {});
                co_await weft::this_goroutine::yield();
            };
            co_await nursery::run(std::move(body));
            CHECK(gone == 1);
        }
    });
}

TEST_CASE("its context may end at every moment, and nothing is left")
{
    int left = 0;
    const auto none_left = [&left] {
        if (left != 0) throw std::runtime_error("something is left: " + std::to_string(left));
    };
    const auto program = [&left](context) -> task<> {
        int inside = 0;
        auto slow = [&](int i) -> task<> {
            ++left, ++inside;
            const weft::defer end([&] { --left, --inside; });
            co_await weft::sleep(i * 1ms);
        };
        auto body = [&](nursery& n) -> task<> {
            for (int i = 0; i < 3; ++i) n.go(slow, i);
            auto deeper = [&](nursery& m) -> task<> {
                m.go(slow, 4);
                co_await slow(1);
            };
            co_await nursery::run(deeper);
        };
        const weft::defer check([&] {
            if (inside != 0) std::terminate(); // it would use what is gone
        });
        co_await nursery::run(body);
    };
    const auto report = testing::cancel_everywhere(program, {.check = none_left, .schedules = 20});
    CHECK(report.places > 10);
    testing::leak_check();
}

TEST_CASE("on every schedule the first of two failures comes out, after all have ended")
{
    const auto program = []() -> task<> {
        std::vector<int> thrown;
        int inside = 0;
        auto failing = [&](int i) -> task<> {
            ++inside;
            const weft::defer end([&] { --inside; });
            co_await weft::this_goroutine::yield();
            thrown.push_back(i);
            throw i;
        };
        auto body = [&](nursery& n) -> task<> {
            n.go(failing, 1);
            n.go(failing, 2);
            co_await weft::sleep(1h);
        };
        std::optional<int> caught;
        try {
            co_await nursery::run(body);
        } catch (int i) {
            caught = i;
        }
        if (inside != 0) fail("one is left");
        if (!caught || thrown.empty() || thrown.front() != *caught) fail("not the first");
    };
    testing::explore(program, {.schedules = 2'000});
    CHECK(testing::exhaustive(program, 3).complete);
}
