// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Cycles of locks, with a lock that can only be waited for.

#include "testing.hpp"

#include <weft/debug/lock_cycles.hpp>
#include <weft/detail/operation.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/mutex.hpp>
#include <weft/runtime.hpp>
#include <weft/testing/bubble.hpp>

#include <atomic>
#include <chrono>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

using weft::task;
namespace debug = weft::debug;

namespace {

/// Taken at once by the first who asks, and never given back.
struct eternal_lock : weft::detail::sync_object {
    ~eternal_lock()
    {
        orphan(waiters);
    } // it goes before those who wait for it, when a bubble fails

    weft::detail::lock_owner owner;
    weft::detail::wait_queue waiters;
};

struct take_operation {
    using result_type = void;

    weft::detail::waitable* target() const noexcept { return lock; }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list&) noexcept
    {
        if (lock->owner.key != 0) return false;
        lock->owner = {weft::detail::current_goroutine_key(), site};
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

namespace {

/// Holds one lock, says so, and waits for the other.
task<> hold_one_want_other(weft::mutex& one, weft::mutex& other, std::atomic<int>& holding)
{
    auto first = co_await one.lock();
    ++holding;
    while (holding != 2) co_await weft::this_goroutine::yield();
    auto second = co_await other.lock();
}

std::string printed(const debug::lock_cycle& c)
{
    std::ostringstream out;
    debug::print_cycle(out, c);
    return out.str();
}

/// Until a goroutine of each runtime waits for a lock.
std::vector<debug::goroutine_info> until_locked_out(std::size_t n)
{
    for (;;) {
        auto all = debug::goroutines();
        std::erase_if(all, [](const auto& g) { return g.wait_reason != "sync.Mutex.Lock"; });
        if (all.size() == n) return all;
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
}

} // namespace

TEST_CASE("goroutines of two runtimes with the same id are not taken for one")
{
    weft_test::watchdog guard;
    weft::mutex m;
    weft::runtime a({.procs = 1}), b({.procs = 1});
    auto gate = weft::make_channel<void>();
    std::atomic<std::uint64_t> holder{0}, waiter{0};
    weft::go(a.get_executor(), [&]() -> task<> {
        auto g = co_await m.lock();
        holder = weft::this_goroutine::get_id();
        co_await gate.receive();
    });
    while (holder == 0) std::this_thread::yield();
    weft::go(b.get_executor(), [&]() -> task<> {
        waiter = weft::this_goroutine::get_id();
        auto g = co_await m.lock();
    });
    const auto locked_out = until_locked_out(1);
    CHECK(holder == waiter); // or this shows nothing
    CHECK(locked_out[0].lock_holder == holder);
    CHECK(locked_out[0].lock_holder_runtime != 0);
    CHECK(locked_out[0].lock_holder_runtime != locked_out[0].runtime);
    CHECK(debug::lock_cycles().empty());
    gate.close();
    a.join();
    b.join();
}

TEST_CASE("a cycle may lead through two runtimes, and says so")
{
    weft_test::watchdog guard;
    weft::mutex one, other;
    std::atomic<int> holding{0};
    weft::runtime a({.procs = 1}), b({.procs = 1});
    weft::go(a.get_executor(), hold_one_want_other, std::ref(one), std::ref(other),
             std::ref(holding));
    weft::go(b.get_executor(), hold_one_want_other, std::ref(other), std::ref(one),
             std::ref(holding));
    const auto locked_out = until_locked_out(2);
    const auto cycles = debug::lock_cycles(locked_out);
    REQUIRE(cycles.size() == 1);
    REQUIRE(cycles[0].size() == 2);
    const std::string text = printed(cycles[0]);
    for (const auto& g : locked_out) {
        const std::string who =
            "goroutine " + std::to_string(g.id) + " of runtime " + std::to_string(g.runtime);
        CHECK(text.find("\n" + who + " waits at ") != text.npos);
        CHECK(text.find(" for a lock that " + who + " took at ") != text.npos);
    }
    // The runtimes' ends unwind them.
}

TEST_CASE("a name stays one line of a cycle")
{
    debug::goroutine_info g;
    g.id = g.lock_holder = 7;
    g.runtime = g.lock_holder_runtime = 1;
    g.name = "a\"\nb";
    CHECK(printed({g}).starts_with("lock cycle:\ngoroutine 7 \"a\\\"\\nb\" waits at "));
}
