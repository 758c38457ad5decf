// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Wait groups, once, barriers, events, latches: who waits goes on when it may, and not before.

#include "machine.hpp"

#include <memory>
#include <stdexcept>

using namespace weft_model;
using weft::context;
using weft::task;

// ---------------------------------------------------------------- wait_group

WEFT_MODEL_CASE(wait_group_last_done)
{
    machine m;
    weft::wait_group all;
    int done = 0, seen = 0;
    all.add(2);
    for (int i = 0; i < 2; ++i) {
        m.go([&] {
            ++done;
            all.done();
        });
    }
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            co_await all.wait();
            check(done == 2, "a wait came back too early");
            ++seen;
        });
    }
    m.join();
    check(seen == 2);
}

/// Who has waited may destroy it at once, though the last `done` is not back yet.
WEFT_MODEL_CASE(wait_group_destroyed)
{
    machine m;
    int done = 0;
    m.go([&done]() -> task<> {
        auto all = std::make_unique<weft::wait_group>();
        for (int i = 0; i < 2; ++i) {
            all->go([&done]() -> task<> {
                co_await weft::this_goroutine::yield();
                ++done;
            });
        }
        co_await all->wait();
        all.reset();
        check(done == 2, "a wait came back too early");
    });
    m.join();
}

WEFT_MODEL_CASE(wait_group_reused)
{
    machine m;
    weft::wait_group all;
    int done = 0, rounds = 0;
    m.go([&]() -> task<> {
        for (int r = 1; r <= 2; ++r) {
            all.add();
            outsider thread([&] {
                ++done;
                all.done();
            });
            co_await all.wait();
            check(done == r, "a wait came back too early");
            ++rounds;
        }
    });
    m.join();
    check(rounds == 2);
}

/// One gives up, the others do not.
WEFT_MODEL_CASE(wait_group_under_context)
{
    machine m;
    auto life = weft::with_cancel(weft::background());
    weft::wait_group all;
    int done = 0, seen = 0;
    all.add();
    m.go(
        [&](context ctx) -> task<> {
            try {
                co_await all.wait(ctx);
                check(done == 1, "a wait came back too early");
            } catch (const weft::error& e) {
                check(is_canceled(e));
            }
            ++seen;
        },
        life.ctx);
    m.go([&]() -> task<> {
        co_await all.wait();
        check(done == 1, "a wait came back too early");
        ++seen;
    });
    m.go([&] {
        ++done;
        all.done();
    });
    m.go([&life] { life.cancel(); });
    m.join();
    check(seen == 2);
}

// ---------------------------------------------------------------- once

WEFT_MODEL_CASE(once_three_callers)
{
    machine m;
    weft::once first;
    int ran = 0, ended = 0, seen = 0;
    for (int i = 0; i < 3; ++i) {
        m.go([&]() -> task<> {
            const auto work = [&]() -> task<> {
                ++ran;
                co_await weft::this_goroutine::yield();
                ++ended;
            };
            co_await first.call(work);
            check(ended == 1, "a call came back before the function had ended");
            ++seen;
        });
    }
    m.join();
    check(ran == 1 && seen == 3);
}

/// A call that throws is the one: the others come back, and nothing runs again.
WEFT_MODEL_CASE(once_first_throws)
{
    machine m;
    weft::once first;
    int ran = 0, thrown = 0, seen = 0;
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            const auto work = [&] {
                ++ran;
                point();
                throw std::runtime_error("it does not work");
            };
            try {
                co_await first.call(work);
                ++seen;
            } catch (const std::runtime_error&) {
                ++thrown;
            }
        });
    }
    m.join();
    check(ran == 1 && thrown == 1 && seen == 1);
}

/// One that its context has ended is none: the next call runs its own.
WEFT_MODEL_CASE(once_cancelled)
{
    machine m;
    weft::once first;
    int begun = 0, ended = 0, seen = 0;
    auto life = weft::with_cancel(weft::background());
    const auto work = [&]() -> task<> {
        ++begun;
        co_await weft::sleep(std::chrono::milliseconds(1));
        ++ended;
    };
    const auto call = [&]() -> task<> {
        co_await first.call(work);
        check(ended == 1, "a call came back, and nothing has run");
        ++seen;
    };
    m.go([&] { weft::go(life.ctx, call); });
    m.go(call);
    m.go([&life] { life.cancel(); });
    m.join();
    check(ended == 1 && begun <= 2 && seen >= 1);
}

WEFT_MODEL_CASE(once_value)
{
    machine m;
    int made = 0, seen = 0;
    weft::once_value value([&]() -> task<int> {
        ++made;
        co_await weft::this_goroutine::yield();
        co_return 7;
    });
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            check(co_await value.get() == 7);
            ++seen;
        });
    }
    m.join();
    check(made == 1 && seen == 2);
}

// ---------------------------------------------------------------- barrier, event, latch

/// Nobody is a round ahead, and of each round one is the last.
WEFT_MODEL_CASE(barrier_rounds)
{
    machine m;
    weft::barrier all(2);
    int arrived = 0, last = 0;
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            for (int r = 1; r <= 2; ++r) {
                ++arrived;
                if (co_await all.arrive_and_wait()) ++last;
                check(arrived >= 2 * r, "one went on without the other");
            }
        });
    }
    m.join();
    check(arrived == 4 && last == 2);
}

/// One gives up, and has not arrived; or all have.
WEFT_MODEL_CASE(barrier_under_context)
{
    machine m;
    weft::barrier all(2);
    int met = 0, gave_up = 0;
    auto life = weft::with_cancel(weft::background());
    const auto meet = [&](context ctx) -> task<> {
        try {
            co_await all.arrive_and_wait(ctx);
            ++met;
        } catch (const weft::error& e) {
            check(is_canceled(e));
            ++gave_up;
        }
    };
    for (int i = 0; i < 2; ++i) m.go(meet, life.ctx);
    m.go([&life] { life.cancel(); });
    m.join();
    check(met + gave_up == 2);
    // None of them is counted in the next round.
    met = 0;
    end_focus();
    machine again;
    for (int i = 0; i < 2; ++i) again.go(meet, weft::background());
    again.join();
    check(met == 2);
}

WEFT_MODEL_CASE(event_set_and_reset)
{
    machine m;
    weft::event door;
    int seen = 0, opened = 0;
    for (int i = 0; i < 2; ++i) {
        m.go([&]() -> task<> {
            co_await door.wait();
            check(opened != 0, "a wait came back though it was not set");
            ++seen;
        });
    }
    outsider thread([&] {
        opened = 1;
        door.set();
        door.reset();
        check(!door.is_set());
        door.set();
    });
    m.join();
    thread.join();
    check(seen == 2);
}

WEFT_MODEL_CASE(event_against_cancel)
{
    machine m;
    auto door = std::make_unique<weft::event>();
    auto life = weft::with_cancel(weft::background());
    int seen = 0;
    m.go(
        [&](context ctx) -> task<> {
            try {
                co_await door->wait(ctx);
            } catch (const weft::error& e) {
                check(is_canceled(e));
            }
            ++seen;
        },
        life.ctx);
    m.go([&]() -> task<> {
        co_await door->wait();
        ++seen;
    });
    m.go([&life] { life.cancel(); });
    outsider thread([&door] { door->set(); });
    m.join();
    thread.join();
    check(seen == 2);
}

/// Who has waited may destroy it at once.
WEFT_MODEL_CASE(latch_destroyed)
{
    machine m;
    auto all = std::make_unique<weft::latch>(2);
    int down = 0;
    m.go([&]() -> task<> {
        co_await all->wait();
        all.reset();
        check(down == 2, "a wait came back too early");
    });
    for (int i = 0; i < 2; ++i) {
        m.go([&] {
            ++down;
            all->count_down();
        });
    }
    m.join();
    check(!all);
}

/// Goroutines that wait for each of them when their runtime ends leave nothing behind.
WEFT_MODEL_CASE(sync_end_with_waiters)
{
    int waiting = 0;
    weft::semaphore seats(2);
    weft::wait_group all;
    weft::event door;
    weft::barrier two(2);
    auto m = std::make_unique<machine>();
    check(seats.try_acquire(2));
    all.add();
    m->go([&]() -> task<> {
        ++waiting;
        const auto mine = co_await seats.hold();
    });
    m->go([&]() -> task<> {
        ++waiting;
        co_await all.wait();
    });
    m->go([&]() -> task<> {
        ++waiting;
        co_await weft::select{door.wait(), two.arrive_and_wait()};
    });
    wait_for(waiting, 3);
    begin_focus();
    outsider thread([&] {
        all.done();
        door.set();
    });
    m.reset();
    thread.join();
    end_focus();
    seats.release(2);
    check(seats.available() == 2);
}
