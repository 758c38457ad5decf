// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The verbs, one after the other.

#include "queue_suite.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

using namespace relay_test;
using relay::job;
using relay::job_state;
using relay::queue;
using relay::reserve_result;
using relay::reserved_job;
using owner = std::unique_ptr<queue>;

std::vector<std::string> hosts_of(const reserve_result& r)
{
    std::vector<std::string> hosts;
    for (const reserved_job& j : r.jobs) hosts.push_back(j.what.what.host);
    return hosts;
}

} // namespace

TEST_CASE("queue: a job is put, found, reserved and acknowledged")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const auto before = relay::now();
        relay::new_job n = a_job("a.example:443", "hello");
        n.max_attempts = 7;
        const std::string id = co_await put(*q, n);
        CHECK_FALSE(id.empty());

        job j = co_await look(*q, id);
        CHECK(j.id == id);
        CHECK(j.state == job_state::ready);
        CHECK(j.what.target == n.what.target);
        CHECK(j.what.host == n.what.host);
        CHECK(j.what.headers == n.what.headers);
        CHECK(j.what.body == "hello");
        CHECK(j.attempts == 0);
        CHECK(j.max_attempts == 7);
        CHECK(j.created >= before - 5s);
        CHECK(j.created <= relay::now() + 5s);
        CHECK(j.last.status == 0);

        const reserve_result r = co_await reserve(*q, 10);
        REQUIRE(r.jobs.size() == 1);
        CHECK(r.jobs[0].lease.id == id);
        CHECK(r.jobs[0].what.id == id);
        CHECK(r.jobs[0].what.state == job_state::in_flight);
        CHECK(r.jobs[0].what.attempts == 1);
        CHECK(r.jobs[0].what.max_attempts == 7);
        CHECK(r.jobs[0].what.what.headers == n.what.headers);
        CHECK(r.jobs[0].what.what.body == "hello");
        CHECK(r.jobs[0].what.due > relay::now() + 30s);
        j = co_await look(*q, id);
        CHECK(j.state == job_state::in_flight);
        CHECK(j.attempts == 1);
        const reserve_result none = co_await reserve(*q, 10);
        CHECK(none.jobs.empty());

        CHECK(co_await ack(*q, r.jobs[0].lease));
        CHECK_FALSE(co_await ack(*q, r.jobs[0].lease));
        j = co_await look(*q, id);
        CHECK(j.state == job_state::done);
        CHECK(j.last.status == 200);
        CHECK(j.what.target == n.what.target);
        CHECK(j.what.body.empty());
        for (const auto& [name, value] : j.what.headers) CHECK(value.empty());
    });
}

TEST_CASE("queue: bodies and headers keep every byte, and a mebibyte of them")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        std::string all;
        for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
        std::string large;
        while (large.size() < (1u << 20)) large += all;
        const std::vector<std::string> bodies{all, large, "", std::string(3, '\0'), "\r\n$5\r\n"};
        for (const std::string& body : bodies) {
            relay::new_job n = a_job("b\xc3\xbc"
                                     "cher.example:443",
                                     body);
            n.what.headers = {{"x-a", std::string("\0\xff:1:", 5)}, {"x-a", ""}, {"", "5:x"}};
            const std::string id = co_await put(*q, n);
            const reserved_job r = co_await take(*q);
            CHECK(r.what.id == id);
            CHECK((r.what.what.body == body));
            CHECK((r.what.what.headers == n.what.headers));
            CHECK(r.what.what.host == n.what.host);
            const job j = co_await look(*q, id);
            CHECK((j.what.body == body));
            CHECK(co_await ack(*q, r.lease));
        }
        relay::new_job bare = a_job("[::1]:80");
        bare.what.headers.clear();
        co_await put(*q, bare);
        const reserved_job r = co_await take(*q);
        CHECK(r.what.what.headers.empty());
        CHECK(r.what.what.host == "[::1]:80");
    });
}

TEST_CASE("queue: what is not there is not found")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const std::string id = co_await put(*q, a_job());
        const std::vector<std::string> ids{
            "",       "0",          "1",      "x-1",    id + "0",
            id + " ", "0" + id,     "-1",     "' OR 1", std::string(1, '\0'),
            "%s",     "9999999999", "{relay}"};
        for (const std::string& none : ids) {
            const auto found = co_await q->find(weft::background(), none);
            CHECK_FALSE(found.has_value());
            CHECK_FALSE(co_await q->kick(weft::background(), none));
            const relay::lease l{none, 1};
            CHECK_FALSE(co_await ack(*q, l));
            CHECK_FALSE(co_await release(*q, l));
            CHECK_FALSE(co_await bury(*q, l));
            CHECK_FALSE(co_await extend(*q, l, 1s));
        }
        const relay::lease not_held{id, 1};
        CHECK_FALSE(co_await ack(*q, not_held));
        const job j = co_await look(*q, id);
        CHECK(j.state == job_state::ready);
    });
}

TEST_CASE("queue: of each host the oldest job comes first")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        std::map<std::string, std::vector<std::string>> in, out;
        for (int i = 0; i < 25; ++i) {
            const std::string host = i % 3 == 0 ? "a:1" : "b:1";
            in[host].push_back(co_await put(*q, a_job(host)));
        }
        while (true) {
            const reserve_result r = co_await reserve(*q, 4);
            if (r.jobs.empty()) break;
            for (const reserved_job& j : r.jobs) out[j.what.what.host].push_back(j.what.id);
        }
        CHECK(in == out);
    });
}

TEST_CASE("queue: hosts take turns")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        for (int i = 0; i < 6; ++i) co_await put(*q, a_job("a:1"));
        for (int i = 0; i < 3; ++i) co_await put(*q, a_job("b:1"));
        for (int i = 0; i < 3; ++i) co_await put(*q, a_job("c:1"));
        for (int round = 0; round < 2; ++round) {
            const reserve_result r = co_await reserve(*q, 3);
            const std::vector<std::string> got = hosts_of(r);
            CHECK(std::set<std::string>(got.begin(), got.end()).size() == 3);
        }
        std::set<std::string> last; // one at a time, too
        for (int i = 0; i < 3; ++i) {
            const reserved_job r = co_await take(*q);
            last.insert(r.what.what.host);
        }
        CHECK(last.size() == 3);
        const reserve_result rest = co_await reserve(*q, 10);
        CHECK(hosts_of(rest) == std::vector<std::string>(3, "a:1"));
    });
}

TEST_CASE("queue: no host gets more than it has room for")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        for (const char* host : {"a:1", "b:1", "c:1", "d:1"}) {
            for (int i = 0; i < 5; ++i) co_await put(*q, a_job(host));
        }
        relay::reserve_request r;
        r.most = 100;
        r.room = [](std::string_view host) -> std::size_t {
            return host == "a:1" ? 1 : host == "b:1" ? 0 : host == "c:1" ? 3 : 1000;
        };
        const reserve_result got = co_await q->reserve(weft::background(), r);
        std::map<std::string, int> counts;
        for (const std::string& h : hosts_of(got)) ++counts[h];
        const std::map<std::string, int> expected{{"a:1", 1}, {"c:1", 3}, {"d:1", 5}};
        CHECK(counts == expected);

        r.room = [](std::string_view) -> std::size_t { return 0; };
        const reserve_result none = co_await q->reserve(weft::background(), r);
        CHECK(none.jobs.empty());
        r.most = 2;
        r.room = [](std::string_view) -> std::size_t { return 1; };
        const reserve_result two = co_await q->reserve(weft::background(), r);
        CHECK(two.jobs.size() == 2);
        r.most = 0;
        const reserve_result zero = co_await q->reserve(weft::background(), r);
        CHECK(zero.jobs.empty());
    });
}

TEST_CASE("queue: a host with room is found behind hundreds without")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        constexpr int hosts = 600;
        for (int i = 0; i < hosts; ++i) {
            for (int k = 0; k < 2; ++k) co_await put(*q, a_job("h" + std::to_string(i) + ":1"));
        }
        relay::reserve_request r;
        r.most = 10;
        r.room = [](std::string_view host) -> std::size_t { return host == "h599:1" ? 1 : 0; };
        const reserve_result got = co_await q->reserve(weft::background(), r);
        CHECK(hosts_of(got) == std::vector<std::string>{"h599:1"});

        r.most = 2 * hosts;
        r.room = [](std::string_view) -> std::size_t { return 1; };
        const reserve_result all = co_await q->reserve(weft::background(), r);
        const std::vector<std::string> each = hosts_of(all);
        CHECK(each.size() == hosts);
        CHECK(std::set<std::string>(each.begin(), each.end()).size() == hosts);
    });
}

TEST_CASE("queue: a job is released, with and without its attempt")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const std::string first = co_await put(*q, a_job("a:1", "1"));
        co_await put(*q, a_job("a:1", "2"));
        reserved_job r = co_await take(*q);
        CHECK(r.lease.id == first);
        CHECK(co_await release(*q, r.lease));
        CHECK_FALSE(co_await release(*q, r.lease));
        CHECK_FALSE(co_await ack(*q, r.lease));
        job j = co_await look(*q, first);
        CHECK(j.state == job_state::ready);
        CHECK(j.attempts == 1);
        CHECK(j.last.status == 503);
        CHECK(j.last.error == "busy");
        CHECK(j.what.body == "1");

        const reserved_job other = co_await take(*q); // that one has been ready longer
        CHECK(other.what.what.body == "2");
        r = co_await take(*q);
        CHECK(r.lease.id == first);
        CHECK(r.what.attempts == 2);
        CHECK(co_await release(*q, r.lease, 0ms, false));
        j = co_await look(*q, first);
        CHECK(j.attempts == 1);
        r = co_await take(*q);
        CHECK(r.what.attempts == 2);
        CHECK(r.what.last.status == 503);
        CHECK(co_await ack(*q, r.lease));
    });
}

TEST_CASE("queue: a job is buried, and kicked")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const weft::context ctx = weft::background();
        const std::string id = co_await put(*q, a_job());
        CHECK_FALSE(co_await q->kick(ctx, id));
        reserved_job r = co_await take(*q);
        CHECK_FALSE(co_await q->kick(ctx, id));
        CHECK(co_await bury(*q, r.lease));
        CHECK_FALSE(co_await bury(*q, r.lease));
        job j = co_await look(*q, id);
        CHECK(j.state == job_state::dead);
        CHECK(j.last.status == 410);
        CHECK(j.last.error == "gone");
        CHECK(j.what.body == "body");
        const reserve_result none = co_await reserve(*q, 1);
        CHECK(none.jobs.empty());

        CHECK(co_await q->kick(ctx, id));
        CHECK_FALSE(co_await q->kick(ctx, id));
        j = co_await look(*q, id);
        CHECK(j.state == job_state::ready);
        CHECK(j.attempts == 0);
        CHECK_FALSE(co_await ack(*q, r.lease)); // that lease stays lost
        r = co_await take(*q);
        CHECK(r.what.attempts == 1);
        CHECK(co_await ack(*q, r.lease));
        CHECK_FALSE(co_await q->kick(ctx, id));
    });
}

TEST_CASE("queue: a second put with the same key is the first one's job")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const weft::context ctx = weft::background();
        relay::new_job n = a_job();
        n.idempotency_key = std::string("key \0 one", 9);
        const std::string id = co_await put(*q, n);
        n.delay = 1h; // is none of what it delivers
        relay::put_result again = co_await q->put(ctx, n);
        CHECK(again.existed);
        CHECK(again.id == id);

        std::vector<relay::new_job> others(5, n);
        others[0].what.body += "!";
        others[1].what.target += "/";
        others[2].what.headers[0].second += "!";
        others[3].what.headers.pop_back();
        others[4].what.host = "other:1";
        for (const relay::new_job& o : others)
            CHECK_ENDS_IN(relay::idempotency_conflict, co_await q->put(ctx, o));

        relay::queue_stats s = co_await q->stats(ctx);
        CHECK(s.ready == 1);
        relay::new_job second = a_job();
        second.idempotency_key = "two";
        const std::string other = co_await put(*q, second);
        CHECK(other != id);
        co_await put(*q, a_job()); // no key, no bond
        co_await put(*q, a_job());

        const reserved_job r = co_await take(*q);
        CHECK(r.lease.id == id);
        CHECK(co_await ack(*q, r.lease));
        again = co_await q->put(ctx, n);
        CHECK(again.existed);
        CHECK(again.id == id);
        CHECK_ENDS_IN(relay::idempotency_conflict, co_await q->put(ctx, others[0]));
    });
}

TEST_CASE("queue: stats count the jobs of each state")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const weft::context ctx = weft::background();
        relay::queue_stats s = co_await q->stats(ctx);
        CHECK(s.ready + s.delayed + s.in_flight + s.done + s.dead == 0);
        CHECK_FALSE(s.oldest_ready.has_value());

        const auto before = relay::now();
        for (int i = 0; i < 10; ++i) co_await put(*q, a_job());
        relay::new_job later = a_job();
        later.delay = 1h;
        co_await put(*q, later);
        co_await put(*q, later);
        const reserve_result r = co_await reserve(*q, 6);
        REQUIRE(r.jobs.size() == 6);
        for (int i : {0, 1}) CHECK(co_await ack(*q, r.jobs[static_cast<std::size_t>(i)].lease));
        CHECK(co_await bury(*q, r.jobs[2].lease));
        s = co_await q->stats(ctx);
        CHECK(s.ready == 4);
        CHECK(s.delayed == 2);
        CHECK(s.in_flight == 3);
        CHECK(s.done == 2);
        CHECK(s.dead == 1);
        REQUIRE(s.oldest_ready.has_value());
        CHECK(*s.oldest_ready >= before - 5s);
        CHECK(*s.oldest_ready <= relay::now() + 5s);
    });
}

TEST_CASE("queue: lists are newest first, by state, page by page")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        const weft::context ctx = weft::background();
        std::vector<std::string> ids; // newest first
        for (int i = 0; i < 12; ++i)
            ids.insert(ids.begin(), co_await put(*q, a_job("h" + std::to_string(i % 4) + ":1")));

        std::vector<std::string> seen;
        relay::list_request page;
        page.limit = 5;
        std::vector<std::size_t> sizes;
        while (true) {
            const std::vector<job> jobs = co_await q->list(ctx, page);
            if (jobs.empty()) break;
            sizes.push_back(jobs.size());
            for (const job& j : jobs) {
                seen.push_back(j.id);
                CHECK(j.what.body.empty());
                for (const auto& [name, value] : j.what.headers) CHECK(value.empty());
                CHECK(j.state == job_state::ready);
                CHECK(j.max_attempts == 10);
            }
            page.after = jobs.back().id;
        }
        CHECK(seen == ids);
        CHECK(sizes == std::vector<std::size_t>{5, 5, 2});

        const reserve_result r = co_await reserve(*q, 4);
        REQUIRE(r.jobs.size() == 4);
        CHECK(co_await ack(*q, r.jobs[0].lease));
        CHECK(co_await bury(*q, r.jobs[1].lease));
        for (const auto& [state, expected] :
             std::vector<std::pair<job_state, std::size_t>>{{job_state::ready, 8},
                                                            {job_state::delayed, 0},
                                                            {job_state::in_flight, 2},
                                                            {job_state::done, 1},
                                                            {job_state::dead, 1}}) {
            relay::list_request of;
            of.state = state;
            std::vector<job> jobs = co_await q->list(ctx, of);
            CHECK(jobs.size() == expected);
            for (const job& j : jobs) CHECK(j.state == state);
            // In the order of `ids`.
            std::vector<std::ptrdiff_t> places;
            for (const job& j : jobs)
                places.push_back(std::find(ids.begin(), ids.end(), j.id) - ids.begin());
            CHECK(std::is_sorted(places.begin(), places.end()));
            if (jobs.size() < 2) continue;
            of.after = jobs[0].id;
            of.limit = 1;
            const std::vector<job> second = co_await q->list(ctx, of);
            REQUIRE(second.size() == 1);
            CHECK(second[0].id == jobs[1].id);
        }
    });
}

TEST_CASE("queue: of more than a thousand dead, too, lists are newest first, page by page")
{
    on_queue([](owner& q, backend&) -> weft::task<> {
        constexpr std::size_t many = 1200, at_a_time = 16;
        weft_test::team putting;
        const auto put_some = [&]() -> weft::task<> {
            for (std::size_t i = 0; i < many / at_a_time; ++i)
                co_await put(*q, a_job("h" + std::to_string(i % 3) + ":1"));
        };
        for (std::size_t i = 0; i < at_a_time; ++i) putting.go(put_some);
        co_await putting.join();
        const reserve_result r = co_await reserve(*q, many);
        REQUIRE(r.jobs.size() == many);
        // Not in the order of their coming, and some live on.
        weft_test::team burying;
        const auto bury_some = [&](std::size_t which) -> weft::task<> {
            for (std::size_t i = many; i-- > 0;) {
                if (i % at_a_time == which) CHECK(co_await bury(*q, r.jobs[i].lease));
            }
        };
        for (std::size_t which = 1; which < at_a_time; ++which) burying.go(bury_some, which);
        co_await burying.join();

        const auto all = [&](std::optional<job_state> state,
                             std::size_t limit) -> weft::task<std::vector<job>> {
            std::vector<job> found;
            relay::list_request page;
            page.state = state;
            page.limit = limit;
            while (true) {
                const std::vector<job> jobs = co_await q->list(weft::background(), page);
                if (jobs.empty()) break;
                CHECK(jobs.size() <= limit);
                found.insert(found.end(), jobs.begin(), jobs.end());
                page.after = jobs.back().id;
            }
            co_return found;
        };
        const std::vector<job> every = co_await all(std::nullopt, 1000);
        CHECK(every.size() == many);
        std::map<job_state, std::vector<std::string>> expected;
        for (const job& j : every) expected[j.state].push_back(j.id);
        std::vector<std::string>& dead = expected[job_state::dead];
        REQUIRE(dead.size() == many - many / at_a_time);
        const auto check = [&](job_state state, std::size_t limit) -> weft::task<> {
            std::vector<std::string> ids;
            for (const job& j : co_await all(state, limit)) {
                CHECK(j.state == state);
                ids.push_back(j.id);
            }
            CHECK(ids == expected[state]);
        };
        for (const std::size_t limit : {100u, 1000u, 5000u}) co_await check(job_state::dead, limit);
        co_await check(job_state::in_flight, 10);

        for (const std::size_t i : {0u, 500u}) {
            CHECK(co_await q->kick(weft::background(), dead[i]));
            dead.erase(dead.begin() + static_cast<std::ptrdiff_t>(i));
        }
        co_await check(job_state::dead, 100);
    });
}

TEST_CASE("queue: a context that has ended ends every call, and so does the end of the queue")
{
    on_queue([](owner& q, backend& b) -> weft::task<> {
        const std::string id = co_await put(*q, a_job());
        const reserved_job r = co_await take(*q);
        const auto all = [&](weft::context ctx) -> weft::task<std::pair<int, int>> {
            std::pair<int, int> thrown{0, 0}; // weft::error, queue_unavailable
            for (int verb = 0; verb < 10; ++verb) {
                try {
                    relay::list_request every;
                    relay::reserve_request one;
                    std::vector<relay::lease> held;
                    held.push_back(r.lease);
                    const relay::attempt_result how;
                    switch (verb) {
                    case 0: co_await q->put(ctx, a_job()); break;
                    case 1: co_await q->reserve(ctx, one); break;
                    case 2: co_await q->extend(ctx, held, 1h); break;
                    case 3: co_await q->ack(ctx, r.lease, how); break;
                    case 4: co_await q->release(ctx, r.lease, 0ms, how); break;
                    case 5: co_await q->bury(ctx, r.lease, how); break;
                    case 6: co_await q->kick(ctx, id); break;
                    case 7: co_await q->stats(ctx); break;
                    case 8: co_await q->find(ctx, id); break;
                    case 9: co_await q->list(ctx, every); break;
                    }
                } catch (const weft::error&) {
                    ++thrown.first;
                } catch (const relay::queue_unavailable&) {
                    ++thrown.second;
                }
            }
            co_return thrown;
        };
        auto [ended, cancel] = weft::with_cancel(weft::background());
        cancel();
        std::pair<int, int> thrown = co_await all(ended);
        CHECK(thrown == std::pair(10, 0));
        CHECK(co_await ack(*q, r.lease)); // none of it was done

        co_await q->close();
        thrown = co_await all(weft::background());
        CHECK(thrown == std::pair(0, 10));
        co_await q->close(); // again: nothing
        q.reset();
        q = co_await b.open();
    });
}
