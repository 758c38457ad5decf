// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Looking at goroutines while they are destroyed: a dump never reads a frame that is gone.

#include "testing.hpp"

#include <weft/debug/goroutines.hpp>

#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/dispatch.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <optional>
#include <sstream>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using weft::channel;
using weft::task;

namespace {

/// Dumps everything, again and again, until it is destroyed.
class onlooker {
public:
    onlooker()
        : thread_([this] {
              while (!over_) {
                  std::ostringstream out;
                  weft::debug::dump(out);
                  ++looks_;
              }
          })
    {
    }
    ~onlooker()
    {
        over_ = true;
        thread_.join();
    }
    [[nodiscard]] int looks() const { return looks_; }

private:
    std::atomic<bool> over_{false};
    std::atomic<int> looks_{0};
    std::thread thread_;
};

/// Sits in a handler of `context`, which nobody runs: it can only be dropped.
task<> wait_in(asio::io_context& context)
{
    co_await asio::post(context, asio::deferred);
}

/// The same with a frame of Asio's own at the top.
task<> wait_in_frame_of_asio(asio::io_context& context)
{
    co_await asio::post(context, asio::use_awaitable_t<weft::executor>());
}

task<> come_back_at_once(weft::executor ex)
{
    const auto child = [ex]() -> task<> {
        for (int i = 0; i < 3; ++i) co_await asio::dispatch(ex, asio::deferred);
    };
    co_await child();
}

} // namespace

TEST_CASE("a destructor dumps while its goroutine is dropped with the operation it sat in")
{
    for (auto* wait : {wait_in, wait_in_frame_of_asio}) {
        weft::runtime rt({.procs = 1});
        std::string seen_by_outer, seen_by_inner;
        {
            asio::io_context elsewhere;
            const auto child = [&]() -> task<> {
                const weft::defer look([&] {
                    std::ostringstream out;
                    weft::debug::dump(out);
                    seen_by_inner = out.str();
                });
                co_await wait(elsewhere);
            };
            weft::go(rt.get_executor(), [&]() -> task<> {
                weft::this_goroutine::set_name("dropped");
                const weft::defer look([&] {
                    std::ostringstream out;
                    weft::debug::dump(out);
                    seen_by_outer = out.str();
                });
                co_await child();
            });
            while (weft_test::parked("asio operation") != 1) std::this_thread::yield();
        }
        rt.join();
        // Each sees what is left of the chain of awaits: its own frame and those around it.
        const auto lines = [](const std::string& s) {
            return std::count(s.begin(), s.end(), '\n');
        };
        CHECK(seen_by_inner.starts_with("goroutine "));
        CHECK(seen_by_outer.starts_with("goroutine "));
        CHECK(seen_by_outer.find("\"dropped\" [asio operation]:\n") != std::string::npos);
        CHECK(lines(seen_by_outer) < lines(seen_by_inner));
    }
}

TEST_CASE("dumps while contexts are destroyed with goroutines in them")
{
    weft_test::watchdog guard;
    weft::runtime rt({.procs = 2});
    const onlooker looking;
    for (int round = 0; round < 30 || looking.looks() < 30; ++round) {
        std::optional<asio::io_context> elsewhere(std::in_place);
        const auto child = [&]() -> task<> { co_await wait_in(*elsewhere); };
        for (int i = 0; i < 5; ++i) {
            weft::go(rt.get_executor(), [&]() -> task<> { co_await child(); });
            weft::go(rt.get_executor(),
                     [&]() -> task<> { co_await wait_in_frame_of_asio(*elsewhere); });
        }
        while (weft_test::parked("asio operation") != 10) std::this_thread::yield();
        elsewhere.reset(); // the frames die on the runtime's threads
        rt.join();
    }
}

TEST_CASE("dumps while runtimes begin and end with goroutines in every kind of wait")
{
    weft_test::watchdog guard;
    const onlooker looking;
    for (int round = 0; round < 30 || looking.looks() < 30; ++round) {
        weft::runtime rt({.procs = 2});
        const auto ex = rt.get_executor();
        auto ch = weft::make_channel<int>();
        for (int i = 0; i < 3; ++i) {
            weft::go(ex, [ch]() -> task<> { co_await ch.receive(); });
            weft::go(ex, [ch]() -> task<> {
                co_await weft::select{ch.receive(), channel<int>().receive()};
            });
            weft::go(ex, []() -> task<> { co_await weft_test::sleep_ms(1'000'000); });
            weft::go(ex, []() -> task<> {
                for (;;) co_await weft::this_goroutine::yield();
            });
        }
        if (round % 2 == 0) std::this_thread::yield();
    }
}

TEST_CASE("a dump does not wait for a long slice, in which goroutines come back and end")
{
    weft_test::watchdog guard;
    std::atomic<bool> busy{false}, over{false};
    weft::runtime rt({.procs = 1});
    const auto ex = rt.get_executor();
    weft::go(ex, [&]() -> task<> {
        // One slice, with many small lives inside: Asio starts them, and brings them back, inline.
        busy = true;
        while (!over) {
            asio::co_spawn(ex, come_back_at_once(ex), [](std::exception_ptr) {});
        }
        co_return;
    });
    while (!busy) std::this_thread::yield();
    for (int i = 0; i < 3; ++i) CHECK(!weft::debug::goroutines().empty());
    over = true;
}
