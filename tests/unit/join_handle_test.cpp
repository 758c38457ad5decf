// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// spawn and join: a goroutine's result, or its exception, reaches whoever asks for it.

#include "testing.hpp"
#include "witness.hpp"

#include <weft/join_handle.hpp>

#include <asio/use_future.hpp>

#include <atomic>
#include <future>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::until_parked;

namespace {

task<int> add(int a, int b)
{
    co_await weft::this_goroutine::yield();
    co_return a + b;
}

task<int> fail(std::string why)
{
    co_await weft::this_goroutine::yield();
    throw std::runtime_error(why);
}

/// The text of the exception that joining ends with, or "".
template <class T>
task<std::string> failure_of(weft::join_handle<T> handle)
{
    try {
        co_await handle.join();
    } catch (const std::exception& e) {
        co_return e.what();
    }
    co_return "";
}

} // namespace

TEST_CASE("join brings the result of a goroutine, of whatever type")
{
    on_procs([]() -> task<> {
        auto number = weft::spawn(add, 1, 2);
        auto text =
            weft::spawn([](std::string s) -> task<std::string> { co_return s + "!"; }, "hey");
        auto owned =
            weft::spawn([]() -> task<std::unique_ptr<int>> { co_return std::make_unique<int>(4); });
        auto nothing = weft::spawn([]() -> task<> { co_return; });
        auto plain = weft::spawn(
            [](int a, int b, int c, int d, int e) { return a + b + c + d + e; }, 1, 2, 3, 4, 5);
        auto there = weft::spawn(weft::this_goroutine::get_executor(), add, 3, 4);
        const int n = co_await number.join();
        CHECK(n == 3);
        const std::string s = co_await text.join();
        CHECK(s == "hey!");
        const auto p = co_await owned.join();
        CHECK(*p == 4);
        co_await nothing.join();
        const int five = co_await plain.join();
        CHECK(five == 15);
        const int seven = co_await there.join();
        CHECK(seven == 7);
    });
}

TEST_CASE("join waits for a goroutine that still runs")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<int>();
        auto h = weft::spawn([gate]() -> task<int> {
            auto v = co_await gate.receive();
            co_return *v;
        });
        weft::go([gate]() -> task<> {
            co_await until_parked(1, "join");
            co_await gate.send(9);
        });
        const int nine = co_await h.join();
        CHECK(nine == 9);
    });
}

TEST_CASE("an exception is rethrown by every join, and is then no panic")
{
    on_procs([]() -> task<> {
        auto h = weft::spawn(fail, "why not");
        auto copy = h;
        for (int i = 0; i < 3; ++i) {
            const std::string what = co_await failure_of(i == 1 ? copy : h);
            CHECK(what == "why not");
        }
    });
}

TEST_CASE("a value can be taken once")
{
    on_procs([]() -> task<> {
        auto h = weft::spawn(add, 1, 2);
        const int n = co_await h.join();
        CHECK(n == 3);
        const std::string what = co_await failure_of(h);
        CHECK(what == "join of a goroutine whose result was already taken");
    });
}

TEST_CASE("many may wait for the same end")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        auto h = weft::spawn([gate]() -> task<> { co_await gate.receive(); });
        weft_test::team waiting;
        for (int i = 0; i < 10; ++i) {
            waiting.go([h]() -> task<> { co_await h.join(); });
        }
        co_await until_parked(11);
        gate.close();
        co_await waiting.join();
    });
}

TEST_CASE("a goroutine goes on when its handle is dropped")
{
    on_procs([]() -> task<> {
        auto out = make_channel<int>();
        (void)weft::spawn([out]() -> task<int> {
            co_await weft::this_goroutine::yield();
            co_await out.send(1);
            co_return 2; // for nobody
        });
        auto one = co_await out.receive();
        CHECK(one == 1);
    });
}

TEST_CASE("a join is a select case, and can be tried")
{
    on_procs([]() -> task<> {
        auto gate = make_channel<void>();
        auto slow = weft::spawn([gate]() -> task<int> {
            co_await gate.receive();
            co_return 1;
        });
        auto quick = weft::spawn(add, 2, 3);
        auto s = co_await weft::select{slow.join(), quick.join()};
        CHECK(s.index() == 1);
        CHECK(s.get<1>() == 5);
        auto t = weft::try_select{slow.join()};
        CHECK(t.index() == t.npos);
        gate.close();
        const int one = co_await slow.join();
        CHECK(one == 1);
    });
}

TEST_CASE("an empty handle is false and never ends")
{
    const weft::join_handle<int> none;
    CHECK(!none);
    auto t = weft::try_select{none.join()};
    CHECK(t.index() == t.npos);
    weft::run([]() -> task<> {
        auto h = weft::spawn([] {});
        CHECK(h);
        co_await h.join();
        CHECK(h);
    });
}

TEST_CASE("a thread joins through a future")
{
    weft::runtime rt({.procs = 2});
    auto h = weft::spawn(rt.get_executor(), add, 20, 22);
    CHECK(h.join()(asio::use_future).get() == 42);
    auto bad = weft::spawn(rt.get_executor(), fail, "through a future");
    auto f = bad.join()(asio::use_future);
    CHECK_THROWS_WITH_AS(f.get(), "through a future", std::runtime_error);
}

TEST_CASE("joining a goroutine whose runtime has ended fails with errc::stopped")
{
    std::atomic<int> destroyed{0};
    weft::runtime survivor({.procs = 1});
    std::future<int> early;
    weft::join_handle<int> h;
    {
        weft::runtime rt({.procs = 1});
        h = weft::spawn(
            rt.get_executor(),
            [](weft_test::witness) -> task<int> {
                co_await weft::channel<void>().receive();
                co_return 1;
            },
            weft_test::witness(destroyed));
        early = h.join()(asio::use_future);
    }
    CHECK(destroyed == 1);
    const auto code_of = [](auto get) {
        try {
            get();
        } catch (const weft::error& e) {
            return e.code();
        }
        return std::error_code();
    };
    CHECK(code_of([&] { return early.get(); }) == weft::errc::stopped);
    CHECK(code_of([&] { return weft::sync_wait(survivor.get_executor(), h.join()); }) ==
          weft::errc::stopped);
}

namespace {

/// Takes its time to go, and says when it has. Moves by copying nothing but its say.
class last_words {
public:
    explicit last_words(std::atomic<bool>& gone) : gone_(&gone) {}
    last_words(last_words&& o) noexcept : gone_(std::exchange(o.gone_, nullptr)) {}
    last_words& operator=(last_words&&) = delete;
    ~last_words()
    {
        if (!gone_) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        *gone_ = true;
    }

private:
    std::atomic<bool>* gone_;
};

} // namespace

TEST_CASE("when join returns, the callable and its arguments are gone")
{
    on_procs([]() -> task<> {
        std::atomic<bool> callable{false}, argument{false};
        auto f = [words = last_words(callable)](const last_words&) {};
        auto h = weft::spawn(std::move(f), last_words(argument));
        co_await h.join();
        CHECK(callable);
        CHECK(argument);
        callable = false;
        auto g = [words = last_words(callable)]() -> task<int> {
            co_await weft::this_goroutine::yield();
            throw std::runtime_error("no");
        };
        auto failing = weft::spawn(std::move(g));
        const std::string why = co_await failure_of(failing);
        CHECK(why == "no");
        CHECK(callable);
    });
}

TEST_CASE("when sync_wait returns, the callable is gone")
{
    weft::runtime rt({.procs = 2});
    std::atomic<bool> gone{false};
    auto f = [words = last_words(gone)]() -> task<> { co_return; };
    weft::sync_wait(rt.get_executor(), std::move(f));
    CHECK(gone);
    gone = false;
    auto g = [words = last_words(gone)] { return 1; };
    CHECK(weft::sync_wait(rt.get_executor(), std::move(g)) == 1);
    CHECK(gone);
}
