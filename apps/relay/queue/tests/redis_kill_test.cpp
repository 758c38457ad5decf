// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A Redis that ends without a word, and comes back.

#include "redis_test.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <vector>

using namespace relay_test;

namespace {

const std::vector<std::string> on_disk{"--appendonly", "yes", "--appendfsync", "always"};

} // namespace

TEST_CASE("redis: killed in the middle of puts it loses none that it had acknowledged")
{
    redis_server server(on_disk);
    const int rounds = std::getenv("WEFT_TEST_FULL") ? 50 : 5;
    in_runtime([&]() -> weft::task<> {
        owner q = co_await open(server.url());
        std::mutex mutex;
        std::set<std::string> acknowledged; // guarded by mutex
        std::atomic<bool> over{false};
        std::atomic<int> failures{0};
        weft_test::team all;
        const auto put_on = [&]() -> weft::task<> {
            while (!over) {
                const auto one = [&]() -> weft::task<> {
                    const relay::put_result r = co_await q->put(background(), a_job());
                    const std::lock_guard lock(mutex);
                    CHECK(acknowledged.insert(r.id).second);
                };
                const std::string why = co_await complaint_of(one);
                if (why.empty()) continue;
                ++failures;
                co_await weft::sleep(5ms);
            }
        };
        for (int i = 0; i < 8; ++i) all.go(put_on);
        const auto count = [&] {
            const std::lock_guard lock(mutex);
            return acknowledged.size();
        };
        for (int round = 0; round < rounds; ++round) {
            const std::size_t before = count();
            while (count() < before + 20) co_await weft::sleep(1ms);
            co_await weft::sleep(milliseconds(round % 7));
            server.kill();
            co_await weft::sleep(10ms);
            server.start();
        }
        over = true;
        co_await all.join();
        CHECK(failures > 0);
        co_await until_back(*q);

        std::set<std::string> there;
        relay::list_request page;
        page.limit = 1000;
        while (true) {
            const std::vector<relay::job> jobs = co_await q->list(background(), page);
            if (jobs.empty()) break;
            for (const relay::job& j : jobs) there.insert(j.id);
            page.after = jobs.back().id;
        }
        CHECK(std::includes(there.begin(), there.end(), acknowledged.begin(), acknowledged.end()));
        MESSAGE(acknowledged.size() << " puts were acknowledged, " << there.size() << " are there");

        const relay::queue_stats s = co_await q->stats(background());
        CHECK(s.ready == there.size());
        std::set<std::string> got; // and each can be had
        while (got.size() < there.size()) {
            const reserve_result r = co_await reserve(*q, 500);
            REQUIRE_FALSE(r.jobs.empty());
            for (const reserved_job& j : r.jobs) CHECK(got.insert(j.what.id).second);
        }
        CHECK(got == there);
        co_await q->close();
    });
}

TEST_CASE("redis: killed and started again in the middle of all kinds of traffic")
{
    redis_server server(on_disk);
    in_runtime([&]() -> weft::task<> {
        owner q = co_await open(server.url());
        std::atomic<int> calls{0};
        q->on_change([&] { ++calls; });
        std::mutex mutex;
        std::set<std::string> put_ids, done; // guarded by mutex
        std::atomic<bool> over{false}, quiet{false};
        std::atomic<int> failures{0};
        weft_test::team all;
        const auto put_on = [&]() -> weft::task<> {
            while (!over) {
                const auto one = [&]() -> weft::task<> {
                    const relay::put_result r = co_await q->put(background(), a_job());
                    const std::lock_guard lock(mutex);
                    put_ids.insert(r.id);
                };
                const std::string why = co_await complaint_of(one);
                if (!why.empty()) ++failures;
                co_await weft::sleep(2ms);
            }
        };
        const auto work = [&]() -> weft::task<> {
            while (!quiet) {
                const auto one = [&]() -> weft::task<> {
                    const reserve_result r = co_await reserve(*q, 5, 1s);
                    for (const reserved_job& j : r.jobs) {
                        if (!co_await ack(*q, j.lease)) continue;
                        const std::lock_guard lock(mutex);
                        CHECK(done.insert(j.what.id)
                                  .second); // twice acknowledged would be once too often
                    }
                };
                const std::string why = co_await complaint_of(one);
                if (!why.empty()) ++failures;
                co_await weft::sleep(2ms);
            }
        };
        for (int i = 0; i < 4; ++i) all.go(put_on);
        for (int i = 0; i < 4; ++i) all.go(work);
        for (int round = 0; round < 3; ++round) {
            co_await weft::sleep(150ms);
            server.kill();
            co_await weft::sleep(50ms);
            server.start();
            co_await until_back(*q);
        }
        over = true;
        // What was in flight comes back when its lease has ended.
        const auto end = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < end) {
            const relay::queue_stats s = co_await q->stats(background());
            if (s.ready + s.in_flight + s.delayed == 0) break;
            co_await weft::sleep(20ms);
        }
        quiet = true;
        co_await all.join();
        CHECK(failures > 0);
        CHECK(calls > 0);
        for (const std::string& id : put_ids) {
            const relay::job j = co_await look(*q, id);
            CHECK(j.state == relay::job_state::done);
        }
        const int before = calls; // messages come again, too
        co_await put(*q, a_job());
        while (calls == before) co_await weft::sleep(1ms);
        co_await q->close();
    });
}
