// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The queue in a Redis of the test's own: the suite, and what only this backend does.

#include "redis_test.hpp"

#include <atomic>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace relay_test {

namespace {

class in_redis final : public backend {
public:
    explicit in_redis(std::string url) : url_(std::move(url)) {}
    weft::task<std::unique_ptr<relay::queue>> open() override
    {
        return relay::open_redis_queue(weft::background(), url_);
    }

private:
    const std::string url_;
};

} // namespace

std::unique_ptr<backend> make_backend()
{
    static redis_server server;
    static std::atomic<int> queues{0};
    return std::make_unique<in_redis>(server.url("suite" + std::to_string(++queues)));
}

} // namespace relay_test

using namespace relay_test;

namespace {

weft::task<> put_many(queue& q, int many, milliseconds delay = 0ms)
{
    for (int i = 0; i < many; ++i) {
        relay::new_job n = a_job();
        n.delay = delay;
        co_await put(q, std::move(n));
    }
}

/// All that are ready.
weft::task<> end_all(queue& q, weft::task<bool> (*end)(queue&, relay::lease))
{
    while (true) {
        const reserve_result r = co_await reserve(q, 500);
        if (r.jobs.empty()) co_return;
        for (const reserved_job& j : r.jobs) CHECK(co_await end(q, j.lease));
    }
}

/// How many records of jobs Redis has looked into, with what else is read by HGET.
weft::task<long long> looks(redis_server& server)
{
    relay::redis_value v = co_await tell(server, "INFO commandstats");
    const std::string how(relay::info_value(v.string(), "cmdstat_hget")); // "calls=12,usec=..."
    co_return std::stoll(how.substr(how.find('=') + 1));
}

} // namespace

TEST_CASE("redis: two of them on one Redis share the jobs, and the one inherits from the other")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        owner a = co_await open(server.url());
        owner b = co_await open(server.url());
        constexpr int many = 200;
        for (int i = 0; i < many; ++i)
            co_await put(i % 2 ? *a : *b, a_job("h" + std::to_string(i % 3) + ":1"));
        std::mutex mutex;
        std::map<std::string, int> done; // guarded by mutex
        std::atomic<int> left{many};
        weft_test::team all;
        const auto work = [&](queue* q) -> weft::task<> {
            while (left > 0) {
                const reserve_result r = co_await reserve(*q, 3);
                if (r.jobs.empty()) co_await weft::sleep(1ms);
                for (const reserved_job& j : r.jobs) {
                    CHECK(co_await ack(*q, j.lease));
                    const std::lock_guard lock(mutex);
                    CHECK(++done[j.what.id] == 1);
                    --left;
                }
            }
        };
        for (int i = 0; i < 4; ++i) all.go(work, i % 2 ? a.get() : b.get());
        co_await all.join();
        CHECK(done.size() == many);

        // a stands still: what it holds goes to b after the lease, which b keeps.
        std::atomic<int> told{0};
        b->on_change([&] { ++told; });
        for (int i = 0; i < 10; ++i) co_await put(*a, a_job());
        const reserve_result held = co_await reserve(*a, 10, 500ms);
        CHECK(held.jobs.size() == 10);
        std::vector<reserved_job> moved;
        while (moved.size() < 10) {
            const int before = told;
            const reserve_result r = co_await reserve(*b, 10);
            for (const reserved_job& j : r.jobs) moved.push_back(j);
            while (r.jobs.empty() && told == before) co_await weft::sleep(1ms);
        }
        for (const reserved_job& j : held.jobs) CHECK_FALSE(co_await ack(*a, j.lease));
        for (const reserved_job& j : moved) CHECK(co_await ack(*b, j.lease));
        co_await a->close();
        co_await b->close();
    });
}

TEST_CASE("redis: records of done jobs and idempotency keys are forgotten in time")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        relay::redis_queue_options o;
        o.keep_done = 50ms;
        o.keep_keys = 300ms;
        owner q = co_await relay::open_redis_queue(background(), server.url(), o);
        relay::new_job n = a_job();
        n.idempotency_key = "k";
        const std::string id = co_await put(*q, n);
        co_await weft::sleep(400ms);
        relay::put_result r =
            co_await q->put(background(), n); // the job is there, and so is its key
        CHECK(r.existed);
        const reserved_job j = co_await take(*q);
        CHECK(co_await ack(*q, j.lease));
        co_await weft::sleep(100ms);
        const relay::queue_stats s = co_await q->stats(background());
        CHECK(s.done == 0);
        const auto gone = co_await q->find(background(), id);
        CHECK_FALSE(gone.has_value());
        r = co_await q->put(background(), n);
        CHECK_FALSE(r.existed);

        const reserved_job second = co_await take(*q);
        CHECK(co_await ack(*q, second.lease));
        const auto end = std::chrono::steady_clock::now() + 20s;
        relay::redis_value keys;
        do { // nothing but the counters and the last mark is left
            co_await weft::sleep(20ms);
            co_await q->stats(background());
            keys = co_await tell(server, "KEYS *");
        } while (keys.elements().size() > 2 && std::chrono::steady_clock::now() < end);
        CHECK(keys.elements().size() <= 2);
        co_await q->close();
    });
}

TEST_CASE("redis: listing a state does not cost what the jobs of the others would")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        constexpr int some = 1010, newer = 600;
        owner q = co_await open(server.url());
        co_await put_many(*q, some);
        co_await end_all(*q, &bury);
        co_await put_many(*q, some, 1h);
        co_await put_many(*q, newer);
        co_await end_all(*q, &ack);
        const auto list = [&](relay::job_state state) -> weft::task<std::vector<relay::job>> {
            relay::list_request r;
            r.state = state;
            r.limit = 10;
            const long long before = co_await looks(server);
            std::vector<relay::job> jobs = co_await q->list(background(), r);
            const long long cost = co_await looks(server) - before;
            CHECK(cost < newer / 2);
            CHECK(jobs.size() == r.limit);
            for (const relay::job& j : jobs) CHECK(j.state == state);
            co_return jobs;
        };
        const std::vector<relay::job> dead = co_await list(relay::job_state::dead);
        co_await list(relay::job_state::delayed);

        // As relays left them that scored the dead by the time.
        co_await tell(server, "ZUNIONSTORE {relay}:dead 1 {relay}:dead WEIGHTS 0.001");
        for (int i = 0; i < 3; ++i) {
            const std::vector<relay::job> again = co_await list(relay::job_state::dead);
            REQUIRE(again.size() == dead.size());
            for (std::size_t k = 0; k < dead.size(); ++k) CHECK(again[k].id == dead[k].id);
        }
        const relay::redis_value old =
            co_await tell(server, "ZCOUNT {relay}:dead -inf 100000000000000");
        CHECK(old.number() == 0);
        co_await q->close();
    });
}

TEST_CASE("redis: dropped without being closed, it leaves nothing behind")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        for (int i = 0; i < 20; ++i) {
            owner q = co_await open(server.url());
            q->on_change([] {});
            if (i % 2) co_await put(*q, a_job());
        }
        co_await weft_test::until_alone();
        relay::redis_url nowhere;
        nowhere.host = "127.0.0.1";
        nowhere.port = 1;
        relay::redis_connection_options usual;
        const relay::redis_connection c(weft::this_goroutine::get_executor(), nowhere, usual);
    });
    // And where the runtime ends first.
    for (int i = 0; i < 5; ++i) {
        auto main = [&]() -> weft::task<> {
            auto q = std::make_shared<owner>(co_await open(server.url()));
            (*q)->on_change([] {});
            auto put_on = [q]() -> weft::task<> {
                try {
                    while (true) co_await put(**q, a_job());
                } catch (const queue_unavailable&) { // the end
                }
            };
            for (int k = 0; k < 4; ++k) weft::go(put_on);
            co_await weft::sleep(milliseconds(5 * i));
        };
        weft::run(std::move(main), weft::runtime_options{.procs = 2});
    }
}
