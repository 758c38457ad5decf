// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Mutexes: who has the lock, who gets it next, and who gave up waiting for it.

#include "machine.hpp"

#include <asio/bind_executor.hpp>

#include <memory>

using namespace weft_model;
using weft::channel;
using weft::context;
using weft::make_channel;
using weft::mutex;
using weft::task;

namespace {

task<> lock_some(mutex& m, guarded& what, int n)
{
    for (int i = 0; i < n; ++i) {
        const auto one = co_await m.lock();
        what.visit();
    }
}

/// Says when it stands in line; gets in at last.
task<> lock_in_turn(mutex& m, guarded& what, int& waiting)
{
    ++waiting;
    const auto one = co_await m.lock();
    what.visit();
}

/// As `lock_in_turn`, but it may give up.
task<> lock_under(context ctx, mutex& m, guarded& what, int& waiting)
{
    ++waiting;
    try {
        const auto one = co_await m.lock(ctx);
        what.visit();
    } catch (const weft::error& e) {
        check(is_canceled(e));
    }
}

/// It was let go of, and by nobody twice.
void check_free(mutex& m)
{
    check(m.try_lock(), "nobody holds the lock, and nobody can have it");
    m.unlock();
}

} // namespace

WEFT_MODEL_CASE(mutex_two)
{
    machine m;
    mutex lock;
    guarded what;
    for (int i = 0; i < 2; ++i) m.go(lock_some, std::ref(lock), std::ref(what), 2);
    m.join();
    check(what.visits() == 4);
    check_free(lock);
}

WEFT_MODEL_CASE(mutex_three_hand_over)
{
    machine m;
    mutex lock;
    guarded what;
    for (int i = 0; i < 3; ++i) {
        m.go(
            [](mutex& l, guarded& w) -> task<> {
                const auto one = co_await l.lock();
                w.enter();
                co_await weft::this_goroutine::yield(); // it may go on elsewhere
                w.leave();
            },
            std::ref(lock), std::ref(what));
    }
    m.join();
    check(what.visits() == 3);
    check_free(lock);
}

/// A goroutine whose budget is spent lets others go before it tries.
WEFT_MODEL_CASE(mutex_budget_spent, .tick = std::chrono::microseconds(200))
{
    machine m;
    mutex lock;
    guarded what;
    m.go([&] {
        for (int i = 0; i < 3; ++i) {
            weft::go([&]() -> task<> {
                for (int k = 0; k < 6; ++k) co_await lock_some(lock, what, 1);
            });
        }
    });
    m.join();
    check(what.visits() == 18);
    check_free(lock);
}

WEFT_MODEL_CASE(mutex_try_lock)
{
    machine m;
    mutex lock;
    guarded what;
    for (int i = 0; i < 2; ++i) m.go(lock_some, std::ref(lock), std::ref(what), 1);
    outsider thread([&] {
        for (int i = 0; i < 3; ++i) {
            if (!lock.try_lock()) continue;
            what.visit();
            lock.unlock();
        }
    });
    m.join();
    thread.join();
    check(what.visits() >= 2);
    check_free(lock);
}

WEFT_MODEL_CASE(mutex_unlocked_by_another)
{
    machine m;
    mutex lock;
    guarded what;
    auto locked = make_channel<void>(1);
    m.go(
        [&](channel<void> out) -> task<> {
            auto mine = co_await lock.lock();
            what.visit();
            static_cast<void>(mine.release());
            co_await out.send();
        },
        locked);
    m.go(
        [&](channel<void> in) -> task<> {
            co_await in.receive();
            what.visit();
            lock.unlock();
        },
        locked);
    m.go(lock_some, std::ref(lock), std::ref(what), 1);
    m.join();
    check(what.visits() == 3);
    check_free(lock);
}

/// The lock is taken again and again from under those who were woken for it: they stay in line, in order, and
/// are handed it in the end.
WEFT_MODEL_CASE(mutex_woken_in_vain)
{
    machine m;
    mutex lock;
    guarded what;
    int waiting = 0, last = 0;
    check(lock.try_lock());
    for (int i = 1; i <= 2; ++i) {
        m.go([&, i]() -> task<> {
            ++waiting;
            const auto one = co_await lock.lock();
            what.visit();
            check(last == i - 1, "they changed places");
            last = i;
        });
        wait_for(waiting, i);
    }
    outsider thread([&] {
        lock.unlock();
        for (int i = 0; i < 4; ++i) {
            if (!lock.try_lock()) continue;
            what.visit();
            lock.unlock();
        }
    });
    m.join();
    thread.join();
    check(last == 2);
    check_free(lock);
}

WEFT_MODEL_CASE(mutex_under_context)
{
    machine m;
    mutex lock;
    guarded what;
    int waiting = 0;
    auto life = weft::with_cancel(weft::background());
    m.go(lock_some, std::ref(lock), std::ref(what), 1);
    m.go(lock_under, life.ctx, std::ref(lock), std::ref(what), std::ref(waiting));
    m.go(lock_some, std::ref(lock), std::ref(what), 1);
    m.go([&life] { life.cancel(); });
    m.join();
    check(what.visits() >= 2);
    check_free(lock);
}

/// The first in line gives up when it is to get the lock: the next one gets it.
WEFT_MODEL_CASE(mutex_context_against_unlock)
{
    machine m;
    mutex lock;
    guarded what;
    int waiting = 0;
    auto life = weft::with_cancel(weft::background());
    check(lock.try_lock());
    m.go(lock_under, life.ctx, std::ref(lock), std::ref(what), std::ref(waiting));
    wait_for(waiting, 1);
    m.go(lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    wait_for(waiting, 2);
    m.go([&life] { life.cancel(); });
    outsider thread([&] { lock.unlock(); });
    m.join();
    thread.join();
    check(what.visits() >= 1);
    check_free(lock);
}

/// A bound goroutine is cancelled while it waits, or when it has the lock and does not run yet.
WEFT_MODEL_CASE(mutex_bound_against_unlock)
{
    machine m;
    mutex lock;
    guarded what;
    int waiting = 0;
    auto life = weft::with_cancel(weft::background());
    check(lock.try_lock());
    m.go([&] {
        weft::go(life.ctx, lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    });
    wait_for(waiting, 1);
    m.go(lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    wait_for(waiting, 2);
    m.go([&life] { life.cancel(); });
    m.go([&lock] { lock.unlock(); });
    m.join();
    check(what.visits() >= 1);
    check_free(lock);
}

/// Bound goroutines that find their context ended before, on or behind their way to the lock, with spent budgets.
WEFT_MODEL_CASE(mutex_bound_contend, .tick = std::chrono::microseconds(200))
{
    machine m;
    mutex lock;
    guarded what;
    auto life = weft::with_cancel(weft::background());
    m.go([&] {
        for (int i = 0; i < 2; ++i)
            weft::go(life.ctx, lock_some, std::ref(lock), std::ref(what), 3);
        weft::go(lock_some, std::ref(lock), std::ref(what), 2);
    });
    m.go([&life] { life.cancel(); });
    m.join();
    check(what.visits() >= 2);
    check_free(lock);
}

/// A select that was decided elsewhere has not the lock, and who stands behind it gets in.
WEFT_MODEL_CASE(mutex_in_select)
{
    machine m;
    mutex lock;
    guarded what;
    ledger l;
    int waiting = 0;
    auto c = make_channel<int>(1);
    check(lock.try_lock());
    m.go([&]() -> task<> {
        ++waiting;
        auto s = co_await weft::select{c.receive(), lock.lock()};
        if (s.index() == 0) l.received(*s.get<0>());
        else what.visit();
    });
    wait_for(waiting, 1);
    m.go(lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    wait_for(waiting, 2);
    m.go(send_some, c, std::ref(l), 100, 1);
    outsider thread([&] { lock.unlock(); });
    m.join();
    thread.join();
    l.settle(c.size());
    check(what.visits() + static_cast<int>(l.arrived()) == 2);
    check_free(lock);
}

WEFT_MODEL_CASE(mutex_token)
{
    machine m;
    mutex lock;
    guarded what;
    bool over = false;
    check(lock.try_lock());
    auto visit = [&](std::exception_ptr e, mutex::guard mine) {
        check(!e && mine.owns_lock());
        what.visit();
        over = true;
    };
    lock.lock()(asio::bind_executor(host(), visit));
    m.go(lock_some, std::ref(lock), std::ref(what), 1);
    outsider thread([&] { lock.unlock(); });
    m.join();
    thread.join();
    while (!over) yield(); // the handler is no goroutine
    check(what.visits() == 2);
}

/// Who unlocks last destroys it: an unlock touches nothing of it once another can have the lock.
WEFT_MODEL_CASE(mutex_destroyed_by_the_last)
{
    machine m;
    struct shared {
        mutex lock;
        int users = 3;
    };
    auto* s = new shared;
    int destroyed = 0;
    for (int i = 0; i < 3; ++i) {
        m.go([s, &destroyed]() -> task<> {
            auto mine = co_await s->lock.lock();
            const bool last = --s->users == 0;
            point();
            mine.unlock();
            if (!last) co_return;
            delete s;
            ++destroyed;
        });
    }
    m.join();
    check(destroyed == 1);
}

/// A runtime ends while goroutines wait, or are on their way to the lock: they leave it free.
WEFT_MODEL_CASE(mutex_end_against_unlock)
{
    mutex lock;
    guarded what;
    int waiting = 0;
    auto life = weft::with_cancel(weft::background());
    auto m = std::make_unique<machine>();
    check(lock.try_lock());
    m->go(lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    wait_for(waiting, 1);
    m->go([&] {
        weft::go(life.ctx, lock_in_turn, std::ref(lock), std::ref(what), std::ref(waiting));
    });
    wait_for(waiting, 2);
    begin_focus();
    outsider thread([&] { lock.unlock(); });
    m.reset();
    thread.join();
    end_focus();
    check_free(lock);
}

/// It goes while goroutines wait for it; then their runtime ends.
WEFT_MODEL_CASE(mutex_gone_before_the_end)
{
    guarded what;
    int waiting = 0;
    auto lock = std::make_unique<mutex>();
    auto life = weft::with_cancel(weft::background());
    auto m = std::make_unique<machine>();
    check(lock->try_lock());
    m->go(lock_in_turn, std::ref(*lock), std::ref(what), std::ref(waiting));
    m->go(lock_under, life.ctx, std::ref(*lock), std::ref(what), std::ref(waiting));
    m->go([&] {
        weft::go(life.ctx, lock_in_turn, std::ref(*lock), std::ref(what), std::ref(waiting));
    });
    wait_for(waiting, 3);
    lock.reset();
    begin_focus();
    outsider thread([&] { life.cancel(); });
    m.reset();
    thread.join();
    end_focus();
    check(what.visits() == 0, "it got a lock that is gone");
}
