// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// relay as a process: what it takes, what it delivers, what it does when targets misbehave.

#include "certificate.hpp"
#include "relay_process.hpp"
#include "signer.hpp"
#include "target_server.hpp"

#include "testing.hpp"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using namespace relay_test;
using namespace std::chrono_literals;
using weft_test::finished;
using weft_test::run_program;

namespace {

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

/// Pauses that a test can wait for.
std::vector<std::string> quick(std::vector<std::string> more = {})
{
    std::vector<std::string> all{"--retry-pause",      "20ms", "--retry-pause-max", "50ms",
                                 "--breaker-failures", "1000"};
    all.insert(all.end(), more.begin(), more.end());
    return all;
}

} // namespace

TEST_CASE("a job is taken, delivered with its headers, signed, and told of")
{
    const directory d;
    relay::target_server target;
    const std::string key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    relay_process r(d.file(), {"--signing-keys", d.write("keys", key + " # since May\n")});
    const answer a = r.ask("POST", "/jobs",
                           R"({"target":")" + target.url("/ok") +
                               R"(","headers":{"X-Kind":"order"},"body":{"n":1}})");
    REQUIRE(a.status == 202);
    const std::string id = a.body.at("id");
    r.wait_for(id, "done");
    CHECK(target.times_of(id) == 1);
    const auto seen = target.last();
    CHECK(seen.body == R"({"n":1})");
    CHECK(seen.fields.at("x-kind") == "order");
    CHECK(seen.fields.at("content-type") == "application/json");
    CHECK(seen.fields.at("webhook-id") == id);
    const std::int64_t seconds = std::stoll(seen.fields.at("webhook-timestamp"));
    CHECK(seen.fields.at("webhook-signature") == relay::signer({key}).sign(id, seconds, seen.body));
    const json shown = r.show(id);
    CHECK(shown["attempts"] == 1);
    CHECK(shown["last_status"] == 200);
    CHECK(r.metric("relay_jobs_accepted_total") == 1);
    CHECK(r.metric("relay_jobs_delivered_total") == 1);
    CHECK(r.metric("relay_queue_jobs{state=\"done\"}") == 1);
    CHECK(has(r.ask("GET", "/").text, "<html"));
    CHECK(r.ask("GET", "/healthz").status == 200);
    r.signal(SIGTERM);
    CHECK(r.wait() == 0);
}

TEST_CASE("what is no job is refused, and says why")
{
    const directory d;
    relay_process r(d.file(), {"--max-body", "1000"});
    const auto post = [&](const std::string& body) { return r.ask("POST", "/jobs", body); };
    CHECK(post("{").status == 400);
    CHECK(has(post("{").body["error"], "no JSON"));
    CHECK(has(post(R"({"target":"https://a.example/","color":1})").body["error"], "color"));
    CHECK(has(post(R"({"target":"gopher://a.example/"})").body["error"], "http"));
    CHECK(post(R"({"target":"https://a.example/","body":")" + std::string(1001, 'x') + "\"}")
              .status == 400);
    CHECK(post(R"({"target":"https://a.example/","body":")" + std::string(100'000, 'x') + "\"}")
              .status == 413);
    CHECK(r.ask("GET", "/jobs/nothing-1").status == 404);
    CHECK(r.ask("GET", "/jobs/").status == 404);
    CHECK(r.ask("POST", "/jobs/nothing-1/retry").status == 404);
    CHECK(r.ask("GET", "/jobs?state=odd").status == 400);
    CHECK(r.ask("GET", "/jobs?limit=0").status == 400);
    CHECK(r.ask("GET", "/jobs?limit=1001").status == 400);
    CHECK(r.ask("DELETE", "/jobs").status == 405);
    CHECK(r.ask("GET", "/nowhere").status == 404);
    const auto plain =
        weft_test::wire(r.port())
            .send("POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}")
            .receive();
    CHECK(plain.status == 415);
    CHECK(r.ask("GET", "/stats").body["ready"] == 0);
    CHECK(r.metric("relay_requests_refused_total") >= 10);
}

TEST_CASE("the same key is the same job")
{
    const directory d;
    relay_process r(d.file(), {"serve"});
    const std::string job = R"({"target":"https://a.example/","idempotency_key":"k1","body":")";
    const answer first = r.ask("POST", "/jobs", job + "a\"}");
    const answer again = r.ask("POST", "/jobs", job + "a\"}");
    CHECK(first.status == 202);
    CHECK(again.status == 200);
    CHECK(again.body["id"] == first.body["id"]);
    CHECK(again.body["duplicate"] == true);
    CHECK(r.ask("POST", "/jobs", job + "b\"}").status == 409);
    CHECK(r.ask("GET", "/stats").body["ready"] == 1);
}

TEST_CASE("targets that fail are tried again, then given up; a dead job can be kicked")
{
    const directory d;
    relay::target_server target;
    relay_process r(d.file(), quick({"--timeout", "300ms"}));
    const std::string flaky = r.submit(target.url("/flaky"));
    r.wait_for(flaky, "done");
    CHECK(r.show(flaky)["attempts"] == 2);

    const auto dies = [&](const std::string& url, const std::string& error) {
        const std::string id = r.submit(url, R"("max_attempts":2)");
        r.wait_for(id, "dead");
        const json j = r.show(id);
        CHECK(j["attempts"] == 2);
        CHECK_MESSAGE(has(j.value("last_error", ""), error), j.dump());
        return id;
    };
    const std::string failed = dies(target.url("/fail"), "500 Internal Server Error");
    dies(target.url("/hang"), "no answer in time");
    dies(target.url("/garbage"), "");
    dies(target.url("/early"), "");
    dies("http://127.0.0.1:1/", "refused");
    dies("http://no.such.host.invalid/", "no.such.host.invalid");
    CHECK(target.times_of(failed) == 2);
    CHECK(r.ask("GET", "/jobs?state=dead").body["jobs"].size() == 6);
    CHECK(r.metric("relay_attempts_failed_total{kind=\"timeout\"}") == 2);
    CHECK(r.metric("relay_attempts_failed_total{kind=\"server\"}") == 3);
    CHECK(r.metric("relay_jobs_buried_total") == 6);

    CHECK(r.ask("POST", "/jobs/" + flaky + "/retry").status == 409); // it is done
    CHECK(r.ask("POST", "/jobs/" + failed + "/retry").status == 200);
    CHECK(eventually([&] { return target.times_of(failed) == 4; })); // with all its attempts
    r.wait_for(failed, "dead");
}

TEST_CASE("a delayed job waits, over a restart too")
{
    const directory d;
    relay::target_server target;
    std::string id;
    {
        relay_process r(d.file());
        id = r.submit(target.url("/ok"), R"("delay":"1500ms")");
        CHECK(r.state_of(id) == "delayed");
        r.signal(SIGTERM);
        CHECK(r.wait() == 0);
    }
    relay_process r(d.file());
    CHECK(target.times_of(id) == 0);
    r.wait_for(id, "done");
}

TEST_CASE(
    "SIGTERM: what is under way is finished, what hangs is given back, with no attempt counted")
{
    const directory d;
    relay::target_server target;
    relay_process r(d.file(), {"--drain-timeout", "2s", "--timeout", "60s"});
    const std::string slow = r.submit(target.url("/slow"));
    const std::string hangs = r.submit(target.url("/hang"));
    REQUIRE(eventually([&] { return target.waiting() == 2; }));
    r.signal(SIGTERM);
    CHECK(r.wait() == 0);
    CHECK(has(r.printed(), "1 deliveries are broken off"));
    relay_process again(d.file(), {"serve"});
    CHECK(again.state_of(slow) == "done");
    const json j = again.show(hangs);
    CHECK(j["state"] == "ready");
    CHECK(j["attempts"] == 0);
}

TEST_CASE("a host that hangs keeps its own jobs waiting, nobody else's")
{
    const directory d;
    relay::target_server slow, good;
    relay_process r(d.file(), {"--host-concurrency", "4", "--timeout", "10s"});
    for (int i = 0; i < 200; ++i) (void)r.submit(slow.url("/hang"));
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(r.submit(good.url("/ok")));
    for (const std::string& id : ids) r.wait_for(id, "done");
    CHECK(slow.waiting() == 4);
    CHECK(r.metric("relay_in_flight") == 4);
}

TEST_CASE("a host that does not answer is left alone, and tried again")
{
    const directory d;
    std::string url;
    {
        const relay::target_server gone;
        url = gone.url("/ok");
    }
    relay_process r(d.file(), {"--retry-pause", "10ms", "--retry-pause-max", "20ms",
                               "--breaker-failures", "3", "--breaker-pause", "300ms"});
    const std::string id = r.submit(url, R"("max_attempts":1000)");
    CHECK(eventually([&] { return r.metric("relay_breakers_open") == 1; }));
    CHECK(has(r.ask("GET", "/metrics").text, "relay_breaker_state{host=\"127.0.0.1:"));
    std::this_thread::sleep_for(1s);
    const int attempts = r.show(id)["attempts"];
    CHECK(attempts >= 3);
    CHECK(attempts <= 8); // not a hundred
    CHECK(r.metric("relay_breaker_openings_total") >= 2);
}

TEST_CASE("tokens: who has none is not let in, and no secret is told")
{
    const directory d;
    relay::target_server target;
    const std::string secret = "s3cr3t-0123456789abcdef", hidden = "hidden-value-of-a-header";
    const std::string tokens = d.write("tokens", "ci " + secret + "\n");
    // No --quiet: the log must not tell it either.
    weft_test::program r(WEFT_RELAY, {"--queue", d.file(), "--listen", "127.0.0.1:0",
                                      "--allow-private", "--tokens", tokens, "--token-rate", "20"});
    const auto port = r.port();
    const auto ask = [&](const std::string& method, const std::string& path,
                         const std::string& token, const std::string& body = {}) {
        std::string text = method + ' ' + path + " HTTP/1.1\r\nHost: r\r\nConnection: close\r\n";
        if (!token.empty()) text += "Authorization: Bearer " + token + "\r\n";
        text += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body;
        return weft_test::wire(port).send(text).receive();
    };
    CHECK(ask("GET", "/stats", "").status == 401);
    CHECK(ask("GET", "/stats", "wrong-0123456789abcdef").status == 401);
    CHECK(ask("GET", "/metrics", "").status == 401);
    CHECK(ask("GET", "/", "").status == 200);
    CHECK(ask("GET", "/healthz", "").status == 200);
    const auto posted =
        ask("POST", "/jobs", secret,
            R"({"target":")" + target.url("/fail") + "?key=" + hidden +
                R"(","max_attempts":1,"headers":{"Authorization":")" + hidden + "\"}}");
    REQUIRE(posted.status == 202);
    const std::string id = json::parse(posted.body).at("id");
    // The texts of errors name the URL.
    const auto broken =
        ask("POST", "/jobs", secret,
            R"({"target":")" + target.url("/early") + "?key=" + hidden + R"(","max_attempts":1})");
    const std::string broken_id = json::parse(broken.body).at("id");
    REQUIRE(
        eventually([&] { return has(ask("GET", "/jobs/" + broken_id, secret).body, "\"dead\""); }));
    REQUIRE(eventually([&] { return has(ask("GET", "/jobs/" + id, secret).body, "\"dead\""); }));
    std::string told = ask("GET", "/jobs/" + id, secret).body + ask("GET", "/jobs", secret).body +
                       ask("GET", "/jobs/" + broken_id, secret).body;
    CHECK(has(told, "/early?..."));
    weft_test::wire events(port);
    events.send("GET /events HTTP/1.1\r\nHost: r\r\nAuthorization: Bearer " + secret + "\r\n\r\n");
    bool limited = false;
    for (int i = 0; i < 100 && !limited; ++i) limited = ask("GET", "/stats", secret).status == 429;
    CHECK(limited);
    std::this_thread::sleep_for(1200ms);
    told += ask("GET", "/metrics", secret).body;
    r.signal(SIGTERM);
    told += events.receive_all();
    CHECK(r.wait() == 0);
    told += r.printed();
    CHECK(has(told, "snapshot"));
    CHECK(has(told, "is dead after 1 attempts"));
    CHECK_FALSE(has(told, secret));
    CHECK_FALSE(has(told, hidden));
}

TEST_CASE("pages of others cannot make a browser change anything")
{
    const directory d;
    relay_process r(d.file());
    const auto post = [&](const std::string& header, const std::string& host = "localhost:1") {
        return weft_test::wire(r.port())
            .send("POST /jobs/x-1/retry HTTP/1.1\r\nHost: " + host + "\r\nContent-Length: 0\r\n" +
                  header + "\r\n")
            .receive()
            .status;
    };
    CHECK(post("") == 404);
    CHECK(post("Origin: http://localhost:1\r\n") == 404);
    CHECK(post("", "127.0.0.1") == 404);
    CHECK(post("", "[::1]:8080") == 404);
    // A name of theirs may lead here.
    CHECK(post("Origin: http://evil.example:1\r\n", "evil.example:1") == 403);
    CHECK(weft_test::wire(r.port())
              .send("GET /jobs HTTP/1.1\r\nHost: evil.example\r\n\r\n")
              .receive()
              .status == 403);
    CHECK(post("Sec-Fetch-Site: same-origin\r\n") == 404);
    CHECK(post("Origin: http://evil.example\r\n") == 403);
    CHECK(post("Origin: null\r\n") == 403);
    CHECK(post("Sec-Fetch-Site: cross-site\r\n") == 403);
    CHECK(post("Sec-Fetch-Site: same-site\r\n") == 403);
}

TEST_CASE("TLS")
{
    const directory d;
    const weft_test::certificate own("localhost");
    weft_test::program r(WEFT_RELAY, {"--queue", d.file(), "--listen", "127.0.0.1:0", "--quiet",
                                      "--cert", own.certificate_file(), "--key", own.key_file()});
    r.read_until("listening on https://127.0.0.1:");
    r.read_until("\n");
    const std::string& text = r.printed();
    const std::string before = "https://127.0.0.1:";
    const std::string port = text.substr(text.find(before) + before.size(), 5);
    int status = 0;
    auto program = [&](weft::context ctx) -> weft::task<> {
        weft::http::client_options o;
        o.trusted_certificates_file = own.certificate_file();
        weft::http::client web(o);
        const std::string url = "https://localhost:" + std::to_string(std::stoi(port)) + "/healthz";
        weft::http::client_response answer = co_await web.get(ctx, url);
        status = code(answer.status());
    };
    weft::run(program, weft::runtime_options{.procs = 1});
    CHECK(status == 200);
}

TEST_CASE("what cannot be is told at once, and nothing is begun")
{
    const directory d;
    const auto says = [](std::vector<std::string> arguments, int status, const std::string& part) {
        const finished f = run_program(WEFT_RELAY, std::move(arguments));
        CHECK_MESSAGE(f.status == status, f.printed);
        CHECK_MESSAGE(has(f.printed, part), f.printed);
    };
    says({"--help"}, 0, "--drain-timeout");
    says({"submit", "--help"}, 0, "--data-file");
    says({"--version"}, 0, "relay 0.1");
    says({"--colour"}, 2, "--colour");
    says({"--lease", "soon"}, 2, "no duration");
    says({"--lease", "1ms"}, 2, "at least 100ms");
    says({"--concurrency", "0"}, 2, "--concurrency");
    says({"--tokens", d.file("none")}, 2, "none");
    says({"--cert", d.write("c", "x")}, 2, "--key");
    says({"--queue", d.file(), "--listen", "nowhere"}, 1, "nowhere");
    says({"--queue", d.file(), "--listen", "0.0.0.0:0"}, 1, "--tokens FILE");
    says({"--queue", "rediss://:s3cret@host:6379/q"}, 1, "nor TLS to a Redis");
    CHECK_FALSE(has(run_program(WEFT_RELAY, {"--queue", "rediss://:s3cret@host:6379/q"}).printed,
                    "s3cret"));
    says({"--queue", d.file("no/such.db"), "--listen", "127.0.0.1:0"}, 1, "no/such.db");
    says({"--queue", d.file(), "--signing-keys", d.write("k", "secret\n")}, 1, "whsec_");
    says({"--queue", d.file(), "--tokens", d.write("t", "only\n")}, 1,
         "a name, a blank and a secret");
    relay_process r(d.file());
    const std::string taken = "127.0.0.1:" + std::to_string(r.port());
    says({"--queue", d.file("other.db"), "--listen", taken}, 1, taken);
    says({"--queue", d.file(), "--listen", "127.0.0.1:0"}, 1, "in use by another process");
    says({"--config", d.write("bad.conf", "colour = 1\n"), "--queue", d.file("b.db")}, 2, "colour");
}

TEST_CASE("options come from a file, too")
{
    const directory d;
    const std::string config =
        d.write("relay.conf", "queue = \"" + d.file() +
                                  "\"\nlisten = \"127.0.0.1:0\"\nlease = \"5s\"\nquiet = true\n");
    weft_test::program r(WEFT_RELAY, {"--config", config});
    CHECK(weft_test::wire(r.port())
              .send("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
              .receive()
              .status == 200);
}

TEST_CASE("the commands ask a relay that runs")
{
    const directory d;
    relay::target_server target;
    relay_process r(d.file(), quick());
    const std::string server = "http://127.0.0.1:" + std::to_string(r.port());
    const auto command = [&](std::vector<std::string> a) {
        a.insert(a.end(), {"--server", server});
        return run_program(WEFT_RELAY, std::move(a));
    };
    const std::string body = d.write("body", "from a file");
    finished f =
        command({"submit", target.url("/ok"), "--data-file", body, "-H", "X-A: 1", "--key", "k"});
    REQUIRE_MESSAGE(f.status == 0, f.printed);
    const std::string id = f.printed.substr(0, f.printed.find('\n'));
    r.wait_for(id, "done");
    CHECK(target.last().body == "from a file");
    CHECK(target.last().fields.at("x-a") == "1");
    f = command({"submit", target.url("/fail"), "--attempts", "1"});
    const std::string dead = f.printed.substr(0, f.printed.find('\n'));
    r.wait_for(dead, "dead");
    f = command({"list", "--state", "dead"});
    CHECK(f.status == 0);
    CHECK(has(f.printed, dead));
    CHECK(has(f.printed, "500"));
    CHECK_FALSE(has(f.printed, id + " "));
    f = command({"show", dead});
    CHECK(json::parse(f.printed)["attempts"] == 1);
    f = command({"retry", dead});
    CHECK(f.status == 0);
    f = command({"stats"});
    CHECK(json::parse(f.printed)["done"] == 1);
    f = command({"show", "x-1"});
    CHECK(f.status == 1);
    CHECK(has(f.printed, "no such job"));
    f = run_program(WEFT_RELAY, {"stats", "--server", "http://127.0.0.1:1"});
    CHECK(f.status == 1);
    CHECK(has(f.printed, "127.0.0.1:1"));
}

TEST_CASE("metrics are what Prometheus reads" *
          doctest::skip(std::system("command -v promtool >/dev/null") != 0))
{
    const directory d;
    relay::target_server target;
    relay_process r(d.file(), quick());
    r.wait_for(r.submit(target.url("/ok")), "done");
    r.wait_for(r.submit(target.url("/fail"), R"("max_attempts":1)"), "dead");
    const std::string page = d.write("metrics", r.ask("GET", "/metrics").text);
    CHECK(std::system(("promtool check metrics < " + page).c_str()) == 0);
}

TEST_CASE("its inside is shown at an address of its own, which is this machine's")
{
    const directory d;
    relay_process r(d.file(), {"--debug", "127.0.0.1:0"});
    const std::string before = "inside: http://127.0.0.1:";
    r.read_until("/debug/");
    REQUIRE(has(r.printed(), before));
    const std::string& said = r.printed();
    const auto port =
        static_cast<std::uint16_t>(std::stoul(said.substr(said.find(before) + before.size())));
    const auto ask = [port](const std::string& path) {
        return weft_test::wire(port).send("GET " + path + " HTTP/1.1\r\nHost: t\r\n\r\n").receive();
    };
    CHECK(ask("/debug/").body.starts_with("<!doctype html>"));
    CHECK(has(ask("/debug/goroutines.json?filter=relay::").body, "relay::board::run"));
    CHECK(r.ask("GET", "/debug/").status == 404); // not where jobs come in
    r.signal(SIGTERM);
    CHECK(r.wait() == 0);
    const finished f = run_program(
        WEFT_RELAY, {"--queue", d.file(), "--listen", "127.0.0.1:0", "--debug", "0.0.0.0:0"});
    CHECK(f.status == 1);
    CHECK(has(f.printed, "is not this machine's alone"));
}
