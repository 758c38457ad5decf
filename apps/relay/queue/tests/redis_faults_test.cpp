// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A Redis that refuses, hangs, or is none.

#include "redis_test.hpp"

#include <asio/deferred.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/write.hpp>

#include <atomic>
#include <chrono>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace relay_test;

/// Accepts connections and sends each of these texts, the first at once, the others after something has come; then it closes or waits.
class impostor {
public:
    impostor(std::vector<std::string> says, bool closes)
        : acceptor_(weft::this_goroutine::get_executor(),
                    asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
          life_(weft::with_cancel(background()))
    {
        all_.go(&impostor::serve, this, std::move(says), closes);
    }
    /// How many connections there have been.
    [[nodiscard]] int accepted() const { return accepted_; }
    [[nodiscard]] std::string url() const
    {
        return "redis://:very-secret@127.0.0.1:" +
               std::to_string(acceptor_.local_endpoint().port());
    }
    weft::task<> end()
    {
        life_.cancel();
        co_await all_.wait();
    }

private:
    static weft::task<> serve(impostor* self, std::vector<std::string> says, bool closes)
    {
        try {
            while (true) {
                asio::ip::tcp::socket s = co_await weft::bind(
                    self->life_.ctx, self->acceptor_.async_accept(asio::deferred));
                ++self->accepted_;
                self->all_.go(&impostor::talk, self, std::move(s), says, closes);
            }
        } catch (const std::system_error&) { // the end
        }
    }
    static weft::task<> talk(impostor* self, asio::ip::tcp::socket s, std::vector<std::string> says,
                             bool closes)
    {
        try {
            char heard[4096];
            for (std::size_t i = 0; i < says.size(); ++i) {
                if (i > 0)
                    co_await weft::bind(self->life_.ctx,
                                        s.async_read_some(asio::buffer(heard), asio::deferred));
                co_await weft::bind(self->life_.ctx,
                                    asio::async_write(s, asio::buffer(says[i]), asio::deferred));
            }
            while (!closes)
                co_await weft::bind(self->life_.ctx,
                                    s.async_read_some(asio::buffer(heard), asio::deferred));
        } catch (const std::system_error&) { // the end, or the other one's
        }
    }

    asio::ip::tcp::acceptor acceptor_;
    weft::cancellable<weft::cancel_function> life_;
    weft::wait_group all_;
    std::atomic<int> accepted_{0};
};

struct answers {
    std::vector<std::string> says;
    bool closes;
};

std::vector<answers> nonsense()
{
    return {
        {{}, true},
        {{"HTTP/1.1 400 Bad Request\r\n\r\n"}, true},
        {{"", "HTTP/1.1 400 Bad Request\r\n\r\n"}, false},
        {{"+OK\r\n+OK\r\n+OK\r\n"}, false},
        {{"", "+OK\r\n+OK\r\n+OK\r\n+OK\r\n"}, false},
        {{"220 smtp.example ESMTP\r\n"}, false},
        {{"", "-ERR unknown command `AUTH`, with args beginning with: `very-secret`\r\n"}, false},
        {{"", "+OK\r\n", "$4\r\nNOPE\r\n"}, false},
        {{"", "+OK\r\n", "*1\r\n*1\r\n*0\r\n"}, false},
        {{"", "+OK\r\n", ":1\r\n"}, false},
        {{"", "$-1\r\n$-1\r\n"}, true},
        {{"", std::string(1000, '\0')}, false},
        {{"", "$999999999999\r\nx"}, false},
        {{"", "+OK"}, false},
    };
}

/// The connections of queues: those that have last run a script.
weft::task<std::set<std::string>> queues_at(redis_server& server)
{
    relay::redis_value v = co_await tell(server, "CLIENT LIST");
    std::istringstream lines(v.string());
    std::set<std::string> ids;
    for (std::string line; std::getline(lines, line);) {
        if (contains(line, " cmd=evalsha")) ids.insert(line.substr(0, line.find(' ')));
    }
    co_return ids;
}

/// How many connections there have been, this one among them.
weft::task<long long> accepted_by(redis_server& server)
{
    relay::redis_value v = co_await tell(server, "INFO stats");
    co_return std::stoll(std::string(relay::info_value(v.string(), "total_connections_received")));
}

} // namespace

TEST_CASE("redis: what is wrong with a URL is said without its password")
{
    const relay::redis_url u =
        relay::parse_redis_url("redis://joe:p%40ss:@[::1]:7000/my%20queue?db=3");
    CHECK(u.user == "joe");
    CHECK(u.password == "p@ss:");
    CHECK(u.host == "::1");
    CHECK(u.port == 7000);
    CHECK(u.queue == "my queue");
    CHECK(u.database == 3);
    CHECK(u.where() == "::1:7000");
    CHECK(relay::parse_redis_url("redis://h").port == 6379);
    CHECK(relay::parse_redis_url("redis://:pw@h").user.empty());
    CHECK(relay::parse_redis_url("redis://:p/w@h").password == "p/w");
    CHECK(relay::parse_redis_url("redis://h/").queue == "relay");
    for (const char* bad :
         {"", "h:1", "http://:secret@h", "redis://", "redis://:secret@", "redis://:secret@:1",
          "redis://:secret@h:x", "redis://:secret@h:70000",
          "redis://:secret@h:", "redis://:secret%@h", "redis://:secret%zz@h",
          "redis://:secret@h/a{b", "redis://:secret@h?db=x", "redis://:secret@h?tls=secret",
          "redis://:secret@[::1", "redis://:secret@[::1]x"}) {
        try {
            static_cast<void>(relay::parse_redis_url(bad));
            FAIL_CHECK("no complaint about " << bad);
        } catch (const std::invalid_argument& e) {
            CHECK_FALSE(contains(e.what(), "secret"));
        }
    }
}

TEST_CASE("redis: a password is used, and never told")
{
    redis_server server({"--requirepass", "very-secret"});
    in_runtime([&]() -> weft::task<> {
        const std::string at = "@127.0.0.1:" + std::to_string(server.port());
        std::string why = co_await complaint_of_opening("redis://:very-secreT" + at);
        CHECK(contains(why, "WRONGPASS"));
        CHECK_FALSE(contains(why, "very-secre"));
        why = co_await complaint_of_opening(server.url());
        CHECK(contains(why, "NOAUTH"));
        why = co_await complaint_of_opening("redis://:very-secret" + at + "?db=99999");
        CHECK(contains(why, "DB index"));

        owner q = co_await open("redis://:very-secret" + at + "?db=3");
        const std::string id = co_await put(*q, a_job());
        co_await q->close();
        q = co_await open("redis://:very-secret" + at); // another database, another queue
        const auto none = co_await q->find(background(), id);
        CHECK_FALSE(none.has_value());
        co_await q->close();
    });
}

TEST_CASE("redis: nobody there, a stranger, and nonsense")
{
    in_runtime([]() -> weft::task<> {
        const std::string why = co_await complaint_of_opening("redis://127.0.0.1:1");
        CHECK(contains(why, "127.0.0.1:1: Connection refused"));
        for (const answers& r : nonsense()) {
            impostor other(r.says, r.closes);
            const std::string complaint = co_await complaint_of_opening(other.url(), 300ms);
            CHECK_MESSAGE(complaint.starts_with("redis: 127.0.0.1:"), complaint);
            CHECK_FALSE_MESSAGE(contains(complaint, "very-secret"), complaint);
            co_await other.end();
        }
    });
}

TEST_CASE("redis: what it refuses is told in its words")
{
    in_runtime([]() -> weft::task<> {
        const std::vector<std::string> says{"", "+OK\r\n",
                                            "-LOADING Redis is loading the dataset in memory\r\n"};
        impostor loading(says, false);
        const std::string why = co_await complaint_of_opening(loading.url());
        CHECK(contains(why, "LOADING Redis is loading"));
        co_await loading.end();
    });

    redis_server server;
    in_runtime([&]() -> weft::task<> {
        owner q = co_await open(server.url());
        const std::string id = co_await put(*q, a_job());
        const reserved_job held = co_await take(*q);
        co_await tell(server, "CONFIG SET maxmemory 1");
        std::string why = co_await complaint_of_put(*q);
        CHECK(contains(why, "OOM"));
        const relay::queue_stats s = co_await q->stats(background());
        CHECK(s.in_flight == 1);
        CHECK(co_await ack(*q, held.lease)); // what makes room may be done
        co_await tell(server, "CONFIG SET maxmemory 0");

        co_await tell(server, "SCRIPT FLUSH"); // is noticed, and mended
        co_await put(*q, a_job());
        const relay::job j = co_await look(*q, id);
        CHECK(j.state == relay::job_state::done);
        co_await q->close();
    });
}

TEST_CASE("redis: one that has become a replica is left, and its name looked up until it is none")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        owner q = co_await open(server.url(), 60s);
        const std::string id = co_await put(*q, a_job());
        const std::set<std::string> before = co_await queues_at(server);
        CHECK(before.size() == 1);
        co_await tell(server, "REPLICAOF 127.0.0.1 1"); // it keeps its connections
        std::string why = co_await complaint_of_put(*q);
        CHECK(contains(why, "READONLY"));
        why = co_await complaint_of_opening(server.url());
        CHECK(contains(why, "READONLY"));

        const long long begin = co_await accepted_by(server);
        constexpr int times = 200;
        for (int i = 0; i < times; ++i) { // with pauses, however often it is asked
            why = co_await complaint_of_put(*q);
            CHECK(contains(why, "READONLY"));
            co_await weft::sleep(1ms);
        }
        const long long attempts = co_await accepted_by(server) - begin;
        CHECK(attempts < times / 2);

        co_await tell(server, "REPLICAOF NO ONE");
        co_await until_back(*q);
        co_await put(*q, a_job());
        const std::set<std::string> after = co_await queues_at(server);
        CHECK_FALSE(after.empty());
        CHECK(after != before);
        const relay::job j = co_await look(*q, id);
        CHECK(j.state == relay::job_state::ready);
        co_await q->close();
    });
}

TEST_CASE("redis: by which answers a replica is known")
{
    in_runtime([]() -> weft::task<> {
        const std::vector<std::string> of_replicas{
            "READONLY You can't write against a read only replica.",
            "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
            "ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY "
            "You can't write against a read only replica."};
        const std::vector<std::string> others{"ERR unknown command 'READONLY '", "OOM no memory",
                                              "READONLYABLE"};
        const auto answer = [](std::string error, bool of_replica) -> weft::task<> {
            const std::vector<std::string> says{"", "+OK\r\n", "+PONG\r\n", "-" + error + "\r\n",
                                                "+still here\r\n"};
            impostor other(says, false);
            const relay::redis_url to = relay::parse_redis_url(other.url());
            relay::redis_connection_options usual;
            auto c = co_await relay::redis_connection::open(background(), to, usual);
            std::vector<std::string> command{"SET", "a", "b"};
            const relay::redis_value v = co_await c->command(background(), command);
            const std::string* const e = v.error_text();
            const bool is_error = e != nullptr;
            REQUIRE(is_error);
            CHECK(*e == error);
            const auto end = std::chrono::steady_clock::now() + 20s;
            if (of_replica) {
                while (other.accepted() < 2 && std::chrono::steady_clock::now() < end)
                    co_await weft::sleep(1ms);
                CHECK(other.accepted() >= 2);
            } else {
                relay::redis_value next = co_await c->command(background(), command);
                CHECK(next.string() == "still here");
                CHECK(other.accepted() == 1);
            }
            co_await c->close();
            co_await other.end();
        };
        for (const std::string& error : of_replicas) co_await answer(error, true);
        for (const std::string& error : others) co_await answer(error, false);
    });
}

TEST_CASE("redis: one that would drop jobs when its memory is full is refused")
{
    redis_server server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
    in_runtime([&]() -> weft::task<> {
        std::string why = co_await complaint_of_opening(server.url());
        CHECK(contains(why, "its maxmemory-policy is allkeys-lru"));
        CHECK(contains(why, "it must be noeviction"));
        co_await tell(server, "CONFIG SET maxmemory 0"); // it is never full
        why = co_await complaint_of_opening(server.url());
        CHECK(why.empty());
    });
    redis_server good({"--maxmemory", "100mb", "--maxmemory-policy", "noeviction"});
    in_runtime([&]() -> weft::task<> {
        const std::string why = co_await complaint_of_opening(good.url());
        CHECK(why.empty());
    });
}

TEST_CASE("redis: one that does not let relay look at its memory is taken as it is")
{
    redis_server server({"--maxmemory", "100mb", "--maxmemory-policy", "allkeys-lru"});
    in_runtime([&]() -> weft::task<> {
        co_await tell(server, "ACL SETUSER joe on >pw ~* &* +@all -info");
        const std::string at = "@127.0.0.1:" + std::to_string(server.port());
        const std::string why = co_await complaint_of_opening("redis://joe:pw" + at);
        CHECK(why.empty());
    });
}

TEST_CASE("redis: what INFO says is found line by line")
{
    using relay::info_value;
    const std::string_view info =
        "# Memory\r\nmaxmemory_human:0B\r\nmaxmemory:5\r\n\r\nempty:\r\nx:a:b";
    CHECK(info_value(info, "maxmemory") == "5");
    CHECK(info_value(info, "maxmemory_human") == "0B");
    CHECK(info_value(info, "x") == "a:b");
    CHECK(info_value(info, "empty").empty());
    CHECK(info_value(info, "axmemory").empty());
    CHECK(info_value("", "x").empty());
}

TEST_CASE("redis: a server that hangs keeps nobody longer than its context, or its patience")
{
    redis_server server;
    in_runtime([&]() -> weft::task<> {
        owner q = co_await open(server.url(), 1s);
        const std::string id = co_await put(*q, a_job());
        server.stop_running();
        const auto begin = std::chrono::steady_clock::now();
        {
            const auto limit = weft::with_timeout(background(), 100ms);
            CHECK_ENDS_IN(weft::error, co_await q->stats(limit.ctx));
            CHECK_ENDS_IN(weft::error, co_await relay::open_redis_queue(limit.ctx, server.url()));
        }
        CHECK(std::chrono::steady_clock::now() - begin < 10s);
        const auto forever = [&]() -> weft::task<> { co_await q->stats(background()); };
        std::string why = co_await complaint_of(forever);
        CHECK(contains(why, "no answer"));
        why = co_await complaint_of_opening(server.url(), 100ms);
        CHECK(contains(why, "no answer"));
        server.go_on();
        co_await until_back(*q);
        const relay::job j = co_await look(*q, id);
        CHECK(j.state == relay::job_state::ready);

        server.stop_running(); // and the end does not hang either
        const auto end = std::chrono::steady_clock::now();
        co_await q->close();
        CHECK(std::chrono::steady_clock::now() - end < 20s);
        server.go_on();
    });
}
