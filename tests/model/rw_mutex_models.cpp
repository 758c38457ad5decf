// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The lock for readers and writers: who keeps whom out, and who comes in when one gives up.

#include "machine.hpp"

#include <memory>

using namespace weft_model;
using weft::context;
using weft::make_channel;
using weft::task;

namespace {

/// What an rw_mutex guards.
class shelf {
public:
    void read()
    {
        check(!written_, "a reader met a writer");
        ++readers_;
        point();
        check(!written_, "a reader met a writer");
        --readers_;
        ++reads;
    }
    void write()
    {
        check(!written_ && readers_ == 0, "a writer is not alone");
        written_ = true;
        point();
        check(readers_ == 0, "a writer is not alone");
        written_ = false;
        ++writes;
    }
    int reads = 0, writes = 0;
    int waiting = 0;

    weft::rw_mutex lock;

private:
    int readers_ = 0;
    bool written_ = false;
};

task<> read_shelf(shelf& s)
{
    ++s.waiting;
    const auto shared = co_await s.lock.lock_shared();
    s.read();
}

task<> write_shelf(shelf& s)
{
    ++s.waiting;
    const auto one = co_await s.lock.lock();
    s.write();
}

task<> write_shelf_under(context ctx, shelf& s)
{
    ++s.waiting;
    try {
        const auto one = co_await s.lock.lock(ctx);
        s.write();
    } catch (const weft::error& e) {
        check(is_canceled(e));
    }
}

void check_free(shelf& s)
{
    check(s.lock.try_lock(), "nobody holds the lock, and nobody can have it");
    s.lock.unlock();
}

} // namespace

WEFT_MODEL_CASE(rw_mutex_mix)
{
    machine m;
    shelf s;
    for (int i = 0; i < 2; ++i) {
        m.go(read_shelf, std::ref(s));
        m.go(write_shelf, std::ref(s));
    }
    outsider thread([&s] {
        if (!s.lock.try_lock_shared()) return;
        s.read();
        s.lock.unlock_shared();
    });
    m.join();
    thread.join();
    check(s.reads >= 2 && s.writes == 2);
    check_free(s);
}

/// The last reader goes when a writer comes; readers come, too.
WEFT_MODEL_CASE(rw_mutex_last_reader)
{
    machine m;
    shelf s;
    check(s.lock.try_lock_shared());
    m.go(write_shelf, std::ref(s));
    m.go(read_shelf, std::ref(s));
    outsider thread([&s] {
        point();
        s.lock.unlock_shared();
        if (!s.lock.try_lock()) return;
        s.write();
        s.lock.unlock();
    });
    m.join();
    thread.join();
    check(s.reads == 1 && s.writes >= 1);
    check_free(s);
}

/// Those who read when a writer unlocks go before the next writer; who comes later does not.
WEFT_MODEL_CASE(rw_mutex_turns)
{
    machine m;
    shelf s;
    check(s.lock.try_lock());
    m.go(write_shelf, std::ref(s));
    wait_for(s.waiting, 1);
    m.go([&s]() -> task<> {
        ++s.waiting;
        const auto shared = co_await s.lock.lock_shared();
        check(s.writes == 0, "a writer went before the readers");
        s.read();
    });
    wait_for(s.waiting, 2);
    outsider thread([&s] {
        s.lock.unlock();
        if (!s.lock.try_lock_shared()) return;
        check(s.writes == 1, "a new reader went before a writer");
        s.read();
        s.lock.unlock_shared();
    });
    m.join();
    thread.join();
    check(s.reads >= 1 && s.writes == 1);
    check_free(s);
}

/// A writer that gives up lets in the readers it kept out, without any unlock.
WEFT_MODEL_CASE(rw_mutex_writer_gives_up)
{
    machine m;
    shelf s;
    auto life = weft::with_cancel(weft::background());
    check(s.lock.try_lock_shared());
    m.go(write_shelf_under, life.ctx, std::ref(s));
    wait_for(s.waiting, 1);
    m.go(read_shelf, std::ref(s));
    wait_for(s.waiting, 2);
    m.go(read_shelf, std::ref(s)); // on its way
    m.go([&life] { life.cancel(); });
    m.join();
    check(s.reads == 2 && s.writes == 0);
    s.lock.unlock_shared();
    check_free(s);
}

WEFT_MODEL_CASE(rw_mutex_bound_writer_gives_up)
{
    machine m;
    shelf s;
    auto life = weft::with_cancel(weft::background());
    check(s.lock.try_lock_shared());
    m.go([&] { weft::go(life.ctx, write_shelf, std::ref(s)); });
    wait_for(s.waiting, 1);
    m.go(read_shelf, std::ref(s));
    wait_for(s.waiting, 2);
    m.go([&life] { life.cancel(); });
    m.join();
    check(s.reads == 1 && s.writes == 0);
    s.lock.unlock_shared();
    check_free(s);
}

/// It gives up when it is to get the lock; another writer and a reader stand behind it.
WEFT_MODEL_CASE(rw_mutex_cancel_against_unlock)
{
    machine m;
    shelf s;
    auto life = weft::with_cancel(weft::background());
    check(s.lock.try_lock_shared());
    m.go(write_shelf_under, life.ctx, std::ref(s));
    wait_for(s.waiting, 1);
    m.go(write_shelf, std::ref(s));
    wait_for(s.waiting, 2);
    m.go(read_shelf, std::ref(s));
    wait_for(s.waiting, 3);
    m.go([&life] { life.cancel(); });
    outsider thread([&s] { s.lock.unlock_shared(); });
    m.join();
    thread.join();
    check(s.reads == 1 && s.writes >= 1);
    check_free(s);
}

/// A writer in a select that was decided elsewhere keeps nobody out.
WEFT_MODEL_CASE(rw_mutex_in_select)
{
    machine m;
    shelf s;
    ledger l;
    auto c = make_channel<int>(1);
    check(s.lock.try_lock_shared());
    m.go([&]() -> task<> {
        ++s.waiting;
        auto r = co_await weft::select{c.receive(), s.lock.lock()};
        if (r.index() == 0) l.received(*r.get<0>());
        else s.write();
    });
    wait_for(s.waiting, 1);
    m.go(read_shelf, std::ref(s));
    wait_for(s.waiting, 2);
    m.go(send_some, c, std::ref(l), 100, 1);
    outsider thread([&s] {
        if (!s.lock.try_lock_shared()) return;
        s.read();
        s.lock.unlock_shared();
    });
    m.join();
    thread.join();
    l.settle();
    check(s.reads >= 1 && s.writes == 0);
    s.lock.unlock_shared();
    check_free(s);
}

/// A runtime ends with a writer and a reader in line.
WEFT_MODEL_CASE(rw_mutex_end_with_waiters)
{
    shelf s;
    auto m = std::make_unique<machine>();
    check(s.lock.try_lock());
    m->go(write_shelf, std::ref(s));
    wait_for(s.waiting, 1);
    m->go(read_shelf, std::ref(s));
    wait_for(s.waiting, 2);
    begin_focus();
    m.reset();
    end_focus();
    check(s.reads == 0 && s.writes == 0);
    s.lock.unlock();
    check_free(s);
}
