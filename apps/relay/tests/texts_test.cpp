// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What comes in as text: durations, targets, jobs, keys, tokens.
#include "duration_text.hpp"
#include "job_json.hpp"
#include "signer.hpp"
#include "targets.hpp"
#include "tokens.hpp"

#include "testing.hpp"

#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

/// What parse_job says to it; empty: it took it.
std::string complaint(const std::string& text, relay::job_limits limits = {})
{
    try {
        static_cast<void>(relay::parse_job(text, limits));
    } catch (const std::invalid_argument& e) {
        return e.what();
    }
    return {};
}

bool has(const std::string& text, const std::string& part)
{
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("durations")
{
    CHECK(relay::parse_duration("500ms") == 500ms);
    CHECK(relay::parse_duration("10s") == 10s);
    CHECK(relay::parse_duration("1.5m") == 90s);
    CHECK(relay::parse_duration("2h") == 2h);
    CHECK(relay::parse_duration("1d") == 24h);
    CHECK(relay::parse_duration("0") == 0ms);
    CHECK(relay::parse_duration("0.25") == 250ms);
    for (const char* bad : {"", "s", "-1s", "10 s", "10x", "1e300s", "nan", "inf", "1h30m", "10s "})
        CHECK_THROWS_AS(static_cast<void>(relay::parse_duration(bad)), std::invalid_argument);
    for (const auto d : {1ms, 1500ms, 2000ms, 7'200'000ms, 86'400'000ms})
        CHECK(relay::parse_duration(relay::duration_text(d)) == d);
}

TEST_CASE("which addresses are out in the world")
{
    for (const char* a : {"1.1.1.1", "93.184.216.34", "172.32.0.1", "172.15.0.1", "100.63.0.1",
                          "100.128.0.1", "192.167.1.1", "2606:4700::1111", "::ffff:8.8.8.8",
                          "64:ff9b::8.8.8.8", "2002:808:808::1"})
        CHECK_MESSAGE(relay::is_public(asio::ip::make_address(a)), a);
    for (const char* a : {"127.0.0.1",
                          "127.255.255.255",
                          "0.0.0.0",
                          "10.0.0.1",
                          "172.16.0.1",
                          "172.31.255.255",
                          "192.168.0.1",
                          "169.254.169.254",
                          "100.64.0.1",
                          "192.0.0.8",
                          "198.18.0.1",
                          "224.0.0.1",
                          "255.255.255.255",
                          "240.0.0.1",
                          "::",
                          "::1",
                          "fe80::1",
                          "febf::1",
                          "fec0::1",
                          "fc00::1",
                          "fd12::1",
                          "ff02::1",
                          "::ffff:127.0.0.1",
                          "::ffff:169.254.169.254",
                          "::7f00:1",
                          "64:ff9b::10.0.0.1",
                          "2002:7f00:1::1",
                          "2002:c0a8:101::1"})
        CHECK_MESSAGE(!relay::is_public(asio::ip::make_address(a)), a);
}

TEST_CASE("targets")
{
    relay::delivery d;
    relay::set_target(d, "HTTPS://Example.COM/a?b=c#d", false);
    CHECK(d.target == "https://example.com/a?b=c");
    CHECK(d.host == "example.com:443");
    relay::set_target(d, "http://[2606:4700::1111]:81/", false);
    CHECK(d.host == "[2606:4700::1111]:81");
    for (const char* bad :
         {"", "example.com", "ftp://example.com/", "file:///etc/passwd", "http://", "http:///x",
          "http://u:p@example.com/", "http://example.com:99999/", "javascript:alert(1)",
          "http://exa mple.com/", "http://127.0.0.1/", "http://localhost:1/", "http://a.localhost/",
          "http://[::1]/", "http://169.254.169.254/latest", "http://[::ffff:10.0.0.1]/"})
        CHECK_THROWS_AS_MESSAGE(relay::set_target(d, bad, false), std::invalid_argument, bad);
    relay::set_target(d, "http://127.0.0.1:8080/x", true);
    CHECK(d.host == "127.0.0.1:8080");
    CHECK(relay::without_query("https://a/b?token=secret") == "https://a/b?...");
    CHECK(relay::without_query("https://a/b") == "https://a/b");
}

TEST_CASE("jobs that are taken")
{
    relay::job_limits limits;
    limits.max_attempts = 7;
    relay::new_job j = relay::parse_job(R"({"target":"https://example.com/"})", limits);
    CHECK(j.max_attempts == 7);
    CHECK(j.what.body.empty());
    CHECK(j.what.headers.empty());
    CHECK(j.delay == 0ms);
    j = relay::parse_job(
        R"({"target":"https://example.com/","headers":{"X-A":"1"},"body":{"b": [1, 2]},"delay":"5m","max_attempts":3,
                            "idempotency_key":"k"})",
        limits);
    CHECK(j.what.body == R"({"b": [1, 2]})"); // as it was written
    CHECK(j.what.headers == relay::header_list{{"X-A", "1"}, {"Content-Type", "application/json"}});
    CHECK(j.delay == 5min);
    CHECK(j.max_attempts == 3);
    CHECK(j.idempotency_key == "k");
    j = relay::parse_job(
        R"({"target":"https://example.com/","headers":{"content-type":"x/y"},"body":"text","delay":0.5})",
        limits);
    CHECK(j.what.body == "text");
    CHECK(j.what.headers == relay::header_list{{"content-type", "x/y"}});
    CHECK(j.delay == 500ms);
    j = relay::parse_job(R"({"target":"https://example.com/","body_base64":"AAEC/w=="})", limits);
    CHECK(j.what.body == std::string("\0\1\2\xff", 4));
}

TEST_CASE("a body's JSON is delivered as it was written")
{
    const auto body_of = [](const std::string& rest) {
        return relay::parse_job(R"({"target":"https://example.com/")" + rest + "}", {}).what.body;
    };
    for (const std::string body :
         {R"({"wei":12345678901234567890123,"pi":3.14159265358979323846})", "[]", "{ }", "null",
          "-1.0e3", R"({"a":"}\\","b":["\"]",{"c":[]}],"body":1})", "[[[\n]]]",
          R"(["é","\u00e9"])"}) {
        CHECK(body_of(",\"body\":" + body) == body);
        CHECK(body_of(" ,\n\t\"b\\u006fdy\" : " + body + " , \"max_attempts\" : 3 ") == body);
        CHECK(body_of(",\"headers\":{\"body\":\"no\"},\"body\":0,\"body\":" + body + "\n") == body);
    }
    const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
    CHECK(body_of(",\"body\":" + deep) == deep);
    CHECK(complaint(R"({"target":"https://example.com/","body":1e400})") ==
          "the body has a number that is too large");
}

TEST_CASE("what is to be hidden is, also if it looks like what hides it")
{
    for (const std::string query : {".", "..", "...", "key=1"}) {
        std::string text = "reading http://nosuch.example/?" + query + " and " + query;
        const std::size_t most = 4 * text.size();
        relay::hide(text, query);
        CHECK(text.size() < most);
        CHECK(has(text, "/?... and ..."));
    }
    std::string text = "as it is";
    relay::hide(text, "");
    CHECK(text == "as it is");
}

TEST_CASE("jobs that are not taken are told why")
{
    const auto with = [](const std::string& more) {
        return complaint(R"({"target":"https://example.com/",)" + more + "}");
    };
    CHECK(has(complaint(""), "no JSON"));
    CHECK(has(complaint("{"), "no JSON"));
    CHECK(has(complaint(R"({"target":"https://example.com/"} x)"), "no JSON"));
    CHECK(has(complaint("\xff"), "no JSON"));
    CHECK(has(complaint("[1]"), "object"));
    CHECK(has(complaint("{}"), "\"target\" is missing"));
    CHECK(has(complaint(R"({"target":1})"), "must be a text"));
    CHECK(has(complaint(R"({"target":"nowhere"})"), "URL"));
    CHECK(has(with(R"("body":"a","body_base64":"b")"), "both"));
    CHECK(has(with(R"("bodi":"a")"), "no field \"bodi\""));
    CHECK(has(with(R"("headers":[1])"), "object of texts"));
    CHECK(has(with(R"("headers":{"a":1})"), "\"a\" must be a text"));
    CHECK(has(with(R"("headers":{"a b":"1"})"), "cannot be sent"));
    CHECK(has(with(R"("headers":{"a":"1\r\nb: 2"})"), "cannot be sent"));
    CHECK(has(with(R"("headers":{"Host":"x"})"), "set by relay"));
    CHECK(has(with(R"("headers":{"Webhook-Signature":"x"})"), "set by relay"));
    CHECK(has(with("\"headers\":{\"a\":\"" + std::string(20'000, 'x') + "\"}"),
              "more than 16384 bytes"));
    CHECK(has(with(R"("delay":-1)"), "duration"));
    CHECK(has(with(R"("delay":"soon")"), "duration"));
    CHECK(has(with(R"("delay":null)"), "\"delay\""));
    for (const char* n : {"0", "-1", "1001", "1.5", "\"3\"", "1e9", "99999999999999999999"})
        CHECK_MESSAGE(has(with("\"max_attempts\":" + std::string(n)), "max_attempts"), n);
    CHECK(has(with(R"("idempotency_key":"")"), "1 to 256"));
    CHECK(has(with(R"("body_base64":"?")"), "no base64"));
    relay::job_limits small;
    small.body_bytes = 3;
    CHECK(has(complaint(R"({"target":"https://example.com/","body":"four"})", small),
              "more than 3 bytes"));
    CHECK(complaint(R"({"target":"https://example.com/","body":"thr"})", small).empty());
}

TEST_CASE("what is told of a job has no secrets in it")
{
    relay::job j;
    j.id = "x-1";
    j.what.target = "https://example.com/a?token=hidden1";
    j.what.headers = {{"Authorization", "hidden2"}};
    j.what.body = "hidden3";
    j.last.error = "bad \xff bytes";
    CHECK_FALSE(has(relay::dump(relay::job_json(j)), "hidden"));
    j.created = relay::timestamp(1'700'000'000'123ms);
    CHECK(relay::job_json(j)["created"] == "2023-11-14T22:13:20.123Z");
}

TEST_CASE("signatures are those of the specification")
{
    // The example of the Standard Webhooks specification's reference libraries.
    const relay::signer one({"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"});
    CHECK(one.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})") ==
          "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    const relay::signer two(
        {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"});
    const std::string both =
        two.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, R"({"test": 2432232314})");
    CHECK(both.starts_with("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE= v1,"));
    for (const char* bad : {"", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_short",
                            "whsec_AAAA", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!"}) {
        try {
            const relay::signer s({bad});
            FAIL_CHECK(bad);
        } catch (const std::invalid_argument& e) {
            if (std::string_view(bad).size() > 8)
                CHECK_FALSE(has(e.what(), std::string_view(bad).substr(6).data()));
        }
    }
}

TEST_CASE("tokens: what a file of them may say")
{
    CHECK(relay::tokens({}).empty());
    CHECK_FALSE(relay::tokens({"ci 0123456789abcdef"}).empty());
    for (const char* bad : {"ci", "ci ", "ci short"}) {
        CHECK_THROWS_AS(relay::tokens({bad}), std::invalid_argument);
    }
    CHECK_THROWS_AS(relay::tokens({"ci 0123456789abcdef", "ci 0123456789abcdeg"}),
                    std::invalid_argument);
}
