// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines beside ordinary Asio code: other executors, plain threads, completion handlers, and
// Asio's own combinators.

#include "testing.hpp"

#include <asio/awaitable.hpp>
#include <asio/bind_executor.hpp>
#include <asio/co_spawn.hpp>
#include <asio/deferred.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/io_context.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

using weft::channel;
using weft::make_channel;
using weft::task;
using weft_test::on_procs;
using weft_test::team;
using namespace asio::experimental::awaitable_operators;

namespace {

/// An io_context with a thread of its own, as an ordinary Asio server has.
class host {
public:
    host() : guard_(asio::make_work_guard(context_)), thread_([this] { context_.run(); }) {}
    ~host()
    {
        guard_.reset();
        thread_.join();
    }
    asio::io_context& context() { return context_; }
    std::thread::id thread() const { return thread_.get_id(); }

private:
    asio::io_context context_;
    asio::executor_work_guard<asio::io_context::executor_type> guard_;
    std::thread thread_;
};

task<int> seven()
{
    co_await weft::this_goroutine::yield();
    co_return 7;
}

task<std::unique_ptr<int>> owned(int n)
{
    co_await weft::this_goroutine::yield();
    co_return std::make_unique<int>(n);
}

task<int> failing()
{
    co_await weft::this_goroutine::yield();
    throw std::runtime_error("first failure");
}

std::string text_of(const std::exception_ptr& failure)
{
    if (!failure) return "no failure";
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& e) {
        return e.what();
    }
}

task<int> endless(std::atomic<int>& unwound)
{
    struct count_exit {
        std::atomic<int>& n;
        ~count_exit() { ++n; }
    } on_exit{unwound};
    asio::steady_timer timer{co_await asio::this_coro::executor, std::chrono::hours{1}};
    co_await timer.async_wait(asio::use_awaitable_t<weft::executor>{});
    co_return 0;
}

} // namespace

TEST_CASE("SCHED-06 a goroutine resumes on its own executor whoever serves its channel")
{
    host elsewhere;
    weft::runtime other{elsewhere.context().get_executor(), {.procs = 1}};
    on_procs([&]() -> task<void> {
        auto there = make_channel<int>();
        auto back = make_channel<int>(1);
        std::atomic<int> strayed{0};
        weft::go(other.get_executor(), [&, there, back]() -> task<void> {
            const auto check = [&] {
                if (std::this_thread::get_id() != elsewhere.thread()) ++strayed;
            };
            check();
            while (auto v = co_await there.receive()) {
                check();
                co_await back.send(*v + 1);
                check();
            }
            back.close();
        });
        int wrong = 0;
        for (int i = 0; i < 1000; ++i) {
            co_await there.send(i);
            if (std::this_thread::get_id() == elsewhere.thread()) ++wrong;
            auto v = co_await back.receive();
            if (std::this_thread::get_id() == elsewhere.thread()) ++wrong;
            if (v != i + 1) ++wrong;
        }
        there.close();
        auto end = co_await back.receive();
        CHECK_FALSE(end.has_value());
        CHECK(strayed == 0);
        CHECK(wrong == 0);
    });
}

TEST_CASE("SCHED-06 a goroutine stays itself across every kind of Asio await")
{
    on_procs([]() -> task<void> {
        using namespace std::chrono_literals;
        const auto self = weft::this_goroutine::get_id();
        asio::steady_timer timer{co_await asio::this_coro::executor};
        std::vector<std::string> lost;
        const auto check = [&](const char* after) {
            std::string state;
            for (const auto& g : weft::debug::goroutines()) {
                if (g.id == self) state = g.state;
            }
            try {
                if (weft::this_goroutine::get_id() == self && state == "running") return;
            } catch (const weft::misuse_error&) {
            }
            lost.push_back(after);
        };
        check("nothing");
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::deferred);
        check("deferred");
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::use_awaitable_t<weft::executor>{});
        check("use_awaitable_t<weft::executor>");
        timer.expires_after(1ms);
        co_await timer.async_wait(asio::use_awaitable);
        check("use_awaitable");
        co_await asio::post(asio::use_awaitable_t<weft::executor>{});
        check("post");
        auto both = co_await (seven() && seven());
        CHECK(std::get<0>(both) == 7);
        check("operator &&");
        CHECK(lost == std::vector<std::string>{});
    });
}

TEST_CASE("SCHED-07 a plain thread sends and receives through the blocking form")
{
    on_procs([]() -> task<void> {
        const auto executor = weft::this_goroutine::get_executor();
        auto out = make_channel<int>();
        auto in = make_channel<int>();
        std::atomic<bool> refused{false};
        std::thread plain{[&] {
            for (int i = 0; i < 100; ++i) {
                weft::sync_wait(executor, out.send(i));
                auto v = weft::sync_wait(executor, in.receive());
                CHECK(v == i + 1);
            }
            out.close();
            try {
                weft::sync_wait(executor, out.send(0));
            } catch (const weft::misuse_error&) {
                refused = true;
            }
        }};
        while (auto v = co_await out.receive()) co_await in.send(*v + 1);
        CHECK_MISUSE(weft::sync_wait(executor, in.receive()),
                     "sync_wait on a worker thread would block it; co_await instead");
        co_await weft::blocking([&] { plain.join(); });
        CHECK(refused.load());
    });
}

TEST_CASE("SCHED-07 a plain thread sends and receives through futures")
{
    on_procs([]() -> task<void> {
        auto out = make_channel<std::string>();
        auto in = make_channel<int>();
        std::thread plain{[&] {
            out.send("from a thread")(asio::use_future).get();
            auto v = in.receive()(asio::use_future).get();
            CHECK(v == 1);
            auto closed = in.receive()(asio::use_future);
            CHECK_FALSE(closed.get().has_value());
            // The exception is looked at where it was made, and not carried to this thread.
            std::promise<std::string> what;
            in.send(2)([&](std::exception_ptr failure) { what.set_value(text_of(failure)); });
            CHECK(what.get_future().get() == "send on closed channel");
        }};
        auto text = co_await out.receive();
        CHECK(text == "from a thread");
        co_await in.send(1);
        in.close();
        co_await weft::blocking([&] { plain.join(); });
    });
}

TEST_CASE("SCHED-07 an Asio handler sends and receives through completion handlers")
{
    host server;
    on_procs([&]() -> task<void> {
        auto out = make_channel<int>();
        auto in = make_channel<int>();
        auto done = make_channel<bool>(1);
        asio::post(server.context(), [&] {
            const auto executor = server.context().get_executor();
            out.send(1)(asio::bind_executor(executor, [&, executor](std::exception_ptr sent) {
                const bool at_home = std::this_thread::get_id() == server.thread();
                in.receive()(asio::bind_executor(
                    executor, [&, sent, at_home](std::exception_ptr failed, std::optional<int> v) {
                        const bool still = std::this_thread::get_id() == server.thread();
                        (void)done.try_send(!sent && !failed && at_home && still && v == 2);
                    }));
            }));
        });
        auto v = co_await out.receive();
        CHECK(v == 1);
        co_await in.send(2);
        auto well = co_await done.receive();
        CHECK(well == true);
    });
}

TEST_CASE("SCHED-07 a plain Asio coroutine awaits channels and selects")
{
    host server;
    on_procs([&]() -> task<void> {
        auto out = make_channel<int>();
        auto in = make_channel<int>();
        auto closed = make_channel<int>();
        closed.close();
        auto finished = asio::co_spawn(
            server.context(),
            [&]() -> asio::awaitable<int> {
                int right = 0;
                co_await out.send(1);
                right += std::this_thread::get_id() == server.thread();
                auto v = co_await in.receive();
                right += v == 2;
                v = co_await in.receive()(asio::use_awaitable);
                right += v == 3;
                auto nothing = co_await closed.receive();
                right += !nothing.has_value();
                right += std::this_thread::get_id() == server.thread();
                co_return right;
            },
            asio::use_future);
        auto v = co_await out.receive();
        CHECK(v == 1);
        co_await in.send(2);
        co_await in.send(3);
        const int right = co_await weft::blocking([&] { return finished.get(); });
        CHECK(right == 5);
    });
}

TEST_CASE("SCHED-09 wait for all: joins give the results in order and the first exception")
{
    on_procs([]() -> task<void> {
        auto first = weft::spawn(seven);
        auto second = weft::spawn(owned, 8);
        auto third = weft::spawn(failing);
        auto one = co_await first.join();
        CHECK(one == 7);
        auto two = co_await second.join();
        CHECK(*two == 8);
        std::string what;
        try {
            co_await third.join();
        } catch (const std::exception& e) {
            what = e.what();
        }
        CHECK(what == "first failure");
    });
}

TEST_CASE("SCHED-09 wait for one: a select over joins gives index and value of the first")
{
    on_procs([]() -> task<void> {
        auto release = make_channel<void>();
        auto later = weft::spawn([release]() -> task<int> {
            co_await release.receive();
            co_return 1;
        });
        auto sooner = weft::spawn(owned, 9);
        auto first = co_await weft::select{later.join(), sooner.join()};
        CHECK(first.index() == 1);
        CHECK(*first.get<1>() == 9);
        release.close();
        auto rest = co_await weft::select{later.join()};
        CHECK(rest.index() == 0);
        CHECK(rest.get<0>() == 1);
    });
}

TEST_CASE("SCHED-09 Asio's && and || yield the results of tasks")
{
    on_procs([]() -> task<void> {
        auto both = co_await (seven() && owned(8));
        CHECK(std::get<0>(both) == 7);
        CHECK(*std::get<1>(both) == 8);
        auto either = co_await (owned(9) || owned(9));
        CHECK((either.index() == 0 ? *std::get<0>(either) : *std::get<1>(either)) == 9);
    });
}

// The operators cancel the sibling through its cancellation slot, from the thread that finished
// first. Asio asks that one thread at a time uses a slot: so one worker.
TEST_CASE("SCHED-09 Asio's && and || leave no endless sibling on a single worker")
{
    on_procs([](unsigned procs) -> task<void> {
        if (procs > 1) co_return;
        std::atomic<int> unwound{0};
        std::string what;
        try {
            co_await (failing() && endless(unwound));
        } catch (const asio::multiple_exceptions& e) { // the sibling ends by its cancellation
            what = text_of(e.first_exception());
        }
        CHECK(what == "first failure");
        CHECK(unwound == 1);
        auto second = co_await (endless(unwound) || owned(9));
        CHECK(second.index() == 1);
        CHECK(unwound == 2);
        auto first = co_await (seven() || endless(unwound));
        CHECK(first.index() == 0);
        CHECK(unwound == 3);

        auto ch = make_channel<int>();
        auto waiting = [&]() -> task<int> {
            auto v = co_await ch.receive()(asio::use_awaitable_t<weft::executor>{});
            co_return v.value_or(0);
        };
        auto none = co_await (waiting() || seven());
        CHECK(none.index() == 1);
        CHECK_FALSE(ch.try_send(1)); // the receive that lost is gone
    });
}
