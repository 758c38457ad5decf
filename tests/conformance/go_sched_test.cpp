// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines: where they start, where they run, and that none is forgotten or starved.

#include "testing.hpp"

#include <asio/post.hpp>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::count;
using weft_test::on_procs;
using weft_test::sleep_ms;
using weft_test::team;
using weft_test::yield_until;

namespace {

/// How far apart, on any one thread, the calls of note() found the stack.
class stack_spread {
public:
    [[gnu::noinline]] void note()
    {
        thread_local const stack_spread* owner = nullptr;
        thread_local std::uintptr_t lowest = 0;
        thread_local std::uintptr_t highest = 0;
        const auto here = reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
        if (owner != this) {
            owner = this;
            lowest = highest = here;
        }
        lowest = std::min(lowest, here);
        highest = std::max(highest, here);
        auto seen = most_.load();
        while (highest - lowest > seen && !most_.compare_exchange_weak(seen, highest - lowest)) {}
    }

    std::uintptr_t most() const { return most_; }

private:
    std::atomic<std::uintptr_t> most_{0};
};

constexpr std::uintptr_t constant_stack = 64 * 1024;

task<void> nest(std::size_t depth, channel<void> bottom)
{
    if (depth == 0) {
        co_await bottom.send();
    } else {
        weft::go(nest, depth - 1, bottom);
    }
}

} // namespace

TEST_CASE("SCHED-01 go works from a goroutine, from an Asio handler and from a plain thread")
{
    on_procs([]() -> task<void> {
        const auto executor = weft::this_goroutine::get_executor();
        auto ran = make_channel<void>();
        auto body = [ran]() -> task<void> { co_await ran.send(); };

        for (int i = 0; i < 100; ++i) weft::go(body);
        for (int i = 0; i < 50; ++i) {
            asio::post(executor, [body] { weft::go(body); });
            asio::post(executor, [body, executor] { weft::go(executor, body); });
        }
        std::atomic<bool> refused{false};
        std::thread plain{[&] {
            try {
                weft::go(body);
            } catch (const weft::misuse_error&) {
                refused = true;
            }
            for (int i = 0; i < 100; ++i) weft::go(executor, body);
        }};
        for (int i = 0; i < 300; ++i) co_await ran.receive();
        co_await weft::blocking([&] { plain.join(); });
        CHECK(refused.load());
    });
}

TEST_CASE("SCHED-01 a goroutine's result or exception reaches whoever joins it")
{
    on_procs([]() -> task<void> {
        auto number = weft::spawn([](int n) -> task<int> { co_return n + 1; }, 6);
        auto owner = weft::spawn(
            [](std::unique_ptr<int> p) -> task<std::unique_ptr<int>> {
                co_await weft::this_goroutine::yield();
                co_return p;
            },
            std::make_unique<int>(8));
        auto failing = weft::spawn([]() -> task<int> {
            co_await weft::this_goroutine::yield();
            throw std::runtime_error("no result");
        });
        auto n = co_await number.join();
        CHECK(n == 7);
        auto p = co_await owner.join();
        CHECK((p && *p == 8));
        std::string what;
        try {
            co_await failing.join();
        } catch (const std::runtime_error& e) {
            what = e.what();
        }
        CHECK(what == "no result");
    });
}

TEST_CASE("SCHED-01 an exception that nobody joins reaches the panic policy and only that")
{
    std::mutex mutex;
    std::vector<std::string> panics;
    const auto note = [&](const weft::panic_info& info) {
        std::lock_guard lock{mutex};
        try {
            std::rethrow_exception(info.exception);
        } catch (const std::exception& e) {
            panics.push_back(e.what());
        }
    };
    const auto noted = [&] {
        std::lock_guard lock{mutex};
        return panics.size();
    };
    on_procs(
        [&]() -> task<void> {
            panics.clear();
            weft::go([]() -> task<void> {
                co_await weft::this_goroutine::yield();
                throw std::runtime_error("from go");
            });
            {
                auto dropped = weft::spawn([]() -> task<void> {
                    throw std::runtime_error("from spawn");
                    co_return;
                });
            }
            auto survivor = weft::spawn([]() -> task<int> { co_return 1; });
            co_await yield_until([&] { return noted() == 2; });
            auto one = co_await survivor.join();
            CHECK(one == 1);
            std::lock_guard lock{mutex};
            std::sort(panics.begin(), panics.end());
            CHECK(panics == std::vector<std::string>{"from go", "from spawn"});
        },
        weft_test::leftovers::none, weft::panic_policy{note});
}

TEST_CASE("SCHED-02 as many goroutines run at the same time as there are workers")
{
    on_procs([](unsigned procs) -> task<void> {
        for (int attempt = 0; attempt < 10; ++attempt) {
            std::atomic<unsigned> turn{0};
            team spinners;
            for (unsigned own = 0; own < procs; ++own) {
                spinners.go([&, own]() -> task<void> {
                    for (unsigned round = 0; round < 3; ++round) {
                        // Blocks its worker: the others must be running meanwhile.
                        while (turn != round * procs + own) std::this_thread::yield();
                        ++turn;
                    }
                    co_return;
                });
            }
            co_await spinners.join();
            CHECK(turn == 3 * procs);
        }
    });
}

TEST_CASE("SCHED-03 a goroutine that polls and yields lets the others run")
{
    on_procs([]() -> task<void> {
        auto c = make_channel<void>();
        auto acknowledged = make_channel<void>();
        team spinner;
        spinner.go([&]() -> task<void> {
            for (;;) {
                auto s = weft::try_select{c.receive()};
                if (s.index() == 0) break;
                co_await weft::this_goroutine::yield();
            }
            co_await acknowledged.send();
        });
        co_await sleep_ms(10);
        co_await c.send();
        co_await acknowledged.receive();
        co_await spinner.join();
    });
}

TEST_CASE("SCHED-04 ten thousand goroutines start one another")
{
    on_procs([]() -> task<void> {
        auto bottom = make_channel<void>();
        weft::go(nest, count(10'000), bottom);
        const bool reached = co_await bottom.receive();
        CHECK(reached);
    });
}

TEST_CASE("SCHED-04 goroutines that ended give their memory back")
{
    on_procs([]() -> task<void> {
        const std::size_t n = count(100'000);
        std::atomic<std::size_t> ended{0};
        auto batch = [&]() -> task<void> {
            ended = 0;
            for (std::size_t i = 0; i < n; ++i) {
                weft::go([&]() -> task<void> {
                    ++ended;
                    co_return;
                });
            }
            co_await yield_until([&] { return ended == n; });
            co_await weft_test::until_alone();
        };
        co_await batch();
        const auto before = weft_test::live_heap();
        for (int i = 0; i < 3; ++i) co_await batch();
        CHECK(weft_test::live_heap() < before + 1024 * 1024);
    });
}

TEST_CASE("SCHED-05 a million ready operations need neither stack nor memory")
{
    on_procs([]() -> task<void> {
        const std::size_t n = count(1'000'000);
        auto ready = make_channel<int>(1);
        stack_spread stack;
        auto exchange = [&]() -> task<void> {
            for (std::size_t i = 0; i < n / 2; ++i) {
                co_await ready.send(1);
                co_await ready.receive();
                stack.note();
            }
        };
        co_await exchange();
        const auto before = weft_test::live_heap();
        co_await exchange();
        CHECK(weft_test::live_heap() < before + 1024 * 1024);
        CHECK(stack.most() < constant_stack);
    });
}

TEST_CASE("SCHED-05 a goroutine whose operations are always ready does not starve the others")
{
    on_procs([]() -> task<void> {
        auto ready = make_channel<int>(1);
        std::atomic<bool> stop{false};
        team busy;
        busy.go([&]() -> task<void> {
            while (!stop) {
                co_await ready.send(1);
                co_await ready.receive();
            }
        });
        for (int i = 0; i < 100; ++i) co_await weft::this_goroutine::yield();
        co_await sleep_ms(5);
        stop = true;
        co_await busy.join();
    });
}

TEST_CASE("SCHED-05 a wake-up runs through a chain of any length")
{
    on_procs([]() -> task<void> {
        const std::size_t length = count(100'000);
        stack_spread stack;
        team chain;
        auto leftmost = make_channel<std::size_t>();
        auto left = leftmost;
        for (std::size_t i = 0; i < length; ++i) {
            auto right = make_channel<std::size_t>();
            chain.go([left, right, &stack]() -> task<void> {
                auto v = co_await right.receive();
                stack.note();
                co_await left.send(*v + 1);
            });
            left = right;
        }
        co_await left.send(0);
        auto v = co_await leftmost.receive();
        CHECK(v == length);
        co_await chain.join();
        CHECK(stack.most() < constant_stack);
    });
}
