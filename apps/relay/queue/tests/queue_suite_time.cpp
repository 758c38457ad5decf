// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What time does: delays, leases that run out, and who is told. Leases are short, bounds generous: a machine may be slow.

#include "queue_suite.hpp"

#include <algorithm>
#include <atomic>
#include <memory>
#include <vector>

namespace {

using namespace relay_test;
using relay::job;
using relay::job_state;
using relay::queue;
using relay::reserve_result;
using relay::reserved_job;
using owner = std::unique_ptr<queue>;

} // namespace

TEST_CASE("queue: a delayed job is not reserved before it is due")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        relay::new_job n = a_job();
        n.delay = 300ms;
        const auto begin = std::chrono::steady_clock::now();
        const std::string id = co_await put(*q, n);
        const reserve_result none = co_await reserve(*q, 1);
        const job j = co_await look(*q, id);
        if (std::chrono::steady_clock::now() - begin < 250ms) {
            CHECK(none.jobs.empty());
            REQUIRE(none.next.has_value());
            CHECK(*none.next > relay::now() - 5s);
            CHECK(*none.next < relay::now() + 5s);
            CHECK(j.state == job_state::delayed);
            CHECK(j.due >= j.created + 300ms);
        }
        const reserved_job r = co_await take(*q);
        CHECK(std::chrono::steady_clock::now() - begin > 297ms); // clocks in whole milliseconds
        CHECK(r.lease.id == id);
        CHECK(r.what.attempts == 1);

        const auto again = std::chrono::steady_clock::now();
        CHECK(co_await release(*q, r.lease, 300ms));
        const reserved_job r2 = co_await take(*q);
        CHECK(std::chrono::steady_clock::now() - again > 297ms);
        CHECK(r2.lease.id == id);
        CHECK(r2.what.attempts == 2);
    });
}

TEST_CASE("queue: of jobs that are due the one that has been longest comes first")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        relay::new_job late = a_job("a:1", "late"), early = a_job("a:1", "early");
        late.delay = 200ms;
        early.delay = 100ms;
        co_await put(*q, late);
        co_await put(*q, early);
        co_await weft::sleep(300ms);
        co_await put(*q, a_job("a:1", "now"));
        std::vector<std::string> order;
        for (int i = 0; i < 3; ++i) {
            const reserved_job r = co_await take(*q);
            order.push_back(r.what.what.body);
        }
        CHECK(order == std::vector<std::string>{"early", "late", "now"});
    });
}

TEST_CASE("queue: when there may be more, as far as there was room")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const reserve_result empty = co_await reserve(*q, 1);
        CHECK_FALSE(empty.next.has_value());
        relay::new_job soon = a_job("soon:1"), later = a_job("later:1");
        soon.delay = 100s;
        later.delay = 1000s;
        co_await put(*q, soon);
        co_await put(*q, later);
        const auto is_in = [](const reserve_result& r, milliseconds d) {
            return r.next && *r.next > relay::now() + d - 50s && *r.next < relay::now() + d + 50s;
        };
        relay::reserve_request r;
        reserve_result got = co_await q->reserve(weft::background(), r);
        CHECK(is_in(got, 100s));
        r.room = [](std::string_view host) -> std::size_t { return host == "later:1" ? 1 : 0; };
        got = co_await q->reserve(weft::background(), r);
        CHECK(is_in(got, 1000s));
        r.room = nullptr;
        r.lease = 300s;
        co_await put(*q, a_job("third:1"));
        got = co_await q->reserve(weft::background(), r);
        REQUIRE(got.jobs.size() == 1);
        r.room = [](std::string_view host) -> std::size_t { return host == "soon:1" ? 0 : 1; };
        got = co_await q->reserve(weft::background(), r); // the end of that lease
        CHECK(got.jobs.empty());
        CHECK(is_in(got, 300s));
    });
}

TEST_CASE("queue: a lease that has run out is lost, and the job goes to the next")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const std::string id = co_await put(*q, a_job());
        const reserved_job first = co_await take(*q, 100ms);
        const reserved_job second = co_await take(*q);
        CHECK(second.lease.id == id);
        CHECK(second.lease.token != first.lease.token);
        CHECK(second.what.attempts == 2);
        CHECK(second.what.what.body == "body");
        CHECK_FALSE(co_await ack(*q, first.lease));
        CHECK_FALSE(co_await release(*q, first.lease));
        CHECK_FALSE(co_await bury(*q, first.lease));
        CHECK_FALSE(co_await extend(*q, first.lease, 1ms));
        const job j = co_await look(*q, id);
        CHECK(j.state == job_state::in_flight);
        CHECK(j.attempts == 2);
        CHECK(j.due > relay::now() + 20s);
        CHECK(co_await ack(*q, second.lease));
    });
}

TEST_CASE("queue: a lease that has run out is lost even if nobody has taken the job")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const std::string id = co_await put(*q, a_job());
        for (int verb = 0; verb < 4; ++verb) {
            const reserved_job r = co_await take(*q, 50ms);
            co_await weft::sleep(100ms);
            switch (verb) {
            case 0: CHECK_FALSE(co_await ack(*q, r.lease)); break;
            case 1: CHECK_FALSE(co_await release(*q, r.lease)); break;
            case 2: CHECK_FALSE(co_await bury(*q, r.lease)); break;
            case 3: CHECK_FALSE(co_await extend(*q, r.lease, 1h)); break;
            }
            const job j = co_await look(*q, id);
            CHECK(j.state == job_state::ready);
            CHECK(j.attempts == verb + 1);
        }
        const relay::queue_stats s = co_await q->stats(weft::background());
        CHECK(s.ready == 1);
        CHECK(s.in_flight == 0);
    });
}

TEST_CASE("queue: a lease that is extended is kept")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const std::string id = co_await put(*q, a_job("a:1"));
        co_await put(*q, a_job("b:1"));
        std::vector<relay::lease> held;
        for (int i = 0; i < 2; ++i) {
            const reserved_job r = co_await take(*q, 2s);
            held.push_back(r.lease);
        }
        held.insert(held.begin() + 1, relay::lease{id, 12345});
        const std::vector<bool> kept = co_await q->extend(weft::background(), held, 60s);
        CHECK(kept == std::vector<bool>{true, false, true});
        co_await weft::sleep(2200ms);
        const reserve_result none = co_await reserve(*q, 2);
        CHECK(none.jobs.empty());
        CHECK(co_await ack(*q, held[0]));
        CHECK(co_await extend(*q, held[2], 50ms)); // and made shorter
        const reserved_job again = co_await take(*q);
        CHECK(again.lease.id == held[2].id);
        const std::vector<bool> lost = co_await q->extend(weft::background(), held, 60s);
        CHECK(lost == std::vector<bool>{false, false, false});
        const std::vector<bool> none_at_all =
            co_await q->extend(weft::background(), std::vector<relay::lease>(), 60s);
        CHECK(none_at_all.empty());
    });
}

TEST_CASE("queue: a job whose attempts are used up is buried when its lease runs out")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        relay::new_job n = a_job();
        n.max_attempts = 3;
        const std::string id = co_await put(*q, n);
        for (int i = 1; i <= 3; ++i) {
            const reserved_job r = co_await take(*q, 50ms);
            CHECK(r.what.attempts == i);
        }
        co_await weft::sleep(100ms);
        const reserve_result none = co_await reserve(*q, 1);
        CHECK(none.jobs.empty());
        const job j = co_await look(*q, id);
        CHECK(j.state == job_state::dead);
        CHECK(j.attempts == 3);
        CHECK(co_await q->kick(weft::background(), id));
        const reserved_job r = co_await take(*q);
        CHECK(r.what.attempts == 1);
        CHECK(co_await ack(*q, r.lease));
    });
}

TEST_CASE("queue: who wants to know is told of everything that becomes ready")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const auto calls = std::make_shared<std::atomic<int>>(0);
        q->on_change([calls] { ++*calls; });
        // Calls that are late must not count for what comes next; so there is a quiet moment before.
        const auto told_after = [&](auto act) -> weft::task<bool> {
            co_await weft::sleep(20ms);
            const int before = *calls;
            co_await act();
            const auto end = std::chrono::steady_clock::now() + 15s;
            while (*calls == before && std::chrono::steady_clock::now() < end)
                co_await weft::sleep(5ms);
            co_return *calls != before;
        };
        std::string id;
        const auto put_now = [&]() -> weft::task<> { id = co_await put(*q, a_job()); };
        CHECK(co_await told_after(put_now));
        std::optional<reserved_job> r = co_await take(*q);
        const auto release_it = [&]() -> weft::task<> { co_await release(*q, r->lease); };
        CHECK(co_await told_after(release_it));
        r = co_await take(*q);
        const auto release_later = [&]() -> weft::task<> { co_await release(*q, r->lease, 100ms); };
        CHECK(co_await told_after(release_later));
        r = co_await take(*q);
        CHECK(co_await bury(*q, r->lease));
        const auto kick = [&]() -> weft::task<> { co_await q->kick(weft::background(), id); };
        CHECK(co_await told_after(kick));
        const auto lose = [&]() -> weft::task<> { r = co_await take(*q, 100ms); };
        CHECK(co_await told_after(lose));
        r = co_await take(*q);
        const auto put_later = [&]() -> weft::task<> {
            relay::new_job n = a_job();
            n.delay = 100ms;
            co_await put(*q, n);
        };
        CHECK(co_await told_after(put_later));
        r = co_await take(*q);
    });
}

TEST_CASE("queue: what was put is there when it is opened again, in each state")
{
    on_queue([](owner& q, backend& b) -> weft::task<> {
        const std::string flying = co_await put(*q, a_job("a:1", "flying"));
        const std::string dead = co_await put(*q, a_job("a:1"));
        const std::string done = co_await put(*q, a_job("a:1"));
        relay::new_job keyed = a_job("a:1", "ready");
        keyed.idempotency_key = "k";
        const std::string ready = co_await put(*q, keyed);
        relay::new_job later = a_job("a:1", "delayed");
        later.delay = 1h;
        const std::string delayed = co_await put(*q, later);
        const reserve_result r = co_await reserve(*q, 3, 2s);
        REQUIRE(r.jobs.size() == 3);
        CHECK(co_await bury(*q, r.jobs[1].lease));
        CHECK(co_await ack(*q, r.jobs[2].lease));
        co_await q->close();
        q.reset();
        q = co_await b.open();

        const std::vector<std::pair<std::string, job_state>> expected{
            {dead, job_state::dead}, {done, job_state::done}, {delayed, job_state::delayed}};
        for (const auto& [id, state] : expected) {
            const job j = co_await look(*q, id);
            CHECK(j.state == state);
        }
        const relay::put_result again = co_await q->put(weft::background(), keyed);
        CHECK(again.existed);
        CHECK(again.id == ready);
        std::vector<std::string> got;
        for (int i = 0; i < 2; ++i) { // what was in flight after its lease at the latest
            const reserved_job j = co_await take(*q);
            got.push_back(j.what.what.body);
            CHECK(co_await ack(*q, j.lease));
        }
        std::sort(got.begin(), got.end());
        CHECK(got == std::vector<std::string>{"flying", "ready"});
        CHECK_FALSE(co_await ack(*q, r.jobs[0].lease));
        CHECK(co_await q->kick(weft::background(), dead));
        const std::string fresh = co_await put(*q, a_job());
        CHECK(fresh != flying);
        CHECK(fresh != ready);
    });
}
