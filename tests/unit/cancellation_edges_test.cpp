// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Goroutines bound to a context: schedules that are easy to get wrong.

#include "testing.hpp"

#include <asio/associated_cancellation_slot.hpp>
#include <asio/deferred.hpp>
#include <asio/experimental/awaitable_operators.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/post.hpp>
#include <asio/redirect_error.hpp>
#include <asio/steady_timer.hpp>
#include <asio/use_awaitable.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using asio::ip::tcp;
using weft::background;
using weft::context;
using weft::make_channel;
using weft::task;
using weft::with_cancel;
using weft_test::count;
using weft_test::on_procs;

namespace {

using body = std::function<task<void>()>;

/// Ends contexts on a thread of its own, at once.
class outside {
public:
    outside() : thread_([this] { work(); }) {}
    outside(const outside&) = delete;
    outside& operator=(const outside&) = delete;
    ~outside()
    {
        stop_ = true;
        thread_.join();
    }
    /// Not before the earlier one has ended.
    void end(const weft::cancel_function& f)
    {
        while (next_.load() != nullptr) std::this_thread::yield();
        next_ = new weft::cancel_function(f);
    }

private:
    void work()
    {
        while (!stop_ || next_.load()) {
            if (const auto* f = next_.load()) {
                (*f)();
                delete f;
                next_ = nullptr;
            }
        }
    }
    std::atomic<bool> stop_{false};
    std::atomic<const weft::cancel_function*> next_{nullptr};
    std::thread thread_;
};

/// How a bound goroutine ended that was cancelled from another thread, at some moment of its own.
task<std::string> raced(outside& other, body wait, unsigned patience)
{
    auto [ctx, cancel] = with_cancel(background());
    auto h = weft::spawn(ctx, std::move(wait));
    for (; patience != 0; --patience) co_await weft::this_goroutine::yield();
    other.end(cancel);
    try {
        co_await h.join();
    } catch (const weft::error& e) {
        co_return e.code() == make_error_code(weft::errc::canceled) ? "canceled" : e.what();
    } catch (const std::exception& e) {
        co_return std::string("another exception: ") + e.what();
    }
    co_return "done";
}

} // namespace

TEST_CASE("who waits for nothing is taken out while it is still on its way there")
{
    on_procs([]() -> task<void> {
        outside other;
        const body nil = []() -> task<void> { (void)co_await weft::channel<int>().receive(); };
        const body empty = []() -> task<void> {
            auto s = co_await weft::select{};
            static_cast<void>(s);
        };
        const body both_nil = []() -> task<void> {
            weft::channel<int> none;
            auto s = co_await weft::select{none.receive(), none.send(1)};
            static_cast<void>(s);
        };
        const body limited = []() -> task<void> {
            (void)co_await weft::channel<int>().receive(background());
        };
        const std::size_t rounds = count(8'000);
        for (std::size_t i = 0; i < rounds; ++i) {
            for (const body& wait : {nil, empty, both_nil, limited})
                CHECK(co_await raced(other, wait, i % 3) == "canceled");
        }
    });
}

TEST_CASE("a select for the end of what was derived gets that case, whenever it begins")
{
    on_procs([]() -> task<void> {
        outside other;
        const std::size_t rounds = count(10'000);
        for (std::size_t i = 0; i < rounds; ++i) {
            std::atomic<bool> go_on{false};
            const body asks = [&go_on]() -> task<void> {
                const context own = weft::this_goroutine::get_context();
                std::vector<weft::cancellable<weft::cancel_function>> some;
                for (int n = 0; n < 20; ++n) some.push_back(with_cancel(own));
                const context last = some.back().ctx;
                auto ch = make_channel<int>();
                go_on = true;
                while (!own.err()) {
                    auto s = co_await weft::select{ch.receive(), last.done(), weft::after(1us)};
                    CHECK(s.index() != 0);
                    if (s.index() == 1) co_return;
                }
                auto s = co_await weft::select{ch.receive(), last.done()};
                CHECK(s.index() == 1);
            };
            auto [ctx, cancel] = with_cancel(background());
            auto h = weft::spawn(ctx, asks);
            while (!go_on) co_await weft::this_goroutine::yield();
            other.end(cancel);
            std::string how = "done";
            try {
                co_await h.join();
            } catch (const std::exception& e) {
                how = e.what();
            }
            CHECK(how == "done");
        }
    });
}

TEST_CASE("Asio's operations in their other forms")
{
    on_procs([]() -> task<void> {
        outside other;
        const auto ex = weft::this_goroutine::get_executor();
        asio::error_code seen;
        const body redirected = [&]() -> task<void> {
            asio::steady_timer t(ex, 1h);
            co_await t.async_wait(asio::redirect_error(asio::deferred, seen));
        };
        CHECK(co_await raced(other, redirected, 3) == "done");
        CHECK(seen == asio::error::operation_aborted);
        const body plain_awaitable = [&]() -> task<void> {
            asio::steady_timer t(ex, 1h);
            co_await t.async_wait(asio::use_awaitable);
        };
        CHECK(co_await raced(other, plain_awaitable, 3) == "canceled");
        const body resolves = [&]() -> task<void> {
            tcp::resolver r(ex);
            try {
                auto found = co_await r.async_resolve("localhost", "1", asio::deferred);
                static_cast<void>(found);
            } catch (const asio::system_error& e) {
                CHECK(e.code() != asio::error::operation_aborted);
            }
            co_await weft::sleep(1h);
        };
        CHECK(co_await raced(other, resolves, 1) == "canceled");
        const body posts = [&]() -> task<void> {
            for (;;) co_await asio::post(ex, asio::deferred);
        };
        for (unsigned i = 0; i < 50; ++i) CHECK(co_await raced(other, posts, i) == "canceled");
        const body pends = [&]() -> task<void> {
            asio::steady_timer t(ex, 1h);
            weft::pending p(t.async_wait(asio::deferred));
            co_await p.done();
        };
        CHECK(co_await raced(other, pends, 3) == "canceled");
        // Inside Asio's own coroutine the operation is not weft's to guard: it is done, then the next wait ends.
        bool after = false;
        const body own_frames = [&]() -> task<void> {
            asio::steady_timer t(ex, 5ms);
            co_await t.async_wait(asio::use_awaitable_t<weft::executor>());
            after = true;
            co_await weft::sleep(1h);
        };
        CHECK(co_await raced(other, own_frames, 3) == "canceled");
        CHECK(after);
    });
}

TEST_CASE("a plain awaitable of many steps is cancelled between any two of them")
{
    on_procs([]() -> task<void> {
        outside other;
        const auto ex = weft::this_goroutine::get_executor();
        const body many_steps = [ex]() -> task<void> {
            auto steps = [ex]() -> asio::awaitable<void> {
                for (;;) {
                    asio::steady_timer t(ex, 1us);
                    co_await t.async_wait(asio::use_awaitable);
                    co_await asio::post(asio::use_awaitable);
                }
            };
            co_await steps();
        };
        const body operators = [ex]() -> task<void> {
            using namespace asio::experimental::awaitable_operators;
            auto nap = [ex](weft::duration d) -> asio::awaitable<void> {
                asio::steady_timer t(ex, d);
                co_await t.async_wait(asio::use_awaitable);
            };
            auto race = [&nap]() -> asio::awaitable<void> {
                for (;;) co_await (nap(1us) || nap(1h));
            };
            co_await race();
        };
        const std::size_t rounds = count(5'000);
        for (std::size_t i = 0; i < rounds; ++i) {
            CHECK(co_await raced(other, many_steps, i % 7) == "canceled");
            CHECK(co_await raced(other, operators, i % 7) == "canceled");
        }
    });
}

namespace {

/// An operation that another thread, or its own cancellation, completes: inline, where that happens.
class switchboard {
public:
    template <class Token>
    auto async_wait(Token&& token)
    {
        return asio::async_initiate<Token, void(asio::error_code)>(
            [](auto handler, switchboard* self) {
                auto slot = asio::get_associated_cancellation_slot(handler);
                auto h = std::make_shared<decltype(handler)>(std::move(handler));
                self->complete = [h](asio::error_code ec) {
                    auto own = std::move(*h);
                    std::move(own)(ec);
                };
                if (slot.is_connected()) {
                    slot.assign([self](asio::cancellation_type) {
                        if (auto c = std::exchange(self->complete, nullptr))
                            c(asio::error::operation_aborted);
                    });
                }
            },
            token, this);
    }
    std::function<void(asio::error_code)> complete;
};

} // namespace

TEST_CASE("an operation that completes inside its own cancellation")
{
    on_procs([]() -> task<void> {
        for (int i = 0; i < 50; ++i) {
            switchboard board;
            auto [ctx, cancel] = with_cancel(background());
            auto h = weft::spawn(ctx, [&board]() -> task<void> {
                bool ended = false;
                try {
                    co_await board.async_wait(asio::deferred);
                } catch (const weft::error&) {
                    ended = true;
                }
                CHECK(ended);
                asio::steady_timer t(weft::this_goroutine::get_executor(), 1us);
                co_await weft::shield(t.async_wait(asio::deferred));
                co_await weft::sleep(1h);
            });
            while (!board.complete) co_await weft::this_goroutine::yield();
            co_await weft::sleep(10us);
            cancel();
            CHECK_THROWS_AS(co_await h.join(), weft::error);
        }
    });
}

TEST_CASE("a goroutine cancels what it is bound to, from its destructors and from others'")
{
    on_procs([]() -> task<void> {
        for (int i = 0; i < 100; ++i) {
            auto made = with_cancel(background());
            weft_test::team all;
            std::atomic<int> ended{0};
            for (int n = 0; n < 5; ++n) {
                all.go(
                    [&ended](weft::cancellable<weft::cancel_function>& m, int which) -> task<void> {
                        auto h = weft::spawn(m.ctx, [&]() -> task<void> {
                            const weft::defer last([&m] { m.cancel(); });
                            if (which == 0) co_await weft::this_goroutine::yield();
                            else co_await weft::sleep(1h);
                        });
                        try {
                            co_await h.join();
                        } catch (const weft::error&) {
                        }
                        ++ended;
                    },
                    std::ref(made), n);
            }
            co_await all.join();
            CHECK(ended == 5);
        }
    });
}

TEST_CASE("Asio's combinators of tasks in a bound goroutine, on one worker as Asio wants it")
{
    on_procs([](unsigned procs) -> task<void> {
        if (procs != 1) co_return;
        using namespace asio::experimental::awaitable_operators;
        const auto receive = [](weft::channel<int> ch) -> task<int> {
            auto v = co_await ch.receive();
            co_return v.value_or(-1);
        };
        const auto choose = [](weft::channel<int> ch) -> task<int> {
            auto s = co_await weft::select{ch.receive(), weft::after(1h)};
            co_return static_cast<int>(s.index());
        };
        for (int i = 0; i < 50; ++i) {
            auto a = make_channel<int>(), b = make_channel<int>();
            auto [ctx, cancel] = with_cancel(background());
            auto h = weft::spawn(ctx, [&, a, b]() -> task<void> {
                auto r = co_await (receive(a) || choose(b));
                static_cast<void>(r);
            });
            co_await weft::sleep(20us);
            cancel();
            CHECK_THROWS_AS(co_await h.join(), weft::error);
            CHECK_FALSE(a.try_send(1));
            CHECK_FALSE(b.try_send(1));
        }
    });
}
