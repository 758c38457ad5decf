// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// relay is killed, under load, at any moment: what it has accepted is delivered all the same. The disk fills up: it says so, and
// goes on when there is room.

#include "relay_process.hpp"
#include "target_server.hpp"

#include "testing.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

using namespace relay_test;
using namespace std::chrono_literals;

TEST_CASE("killed at any moment: no job is lost, and few are delivered twice")
{
    const directory d;
    relay::target_server target;
    constexpr int at_a_time = 32;
    const int n = rounds(100);
    const std::vector<std::string> how{"--host-concurrency", std::to_string(at_a_time)};
    const std::vector<std::string> accepted =
        killed_under_load(d.file(), how, target.url("/ok"), n, 700ms);
    relay_process r(d.file());
    CHECK(eventually([&] { return r.is_idle(); }));
    const std::size_t missing = target.missing(accepted);
    MESSAGE(accepted.size() << " jobs were accepted, " << missing << " lost, " << target.too_often()
                            << " delivered too often, in " << n << " kills");
    CHECK(accepted.size() > static_cast<std::size_t>(n));
    CHECK(missing == 0);
    CHECK(target.too_often() <= static_cast<std::size_t>(n * at_a_time));
}

TEST_CASE("a full disk: 503 with a reason, and on it goes once there is room")
{
    const directory d;
    // The limit of a file's size stands for the disk's end; the queue's log soon meets it.
    const auto small = [] {
        ::signal(SIGXFSZ, SIG_IGN);
        rlimit limit{};
        ::getrlimit(RLIMIT_FSIZE, &limit);
        limit.rlim_cur = 512UL * 1024;
        ::setrlimit(RLIMIT_FSIZE, &limit);
    };
    relay_process r(d.file(), {"serve"}, small);
    const std::string job =
        R"({"target":"http://127.0.0.1:1/","body":")" + std::string(20'000, 'x') + "\"}";
    std::vector<std::string> ids;
    answer refused;
    for (int i = 0; i < 100 && refused.status == 0; ++i) {
        answer a = r.ask("POST", "/jobs", job);
        if (a.status == 202) {
            ids.push_back(a.body["id"]);
        } else {
            refused = a;
        }
    }
    CHECK(refused.status == 503);
    CHECK(refused.body["error"].get<std::string>().starts_with("the queue's file: "));
    CHECK(r.ask("GET", "/healthz").status == 200);
    rlimit limit{};
    REQUIRE(::prlimit(r.id(), RLIMIT_FSIZE, nullptr, &limit) == 0);
    limit.rlim_cur = limit.rlim_max;
    REQUIRE(::prlimit(r.id(), RLIMIT_FSIZE, &limit, nullptr) == 0);
    ids.push_back(r.ask("POST", "/jobs", job).body.at("id"));
    for (const std::string& id : ids) CHECK(r.state_of(id) == "ready");
    CHECK(r.ask("GET", "/stats").body["ready"] == ids.size());
    r.signal(SIGTERM);
    CHECK(r.wait() == 0);
}

TEST_CASE("a file that cannot be written to is refused" * doctest::skip(::getuid() != 0))
{
    const directory d;
    {
        relay_process r(d.file());
        (void)r.submit("http://127.0.0.1:1/", R"("delay":"1h")");
        r.signal(SIGTERM);
        CHECK(r.wait() == 0);
    }
    std::filesystem::permissions(d.path(), std::filesystem::perms(0755));
    std::filesystem::permissions(d.file(), std::filesystem::perms(0444));
    // Root may write everything: somebody else tries.
    const auto nobody = [] {
        if (::setgid(65534) != 0 || ::setuid(65534) != 0) ::_exit(99);
    };
    relay_process r(d.file(), {}, nobody);
    const int status = r.wait();
    if (status == 127) { // it lies in root's own directory
        MESSAGE("nobody but root can run the program here");
        return;
    }
    CHECK(status == 1);
    CHECK_MESSAGE(r.printed().find(d.file()) != std::string::npos, r.printed());
}
