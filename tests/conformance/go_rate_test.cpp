// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The rate limiter: Go's golang.org/x/time/rate. tK is t0 + K * 100 ms.

#include "testing.hpp"

#include <weft/rate_limiter.hpp>
#include <weft/sometimes.hpp>

#include <atomic>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>
#include <string>
#include <system_error>
#include <vector>

using namespace std::chrono_literals;
using weft::duration;
using weft::limiter;
using weft::sometimes;
using weft::task;
using weft::time_point;
using weft_test::on_procs;
using weft_test::team;

namespace {

const time_point start = weft::clock::now();

time_point t(int k)
{
    return start + k * 100ms;
}

struct request {
    int at;
    double tokens; ///< before it
    int n;
    bool granted;
};

void check_requests(const limiter& lim, const std::vector<request>& all)
{
    for (const request& r : all) {
        CHECK(lim.tokens_at(t(r.at)) == r.tokens);
        CHECK(lim.allow_at(t(r.at), r.n) == r.granted);
    }
}

/// Reserves `n` at t(at): the moment to act, or nothing where it is refused.
std::optional<time_point> reserved(const limiter& lim, int at, int n,
                                   duration longest = duration::max())
{
    const auto r = lim.reserve_at(t(at), n, longest);
    if (!r.ok()) return std::nullopt;
    return r.time_to_act();
}

bool near(double a, double b)
{
    return std::abs(a - b) <= 1e-9 * std::abs(b);
}

/// How a wait ends, and how long it took.
struct outcome {
    std::error_code code;
    duration took;
};

template <class Wait>
task<outcome> timed(Wait op)
{
    const time_point before = weft::clock::now();
    std::error_code code;
    try {
        co_await op;
    } catch (const weft::error& e) {
        code = e.code();
    }
    co_return outcome{code, weft::clock::now() - before};
}

/// Time measurements may be disturbed; one attempt in five that holds is enough.
template <class Attempt>
task<> eventually(Attempt attempt)
{
    bool held = false;
    for (int i = 0; i < 5 && !held; ++i) held = co_await attempt();
    CHECK(held);
}

/// Short enough to be "no delay" on a loaded machine.
constexpr duration at_once = 50ms;

} // namespace

TEST_CASE("RATE-01 every gives the rate of an interval, infinite if that is not positive")
{
    on_procs([]() -> task<> {
        CHECK(limiter::every(0ns) == limiter::inf);
        CHECK(limiter::every(-1ns) == limiter::inf);
        CHECK(near(limiter::every(1ns), 1e9));
        CHECK(near(limiter::every(10ms), 100));
        CHECK(near(limiter::every(2s), 0.5));
        CHECK(near(limiter::every(2500ms), 0.4));
        CHECK(near(limiter::every(duration::max()),
                   1e9 / static_cast<double>(duration::max().count())));
        CHECK(limiter(10, 1).rate() != limiter::inf);
        co_return;
    });
}

TEST_CASE("RATE-02 a burst of one")
{
    on_procs([]() -> task<> {
        check_requests(limiter(10, 1), {{0, 1, 1, true},
                                        {0, 0, 1, false},
                                        {0, 0, 1, false},
                                        {1, 1, 1, true},
                                        {1, 0, 1, false},
                                        {1, 0, 1, false},
                                        {2, 1, 2, false},
                                        {2, 1, 1, true},
                                        {2, 0, 1, false}});
        co_return;
    });
}

TEST_CASE("RATE-03 a burst of three")
{
    on_procs([]() -> task<> {
        check_requests(limiter(10, 3), {{0, 3, 2, true},
                                        {0, 1, 2, false},
                                        {0, 1, 1, true},
                                        {0, 0, 1, false},
                                        {1, 1, 4, false},
                                        {2, 2, 1, true},
                                        {3, 2, 1, true},
                                        {4, 2, 1, true},
                                        {4, 1, 1, true},
                                        {4, 0, 1, false},
                                        {4, 0, 1, false},
                                        {9, 3, 3, true},
                                        {9, 0, 0, true}});
        co_return;
    });
}

TEST_CASE("RATE-04 nothing is lost by rounding")
{
    on_procs([]() -> task<> {
        CHECK(limiter(0.7692307692307693, 1).allow());
        co_return;
    });
}

TEST_CASE("RATE-05 fifteen at once, and five tokens")
{
    on_procs([]() -> task<> {
        const limiter lim(1, 5);
        const time_point now = weft::clock::now();
        std::atomic<int> granted = 0;
        team all;
        for (int i = 0; i < 15; ++i) {
            all.go([&granted, lim, now]() -> task<> {
                co_await weft::this_goroutine::yield();
                if (lim.allow_at(now)) ++granted;
            });
        }
        co_await all.join();
        CHECK(granted == 5);
    });
}

TEST_CASE("RATE-06 over five seconds the rate is kept")
{
    on_procs([]() -> task<> {
        const limiter lim(100, 100);
        const time_point end = start + 5s;
        int granted = 0;
        for (time_point now = start; now < end; now += 2ms) granted += lim.allow_at(now) ? 1 : 0;
        const double ideal = 100 + 100 * 5.0;
        CHECK(granted >= static_cast<int>(0.999 * ideal)); // whole requests
        CHECK(granted <= static_cast<int>(ideal + 1));
        co_return;
    });
}

TEST_CASE("RATE-07 reservations follow one another")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 2);
        CHECK(reserved(lim, 0, 2) == t(0));
        CHECK(reserved(lim, 0, 2) == t(2));
        CHECK(reserved(lim, 3, 2) == t(4));
        co_return;
    });
}

TEST_CASE("RATE-08 reservations and allow, mixed")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 2);
        CHECK_FALSE(reserved(lim, 0, 3).has_value());
        CHECK(reserved(lim, 0, 2) == t(0));
        CHECK(lim.tokens_at(t(1)) == 1);
        CHECK_FALSE(lim.allow_at(t(1), 2));
        CHECK(reserved(lim, 1, 2) == t(2));
        CHECK(lim.tokens_at(t(1)) == -1);
        CHECK_FALSE(lim.allow_at(t(1), 1));
        CHECK(lim.tokens_at(t(3)) == 1);
        CHECK(lim.allow_at(t(3), 1));
        co_return;
    });
}

TEST_CASE("RATE-09 cancelling what was refused changes nothing")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 2);
        CHECK(reserved(lim, 0, 2) == t(0));
        auto refused = lim.reserve_at(t(0), 3);
        CHECK_FALSE(refused.ok());
        refused.cancel_at(t(0));
        CHECK(reserved(lim, 0, 2) == t(2));
        co_return;
    });
}

TEST_CASE("RATE-10 a cancellation gives back in time, and nothing when it is too late")
{
    on_procs([]() -> task<> {
        for (const bool late : {false, true}) {
            const limiter lim(10, 2);
            CHECK(reserved(lim, 0, 2) == t(0));
            auto r = lim.reserve_at(t(0), 2);
            CHECK(r.time_to_act() == t(2));
            const int when = late ? 3 : 1;
            r.cancel_at(t(when));
            CHECK(reserved(lim, when, 2) == t(late ? 4 : 2));
        }
        co_return;
    });
}

TEST_CASE("RATE-11 a reservation that would wait for too long is refused")
{
    on_procs([]() -> task<> {
        const limiter lim(10, 2);
        CHECK(reserved(lim, 0, 2, 100ms) == t(0));
        CHECK(reserved(lim, 0, 1, 100ms) == t(1));
        CHECK_FALSE(reserved(lim, 0, 1, 100ms).has_value());
        co_return;
    });
}

TEST_CASE("RATE-12 the rate changes between reservations")
{
    on_procs([]() -> task<> {
        const limiter lim(5, 2);
        CHECK(reserved(lim, 0, 2) == t(0));
        CHECK(reserved(lim, 0, 2) == t(4));
        lim.set_rate_at(t(2), 10);
        CHECK(reserved(lim, 2, 1) == t(4));
        co_return;
    });
}

TEST_CASE("RATE-13 wait: under an ended context, over the burst, at once, and after 200 ms")
{
    on_procs([]() -> task<> {
        co_await eventually([]() -> task<bool> {
            const limiter lim(10, 3);
            auto [ended, cancel] = weft::with_cancel(weft::background());
            cancel();
            auto [ctx, stop] = weft::with_cancel(weft::background());
            const outcome a = co_await timed(lim.wait(ended, 1));
            CHECK(a.code == weft::errc::canceled);
            const outcome b = co_await timed(lim.wait(ctx, 4));
            CHECK(b.code == std::errc::invalid_argument);
            const time_point full = weft::clock::now(); // from then on the bucket refills
            const outcome c = co_await timed(lim.wait(ctx, 2));
            CHECK_FALSE(c.code);
            const outcome d = co_await timed(lim.wait(ctx, 3));
            CHECK_FALSE(d.code);
            CHECK(weft::clock::now() - full >= 199ms);
            co_return a.took < at_once&& b.took < at_once&& c.took < at_once&& d.took <= 300ms;
        });
    });
}

TEST_CASE("RATE-14 a wait that would pass the deadline fails at once and takes nothing")
{
    on_procs([]() -> task<> {
        co_await eventually([]() -> task<bool> {
            const limiter lim(0.1, 2); // so slow that time does not matter
            auto [ctx, cancel] = weft::with_timeout(weft::background(), 100ms);
            CHECK(lim.allow(2));
            const outcome o = co_await timed(lim.wait(ctx));
            CHECK(o.code == weft::errc::deadline_exceeded);
            CHECK(lim.tokens() >= 0);
            CHECK(lim.tokens() < 1);
            co_return o.took < at_once && !ctx.err();
        });
    });
}

TEST_CASE("RATE-15 with an infinite rate everything goes, without a burst")
{
    on_procs([]() -> task<> {
        const limiter lim(limiter::inf, 0);
        const outcome o = co_await timed(lim.wait(weft::background(), 3));
        CHECK_FALSE(o.code);
        CHECK(o.took < 1s);
        for (int n : {0, 1, 3, 1000000}) CHECK(lim.allow(n));
        co_await lim.wait(std::numeric_limits<int>::max());
    });
}

TEST_CASE("RATE-16 a rate of zero gives the burst, and then nothing until the rate is set")
{
    on_procs([]() -> task<> {
        const limiter lim(0, 1);
        CHECK(lim.allow());
        CHECK_FALSE(lim.allow());
        const time_point set = weft::clock::now();
        lim.set_rate(10);
        const outcome o = co_await timed(lim.wait(1));
        CHECK_FALSE(o.code);
        CHECK(weft::clock::now() - set >= 99ms);
    });
}

TEST_CASE("RATE-17 sometimes: first, every, interval, and numbers without a sense")
{
    on_procs([]() -> task<> {
        const auto runs = [](weft::sometimes_options o, int calls) {
            sometimes s(o);
            std::vector<int> ran;
            for (int i = 1; i <= calls; ++i) {
                if (s.due_at(start)) ran.push_back(i);
            }
            return ran;
        };
        using list = std::vector<int>;
        CHECK(runs({}, 4) == list{1});
        CHECK(runs({.first = 2}, 4) == list{1, 2});
        CHECK(runs({.every = 2}, 4) == list{1, 3});
        CHECK(runs({.interval = 1s}, 4) == list{1});

        sometimes timed({.interval = 1s});
        CHECK(timed.due_at(start));
        CHECK_FALSE(timed.due_at(start + 999ms));
        CHECK(timed.due_at(start + 1s));
        CHECK_FALSE(timed.due_at(start + 1999ms));
        CHECK(timed.due_at(start + 2s));

        constexpr int most = std::numeric_limits<int>::max();
        CHECK(runs({.first = most}, 3) == list{1, 2, 3});
        CHECK(runs({.every = most}, 3) == list{1});
        CHECK(runs({.interval = duration::max()}, 3) == list{1});
        CHECK(runs({.first = -1, .every = -1, .interval = -1s}, 3) == list{1});
        sometimes never_again({.interval = duration::min()});
        CHECK(never_again.due_at(time_point::max()));
        CHECK_FALSE(never_again.due_at(time_point::min()));
        co_return;
    });
}

TEST_CASE("RATE-18 a cancelled wait ends then, and its tokens come back")
{
    on_procs([]() -> task<> {
        co_await eventually([]() -> task<bool> {
            const limiter lim(10, 3);
            auto [ctx, cancel] = weft::with_cancel(weft::background());
            co_await lim.wait(ctx, 2);
            const time_point set = weft::clock::now();
            auto stop = weft::after_func(100ms, [cancel] { cancel(); });
            const outcome o = co_await timed(lim.wait(ctx, 3));
            CHECK(weft::clock::now() - set >= 99ms);
            // On a slow machine the 200 ms may pass first.
            if (o.code != weft::errc::canceled) co_return false;
            const outcome two = co_await timed(lim.wait(weft::background(), 2));
            CHECK_FALSE(two.code);
            co_return o.took < 150ms && two.took < at_once;
        });
    });
}

TEST_CASE("RATE-19 delays end at the largest one instead of overflowing")
{
    on_procs([]() -> task<> {
        const limiter tiny(1e-10, 1);
        CHECK(tiny.allow_at(t(0)));
        CHECK_FALSE(tiny.allow_at(t(0)));
        const auto late = tiny.reserve_at(t(0));
        CHECK(late.ok());
        CHECK(late.delay_from(t(0)) == duration::max());

        const limiter none(0, 1);
        CHECK(none.allow_at(t(0)));
        const auto never = none.reserve_at(t(0));
        CHECK(never.ok());
        CHECK(never.delay_from(t(0)) == duration::max());
        CHECK(never.delay() == duration::max());
        co_return;
    });
}
