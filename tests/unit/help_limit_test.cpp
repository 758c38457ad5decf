// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// How many workers pay, found out in a world whose gain is known.

#include "testing.hpp"

#include <weft/detail/help_limit.hpp>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <functional>

namespace {

using namespace std::chrono_literals;

/// Workers that get `speed(n)` pieces done in a microsecond, where n is the limit in force.
class world {
public:
    world(unsigned procs, std::function<double(unsigned)> speed)
        : limit_(procs), speed_(std::move(speed))
    {
    }

    void becomes(std::function<double(unsigned)> speed) { speed_ = std::move(speed); }

    /// Lets time pass, with a look each 20 us; the mean of the limit.
    double pass(std::chrono::microseconds time, bool wanted = true, bool large = false)
    {
        constexpr auto step = 20us;
        double sum = 0;
        int looks = 0;
        for (auto left = time; left > 0us; left -= step) {
            now_ += step;
            work_ += speed_(limit_.get()) * static_cast<double>(step.count());
            if (wanted) limit_.ask(large);
            limit_.look(now_, [this] { return static_cast<std::uint64_t>(work_); });
            sum += limit_.get();
            ++looks;
        }
        return sum / looks;
    }

    void sleep(std::chrono::microseconds time) { now_ += time; }
    weft::detail::help_limit& limit() { return limit_; }

private:
    weft::detail::help_limit limit_;
    std::function<double(unsigned)> speed_;
    weft::time_point now_{1h};
    double work_ = 0;
};

const auto scales = [](unsigned n) { return 10.0 * n; };
const auto does_not_scale = [](unsigned n) { return n == 1 ? 10.0 : 4.0; };

} // namespace

TEST_CASE("work that does not scale is left to one worker")
{
    world w(16, does_not_scale);
    CHECK(w.pass(1s) < 1.05); // trials and all
}

TEST_CASE("work that scales gets all workers within milliseconds, and keeps them")
{
    world w(16, scales);
    w.pass(5ms);
    CHECK(w.limit().get() == 16);
    CHECK(w.pass(1s) > 15.8);
}

TEST_CASE("work that scales up to a point gets that many")
{
    world w(16, [](unsigned n) { return 10.0 * std::min(n, 4u) / (n > 4 ? 2 : 1); });
    w.pass(20ms);
    const double mean = w.pass(1s);
    CHECK(mean > 3.8);
    CHECK(mean < 4.2);
}

TEST_CASE("an odd number of processors is used up")
{
    world w(6, scales);
    w.pass(10ms);
    CHECK(w.pass(100ms) > 5.8);
}

TEST_CASE("what a program does may change")
{
    world w(8, scales);
    w.pass(100ms);
    CHECK(w.limit().get() == 8);
    w.becomes(does_not_scale);
    w.pass(100ms);
    CHECK(w.pass(100ms) < 1.1);
    w.becomes(scales);
    w.pass(100ms); // a trial comes within 64 ms
    CHECK(w.pass(100ms) > 7.8);
}

TEST_CASE("help that nobody wants is not tried")
{
    world w(8, scales);
    CHECK(w.pass(100ms, false) == 1);
}

TEST_CASE("all are let in for large pieces of work, until it is found that fewer do")
{
    SUBCASE("they pay")
    {
        world w(8, [](unsigned n) { return 0.1 * n; });
        CHECK(w.limit().ask(true));
        CHECK(w.limit().get() == 8);
        CHECK(w.pass(1s, true, true) > 7.8);
    }
    SUBCASE("they do not")
    {
        world w(8, [](unsigned n) { return 0.4 / n; });
        w.pass(20ms, true, true);
        CHECK_FALSE(w.limit().ask(true));
        CHECK(w.pass(1s, true, true) < 1.1);
    }
}

TEST_CASE("work that comes and goes is not judged by the time in which there was none")
{
    world w(4, scales);
    for (int burst = 0; burst < 20; ++burst) {
        w.pass(2ms);
        w.sleep(10ms);
    }
    CHECK(w.limit().get() == 4);
}
