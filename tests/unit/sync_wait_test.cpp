// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// sync_wait: an ordinary thread waits for what goroutines do.

#include "testing.hpp"

#include <weft/sync_wait.hpp>

#include <atomic>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using weft::make_channel;
using weft::sync_wait;
using weft::task;

namespace {

task<int> later(int n)
{
    co_await weft::this_goroutine::yield();
    co_return n;
}

task<> nothing()
{
    co_return;
}

} // namespace

TEST_CASE("sync_wait takes a task, a callable, or an operation")
{
    for (unsigned procs : {1u, 2u, 4u}) {
        weft::runtime rt({.procs = procs});
        const auto ex = rt.get_executor();
        CHECK(sync_wait(ex, later(1)) == 1);
        CHECK(sync_wait(ex, [] { return later(2); }) == 2);
        CHECK(sync_wait(ex, [p = std::make_unique<int>(3)]() -> task<int> { co_return *p; }) == 3);
        CHECK(sync_wait(ex, [] { return 4; }) == 4);
        CHECK(*sync_wait(ex, []() -> task<std::unique_ptr<int>> {
            co_return std::make_unique<int>(5);
        }) == 5);
        sync_wait(ex, nothing());

        auto ch = make_channel<int>(1);
        sync_wait(ex, ch.send(6));
        CHECK(sync_wait(ex, ch.receive()) == 6);
        auto operation = ch.send(7);
        sync_wait(ex, std::move(operation));
        auto s = sync_wait(ex, weft::select{ch.receive(), weft::channel<int>().receive()});
        CHECK(s.index() == 0);
        CHECK(s.get<0>() == 7);
        CHECK(sync_wait(ex, weft::blocking([] { return 8; })) == 8);
        sync_wait(ex, weft::this_goroutine::yield());
        auto h = weft::spawn(ex, later, 9);
        CHECK(sync_wait(ex, h.join()) == 9);
    }
}

TEST_CASE("sync_wait rethrows")
{
    weft::runtime rt({.procs = 1});
    CHECK_THROWS_WITH_AS(sync_wait(rt.get_executor(),
                                   []() -> task<int> {
                                       co_await weft::this_goroutine::yield();
                                       throw std::runtime_error("no result");
                                   }),
                         "no result", std::runtime_error);
    auto ch = make_channel<int>(1);
    ch.close();
    CHECK_MISUSE(sync_wait(rt.get_executor(), ch.send(1)), "send on closed channel");
}

TEST_CASE("threads and goroutines meet on a channel")
{
    weft::runtime rt({.procs = 2});
    auto up = make_channel<int>();
    auto down = make_channel<int>();
    weft::go(rt.get_executor(), [=]() -> task<> {
        while (auto v = co_await up.receive()) co_await down.send(*v + 1);
        down.close();
    });
    std::atomic<int> sum{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            for (int n = 0; n < 100; ++n) {
                sync_wait(rt.get_executor(), up.send(n));
                sum += *sync_wait(rt.get_executor(), down.receive());
            }
        });
    }
    for (auto& t : threads) t.join();
    CHECK(sum == 3 * (99 * 100 / 2 + 100));
    up.close();
    CHECK(!sync_wait(rt.get_executor(), down.receive()));
}

TEST_CASE("sync_wait on a worker is a misuse")
{
    weft::runtime other({.procs = 1});
    weft::run([&]() -> task<> {
        const std::string text = "sync_wait on a worker thread would block it; co_await instead";
        CHECK_MISUSE(sync_wait(weft::this_goroutine::get_executor(), later(1)), text);
        CHECK_MISUSE(sync_wait(other.get_executor(), later(1)), text);
        auto ch = make_channel<int>(1);
        CHECK_MISUSE(sync_wait(other.get_executor(), ch.receive()), text);
        // On a thread of the side pool it is fine.
        auto call = [&] { return sync_wait(other.get_executor(), later(2)); };
        const int two = co_await weft::blocking(call);
        CHECK(two == 2);
    });
}

TEST_CASE("sync_wait fails with errc::stopped when the runtime ends first")
{
    auto rt = std::make_unique<weft::runtime>(weft::runtime_options{.procs = 1});
    std::error_code code;
    std::thread waiting([&, ex = rt->get_executor()] {
        try {
            sync_wait(ex, weft::channel<int>().receive());
        } catch (const weft::error& e) {
            code = e.code();
        }
    });
    while (weft_test::parked() != 1) std::this_thread::yield();
    rt.reset();
    waiting.join();
    CHECK(code == weft::errc::stopped);
}
