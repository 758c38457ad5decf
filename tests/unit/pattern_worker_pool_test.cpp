// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `pattern::worker_pool`: results, a queue with an end, more and fewer workers, and its three ends.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/pattern/worker_pool.hpp>
#include <weft/testing.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using weft::context;
using weft::join_handle;
using weft::task;
using weft::pattern::worker_pool;
using weft::testing::bubble;
using weft::testing::settle;
using weft_test::on_procs;
using weft_test::team;

namespace {

/// What awaiting `h` brings, as text.
template <class T>
task<std::string> outcome(join_handle<T> h)
{
    try {
        if constexpr (std::is_void_v<T>) {
            co_await h.join();
            co_return "done";
        } else {
            auto value = co_await h.join();
            co_return "value " + std::to_string(value);
        }
    } catch (const weft::error& e) {
        co_return e.code() == weft::errc::canceled ? "canceled" : e.what();
    } catch (const std::exception& e) {
        co_return e.what();
    }
}

/// Does jobs of so many seconds, and notes how many ran at a time.
struct sleeper {
    int* running;
    int* most;

    task<> operator()(int seconds) const
    {
        *most = std::max(*most, ++*running);
        weft::defer gone([this] { --*running; });
        co_await weft::sleep(std::chrono::seconds(seconds));
    }
};

} // namespace

TEST_CASE("each job has its result, whoever submits it and whichever worker does it")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        worker_pool pool(ctx, 3, 5, [](context, int i) -> task<std::string> {
            if (i % 2 == 0) co_await weft::this_goroutine::yield();
            co_return std::to_string(i);
        });
        static_assert(std::same_as<decltype(pool), worker_pool<int, std::string>>);
        team clients;
        for (int k = 0; k < 4; ++k) {
            clients.go([&, k]() -> task<> {
                std::vector<join_handle<std::string>> handles;
                for (int i = 0; i < 100; ++i) {
                    auto h = co_await pool.submit(ctx, k * 100 + i);
                    handles.push_back(std::move(h));
                }
                for (int i = 0; i < 100; ++i) {
                    auto text = co_await handles[static_cast<std::size_t>(i)].join();
                    CHECK(text == std::to_string(k * 100 + i));
                }
            });
        }
        co_await clients.join();
        CHECK(pool.workers() == 3);
        co_await pool.drain();
    });
}

TEST_CASE("plain functions, no results, jobs that cannot be copied")
{
    on_procs([]() -> task<> {
        std::atomic<int> sum{0};
        worker_pool pool(weft::background(), 2, 0,
                         [&](const std::unique_ptr<int>& p) { sum += *p; });
        static_assert(std::same_as<decltype(pool), worker_pool<std::unique_ptr<int>, void>>);
        for (int i = 1; i <= 20; ++i) {
            auto h = co_await pool.submit(std::make_unique<int>(i));
            if (i % 2 == 0) co_await h.join();
        }
        co_await pool.drain(); // also those whose handles were dropped
        CHECK(sum == 210);
    });
}

TEST_CASE("submit waits for room; try_submit does not, and leaves the job where it was")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 2, 3, sleeper{&running, &most});
        for (int i = 0; i < 2; ++i) static_cast<void>(co_await pool.submit(10));
        co_await settle();
        for (int i = 0; i < 3; ++i) CHECK(pool.try_submit(10));
        CHECK(pool.queued() == 3);
        CHECK_FALSE(pool.try_submit(10));
        const auto begin = weft::clock::now();
        static_cast<void>(co_await pool.submit(10));
        CHECK(weft::clock::now() - begin == 10s);

        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1s);
        auto big = co_await pool.submit(ctx, 10); // two had been taken
        std::error_code code;
        try {
            static_cast<void>(co_await pool.submit(ctx, 10));
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::deadline_exceeded);
        co_await pool.drain();
        auto end = co_await outcome(big);
        CHECK(end == "done");
        CHECK(most == 2);
    });
    bubble([]() -> task<> {
        auto block = [](const std::unique_ptr<int>&) -> task<> { co_await weft::sleep(1s); };
        worker_pool pool(weft::background(), 1, 0, block);
        co_await settle();
        auto job = std::make_unique<int>(1);
        CHECK(pool.try_submit(std::move(job)));
        job = std::make_unique<int>(2);
        CHECK_FALSE(pool.try_submit(std::move(job)));
        REQUIRE(job != nullptr);
        CHECK(*job == 2);
        co_await pool.drain();
    });
}

TEST_CASE("an exception goes to the job's handle, and the worker goes on")
{
    std::atomic<int> panics{0};
    on_procs(
        [&]() -> task<> {
            panics = 0;
            worker_pool pool(weft::background(), 1, 10, [](int i) {
                if (i < 0) throw std::runtime_error("negative");
                return i;
            });
            auto bad = co_await pool.submit(-1);
            auto good = co_await pool.submit(1);
            auto text = co_await outcome(bad);
            CHECK(text == "negative");
            text = co_await outcome(good);
            CHECK(text == "value 1");
            CHECK(panics == 0);
            static_cast<void>(co_await pool.submit(-2)); // nobody will see it
            good = co_await pool.submit(2);
            text = co_await outcome(good);
            CHECK(text == "value 2");
            co_await pool.drain();
            CHECK(panics == 1);
        },
        weft_test::leftovers::none, weft::panic_policy([&](const weft::panic_info&) { ++panics; }));
}

TEST_CASE("resize: more at once, fewer when they are done with what they do")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 1, 100, sleeper{&running, &most});
        for (int i = 0; i < 40; ++i) static_cast<void>(co_await pool.submit(10));
        co_await settle();
        CHECK(running == 1);
        pool.resize(4);
        co_await settle();
        CHECK(running == 4);
        pool.resize(2);
        CHECK(pool.workers() == 2);
        co_await settle();
        CHECK(running == 4); // nobody is interrupted
        co_await weft::sleep(11s);
        CHECK(running == 2);
        pool.resize(1);
        pool.resize(3); // the one that was to go stays
        co_await settle();
        CHECK(running == 3);
        co_await pool.drain();
        CHECK(running == 0);
        CHECK(most == 4);
    });
    bubble([]() -> task<> { // idle workers go, too
        worker_pool pool(weft::background(), 5, 0, [](int) {});
        co_await settle();
        pool.resize(2);
        co_await settle();
        CHECK(weft::debug::goroutine_count() == 3);
        co_await pool.drain();
    });
}

TEST_CASE("resizing while jobs come and go, on several threads")
{
    on_procs([]() -> task<> {
        std::atomic<int> done{0};
        worker_pool pool(weft::background(), 2, 4, [&](int) -> task<> {
            co_await weft::this_goroutine::yield();
            ++done;
        });
        team others;
        for (int k = 0; k < 2; ++k) {
            others.go([&]() -> task<> {
                for (int i = 0; i < 200; ++i) {
                    pool.resize(1 + i % 7);
                    co_await weft::this_goroutine::yield();
                }
            });
            others.go([&]() -> task<> {
                for (int i = 0; i < 300; ++i) static_cast<void>(co_await pool.submit(i));
            });
        }
        co_await others.join();
        pool.resize(3);
        co_await pool.drain();
        CHECK(done == 600);
    });
}

TEST_CASE("drain finishes what was accepted and takes nothing more")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 2, 10, sleeper{&running, &most});
        std::vector<join_handle<void>> handles;
        for (int i = 0; i < 6; ++i) {
            auto h = co_await pool.submit(10);
            handles.push_back(std::move(h));
        }
        const auto begin = weft::clock::now();
        co_await pool.drain();
        CHECK(weft::clock::now() - begin == 30s);
        for (auto& h : handles) {
            auto end = co_await outcome(h);
            CHECK(end == "done");
        }
        CHECK_MISUSE(co_await pool.submit(1), "worker_pool: submit after drain");
        CHECK_MISUSE(pool.try_submit(1), "worker_pool: submit after drain");
        pool.resize(5); // changes nothing any more
        co_await pool.drain();
    });
    bubble([]() -> task<> { // a submit that waits when drain comes
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 1, 0, sleeper{&running, &most});
        static_cast<void>(co_await pool.submit(10));
        auto late = weft::spawn([&]() -> task<> {
            CHECK_MISUSE(co_await pool.submit(1), "worker_pool: submit after drain");
        });
        co_await settle();
        co_await pool.drain();
        co_await late.join();
    });
}

TEST_CASE("stop interrupts those that run, and tells those that were not begun")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 2, 10, sleeper{&running, &most});
        std::vector<join_handle<void>> handles;
        for (int i = 0; i < 6; ++i) {
            auto h = co_await pool.submit(1000);
            handles.push_back(std::move(h));
        }
        co_await settle();
        const auto begin = weft::clock::now();
        handles.pop_back(); // a job that is dropped with nobody looking is no panic
        handles.erase(handles.begin());
        co_await pool.stop();
        CHECK(weft::clock::now() == begin);
        CHECK(running == 0);
        for (auto& h : handles) {
            auto end = co_await outcome(h);
            CHECK(end == "canceled");
        }
        std::error_code code;
        try {
            static_cast<void>(co_await pool.submit(1));
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::canceled);
        co_await pool.stop();
        co_await pool.drain();
    });
}

TEST_CASE("a pool that was stopped leaves its function to none of its workers")
{
    on_procs([]() -> task<> {
        for (std::size_t i = 0; i < weft_test::count(5'000); ++i) {
            std::atomic<int> gone = 0;
            {
                worker_pool pool(weft::background(), 4, 1, [w = weft_test::witness(gone)](int) {});
                co_await pool.stop();
            }
            REQUIRE(gone == 1);
        }
    });
}

TEST_CASE("the parent's end, the limit of a drain and the end of the pool's scope stop it")
{
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 5s);
        worker_pool pool(ctx, 2, 10, sleeper{&running, &most});
        auto h = co_await pool.submit(10);
        std::error_code code;
        try {
            co_await pool.drain();
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::deadline_exceeded);
        CHECK(running == 0);
        try {
            co_await h.join();
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::deadline_exceeded);
    });
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        worker_pool pool(weft::background(), 2, 10, sleeper{&running, &most});
        auto quick = co_await pool.submit(1);
        auto slow = co_await pool.submit(10);
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 5s);
        std::error_code code;
        try {
            co_await pool.drain(ctx);
        } catch (const weft::error& e) {
            code = e.code();
        }
        CHECK(code == weft::errc::deadline_exceeded);
        auto end = co_await outcome(quick);
        CHECK(end == "done");
        end = co_await outcome(slow);
        CHECK(end == "canceled");
    });
    bubble([]() -> task<> {
        int running = 0;
        int most = 0;
        join_handle<void> h;
        {
            worker_pool pool(weft::background(), 1, 10, sleeper{&running, &most});
            static_cast<void>(co_await pool.submit(10));
            h = co_await pool.submit(10);
        }
        auto end = co_await outcome(h);
        CHECK(end == "canceled");
    });
}

TEST_CASE("numbers without a sense are misuse")
{
    on_procs([]() -> task<> {
        const auto ctx = weft::background();
        using pool_type = worker_pool<int, int>;
        const auto same = [](int i) { return i; };
        CHECK_MISUSE(pool_type(ctx, 0, 1, same), "worker_pool: non-positive number of workers");
        CHECK_MISUSE(pool_type(ctx, 1, -1, same), "worker_pool: negative queue size");
        CHECK_MISUSE(pool_type(context(), 1, 1, same), "cannot create context from nil parent");
        pool_type pool(ctx, 1, 1, same);
        CHECK_MISUSE(pool.resize(0), "worker_pool: non-positive number of workers");
        CHECK_MISUSE(co_await pool.submit(context(), 1), "use of a nil context");
        co_await pool.drain();
    });
}

TEST_CASE("cancelled at every place, every job that was accepted has an end")
{
    int accepted = 0;
    int ended = 0;
    int running = 0; // out here: a job that runs outlives the function that is interrupted
    int most = 0;
    weft::testing::fault_options options;
    options.check = [&] {
        if (accepted != ended) throw std::logic_error("a job was lost");
    };
    const auto report = weft::testing::cancel_everywhere(
        [&](context ctx) -> task<> {
            accepted = ended = running = most = 0;
            worker_pool pool(ctx, 2, 2, sleeper{&running, &most});
            std::vector<join_handle<void>> handles;
            weft::defer look([&] { // the handles outlive the interrupted function
                accepted = static_cast<int>(handles.size());
                for (auto& h : handles) {
                    auto watch = [&ended, h]() -> task<> {
                        static_cast<void>(co_await outcome(h));
                        ++ended;
                    };
                    weft::go(std::move(watch));
                }
            });
            for (int i = 0; i < 6; ++i) {
                auto h = co_await pool.submit(ctx, 1);
                handles.push_back(std::move(h));
            }
            co_await pool.drain();
        },
        options);
    CHECK(report.places > 20);
}
