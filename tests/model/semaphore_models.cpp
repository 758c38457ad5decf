// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Semaphores: permits are neither lost nor made, and given out in order.

#include "machine.hpp"

#include <cstdint>

using namespace weft_model;
using weft::context;
using weft::make_channel;
using weft::task;

namespace {

/// Counts the permits that are out.
struct parlour {
    explicit parlour(std::int64_t size) : seats(size) {}

    void sit(std::int64_t n)
    {
        taken += n;
        check(taken <= seats.size(), "more permits are out than there are");
        point();
        taken -= n;
    }
    void check_empty() { check(seats.available() == seats.size(), "permits were lost, or made"); }

    weft::semaphore seats;
    std::int64_t taken = 0;
    int guests = 0;
    int waiting = 0;
};

task<> take_seats(parlour& p, std::int64_t n)
{
    ++p.waiting;
    const auto mine = co_await p.seats.hold(n);
    p.sit(n);
    ++p.guests;
}

task<> take_seats_under(context ctx, parlour& p, std::int64_t n)
{
    ++p.waiting;
    try {
        const auto mine = co_await p.seats.hold(ctx, n);
        p.sit(n);
    } catch (const weft::error& e) {
        check(is_canceled(e));
    }
}

} // namespace

WEFT_MODEL_CASE(semaphore_conserved)
{
    machine m;
    parlour p(2);
    for (const int n : {1, 2, 1}) m.go(take_seats, std::ref(p), n);
    outsider thread([&p] {
        if (!p.seats.try_acquire()) return;
        p.sit(1);
        p.seats.release();
    });
    m.join();
    thread.join();
    check(p.guests == 3);
    p.check_empty();
}

/// A small request does not overtake a large one, whatever is free in between.
WEFT_MODEL_CASE(semaphore_in_order)
{
    machine m;
    parlour p(2);
    int last = 0;
    check(p.seats.try_acquire(2));
    for (int i = 1; i <= 2; ++i) {
        m.go([&, i]() -> task<> {
            ++p.waiting;
            const std::int64_t n = i == 1 ? 2 : 1;
            const auto mine = co_await p.seats.hold(n);
            check(last == i - 1, "they changed places");
            last = i;
            p.sit(n);
        });
        wait_for(p.waiting, i);
    }
    outsider thread([&p] {
        for (int i = 0; i < 2; ++i) {
            p.seats.release();
            if (!p.seats.try_acquire()) continue; // nobody waits any more
            p.sit(1);
            p.seats.release();
        }
    });
    m.join();
    thread.join();
    check(last == 2);
    p.check_empty();
}

/// A large request that gives up lets in those it kept back, without any release.
template <class Begin>
void large_gives_up(Begin begin)
{
    machine m;
    parlour p(2);
    auto life = weft::with_cancel(weft::background());
    check(p.seats.try_acquire());
    begin(m, life.ctx, p);
    wait_for(p.waiting, 1);
    m.go(take_seats, std::ref(p), 1);
    wait_for(p.waiting, 2);
    m.go([&life] { life.cancel(); });
    m.join();
    p.seats.release();
    check(p.guests == 1);
    p.check_empty();
}

WEFT_MODEL_CASE(semaphore_large_gives_up)
{
    large_gives_up([](machine& m, const weft::context& ctx, parlour& p) {
        m.go(take_seats_under, ctx, std::ref(p), 2);
    });
}

WEFT_MODEL_CASE(semaphore_bound_gives_up)
{
    large_gives_up([](machine& m, const weft::context& ctx, parlour& p) {
        m.go([&ctx, &p] { weft::go(ctx, take_seats, std::ref(p), 2); });
    });
}

WEFT_MODEL_CASE(semaphore_release_against_cancel)
{
    machine m;
    parlour p(2);
    auto life = weft::with_cancel(weft::background());
    check(p.seats.try_acquire(2));
    m.go(take_seats_under, life.ctx, std::ref(p), 2);
    wait_for(p.waiting, 1);
    for (int i = 2; i <= 3; ++i) {
        m.go(take_seats, std::ref(p), 1);
        wait_for(p.waiting, i);
    }
    m.go([&life] { life.cancel(); });
    outsider thread([&p] { p.seats.release(2); });
    m.join();
    thread.join();
    check(p.guests == 2);
    p.check_empty();
}

WEFT_MODEL_CASE(semaphore_in_select)
{
    machine m;
    parlour p(1);
    ledger l;
    auto c = make_channel<int>(1);
    check(p.seats.try_acquire());
    m.go([&]() -> task<> {
        ++p.waiting;
        auto s = co_await weft::select{c.receive(), p.seats.hold(1)};
        if (s.index() == 0) l.received(*s.get<0>());
        else p.sit(1);
    });
    wait_for(p.waiting, 1);
    m.go(take_seats, std::ref(p), 1);
    wait_for(p.waiting, 2);
    m.go(send_some, c, std::ref(l), 100, 1);
    outsider thread([&p] { p.seats.release(); });
    m.join();
    thread.join();
    l.settle(c.size());
    check(p.guests == 1);
    p.check_empty();
}
