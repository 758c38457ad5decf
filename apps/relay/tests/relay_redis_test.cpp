// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Several relays with one queue, in a Redis that the test starts: each job is delivered once while nobody crashes; whoever is killed
// leaves his jobs to the others; a Redis that is lost and comes back has lost nothing.

#include "redis_server.hpp"
#include "relay_process.hpp"
#include "target_server.hpp"

#include "testing.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>
#include <vector>

using namespace relay_test;
using namespace std::chrono_literals;

namespace {

const std::vector<std::string> on_disk{"--appendonly", "yes", "--appendfsync", "always"};

} // namespace

TEST_CASE("redis: two relays share the work, and each job is delivered once")
{
    redis_server redis;
    relay::target_server target;
    relay_process a(redis.url()), b(redis.url(), {"work"});
    const relay::load_result jobs = load_for(a, target.url("/ok"), 1s);
    REQUIRE(jobs.ids.size() > 50);
    CHECK(eventually([&] { return a.is_idle(); }));
    CHECK(target.missing(jobs.ids) == 0);
    CHECK(target.too_often() == 0);
    const double of_a = a.metric("relay_jobs_delivered_total"),
                 of_b = b.metric("relay_jobs_delivered_total");
    CHECK(of_a + of_b == static_cast<double>(jobs.ids.size()));
    CHECK(of_a > 0);
    CHECK(of_b > 0);
    for (relay_process* r : {&a, &b}) {
        r->signal(SIGTERM);
        CHECK(r->wait() == 0);
    }
}

TEST_CASE("redis: the jobs of a relay that is killed move to another one within the lease")
{
    redis_server redis;
    relay::target_server target;
    const std::vector<std::string> how{"--lease", "2s", "--timeout", "60s"};
    relay_process a(redis.url(), how);
    std::vector<std::string> ids;
    for (int i = 0; i < 10; ++i) ids.push_back(a.submit(target.url("/hang")));
    REQUIRE(eventually([&] { return target.waiting() == 10; }));
    a.signal(SIGKILL);
    (void)a.wait();
    const auto killed = std::chrono::steady_clock::now();
    relay_process b(redis.url(), how);
    CHECK(eventually([&] {
        return std::all_of(ids.begin(), ids.end(),
                           [&](const std::string& id) { return target.times_of(id) == 2; });
    }));
    CHECK(std::chrono::steady_clock::now() - killed < 8s);
    for (const std::string& id : ids) CHECK(b.show(id)["attempts"] == 2);
}

TEST_CASE("redis: relays are killed at any moment, and no job is lost")
{
    redis_server redis(on_disk);
    relay::target_server target;
    constexpr std::size_t at_a_time = 32;
    const std::vector<std::string> how{"--lease", "1s", "--host-concurrency",
                                       std::to_string(at_a_time)};
    const int n = rounds(100);
    const std::vector<std::string> accepted =
        killed_under_load(redis.url(), how, target.url("/ok"), n, 500ms);
    relay_process r(redis.url(), how);
    CHECK(eventually([&] { return r.is_idle(); }));
    MESSAGE(accepted.size() << " jobs were accepted, " << target.missing(accepted) << " lost, "
                            << target.too_often() << " delivered too often, in " << n << " kills");
    CHECK(target.missing(accepted) == 0);
    CHECK(target.too_often() <= static_cast<std::size_t>(n) * at_a_time);
}

TEST_CASE("redis: it is killed and comes back while jobs are given and delivered; no job is lost")
{
    redis_server redis(on_disk);
    relay::target_server target;
    relay_process r(redis.url(), {"--lease", "2s"});
    static_cast<void>(r.port());
    const int n = rounds(50);
    std::thread breaker([&] {
        for (int i = 0; i < n; ++i) {
            std::this_thread::sleep_for(200ms);
            redis.kill();
            std::this_thread::sleep_for(30ms);
            redis.start();
        }
    });
    const relay::load_result jobs =
        load_for(r, target.url("/ok"), std::chrono::milliseconds(400 * n));
    breaker.join();
    CHECK(eventually([&] { return r.is_idle(); }));
    MESSAGE(jobs.ids.size() << " jobs were accepted, " << target.missing(jobs.ids) << " lost, "
                            << jobs.refused << " refused, in " << n << " kills of Redis");
    CHECK(jobs.ids.size() > 20);
    CHECK(target.missing(jobs.ids) == 0);
    CHECK(r.ask("GET", "/healthz").status == 200);
}

TEST_CASE("redis: that it is away is told of, at the start and later")
{
    const directory d;
    const weft_test::finished none = weft_test::run_program(
        WEFT_RELAY, {"--queue", "redis://127.0.0.1:1/q", "--listen", "127.0.0.1:0"});
    CHECK(none.status == 1);
    CHECK(none.printed.find("127.0.0.1:1") != std::string::npos);
    const weft_test::finished bad = weft_test::run_program(
        WEFT_RELAY, {"--queue", "redis://:secret-word@/", "--listen", "127.0.0.1:0"});
    CHECK(bad.status == 1);
    CHECK(bad.printed.find("secret-word") == std::string::npos);
    redis_server redis;
    relay_process r(redis.url());
    CHECK(r.ask("GET", "/stats").status == 200);
    redis.kill();
    const answer a = r.ask("POST", "/jobs", R"({"target":"http://127.0.0.1:1/"})");
    CHECK(a.status == 503);
    CHECK(a.body["error"].get<std::string>().find("redis") != std::string::npos);
    CHECK(r.metric("relay_queue_up") == 0);
    redis.start();
    CHECK(eventually([&] { return r.ask("GET", "/stats").status == 200; }));
}
