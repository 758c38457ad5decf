// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Contexts: functions that run after the end, operations that give up, contexts of the user's kind.

#include "testing.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

using namespace std::chrono_literals;
using weft::background;
using weft::context;
using weft::errc;
using weft::make_channel;
using weft::task;
using weft::with_cancel;
using weft::with_timeout;
using weft_test::on_procs;

namespace {

struct number {
    using type = int;
};

/// A context class as a user might have it.
class own_context final : public weft::custom_context {
public:
    explicit own_context(context inner) : inner_(std::move(inner)) {}

    [[nodiscard]] const void* value(const void* key) const noexcept override
    {
        return inner_.node().find(key);
    }
    std::function<bool()> on_end(std::function<void(errc, std::exception_ptr)> ended) override
    {
        std::lock_guard lock(mutex_);
        const int id = next_++;
        hooks_.emplace(id, std::move(ended));
        return [this, id] {
            std::lock_guard again(mutex_);
            return hooks_.erase(id) != 0;
        };
    }
    void end()
    {
        std::map<int, std::function<void(errc, std::exception_ptr)>> told;
        {
            std::lock_guard lock(mutex_);
            told.swap(hooks_);
        }
        for (auto& [id, hook] : told) hook(errc::canceled, nullptr);
    }
    std::size_t hooks()
    {
        std::lock_guard lock(mutex_);
        return hooks_.size();
    }

private:
    const context inner_;
    std::mutex mutex_;
    std::map<int, std::function<void(errc, std::exception_ptr)>> hooks_;
    int next_ = 0;
};

} // namespace

TEST_CASE("CTX-18 a function waits for the end and runs once")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_cancel(background());
        auto ran = make_channel<int>(2);
        const auto stop = weft::after_func(ctx, [ran]() -> task<void> { co_await ran.send(1); });
        co_await weft::sleep(1ms);
        CHECK_FALSE(ran.try_receive().has_value());
        cancel();
        CHECK(*co_await ran.receive() == 1);
        CHECK_FALSE(stop());
        co_await weft_test::until_alone();
        CHECK_FALSE(ran.try_receive().has_value());
    });
}

TEST_CASE("CTX-19 it runs after a timeout, and promptly for one that has ended")
{
    on_procs([]() -> task<void> {
        auto ran = make_channel<void>(2);
        auto [timed, cancel_timed] = with_timeout(background(), 1ms);
        const auto note = [ran] { CHECK(ran.try_send()); };
        weft::after_func(timed, note);
        co_await ran.receive();
        auto [ended, cancel] = with_cancel(background());
        cancel();
        weft::after_func(ended, note);
        co_await ran.receive();
    });
}

TEST_CASE("CTX-20 taken back, it never runs")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_cancel(background());
        const auto stop = weft::after_func(ctx, [] { FAIL_CHECK("ran"); });
        const auto same = stop;
        CHECK(stop());
        CHECK_FALSE(stop());
        CHECK_FALSE(same());
        cancel();
        co_await weft::sleep(2ms);
        const auto never = weft::after_func(background(), [] { FAIL_CHECK("ran"); });
        CHECK(never());
        CHECK_FALSE(never());
    });
}

TEST_CASE("CTX-21 cancel does not wait for the functions")
{
    on_procs([]() -> task<void> {
        auto [ctx, cancel] = with_cancel(background());
        auto go_on = make_channel<void>(), done = make_channel<void>();
        weft::after_func(ctx, [go_on, done]() -> task<void> {
            co_await go_on.receive();
            done.close();
        });
        cancel();
        co_await go_on.send();
        co_await done.receive();
    });
}

TEST_CASE("CTX-25 what waits with a context gives up with its code and leaves nothing behind")
{
    on_procs([]() -> task<void> {
        const auto gives_up = [](auto& wait) -> task<bool> {
            auto [ctx, cancel] = with_cancel(background());
            auto waiting = weft::spawn([&wait](context c) -> task<void> { co_await wait(c); }, ctx);
            co_await weft::sleep(1ms);
            const auto start = weft::clock::now();
            cancel();
            try {
                co_await waiting.join();
                co_return false;
            } catch (const weft::error& e) {
                co_return e.code() == make_error_code(errc::canceled) &&
                    weft::clock::now() - start < 100ms;
            }
        };
        auto empty = make_channel<int>(), full = make_channel<int>(1);
        CHECK(full.try_send(1));
        auto receive = [&](context c) -> task<void> { (void)co_await empty.receive(c); };
        auto send = [&](context c) -> task<void> { co_await full.send(c, 2); };
        auto sleep = [](context c) -> task<void> { co_await weft::sleep(c, 1h); };
        auto many = [&](context c) -> task<void> {
            int room[2];
            (void)co_await empty.receive_up_to(c, 2, room);
        };
        auto forever = weft::spawn([&]() -> task<void> { (void)co_await empty.receive(); });
        auto join = [&](context c) -> task<void> { co_await forever.join(c); };
        CHECK(co_await gives_up(receive));
        CHECK(co_await gives_up(send));
        CHECK(co_await gives_up(sleep));
        CHECK(co_await gives_up(many));
        CHECK(co_await gives_up(join));

        CHECK_FALSE(full.try_send(9)); // the 1 is there, the 2 is not
        CHECK(*co_await full.receive() == 1);
        CHECK(full.size() == 0);
        co_await empty.send(5); // `forever` is the one that still waits
        co_await forever.join();

        auto [ended, end] = with_cancel(background());
        end();
        CHECK(full.try_send(3));
        auto from_ended = [&]() -> task<void> { (void)co_await full.receive(ended); };
        auto refused = weft::spawn(from_ended);
        CHECK_THROWS_AS(co_await refused.join(), weft::error);
        CHECK(full.size() == 1); // an ended context comes first: nothing was taken
    });
}

TEST_CASE("CTX-26 a context of the user's own kind ends those below it")
{
    on_procs([]() -> task<void> {
        const auto own = std::make_shared<own_context>(weft::with_value<number>(background(), 4));
        {
            const context ctx = weft::adapt(own);
            CHECK(own->hooks() == 1);
            CHECK(*ctx.value<number>() == 4);
            auto [c1, e1] = with_cancel(ctx);
            auto [c2, e2] = with_timeout(ctx, 1h);
            auto ran = make_channel<void>(1);
            weft::after_func(ctx, [ran] { CHECK(ran.try_send()); });
            CHECK(*c2.value<number>() == 4);
            own->end();
            for (const context& c : {ctx, c1, c2}) {
                CHECK(c.err() == make_error_code(errc::canceled));
                co_await c.done();
            }
            co_await ran.receive();
            CHECK(own->hooks() == 0);
        }
        {
            const context again = weft::adapt(own);
            CHECK(own->hooks() == 1);
        }
        CHECK(own->hooks() == 0); // the last handle takes it back
    });
}
