// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// default_procs and the policy type; what the policies do is in panic_test.cpp.

#include "testing.hpp"

#include <weft/runtime_options.hpp>

#include <fstream>
#include <sstream>
#include <string>
#include <thread>

#if defined(__linux__)
#    include <sched.h>
#endif

using weft::panic_policy;

TEST_CASE("default_procs is at least one and not more than the machine has")
{
    CHECK(weft::default_procs() >= 1);
    CHECK(weft::default_procs() <= std::max(1u, std::thread::hardware_concurrency()));
}

#if defined(__linux__)
TEST_CASE("default_procs honours the CPU affinity of the calling thread")
{
    std::thread([] {
        cpu_set_t all;
        REQUIRE(::sched_getaffinity(0, sizeof all, &all) == 0);
        cpu_set_t one;
        CPU_ZERO(&one);
        for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (!CPU_ISSET(cpu, &all)) continue;
            CPU_SET(cpu, &one);
            break;
        }
        REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
        CHECK(weft::default_procs() == 1);
        weft::runtime rt;
        CHECK(rt.procs() == 1);
    }).join();
}

TEST_CASE("default_procs honours the cgroup's quota")
{
    // What this machine has: of version 2, at the root of the process's own cgroup namespace.
    std::ifstream in("/sys/fs/cgroup/cpu.max");
    double quota = 0, period = 0;
    if (!(in >> quota >> period) || period <= 0) return; // "max", or another version
    CHECK(weft::default_procs() <= static_cast<unsigned>(quota / period) + 1);
}
#endif

TEST_CASE("a policy is a kind, and with a handler the kind is handler")
{
    CHECK(panic_policy().what() == panic_policy::kind::terminate);
    CHECK(weft::runtime_options().on_panic.what() == panic_policy::kind::terminate);
    CHECK(panic_policy::log.what() == panic_policy::kind::log);
    CHECK(panic_policy::terminate.what() == panic_policy::kind::terminate);
    int called = 0;
    const panic_policy own([&](const weft::panic_info&) { ++called; });
    CHECK(own.what() == panic_policy::kind::handler);
    own.handler()({nullptr, "report"});
    CHECK(called == 1);
}
