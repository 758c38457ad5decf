// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Cycles of locks, with a lock that can only be waited for.

#include "testing.hpp"

#include <weft/debug/lock_cycles.hpp>
#include <weft/detail/operation.hpp>
#include <weft/testing/bubble.hpp>

#include <sstream>

using weft::task;
namespace debug = weft::debug;

namespace {

/// Taken at once by the first who asks, and never given back.
struct eternal_lock : weft::detail::waitable {
    weft::detail::lock_owner owner;
    weft::detail::wait_queue waiters;
};

struct take_operation {
    using result_type = void;

    weft::detail::waitable* target() const noexcept { return lock; }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list&) noexcept
    {
        if (lock->owner.goroutine != 0) return false;
        lock->owner = {weft::this_goroutine::get_id(), site};
        return w.ok = true;
    }
    void enqueue(weft::detail::waiter& w) noexcept { lock->waiters.push(w); }
    void dequeue(weft::detail::waiter& w) noexcept { lock->waiters.remove(w); }
    void finish(weft::detail::waiter&) {}
    weft::detail::wait_reason reason() const noexcept { return weft::detail::wait_reason::select; }
    weft::detail::lock_owner owner() const noexcept { return lock->owner; }
    eternal_lock* retain() const noexcept { return lock; }

    eternal_lock* lock;
    std::source_location site;
};

take_operation take(eternal_lock& l, std::source_location at = std::source_location::current())
{
    return {&l, at};
}

task<> take_both(eternal_lock& first, eternal_lock& second, weft::channel<int> gate)
{
    co_await take(first);
    co_await gate.receive();
    co_await take(second);
}

} // namespace

TEST_CASE("two goroutines that take two locks in opposite order are a cycle, and named")
{
    std::string text;
    std::vector<debug::lock_cycle> cycles;
    try {
        weft::testing::bubble([&]() -> task<> {
            eternal_lock a, b;
            auto gate = weft::make_channel<int>(), bystander = weft::make_channel<int>();
            weft::go(take_both, std::ref(a), std::ref(b), gate);
            weft::go(take_both, std::ref(b), std::ref(a), gate);
            weft::go([bystander]() -> task<> { co_await bystander.receive(); });
            co_await weft::testing::settle();
            CHECK(debug::lock_cycles().empty());
            gate.close();
            co_await weft::testing::settle();
            cycles = debug::lock_cycles();
            co_await bystander.send(1);
            co_await bystander.send(1); // nobody takes it: the bubble ends here
        });
    } catch (const weft::testing::failure& f) {
        text = f.what();
    }
    REQUIRE(cycles.size() == 1);
    REQUIRE(cycles[0].size() == 2);
    CHECK(cycles[0][0].id == cycles[0][1].lock_holder);
    CHECK(cycles[0][1].id == cycles[0][0].lock_holder);
    for (const auto& w : cycles[0]) CHECK(w.frames.front().line() == w.locked_at.line() + 2);
    CHECK(text.find("lock cycle:\ngoroutine 2 waits at ") != text.npos);
}

TEST_CASE("who waits for its own lock is a cycle of one; waiting for one that is at work is none")
{
    CHECK_THROWS_WITH_AS(weft::testing::bubble([]() -> task<> {
                             eternal_lock l;
                             co_await take(l);
                             co_await take(l);
                         }),
                         doctest::Contains("goroutine 1 waits at"), weft::testing::failure);
    weft::testing::bubble([]() -> task<> {
        eternal_lock l;
        co_await take(l);
        const auto other = [&]() -> task<> { co_await take(l); };
        weft::go(other);
        co_await weft::testing::settle();
        CHECK(debug::lock_cycles().empty());
        // Ends the other one in good order.
        weft::detail::wake_list wakes;
        l.lock.lock();
        wakes.push(l.waiters.pop_claimed());
        l.lock.unlock();
        wakes.wake_all();
        co_await weft::testing::settle();
    });
    CHECK(debug::lock_cycles().empty());
}
