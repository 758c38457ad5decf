// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// once and once_value: their members; failures and contexts that end.

#include <weft/once.hpp>

#include "sync_waits.hpp"
#include "witness.hpp"

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

using weft::once;
using weft::once_value;
using weft::task;
using weft_test::on_procs;

namespace {

task<std::string> text_of(task<> t)
{
    std::string text;
    try {
        co_await std::move(t);
    } catch (const std::exception& e) {
        text = e.what();
    }
    co_return text;
}

task<> call(once& o, std::atomic<int>& runs)
{
    const auto f = [&runs]() -> task<> {
        co_await weft::this_goroutine::yield();
        ++runs;
    };
    co_await o.call(f);
}

} // namespace

TEST_CASE("functions and coroutines, with a result that is dropped or none; done says so")
{
    on_procs([]() -> task<> {
        once plain, coroutine, result;
        int runs = 0;
        CHECK(!plain.done());
        for (int i = 0; i < 3; ++i) {
            const auto counts = [&runs] { ++runs; };
            const auto waits = [&runs]() -> task<> {
                co_await weft::this_goroutine::yield();
                ++runs;
            };
            const auto returns = [&runs]() -> task<int> { co_return ++runs; };
            co_await plain.call(counts);
            co_await coroutine.call(waits);
            co_await result.call(returns);
            CHECK(plain.done());
            CHECK(runs == 3);
        }
        once other;
        auto moved = std::make_unique<int>(5);
        auto takes = [&runs, p = std::move(moved)] { runs += *p; };
        co_await other.call(std::move(takes));
        CHECK(runs == 8);
    });
}

TEST_CASE("a function that throws has run: that call throws, the others do not")
{
    on_procs([]() -> task<> {
        once o;
        const auto throws = [&o]() -> task<> {
            const auto f = []() -> task<> {
                co_await weft::this_goroutine::yield();
                throw std::runtime_error("first");
            };
            co_await o.call(f);
        };
        const auto first = co_await text_of(throws());
        CHECK(first == "first");
        CHECK(o.done());
        const auto second = co_await text_of(throws());
        CHECK(second.empty());
    });
}

TEST_CASE("one that its context ends has not run: the next call runs its own")
{
    on_procs([]() -> task<> {
        once o;
        std::atomic<int> runs{0};
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(ctx, [&o]() -> task<> {
            const auto f = []() -> task<> { co_await weft::channel<int>().receive(); };
            co_await o.call(f);
        });
        co_await weft_test::until_parked(1, "chan receive");
        auto next = weft::spawn(call, std::ref(o), std::ref(runs));
        auto ended = weft::spawn(ctx, call, std::ref(o), std::ref(runs)); // while it waits
        co_await weft_test::until_parked(2, "sync.Mutex.Lock");
        cancel();
        for (auto* each : {&h, &ended}) {
            std::error_code code;
            try {
                co_await each->join();
            } catch (const weft::error& e) {
                code = e.code();
            }
            CHECK(code == weft::errc::canceled);
        }
        co_await next.join();
        CHECK(runs == 1);
        CHECK(o.done());
    });
}

TEST_CASE("an error of its own in an ended context is a failure of the function")
{
    on_procs([]() -> task<> {
        once o;
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(ctx, [&o, stop = cancel]() -> task<> {
            const auto f = [stop]() -> task<> {
                stop();
                throw std::runtime_error("its own");
                co_return;
            };
            co_await o.call(f);
        });
        std::string text;
        try {
            co_await h.join();
        } catch (const std::exception& e) {
            text = e.what();
        }
        CHECK(text == "its own");
        CHECK(o.done());
    });
}

TEST_CASE("once_value: the value of a function or coroutine, or none, made when it is asked for")
{
    on_procs([]() -> task<> {
        int runs = 0;
        once_value number([&runs] { return ++runs; });
        once_value text([&runs]() -> task<std::string> {
            co_await weft::this_goroutine::yield();
            ++runs;
            co_return "text";
        });
        once_value nothing([&runs]() -> task<> {
            ++runs;
            co_return;
        });
        once_value unique([] { return std::make_unique<int>(7); });
        CHECK(runs == 0);
        for (int i = 0; i < 3; ++i) {
            const int& n = co_await number.get();
            CHECK(n == 1);
            const std::string& s = co_await text.get();
            CHECK(s == "text");
            co_await nothing.get();
            const auto& p = co_await unique.get();
            CHECK(*p == 7);
        }
        CHECK(runs == 3);
        const int& one = co_await number.get();
        const int& two = co_await number.get();
        CHECK(&one == &two);
    });
}

TEST_CASE("once_value: the function is destroyed when it has run, whether it threw or not")
{
    on_procs([]() -> task<> {
        std::atomic<int> destroyed{0};
        once_value good([w = weft_test::witness(destroyed)] { return 1; });
        once_value bad(
            [w = weft_test::witness(destroyed)]() -> int { throw std::runtime_error("bad"); });
        destroyed = 0;
        const int& one = co_await good.get();
        CHECK(one == 1);
        CHECK(destroyed == 1);
        for (int i = 0; i < 3; ++i) {
            std::string text;
            try {
                const int& n = co_await bad.get();
                CHECK(n == 0); // not reached
            } catch (const std::runtime_error& e) {
                text = e.what();
            }
            CHECK(text == "bad");
        }
        CHECK(destroyed == 2);
    });
}

TEST_CASE("once_value: one that its context ends is asked again by the next")
{
    on_procs([]() -> task<> {
        auto gate = weft::make_channel<int>();
        int runs = 0;
        once_value v([gate, &runs]() -> task<int> {
            ++runs;
            const auto n = co_await gate.receive();
            co_return *n;
        });
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto h = weft::spawn(ctx, [&v]() -> task<> {
            const int& n = co_await v.get();
            CHECK(n == 0); // not reached
        });
        co_await weft_test::until_parked(1, "chan receive");
        cancel();
        std::error_code code;
        try {
            co_await h.join();
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::canceled);
        weft::go([gate]() -> task<> { co_await gate.send(9); });
        const int& n = co_await v.get();
        CHECK(n == 9);
        CHECK(runs == 2);
    });
}

TEST_CASE("from threads and two runtimes: it runs once")
{
    weft_test::watchdog guard;
    weft::runtime one({.procs = 2}), two({.procs = 1});
    for (int round = 0; round < 20; ++round) {
        once o;
        std::atomic<int> runs{0};
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; ++i) {
            threads.emplace_back([&, ex = i % 2 ? one.get_executor() : two.get_executor()] {
                weft::sync_wait(ex, call(o, runs));
                CHECK(runs == 1);
            });
        }
        for (auto& t : threads) t.join();
    }
}

TEST_CASE("the end of a runtime and of the object while some wait")
{
    weft_test::watchdog guard;
    once o;
    std::atomic<int> runs{0};
    {
        weft::runtime rt({.procs = 2});
        weft::go(rt.get_executor(), [&o]() -> task<> {
            const auto f = []() -> task<> { co_await weft::channel<int>().receive(); };
            co_await o.call(f);
        });
        while (weft_test::parked("chan receive") != 1) std::this_thread::yield();
        for (int i = 0; i < 20; ++i) {
            weft::go(rt.get_executor(), call, std::ref(o), std::ref(runs));
        }
        while (weft_test::parked("sync.Mutex.Lock") != 20) std::this_thread::yield();
    }
    CHECK(runs == 0);
    CHECK(!o.done()); // it never ended
    weft::runtime rt({.procs = 1});
    weft::sync_wait(rt.get_executor(), call(o, runs));
    CHECK(runs == 1);
}

TEST_CASE("once on many schedules, and cancelled everywhere")
{
    weft::testing::explore(
        []() -> task<> {
            once o;
            std::atomic<int> runs{0};
            weft::wait_group all;
            for (int i = 0; i < 4; ++i) {
                all.go([&]() -> task<> {
                    co_await call(o, runs);
                    CHECK(runs == 1);
                });
            }
            co_await all.wait();
        },
        {.schedules = weft_test::count(20'000)});
    weft::testing::cancel_everywhere(
        [](weft::context ctx) -> task<> {
            const auto work = [ctx]() -> task<> {
                once o;
                std::atomic<int> runs{0};
                std::vector<weft::join_handle<void>> some;
                for (int i = 0; i < 3; ++i)
                    some.push_back(weft::spawn(ctx, call, std::ref(o), std::ref(runs)));
                auto free = weft::spawn(call, std::ref(o), std::ref(runs));
                co_await free.join();
                CHECK(runs == 1);
                for (auto& h : some) {
                    try {
                        co_await h.join();
                    } catch (const weft::error&) {
                    }
                }
                CHECK(runs == 1);
            };
            auto h = weft::spawn(weft::without_cancel(ctx), work);
            const auto joins = [h]() -> task<> { co_await h.join(); };
            auto joined = joins();
            co_await weft::shield(std::move(joined));
        },
        {.schedules = 3});
}
