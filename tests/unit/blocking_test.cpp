// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// blocking: calls that block a thread, on threads of their own.

#include "testing.hpp"

#include <weft/blocking.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using weft::blocking;
using weft::task;
using weft_test::on_procs;
using weft_test::team;

TEST_CASE("blocking brings the result of the call, of whatever type")
{
    on_procs([]() -> task<> {
        const int n = co_await blocking([] { return 1; });
        CHECK(n == 1);
        auto make = [s = std::string("text")] { return s + "!"; };
        const std::string text = co_await blocking(make);
        CHECK(text == "text!");
        auto own = [p = std::make_unique<int>(2)]() mutable { return std::move(p); };
        const auto p = co_await blocking(std::move(own));
        CHECK(*p == 2);
        static int object = 3;
        int& r = co_await blocking([]() -> int& { return object; });
        CHECK(&r == &object);
        bool ran = false;
        auto note = [&ran] { ran = true; };
        co_await blocking(note);
        CHECK(ran);
    });
}

TEST_CASE("blocking rethrows what the call throws")
{
    on_procs([]() -> task<> {
        std::string what;
        try {
            co_await blocking([]() -> int { throw std::runtime_error("no such file"); });
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "no such file");
        CHECK_MISUSE(co_await blocking([] { weft::channel<int>().close(); }),
                     "close of nil channel");
    });
}

TEST_CASE("the call runs on no worker, and others run meanwhile even on one")
{
    on_procs([]() -> task<> {
        std::promise<std::thread::id> allowed;
        auto go_on = allowed.get_future();
        std::thread::id on;
        auto wait = [&] {
            const auto id = go_on.get(); // until the goroutine below has run
            on = std::this_thread::get_id();
            CHECK_MISUSE(weft::this_goroutine::get_id(),
                         "this_goroutine: not called in a goroutine");
            CHECK_MISUSE(weft::go([] {}), "go: not on a weft runtime; pass its executor");
            return id;
        };
        weft::go([&]() -> task<> {
            co_await weft_test::until_parked(1, "blocking call");
            allowed.set_value(std::this_thread::get_id());
        });
        const auto worker = co_await blocking(wait);
        CHECK(worker != on);
    });
}

TEST_CASE("fifty calls block at the same time")
{
    on_procs([]() -> task<> {
        constexpr int calls = 50;
        std::atomic<int> inside{0}, done{0};
        team callers;
        for (int i = 0; i < calls; ++i) {
            callers.go([&]() -> task<> {
                auto call = [&] {
                    ++inside;
                    while (inside != calls) std::this_thread::yield(); // each needs a thread
                    ++done;
                };
                co_await blocking(call);
            });
        }
        co_await callers.join();
        CHECK(done == calls);
    });
}

TEST_CASE("threads of the side pool are used again")
{
    on_procs([]() -> task<> {
        std::vector<std::thread::id> seen;
        for (int i = 0; i < 100; ++i) {
            const auto id = co_await blocking([] { return std::this_thread::get_id(); });
            if (std::find(seen.begin(), seen.end(), id) == seen.end()) seen.push_back(id);
        }
        CHECK(seen.size() <= 10); // one, if it is back in time
    });
}

TEST_CASE("the end of a runtime waits for calls in progress and destroys what they brought")
{
    std::atomic<bool> returned{false};
    std::atomic<bool> went_on{false};
    auto value = std::make_shared<int>(1);
    {
        weft::runtime rt({.procs = 1});
        std::promise<void> started;
        weft::go(rt.get_executor(), [&, value]() -> task<> {
            auto slow = [&, value] {
                started.set_value();
                std::this_thread::sleep_for(std::chrono::milliseconds(30));
                returned = true;
                return value;
            };
            const auto v = co_await blocking(std::move(slow));
            went_on = true;
        });
        started.get_future().wait();
    }
    CHECK(returned);
    CHECK(!went_on);
    CHECK(value.use_count() == 1);
}

TEST_CASE("one operation may call twice; what the first call threw is forgotten")
{
    on_procs([]() -> task<> {
        int calls = 0;
        auto op = blocking([&] {
            if (calls++ == 0) throw std::runtime_error("first");
            return 7;
        });
        CHECK_THROWS_AS(co_await op, std::runtime_error);
        const int second = co_await op;
        CHECK(second == 7);
    });
}
