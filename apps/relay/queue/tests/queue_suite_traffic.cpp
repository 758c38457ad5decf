// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Many at a time, every job accounted for.

#include "queue_suite.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <vector>

namespace {

using namespace relay_test;
using relay::job;
using relay::job_state;
using relay::queue;
using relay::reserve_result;
using relay::reserved_job;
using owner = std::unique_ptr<queue>;

/// Who has got what.
struct ledger {
    std::mutex mutex;
    std::map<std::string, int> times; ///< id, how often

    int note(const std::string& id)
    {
        const std::lock_guard lock(mutex);
        return ++times[id];
    }
};

weft::task<> put_some(queue& q, int who, int many, ledger& into)
{
    for (int i = 0; i < many; ++i) {
        relay::new_job n = a_job("h" + std::to_string(i % 5) + ":1",
                                 std::to_string(who) + "/" + std::to_string(i));
        into.note(co_await put(q, std::move(n)));
    }
}

} // namespace

TEST_CASE("queue: eight put and four reserve, and every job is handed out once")
{
    on_queue(
        [](owner& q, backend&) -> weft::task<> {
            const int many = static_cast<int>(weft_test::count(400)) / 8;
            ledger in, out;
            std::atomic<int> left{8 * many};
            weft_test::team all;
            for (int i = 0; i < 8; ++i) all.go(put_some, std::ref(*q), i, many, std::ref(in));
            const auto work = [&]() -> weft::task<> {
                while (left > 0) {
                    const reserve_result r = co_await reserve(*q, 7);
                    if (r.jobs.empty()) co_await weft::sleep(1ms);
                    for (const reserved_job& j : r.jobs) {
                        CHECK(out.note(j.what.id) == 1);
                        CHECK(j.what.attempts == 1);
                        CHECK(co_await ack(*q, j.lease));
                        --left;
                    }
                }
            };
            for (int i = 0; i < 4; ++i) all.go(work);
            co_await all.join();
            CHECK(in.times == out.times);
            CHECK(in.times.size() == static_cast<std::size_t>(8 * many));
            const relay::queue_stats s = co_await q->stats(weft::background());
            CHECK(s.done == in.times.size());
            CHECK(s.ready + s.delayed + s.in_flight + s.dead == 0);
        },
        4);
}

TEST_CASE("queue: of puts with one key at the same time one is made")
{
    on_queue(
        [](owner& q, backend&) -> weft::task<> {
            for (int round = 0; round < 5; ++round) {
                ledger ids;
                std::atomic<int> made{0};
                weft_test::team all;
                const auto one = [&]() -> weft::task<> {
                    relay::new_job n = a_job();
                    n.idempotency_key = "round " + std::to_string(round);
                    const relay::put_result r = co_await q->put(weft::background(), n);
                    if (!r.existed) ++made;
                    ids.note(r.id);
                };
                for (int i = 0; i < 8; ++i) all.go(one);
                co_await all.join();
                CHECK(made == 1);
                CHECK(ids.times.size() == 1);
            }
        },
        4);
}

TEST_CASE("queue: whatever becomes of the attempts, each job is acknowledged exactly once")
{
    on_queue(
        [](owner& q, backend&) -> weft::task<> {
            constexpr int many = 60;
            ledger in, acknowledged;
            std::atomic<int> left{many};
            std::atomic<std::uint64_t> seeds{weft_test::make_random()()};
            weft_test::team all;
            for (int i = 0; i < 4; ++i) all.go(put_some, std::ref(*q), i, many / 4, std::ref(in));
            const auto work = [&]() -> weft::task<> {
                std::mt19937_64 random(++seeds);
                while (left > 0) {
                    // One in four attempts outlives its lease.
                    const bool slow = random() % 4 == 0;
                    const reserve_result r =
                        co_await reserve(*q, 1 + random() % 3, slow ? 20ms : 20s);
                    if (slow) co_await weft::sleep(30ms);
                    if (r.jobs.empty()) co_await weft::sleep(2ms);
                    for (const reserved_job& j : r.jobs) {
                        switch (random() % 5) {
                        case 0: co_await release(*q, j.lease, milliseconds(random() % 20)); break;
                        case 1: co_await release(*q, j.lease, 0ms, false); break;
                        case 2:
                            if (co_await bury(*q, j.lease)) // another one may kick it first
                                co_await q->kick(weft::background(), j.what.id);
                            break;
                        default:
                            if (!co_await ack(*q, j.lease)) break;
                            CHECK(acknowledged.note(j.what.id) == 1);
                            --left;
                        }
                    }
                    // The rest of one whose attempts are used up: into life again.
                    relay::list_request dead;
                    dead.state = job_state::dead;
                    for (const job& j : co_await q->list(weft::background(), dead))
                        co_await q->kick(weft::background(), j.id);
                }
            };
            for (int i = 0; i < 4; ++i) all.go(work);
            co_await all.join();
            CHECK(acknowledged.times == in.times);
        },
        4);
}

TEST_CASE("queue: calls in flight end before the queue does")
{
    on_queue(
        [](owner& q, backend& b) -> weft::task<> {
            ledger in;
            std::atomic<int> refused{0};
            weft_test::team all;
            const auto until_closed = [&]() -> weft::task<> {
                try {
                    while (true) in.note(co_await put(*q, a_job()));
                } catch (const relay::queue_unavailable&) {
                    ++refused;
                }
            };
            for (int i = 0; i < 8; ++i) all.go(until_closed);
            while (true) {
                co_await weft::sleep(1ms);
                const std::lock_guard lock(in.mutex);
                if (in.times.size() >= 20) break;
            }
            co_await q->close();
            co_await all.join();
            CHECK(refused == 8);
            q.reset();
            q = co_await b.open();
            const relay::queue_stats s = co_await q->stats(weft::background());
            CHECK(s.ready == in.times.size());
        },
        4);
}
