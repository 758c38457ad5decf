// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Conditions: a signal lets one go on, and is not lost when that one gives up.

#include "machine.hpp"

#include <memory>

using namespace weft_model;
using weft::cond;
using weft::context;
using weft::mutex;
using weft::task;

namespace {

/// Things in a store, and those who wait for one.
struct store {
    mutex lock;
    cond changed{lock};
    int things = 0;
    int waiting = 0;
};

void put_thing(store& s)
{
    while (!s.lock.try_lock()) yield();
    ++s.things;
    s.lock.unlock();
    s.changed.signal();
}

task<> take_thing(store& s)
{
    auto g = co_await s.lock.lock();
    ++s.waiting;
    while (s.things == 0) co_await s.changed.wait(g);
    check(g.owns_lock(), "a wait came back without the lock");
    --s.things;
}

/// Takes one and puts it back for the next, unless the context ends.
task<> borrow_thing_under(context ctx, store& s)
{
    try {
        auto g = co_await s.lock.lock();
        ++s.waiting;
        const auto there = [&s] { return s.things != 0; };
        co_await s.changed.wait(ctx, g, there);
        check(g.owns_lock(), "a wait came back without the lock");
    } catch (const weft::error& e) {
        check(is_canceled(e));
        co_return;
    }
    s.changed.signal();
}

/// The same in a goroutine that is bound to one.
task<> borrow_thing(store& s)
{
    {
        auto g = co_await s.lock.lock();
        ++s.waiting;
        while (s.things == 0) co_await s.changed.wait(g);
    }
    s.changed.signal();
}

} // namespace

WEFT_MODEL_CASE(cond_signal)
{
    machine m;
    store s;
    m.go(take_thing, std::ref(s));
    m.go([&s] { put_thing(s); });
    m.join();
    check(s.things == 0);
}

/// The signal comes while the mutex is held, from a thread.
WEFT_MODEL_CASE(cond_signal_in_the_lock)
{
    machine m;
    store s;
    m.go(take_thing, std::ref(s));
    outsider thread([&s] {
        while (!s.lock.try_lock()) yield();
        ++s.things;
        s.changed.signal();
        s.lock.unlock();
    });
    m.join();
    thread.join();
    check(s.things == 0);
}

WEFT_MODEL_CASE(cond_two_waiters)
{
    machine m;
    store s;
    for (int i = 0; i < 2; ++i) m.go(take_thing, std::ref(s));
    for (int i = 0; i < 2; ++i) m.go([&s] { put_thing(s); });
    m.join();
    check(s.things == 0);
}

/// One signal lets one go on, and that is the first.
WEFT_MODEL_CASE(cond_one_signal)
{
    machine m;
    store s;
    int gone_on = 0;
    for (int i = 1; i <= 2; ++i) {
        m.go([&, i]() -> task<> {
            auto g = co_await s.lock.lock();
            ++s.waiting;
            co_await s.changed.wait(g);
            check(++gone_on == i, "they changed places, or one signal let two go on");
            s.things = 0;
            g.unlock();
            if (i == 1) {
                co_await weft::this_goroutine::yield();
                check(gone_on == 1, "one signal let two go on");
                s.changed.signal();
            }
        });
        wait_for(s.waiting, i);
    }
    outsider thread([&s] { s.changed.signal(); });
    m.join();
    thread.join();
    check(gone_on == 2);
}

WEFT_MODEL_CASE(cond_broadcast)
{
    machine m;
    store s;
    for (int i = 0; i < 2; ++i) m.go(take_thing, std::ref(s));
    m.go([&s]() -> task<> {
        auto g = co_await s.lock.lock();
        s.things = 2;
        g.unlock();
        s.changed.broadcast();
    });
    m.join();
    check(s.things == 0);
}

/// The signal meets the end of the first one's context: then it is the second one's.
template <class Begin>
void context_against_signal(Begin begin)
{
    machine m;
    store s;
    auto life = weft::with_cancel(weft::background());
    begin(m, life.ctx, s);
    wait_for(s.waiting, 1);
    m.go(take_thing, std::ref(s));
    wait_for(s.waiting, 2);
    m.go([&life] { life.cancel(); });
    outsider thread([&s] { put_thing(s); });
    m.join();
    thread.join();
    check(s.things == 0);
}

WEFT_MODEL_CASE(cond_context_against_signal)
{
    context_against_signal([](machine& m, const weft::context& ctx, store& s) {
        m.go(borrow_thing_under, ctx, std::ref(s));
    });
}

WEFT_MODEL_CASE(cond_bound_against_signal)
{
    context_against_signal([](machine& m, const weft::context& ctx, store& s) {
        m.go([&ctx, &s] { weft::go(ctx, borrow_thing, std::ref(s)); });
    });
}

/// Two conditions' worth of moves at once: both waiters have contexts that end, a third has none.
WEFT_MODEL_CASE(cond_all_give_up)
{
    machine m;
    store s;
    auto life = weft::with_cancel(weft::background());
    m.go(borrow_thing_under, life.ctx, std::ref(s));
    wait_for(s.waiting, 1);
    m.go([&] { weft::go(life.ctx, borrow_thing, std::ref(s)); });
    wait_for(s.waiting, 2);
    m.go(take_thing, std::ref(s));
    wait_for(s.waiting, 3);
    m.go([&life] { life.cancel(); });
    outsider thread([&s] { put_thing(s); });
    m.join();
    thread.join();
    check(s.things == 0);
}

WEFT_MODEL_CASE(cond_end_against_signal)
{
    store s;
    auto m = std::make_unique<machine>();
    for (int i = 1; i <= 2; ++i) {
        m->go(take_thing, std::ref(s));
        wait_for(s.waiting, i);
    }
    begin_focus();
    outsider thread([&s] {
        if (s.lock.try_lock()) {
            ++s.things;
            s.lock.unlock();
        }
        s.changed.signal();
    });
    m.reset();
    thread.join();
    end_focus();
    check(s.lock.try_lock(), "the lock was not given back");
}
