// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The wheel as a data structure: against a sorted set of the same moments, and at the edges.

#include "testing.hpp"

#include <weft/detail/timer_wheel.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <set>
#include <utility>
#include <vector>

using weft::detail::claim;
using weft::detail::timer_entry;
using weft::detail::timer_wheel;
using weft::detail::waiter;
using weft::detail::wake_callback;
using weft::detail::wake_list;
using weft::detail::wake_target;

namespace {

/// One entry, which writes itself down when it rings.
struct item : wake_callback {
    item()
    {
        this->fire = [](wake_callback* c) noexcept {
            auto* self = static_cast<item*>(c);
            self->rung->push_back(self);
        };
        w.contest = nullptr;
        w.whom = wake_target(static_cast<wake_callback&>(*this));
        w.slot = &e;
        w.queued = false;
    }
    item(const item&) = delete;
    item& operator=(const item&) = delete;

    waiter w;
    timer_entry e;
    std::vector<item*>* rung = nullptr;
};

/// The wheel beside the set that it must agree with.
class both {
public:
    explicit both(std::size_t items) : items_(items)
    {
        for (auto& i : items_) {
            i = std::make_unique<item>();
            i->rung = &rung_;
            out_.push_back(i.get());
        }
    }

    [[nodiscard]] bool can_push() const { return !out_.empty(); }
    [[nodiscard]] std::size_t size() const { return in_.size(); }
    [[nodiscard]] timer_wheel& wheel() { return *wheel_; }

    void push(std::int64_t when, std::int64_t now)
    {
        item* i = out_.back();
        out_.pop_back();
        i->e.when = when;
        wheel_->push(i->w, now);
        in_.emplace(when, i);
        REQUIRE(i->w.queued);
    }

    void remove(std::mt19937_64& random)
    {
        item* i = items_[random() % items_.size()].get();
        const bool was_in = in_.erase({i->e.when, i}) == 1;
        if (was_in) out_.push_back(i);
        REQUIRE(wheel_->remove(i->w) == was_in);
        REQUIRE_FALSE(wheel_->remove(i->w));
    }

    void remove_all()
    {
        for (const auto& [when, i] : in_) {
            REQUIRE(wheel_->remove(i->w));
            out_.push_back(i);
        }
        in_.clear();
    }

    /// True: there is more, as the wheel says. Everything that rang was due, each part in order.
    bool advance(std::int64_t now, std::size_t most)
    {
        wake_list due;
        const bool more = wheel_->advance(now, due, most);
        rung_.clear();
        due.wake_all();
        REQUIRE(rung_.size() <= most);
        std::int64_t before = INT64_MIN;
        for (item* i : rung_) {
            REQUIRE(before <= i->e.when);
            REQUIRE(i->e.when <= now);
            REQUIRE_FALSE(i->w.queued);
            REQUIRE(in_.erase({i->e.when, i}) == 1);
            before = i->e.when;
            out_.push_back(i);
        }
        if (!more) REQUIRE(earliest() > now);
        return more;
    }

    [[nodiscard]] std::int64_t earliest() const
    {
        return in_.empty() ? INT64_MAX : in_.begin()->first;
    }

    void check(bool exact)
    {
        REQUIRE(wheel_->size() == in_.size());
        REQUIRE(wheel_->empty() == in_.empty());
        // What is overdue may be told as the wheel's own time.
        const std::int64_t real = std::max(earliest(), wheel_->elapsed());
        REQUIRE(wheel_->next() <= real);
        if (in_.empty()) REQUIRE(wheel_->next() == timer_wheel::never);
        else if (exact) REQUIRE(std::max(wheel_->next(), wheel_->elapsed()) == real);
    }

private:
    std::unique_ptr<timer_wheel> wheel_ = std::make_unique<timer_wheel>();
    std::vector<std::unique_ptr<item>> items_;
    std::set<std::pair<std::int64_t, item*>> in_;
    std::vector<item*> out_;
    std::vector<item*> rung_;
};

/// A length of 0 to 2^`bits` - 1, each magnitude as likely as any other.
std::int64_t length(std::mt19937_64& random, unsigned bits)
{
    const auto shift = random() % (bits + 1);
    return static_cast<std::int64_t>(random() & ((std::uint64_t{1} << shift) - 1));
}

struct mix {
    unsigned push, remove, advance; ///< how often, in relation to each other
    unsigned bits_ahead;            ///< of the longest timer
    unsigned bits_step;             ///< of the longest step of the clock
    std::size_t most;               ///< entries an advance may look at
};

void run_mix(const mix& m, std::size_t steps, std::mt19937_64& random)
{
    both b(2000);
    std::int64_t now = 1'000'000'000;
    for (std::size_t step = 0; step < steps; ++step) {
        const auto chance = random() % (m.push + m.remove + m.advance);
        if (chance < m.push) {
            if (!b.can_push()) continue;
            // Now and then overdue, or with a look at the clock that is old.
            const std::int64_t ahead = length(random, m.bits_ahead);
            const bool late = random() % 16 == 0;
            b.push(late ? now - std::min(now, ahead) : now + ahead,
                   now - std::min(now, length(random, 20)));
        } else if (chance < m.push + m.remove) {
            b.remove(random);
        } else {
            now += length(random, m.bits_step);
            while (b.advance(now, m.most)) {
                // Others may come between two parts.
                if (random() % 4 == 0) b.remove(random);
                if (random() % 4 == 0 && b.can_push()) b.push(now + length(random, 30), now);
                if (random() % 64 == 0) b.remove_all();
                b.check(false);
            }
        }
        b.check(m.remove == 0);
    }
    while (b.size() != 0) {
        now = std::max(now, b.wheel().next());
        while (b.advance(now, m.most)) {}
    }
    b.check(false);
}

} // namespace

TEST_CASE("by chance: the wheel rings what a sorted set has before the moment")
{
    auto random = weft_test::make_random();
    const std::size_t steps = weft_test::count(3'000'000);
    run_mix({4, 2, 1, 30, 24, 128}, steps, random);  // a busy program
    run_mix({4, 0, 1, 30, 28, 128}, steps, random);  // nothing removed: `next` is exact
    run_mix({4, 4, 1, 12, 8, 3}, steps, random);     // close together, in small parts
    run_mix({6, 5, 1, 61, 50, 1000}, steps, random); // years
    run_mix({9, 1, 1, 18, 20, 17}, steps, random);   // in masses
}

TEST_CASE("many at one moment, and one nanosecond apart")
{
    both b(1000);
    for (int i = 0; i < 500; ++i) b.push(5'000'000, 0);
    for (int i = 0; i < 500; ++i) b.push(6'000'000 + i, 0);
    while (b.advance(4'999'999, 100)) {}
    CHECK(b.size() == 1000);
    int parts = 1;
    while (b.advance(5'000'000, 100)) ++parts;
    CHECK(parts >= 5);
    CHECK(b.size() == 500);
    for (int i = 0; i < 500; ++i) {
        while (b.advance(6'000'000 + i, 100)) {}
        CHECK(b.size() == static_cast<std::size_t>(499 - i));
    }
}

TEST_CASE("the edges of time")
{
    both b(10);
    b.push(0, 0);
    b.push(timer_wheel::never - 1, 0);
    CHECK(b.wheel().next() == 0);
    CHECK_FALSE(b.advance(0, 10));
    CHECK(b.size() == 1);
    CHECK(b.wheel().next() == timer_wheel::never - 1);
    CHECK_FALSE(b.advance(timer_wheel::never - 2, 10));
    CHECK(b.size() == 1);

    CHECK_FALSE(b.advance(timer_wheel::never - 1, 10));
    CHECK(b.size() == 0);
    CHECK(b.wheel().next() == timer_wheel::never);
}

TEST_CASE("what is overdue rings at once, also by an old look at the clock")
{
    both b(10);
    b.push(7000, 5000);
    for (const std::int64_t when :
         {INT64_MIN, std::int64_t{-1}, std::int64_t{0}, std::int64_t{4999}}) {
        b.push(when, 5000);
    }
    CHECK(b.wheel().next() <= b.wheel().elapsed());
    CHECK_FALSE(b.advance(4999, 10));
    CHECK(b.size() == 1);
    CHECK(b.wheel().next() == 7000);
}

TEST_CASE("an idle wheel takes over the clock of the next push")
{
    both b(2);
    b.push(100, 50);
    CHECK(b.wheel().elapsed() == 50);
    b.push(200, 90); // not idle
    CHECK(b.wheel().elapsed() == 50);
    b.remove_all();
    b.push(1000, 900);
    CHECK(b.wheel().elapsed() == 900);
    CHECK_FALSE(b.advance(999, 10));
    CHECK(b.size() == 1);
    CHECK_FALSE(b.advance(1000, 10));
    CHECK(b.size() == 0);
}

TEST_CASE("a wheel that became empty in the middle of an advance starts afresh")
{
    // What was left of a list that time had entered was removed; the wheel took over another clock,
    // by which an entry went into that very list, and from there into itself without end.
    both b(300);
    const std::int64_t list = 64 * 64; // one list of the third level
    for (int i = 0; i < 200; ++i) b.push(list + 100 + i, 0);
    CHECK(b.advance(list + 1, 128));
    b.remove_all();
    b.push(list + 5, list - 1);
    const std::int64_t later = 2 * list * 64; // its lists of the third level have other meanings
    b.remove_all();
    b.push(later + list + 7, later);
    CHECK(b.wheel().next() == later + list + 7);
    CHECK_FALSE(b.advance(later + list, 128));
    CHECK(b.size() == 1);
    CHECK_FALSE(b.advance(later + list + 7, 128));
    CHECK(b.size() == 0);
}

TEST_CASE("an entry of a select rings only if it wins the claim, one of an alarm if it may")
{
    both b(1);
    timer_wheel& wheel = b.wheel();
    std::vector<item*> rung;
    item of_select, of_alarm;
    claim taken;
    waiter other;
    REQUIRE(taken.win(&other));
    for (item* i : {&of_select, &of_alarm}) i->rung = &rung;
    of_select.w.contest = &taken;
    of_alarm.e.hold = [](timer_entry& e) noexcept { return e.when == 20; };
    const auto ring = [&](std::int64_t when) {
        of_select.e.when = of_alarm.e.when = when;
        wheel.push(of_select.w, 0);
        wheel.push(of_alarm.w, 0);
        wake_list due;
        CHECK_FALSE(wheel.advance(when, due, 10));
        due.wake_all();
        CHECK(wheel.empty());
        CHECK_FALSE(of_select.w.queued);
        CHECK_FALSE(of_alarm.w.queued);
    };
    ring(10);
    CHECK(rung.empty());
    ring(20);
    CHECK(rung == std::vector{&of_alarm});
    claim open;
    of_select.w.contest = &open;
    ring(30);
    CHECK(rung == std::vector{&of_alarm, &of_select});
    CHECK(open.winner() == &of_select.w);
}

TEST_CASE("pop_any empties the wheel, wherever entries stand")
{
    auto random = weft_test::make_random();
    both b(500);
    for (int i = 0; i < 250; ++i) b.push(1'000'000 + i, 0);
    CHECK(b.advance(999'990, 7)); // some in a list that is falling
    for (int i = 0; i < 250; ++i) b.push(length(random, 60), 0);
    for (std::size_t left = 500; left > 0; --left) {
        CHECK(b.wheel().size() == left);
        waiter* w = b.wheel().pop_any();
        REQUIRE(w != nullptr);
        CHECK_FALSE(w->queued);
    }
    CHECK(b.wheel().pop_any() == nullptr);
    CHECK(b.wheel().next() == timer_wheel::never);
}
