// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// `limiter` and `reservation`, beside Go's rules: what is refused and how, who gives tokens back.

#include "testing.hpp"

#include <weft/rate_limiter.hpp>
#include <weft/testing.hpp>

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <future>
#include <limits>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using weft::duration;
using weft::limiter;
using weft::make_channel;
using weft::task;
using weft::time_point;
using weft::testing::bubble;
using weft_test::on_procs;
using weft_test::until_parked;

namespace {

const time_point t0 = weft::clock::now();

time_point t(int k)
{
    return t0 + k * 100ms;
}

/// The code and the text that a wait ends with.
struct ending {
    std::error_code code;
    std::string text;
};

template <class Op>
task<ending> ending_of(Op op)
{
    ending e;
    try {
        co_await op;
    } catch (const weft::error& failure) {
        e.code = failure.code();
        e.text = failure.what();
    }
    co_return e;
}

bool starts_with(const std::string& text, std::string_view with)
{
    return text.starts_with(with);
}

/// Nobody's waiting: all tokens of a bucket that is refilled in no time that matters.
bool whole(const limiter& lim, int tokens)
{
    return lim.tokens() >= tokens;
}

/// A bucket whose second token takes a day: what waits for it waits until it is told to stop.
limiter slow(int burst = 1)
{
    return limiter(limiter::every(24h), burst);
}

} // namespace

TEST_CASE("numbers without a sense are misuse")
{
    CHECK_MISUSE(limiter(-1, 1), "rate: negative rate");
    CHECK_MISUSE(limiter(std::numeric_limits<double>::quiet_NaN(), 1), "rate: negative rate");
    CHECK_MISUSE(limiter(1, -1), "rate: negative burst");
    const limiter lim(1, 1);
    CHECK_MISUSE(lim.set_rate(-0.1), "rate: negative rate");
    CHECK_MISUSE(lim.set_burst(-1), "rate: negative burst");
    CHECK_MISUSE(lim.allow(-1), "rate: negative number of tokens");
    CHECK_MISUSE(lim.reserve(-1), "rate: negative number of tokens");
    CHECK_MISUSE(lim.wait(-1), "rate: negative number of tokens");
    CHECK(lim.rate() == 1);
    CHECK(lim.burst() == 1);
    CHECK(whole(lim, 1));
}

TEST_CASE("allow and reserve need no runtime; wait does")
{
    const limiter lim(10, 1);
    CHECK(lim.allow());
    CHECK(lim.reserve().ok());
    CHECK_MISUSE(lim.wait(), "limiter::wait: not on a weft runtime; pass its executor");
}

TEST_CASE("a nil context is misuse")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 1);
        CHECK_MISUSE(lim.wait(weft::context()), "use of a nil context");
        CHECK(whole(lim, 1));
        co_return;
    });
}

TEST_CASE("copies are the same limiter, and a move is a copy")
{
    limiter a(10, 2);
    const limiter b = a;
    const limiter c = std::move(a);
    CHECK(a.allow_at(t0)); // NOLINT(bugprone-use-after-move): that is the point
    CHECK(b.allow_at(t0));
    CHECK_FALSE(c.allow_at(t0));
}

TEST_CASE("more than the burst: an error that says both numbers")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 3);
        const ending plain = co_await ending_of(lim.wait(4));
        CHECK(plain.code == std::errc::invalid_argument);
        CHECK(starts_with(plain.text, "rate: Wait(n=4) exceeds limiter's burst 3"));
        const ending under = co_await ending_of(lim.wait(weft::background(), 5));
        CHECK(starts_with(under.text, "rate: Wait(n=5) exceeds limiter's burst 3"));
        CHECK(whole(lim, 3));
    });
}

TEST_CASE("past the deadline: an error that says so, before the deadline")
{
    on_procs([]() -> task<> {
        const limiter lim = slow();
        CHECK(lim.allow());
        auto [ctx, cancel] = weft::with_timeout(weft::background(), 1h);
        const ending e = co_await ending_of(lim.wait(ctx));
        CHECK(e.code == weft::errc::deadline_exceeded);
        CHECK(starts_with(e.text, "rate: Wait(n=1) would exceed context deadline"));
        CHECK(lim.tokens() >= 0);
        CHECK_FALSE(ctx.err());
    });
}

TEST_CASE("without a deadline it waits for tokens that never come, until its context ends")
{
    // It used to be refused, as if there were a deadline.
    for (const double rate : {0.0, 1e-12}) {
        bubble([rate]() -> task<> {
            const limiter lim(rate, 1);
            CHECK(lim.allow());
            auto s = co_await weft::select{lim.wait(), weft::after(1h)};
            CHECK(s.index() == 1);
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto end = [end = cancel]() -> task<> {
                co_await weft::sleep(1h);
                end();
            };
            weft::go(std::move(end));
            const time_point begin = weft::clock::now();
            const ending e = co_await ending_of(lim.wait(ctx));
            CHECK(e.code == weft::errc::canceled);
            CHECK(weft::clock::now() - begin == 1h);
            CHECK(lim.tokens() >= 0);
            // A deadline is told at once, as ever.
            auto [timed, cancel_timed] = weft::with_timeout(weft::background(), 1h);
            const ending late = co_await ending_of(lim.wait(timed));
            CHECK(late.code == weft::errc::deadline_exceeded);
            CHECK(starts_with(late.text, "rate: Wait(n=1) would exceed context deadline"));
            CHECK(weft::clock::now() - begin == 1h);
            // The bucket is as it was.
            lim.set_rate(1);
            co_await lim.wait();
            CHECK(weft::clock::now() - begin <= 1h + 1s);
        });
    }
}

TEST_CASE("waiters are served in the order in which they came")
{
    on_procs([]() -> task<> {
        // What is due at the same time may run in any order, so a machine that sleeps for longer
        // than a token's time disturbs it; one attempt of many that holds is enough.
        bool in_order = false;
        for (int attempt = 0; attempt < 20 && !in_order; ++attempt) {
            const limiter lim(limiter::every(10ms), 1);
            CHECK(lim.allow());
            std::atomic<int> waiting = 0;
            auto order = make_channel<int>(3);
            weft_test::team all;
            for (int i = 0; i < 3; ++i) {
                all.go([&, i]() -> task<> {
                    ++waiting;
                    co_await lim.wait();
                    co_await order.send(i);
                });
                co_await weft_test::yield_until([&] { return waiting == i + 1; });
            }
            co_await all.join();
            in_order = true;
            for (int i = 0; i < 3; ++i) in_order = in_order && order.try_receive() == i;
        }
        CHECK(in_order);
    });
}

TEST_CASE("a wait is not early")
{
    on_procs([]() -> task<> {
        const limiter lim(1000, 1);
        const time_point before = weft::clock::now();
        for (int i = 0; i < 11; ++i) co_await lim.wait();
        CHECK(weft::clock::now() - before >= 10ms - 1us); // a token's time is rounded down
    });
}

TEST_CASE("cancelled in the middle, a wait gives its tokens back")
{
    on_procs([]() -> task<> {
        const limiter lim = slow(3);
        CHECK(lim.allow(3));
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto waiter = weft::spawn(
            [lim, ctx]() -> task<ending> { co_return co_await ending_of(lim.wait(ctx, 2)); });
        co_await until_parked(1, "sleep");
        CHECK(lim.tokens() < -1.9);
        cancel();
        const ending e = co_await waiter.join();
        CHECK(e.code == weft::errc::canceled);
        CHECK(lim.tokens() >= 0);
    });
}

TEST_CASE("a bound goroutine is interrupted in its wait, and the tokens come back")
{
    on_procs([]() -> task<> {
        const limiter lim = slow(3);
        CHECK(lim.allow(3));
        auto [ctx, cancel] = weft::with_cancel(weft::background());
        auto waiter = weft::spawn(ctx, [lim]() -> task<ending> {
            const ending e = co_await ending_of(lim.wait(3));
            co_return e;
        });
        co_await until_parked(1, "sleep");
        CHECK(lim.tokens() < -2.9);
        cancel();
        const ending e = co_await waiter.join();
        CHECK(e.code == weft::errc::canceled);
        CHECK(lim.tokens() >= 0);
    });
}

TEST_CASE("a wait that is cancelled again and again leaves the bucket as it was")
{
    on_procs([]() -> task<> {
        const limiter one = slow(), other = slow();
        CHECK(one.allow());
        CHECK(other.allow());
        for (std::size_t i = 0; i < weft_test::count(2000); ++i) {
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            auto bound = weft::spawn(ctx, [one]() -> task<> { co_await one.wait(); });
            auto under =
                weft::spawn([other, ctx]() -> task<ending> { return ending_of(other.wait(ctx)); });
            if (i % 2 == 0) co_await weft::this_goroutine::yield();
            cancel();
            const ending e = co_await under.join();
            CHECK(e.code == weft::errc::canceled);
            try {
                co_await bound.join();
            } catch (const weft::error& end) {
                CHECK(end.code() == weft::errc::canceled);
            }
        }
        CHECK(one.tokens() > -0.01);
        CHECK(other.tokens() > -0.01);
    });
}

TEST_CASE(
    "of two that wait and are cancelled, the earlier one cannot give back what stood behind it")
{
    on_procs([]() -> task<> {
        const limiter lim = slow();
        CHECK(lim.allow());
        auto [first, cancel_first] = weft::with_cancel(weft::background());
        auto [second, cancel_second] = weft::with_cancel(weft::background());
        const auto start = [&](const weft::context& ctx) {
            return weft::spawn([lim, ctx]() -> task<ending> { return ending_of(lim.wait(ctx)); });
        };
        auto a = start(first);
        co_await until_parked(1, "sleep");
        auto b = start(second);
        co_await until_parked(2, "sleep");
        cancel_first();
        co_await a.join();
        CHECK(lim.tokens() < -1.9); // the second one's moment was reckoned with the first in place
        cancel_second();
        co_await b.join();
        CHECK(lim.tokens() < -0.9);
        CHECK(lim.tokens() > -1.1);
    });
}

TEST_CASE("as a case of a select: a loser gives back, a winner keeps")
{
    on_procs([]() -> task<> {
        const limiter lim = slow(2);
        auto ch = make_channel<int>(1);
        CHECK(ch.try_send(1));
        CHECK(lim.allow(2));
        for (int i = 0; i < 20; ++i) {
            auto s = co_await weft::select{lim.wait(2), weft::after(1ms)};
            CHECK(s.index() == 1);
            CHECK(lim.tokens() > -0.01);
            auto tried = weft::try_select{lim.wait()};
            CHECK(tried.index() == tried.npos);
            CHECK(lim.tokens() > -0.01);
        }
        const limiter quick(1000, 1);
        CHECK(quick.allow());
        auto never = make_channel<int>();
        auto s = co_await (never.receive() || quick.wait());
        CHECK(s.index() == 1);
        CHECK(quick.tokens_at(time_point::min()) < 0.5); // as it was when they were taken
    });
}

TEST_CASE("a lost race between a timer and a cancellation neither loses nor makes tokens")
{
    on_procs([]() -> task<> {
        // Each round takes one token or none; the sum is what is missing.
        const limiter lim(100000, 1 << 20);
        const time_point begin = weft::clock::now();
        CHECK(lim.allow_at(begin, 1 << 20));
        int taken = 0;
        for (std::size_t i = 0; i < weft_test::count(2000); ++i) {
            auto s = co_await weft::select{lim.wait(), weft::after(10us)};
            if (s.index() == 0) ++taken;
        }
        const double refilled =
            std::chrono::duration<double>(weft::clock::now() - begin).count() * 100000;
        CHECK(lim.tokens() + taken >= refilled - 1);
        const double refilled_now =
            std::chrono::duration<double>(weft::clock::now() - begin).count() * 100000;
        CHECK(lim.tokens_at(begin) + taken <= refilled_now + 1);
    });
}

TEST_CASE("with a completion token; cancelled by its slot it gives back")
{
    on_procs([]() -> task<> {
        const limiter lim = slow(1);
        auto granted = lim.wait()(asio::use_future);
        granted.get();
        CHECK(lim.tokens() < 1);

        asio::cancellation_signal signal;
        auto waiting = lim.wait()(asio::bind_cancellation_slot(signal.slot(), asio::use_future));
        CHECK(lim.tokens() < -0.9);
        signal.emit(asio::cancellation_type::all);
        CHECK_THROWS_AS(waiting.get(), std::system_error);
        CHECK(lim.tokens() >= 0);
        co_return;
    });
}

TEST_CASE("a goroutine that waits is unwound with its runtime, after the limiter's handle")
{
    on_procs(
        []() -> task<> {
            const limiter lim = slow();
            CHECK(lim.allow());
            weft::go([lim]() -> task<> { co_await lim.wait(); });
            weft::go([lim]() -> task<> {
                auto never = make_channel<int>();
                co_await weft::select{never.receive(), lim.wait()};
            });
            co_await until_parked(2);
        },
        weft_test::leftovers::parked);
}

// ---------------------------------------------------------------- reservations

TEST_CASE("a reservation tells the delay; it counts from any moment")
{
    const limiter lim(10, 1);
    const auto first = lim.reserve_at(t0);
    CHECK(first.ok());
    CHECK(first.delay_from(t0) == 0ns);
    const auto second = lim.reserve_at(t0);
    CHECK(second.time_to_act() == t(1));
    CHECK(second.delay_from(t0) == 100ms);
    CHECK(second.delay_from(t0 + 40ms) == 60ms);
    CHECK(second.delay_from(t(5)) == 0ns);
    const auto refused = lim.reserve_at(t0, 2);
    CHECK_FALSE(refused.ok());
    CHECK(refused.delay_from(t0) == duration::max());
    CHECK(refused.time_to_act() == time_point::max());
    const weft::reservation none;
    CHECK_FALSE(none.ok());
}

TEST_CASE("a cancellation counts once, wherever the reservation was moved to")
{
    const limiter lim(10, 2);
    CHECK(lim.allow_at(t0, 2));
    auto a = lim.reserve_at(t0, 2);
    auto b = std::move(a);
    CHECK_FALSE(a.ok()); // NOLINT(bugprone-use-after-move)
    a.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == -2);
    b.cancel_at(t0);
    b.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == 0);
    CHECK(b.ok());
}

TEST_CASE("tokens promised later are not given back")
{
    const limiter lim(10, 2);
    CHECK(lim.allow_at(t0, 2));
    auto two = lim.reserve_at(t0, 2);
    CHECK(two.time_to_act() == t(2));
    // One token promised after them: one comes back.
    CHECK(lim.reserve_at(t0, 1).time_to_act() == t(3));
    two.cancel_at(t(1));
    CHECK(lim.reserve_at(t(1), 2).time_to_act() == t(4));

    const limiter other(10, 2);
    CHECK(other.allow_at(t0, 2));
    auto one = other.reserve_at(t0, 1);
    // Two promised after it: it has nothing to give.
    CHECK(other.reserve_at(t0, 2).time_to_act() == t(3));
    one.cancel_at(t0);
    CHECK(other.tokens_at(t0) == -3);
}

TEST_CASE("cancelled from the last to the first, all comes back")
{
    const limiter lim(10, 2);
    CHECK(lim.allow_at(t0, 2));
    auto first = lim.reserve_at(t0, 1);
    auto second = lim.reserve_at(t0, 2);
    second.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == -1);
    first.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == 0);
    CHECK(lim.reserve_at(t0, 2).time_to_act() == t(2));
}

TEST_CASE("a bucket never gets more than its burst back")
{
    const limiter lim(10, 3);
    auto r = lim.reserve_at(t0, 3);
    lim.set_burst_at(t0, 1);
    r.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == 1);
}

TEST_CASE("time that goes back: nothing is refilled, and nothing is lost")
{
    const limiter lim(10, 2);
    CHECK(lim.reserve_at(t(1), 2).time_to_act() == t(1));
    CHECK(lim.reserve_at(t(0), 1).time_to_act() == t(1));
    // As in Go, the clock is now where the latest call was: what had passed passes again.
    CHECK(lim.reserve_at(t(2), 2).time_to_act() == t(3));

    const limiter back(10, 2);
    CHECK(back.allow_at(t(1), 2));
    auto r = back.reserve_at(t(0), 1);
    r.cancel_at(t(0));
    CHECK(back.tokens_at(t(0)) == 0);
    CHECK(back.tokens_at(time_point::min()) == 0);
    CHECK(back.tokens_at(time_point::max()) == 2);
}

TEST_CASE("set_burst and set_rate keep what is there, and what was promised")
{
    const limiter lim(10, 2);
    CHECK(lim.allow_at(t0, 2));
    CHECK(lim.reserve_at(t0, 2).time_to_act() == t(2));
    lim.set_burst_at(t(3), 4);
    CHECK(lim.tokens_at(t(3)) == 1);
    CHECK(lim.reserve_at(t0, 4).time_to_act() == t(3)); // three tokens missing from t0 on

    const limiter grows(10, 2);
    grows.set_burst_at(t0, 5);
    CHECK(grows.tokens_at(t0) == 2); // it is not filled, it may be
    CHECK(grows.tokens_at(t(9)) == 5);

    const limiter fast(10, 2);
    CHECK(fast.allow_at(t0, 2));
    auto r = fast.reserve_at(t0, 2);
    fast.set_rate_at(t0, 20);
    r.cancel_at(t0);
    CHECK(fast.tokens_at(t0) == 0);
}

TEST_CASE("an infinite rate, before and after another one")
{
    const limiter lim(10, 2);
    CHECK(lim.allow_at(t0, 2));
    lim.set_rate_at(t0, limiter::inf);
    CHECK(lim.rate() == limiter::inf);
    CHECK(lim.tokens_at(t0) == 0);
    CHECK(lim.tokens_at(t(1)) == 2);
    auto r = lim.reserve_at(t0, 1000);
    CHECK(r.time_to_act() == t0);
    lim.set_rate_at(t0, 10);
    r.cancel_at(t0); // it took nothing
    CHECK(lim.tokens_at(t0) == 0);
    CHECK_FALSE(lim.allow_at(t0));
}

TEST_CASE("no tokens at all")
{
    const limiter lim(10, 1);
    CHECK(lim.allow_at(t0));
    CHECK(lim.allow_at(t0, 0));
    auto next = lim.reserve_at(t0);
    // Even nothing has to wait behind those who wait.
    CHECK_FALSE(lim.allow_at(t0, 0));
    auto nothing = lim.reserve_at(t0, 0);
    CHECK(nothing.time_to_act() == t(1));
    nothing.cancel_at(t0);
    CHECK(lim.tokens_at(t0) == -1);

    const limiter closed(0, 0);
    CHECK_FALSE(closed.allow_at(t0));
    CHECK_FALSE(closed.reserve_at(t0).ok());
}
