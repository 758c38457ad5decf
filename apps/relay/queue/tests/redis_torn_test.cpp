// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A crash can leave the first part of a transaction in Redis' file; Redis 7 then carries that out when it is started for the second
// time. Here after each command of each verb.

#include "redis_test.hpp"

#include <array>
#include <cstddef>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <vector>

using namespace relay_test;

namespace {

using relay::job_state;

enum class verb {
    put,
    put_later,
    reserve,
    extend,
    ack,
    release,
    release_later,
    bury,
    kick,
    lose,
    fall_due,
    forget
};
constexpr std::array all_verbs{verb::put,  verb::put_later,     verb::reserve, verb::extend,
                               verb::ack,  verb::release,       verb::bury,    verb::kick,
                               verb::lose, verb::release_later, verb::forget,  verb::fall_due};

relay::redis_queue_options options_of(verb v)
{
    relay::redis_queue_options o;
    if (v == verb::forget) o.keep_done = 1ms;
    return o;
}

/// A job in each state, and then the verb as the last thing that Redis writes. What must be there whatever happens is returned.
weft::task<std::set<std::string>> act(queue& q, verb v)
{
    const bool short_lease = v == verb::lose;
    std::set<std::string> ids;
    for (int i = 0; i < 5; ++i) ids.insert(co_await put(q, a_job(i == 3 ? "b:1" : "a:1")));
    const reserve_result r = co_await reserve(q, 3, short_lease ? 50ms : 60s);
    CHECK(r.jobs.size() == 3);
    std::vector<relay::lease> held;
    for (const reserved_job& j : r.jobs) held.push_back(j.lease);
    if (!short_lease) co_await bury(q, held[0]);
    relay::new_job later = a_job("a:1");
    later.delay = v == verb::fall_due ? milliseconds(50) : milliseconds(3'600'000);
    ids.insert(co_await put(q, later));
    relay::new_job fresh = a_job("c:1");
    fresh.idempotency_key = "k";
    switch (v) {
    case verb::put: co_await q.put(background(), fresh); break;
    case verb::put_later:
        fresh.delay = 1h;
        co_await q.put(background(), fresh);
        break;
    case verb::reserve: co_await reserve(q, 5); break;
    case verb::extend: co_await q.extend(background(), held, 1h); break;
    case verb::ack: co_await ack(q, held[1]); break;
    case verb::release: co_await release(q, held[1], 0ms, false); break;
    case verb::release_later: co_await release(q, held[1], 1h); break;
    case verb::bury: co_await bury(q, held[1]); break;
    case verb::kick: co_await q.kick(background(), held[0].id); break;
    case verb::lose:
    case verb::fall_due:
        co_await weft::sleep(60ms);
        co_await q.stats(background());
        break;
    case verb::forget:
        co_await ack(q, held[1]);
        co_await weft::sleep(10ms);
        co_await q.stats(background());
        ids.erase(held[1].id);
        break;
    }
    co_return ids;
}

/// What happens after the crash. What is put is returned.
weft::task<std::set<std::string>> go_on(queue& q)
{
    std::set<std::string> ids;
    relay::new_job fresh = a_job("c:1");
    fresh.idempotency_key = "k";
    const relay::put_result r = co_await q.put(background(), fresh);
    ids.insert(r.id);
    ids.insert(co_await put(q, a_job("a:1")));
    const reserve_result got = co_await reserve(q, 4);
    for (std::size_t i = 0; i < got.jobs.size(); ++i) {
        switch (i) {
        case 0: co_await release(q, got.jobs[i].lease); break;
        case 1: co_await bury(q, got.jobs[i].lease); break;
        case 2: co_await ack(q, got.jobs[i].lease); break;
        }
    }
    if (got.jobs.size() > 1) co_await q.kick(background(), got.jobs[1].what.id);
    co_return ids;
}

/// Everything is in one place, and can be had.
weft::task<> check(queue& q, std::set<std::string> expected)
{
    const relay::queue_stats s = co_await q.stats(background());
    std::map<job_state, std::uint64_t> counts;
    relay::list_request every;
    const std::vector<relay::job> jobs = co_await q.list(background(), every);
    for (const relay::job& j : jobs) {
        ++counts[j.state];
        expected.erase(j.id);
        const relay::job full = co_await look(q, j.id);
        CHECK(full.state == j.state);
        CHECK(full.what.body.empty() == (j.state == job_state::done));
    }
    CHECK(expected.empty());
    CHECK(s.ready == counts[job_state::ready]);
    CHECK(s.delayed == counts[job_state::delayed]);
    CHECK(s.in_flight == counts[job_state::in_flight]);
    CHECK(s.done == counts[job_state::done]);
    CHECK(s.dead == counts[job_state::dead]);

    relay::new_job fresh = a_job("c:1");
    fresh.idempotency_key = "k";
    const relay::put_result again = co_await q.put(background(), fresh);
    relay::reserve_request most;
    most.most = 100;
    most.room = [](std::string_view) -> std::size_t { return 100; };
    const reserve_result r = co_await q.reserve(background(), most);
    CHECK(r.jobs.size() == s.ready + (again.existed ? 0 : 1));
    std::set<std::string> got;
    for (const reserved_job& j : r.jobs) {
        CHECK(got.insert(j.what.id).second);
        CHECK(j.what.what.body == "body");
        CHECK(co_await ack(q, j.lease));
    }
    const reserve_result none = co_await q.reserve(background(), most);
    CHECK(none.jobs.empty());
    // What is in flight comes back, too.
    std::vector<relay::lease> held;
    for (const relay::job& j : jobs) {
        for (std::uint64_t token = 1; j.state == job_state::in_flight && token < 4; ++token)
            held.push_back(relay::lease{j.id, token});
    }
    co_await q.extend(background(), held, 1ms);
    co_await weft::sleep(5ms);
    const reserve_result rest = co_await q.reserve(background(), most);
    CHECK(rest.jobs.size() == s.in_flight);
    for (const reserved_job& j : rest.jobs) CHECK(co_await ack(q, j.lease));
    const relay::queue_stats end = co_await q.stats(background());
    CHECK(end.ready + end.in_flight == 0);
}

std::string bytes_of(const std::string& file)
{
    std::ifstream in(file, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
}

/// Where the commands of the last transaction end.
std::vector<std::size_t> cuts(const std::string& bytes)
{
    std::vector<std::size_t> ends;
    const std::size_t begin = bytes.rfind("*1\r\n$5\r\nMULTI\r\n");
    REQUIRE(begin != bytes.npos);
    for (std::size_t at = begin + 1; (at = bytes.find("\r\n*", at)) != bytes.npos; ++at)
        ends.push_back(at + 2);
    return ends;
}

} // namespace

TEST_CASE("redis: the first part of any transaction does no harm")
{
    redis_server server({"--appendonly", "yes", "--appendfsync", "always"});
    for (const verb v : all_verbs) {
        in_runtime([&]() -> weft::task<> {
            const std::string name = "verb" + std::to_string(static_cast<int>(v));
            owner q =
                co_await relay::open_redis_queue(background(), server.url(name), options_of(v));
            const std::set<std::string> ids = co_await act(*q, v);
            co_await q->close();
            server.kill();
            const std::string whole = bytes_of(server.append_file());
            const std::vector<std::size_t> ends = cuts(whole);
            CHECK(ends.size() >= 4);
            for (const std::size_t end : ends) {
                {
                    std::ofstream out(server.append_file(), std::ios::binary | std::ios::trunc);
                    out << whole.substr(0, end)
                        << "*"; // a command of which there is not even the number of words
                }
                server.start(); // it has forgotten the transaction
                q = co_await relay::open_redis_queue(background(), server.url(name), options_of(v));
                std::set<std::string> all = ids;
                if (end % 2 == 0) {
                    const std::set<std::string> more = co_await go_on(*q);
                    all.insert(more.begin(), more.end());
                } else {
                    all.insert(co_await put(*q, a_job()));
                }
                co_await q->close();
                server.kill();
                server.start(); // and remembers
                q = co_await open(server.url(name));
                co_await check(*q, all);
                co_await q->close();
                server.kill();
            }
            server.start();
        });
    }
}
