// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The figures of the testing kit: how many schedules a second, and whether goroutines leave anything behind.

#include <relay_program.hpp>

#include <weft/testing/explore.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using weft::make_channel;
using weft::task;

void explored(const char* how, const weft::testing::exploration& e,
              std::chrono::steady_clock::time_point began)
{
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%-44s %12.0f schedules/s (%llu%s, %.1f slices each), 0 failures\n", how,
                static_cast<double>(e.schedules) / took.count(),
                static_cast<unsigned long long>(e.schedules), e.complete ? ", all" : "",
                static_cast<double>(e.slices) / static_cast<double>(e.schedules));
}

/// Kilobytes in memory; 0 where the platform cannot tell.
long resident()
{
    long kb = 0;
    if (std::FILE* f = std::fopen("/proc/self/status", "r")) {
        char line[256];
        while (std::fgets(line, sizeof line, f)) {
            if (std::strncmp(line, "VmRSS:", 6) == 0) kb = std::strtol(line + 6, nullptr, 10);
        }
        std::fclose(f);
    }
    return kb;
}

/// A million goroutines that wait, are let go and end, twenty times. Memory is compared with what it was after
/// `warm` rounds: with several workers the C library gives each thread a heap of its own, at its first round.
void cycles(unsigned procs, int warm)
{
    constexpr int goroutines = 1'000'000, rounds = 20;
    long first = 0, last = 0;
    weft::run(
        [&]() -> task<> {
            for (int round = 1; round <= rounds; ++round) {
                auto gate = make_channel<void>();
                auto ended = make_channel<void>(1024);
                for (int i = 0; i < goroutines; ++i) {
                    weft::go([gate, ended]() -> task<> {
                        co_await gate.receive();
                        co_await ended.send();
                    });
                }
                co_await weft::this_goroutine::yield();
                gate.close();
                for (int i = 0; i < goroutines; ++i) co_await ended.receive();
                last = resident();
                if (round == warm) first = last;
            }
        },
        {.procs = procs});
    std::printf("1,000,000 goroutines, 20 cycles, %u %-11s %+12.2f %% resident memory (%ld kB "
                "after cycle %d, "
                "%ld kB after the last)\n",
                procs, procs == 1 ? "worker" : "workers",
                100.0 * static_cast<double>(last - first) / static_cast<double>(first), first, warm,
                last);
}

} // namespace

int main(int argc, char** argv)
{
    const std::uint64_t n = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 2'000'000;
    auto began = std::chrono::steady_clock::now();
    explored("3 goroutines, 2 channels, at random",
             weft::testing::explore(weft_test::three_goroutines_two_channels, {.schedules = n}),
             began);
    for (const unsigned bound : {2u, 3u}) {
        began = std::chrono::steady_clock::now();
        const auto text = "  all with " + std::to_string(bound) + " pre-emptions at most";
        explored(text.c_str(),
                 weft::testing::exhaustive(weft_test::three_goroutines_two_channels, bound), began);
    }
    cycles(1, 1);
    cycles(2, 4);
}
