// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// run: a program of goroutines, as long as its main.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/run.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <type_traits>

using weft::task;
using weft_test::witness;

namespace {

task<int> forty_two()
{
    co_await weft::this_goroutine::yield();
    co_return 42;
}

} // namespace

TEST_CASE("run returns what main returns")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        CHECK(weft::run(forty_two, {.procs = procs}) == 42);
        CHECK(*weft::run([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); },
                         {.procs = procs}) == 7);
        static_assert(std::is_void_v<decltype(weft::run([]() -> task<> { co_return; }))>);
    }
    CHECK(weft::run(forty_two) == 42);
}

TEST_CASE("main may be plain code")
{
    CHECK(weft::run([] { return std::string("done"); }) == "done");
    int ran = 0;
    weft::run([&] { ++ran; });
    CHECK(ran == 1);
}

TEST_CASE("run rethrows what main throws")
{
    for (unsigned procs : {1u, 2u}) {
        CHECK_THROWS_WITH_AS(weft::run(
                                 []() -> task<int> {
                                     co_await weft::this_goroutine::yield();
                                     throw std::runtime_error("main failed");
                                 },
                                 {.procs = procs}),
                             "main failed", std::runtime_error);
        CHECK_THROWS_AS(weft::run(
                            []() -> task<> {
                                throw 5;
                                co_return;
                            },
                            {.procs = procs}),
                        int);
    }
}

TEST_CASE("main may be a callable that is moved and owns things")
{
    auto main = [n = std::make_unique<int>(3)]() -> task<int> {
        co_await weft::this_goroutine::yield();
        co_return *n;
    };
    CHECK(weft::run(std::move(main)) == 3);
}

TEST_CASE("goroutines that are left when main returns are unwound before run returns")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        std::atomic<int> destroyed{0};
        std::atomic<bool> went_on{false};
        weft::run(
            [&]() -> task<> {
                for (int i = 0; i < 10; ++i) {
                    weft::go([&, w = witness(destroyed)]() -> task<> {
                        const witness local(destroyed);
                        co_await weft::channel<int>().receive();
                        went_on = true;
                    });
                }
                co_await weft_test::until_parked(10, "chan receive (nil chan)");
                for (int i = 0; i < 10; ++i) { // these have perhaps not started
                    weft::go([&, w = witness(destroyed)]() -> task<> {
                        co_await weft::channel<int>().receive();
                        went_on = true;
                    });
                }
            },
            {.procs = procs});
        CHECK(destroyed == 30);
        CHECK(!went_on);
    }
}

TEST_CASE("a goroutine that runs when main returns stops at its next suspension")
{
    std::atomic<int> destroyed{0};
    std::atomic<bool> runs{false}, ended{false};
    weft::run(
        [&]() -> task<> {
            weft::go([&]() -> task<> {
                const witness w(destroyed);
                runs = true;
                while (!ended) std::this_thread::yield(); // cannot be interrupted
                for (;;) co_await weft::this_goroutine::yield();
            });
            while (!runs) co_await weft::this_goroutine::yield();
            std::thread([&] {
                std::this_thread::sleep_for(std::chrono::milliseconds(10));
                ended = true;
            }).detach();
        },
        {.procs = 2});
    CHECK(destroyed == 1);
}

TEST_CASE("the main goroutine is called main")
{
    weft::run([]() -> task<> {
        CHECK(weft::this_goroutine::name() == "main");
        co_return;
    });
}

TEST_CASE("run on a worker is a misuse")
{
    weft::run([]() -> task<> {
        CHECK_MISUSE(weft::run(forty_two),
                     "run on a worker thread would block it; co_await instead");
        co_return;
    });
}

TEST_CASE("programs run one after the other, and beside one another")
{
    for (int i = 0; i < 20; ++i) CHECK(weft::run(forty_two, {.procs = 2}) == 42);
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] { sum += weft::run(forty_two, {.procs = 2}); });
    }
    for (auto& t : threads) t.join();
    CHECK(sum == 4 * 42);
}
