// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "world.hpp"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <string_view>

/// Runs models:
///
///     model_test [--schedules N] [--bound B [--most N] [--relaxed]] [NAME...]
///
/// N random schedules of each (default 2,000), half of them uniform, half by priority; or with --bound all
/// schedules with at most B pre-emptions (at most --most of them), with --relaxed also before relaxed loads and
/// stores. WEFT_SEED replays one schedule.

namespace {

using namespace weft_model;

std::uint64_t number(const char* what, const char* text)
{
    std::uint64_t n = 0;
    const char* end = text + std::strlen(text);
    const auto r = std::from_chars(text, end, n);
    if (r.ec != std::errc() || r.ptr != end || text == end) {
        std::fprintf(stderr, "model_test: %s %s is not a number\n", what, text);
        std::exit(2);
    }
    return n;
}

result random_schedules(const model& m, std::uint64_t n, std::uint64_t first)
{
    result r;
    std::uint64_t longest = 1;
    for (; r.schedules < n; ++r.schedules) {
        const std::uint64_t seed = weft::testing::schedule_seed::nth(first, r.schedules, longest);
        const auto how = weft::testing::strategy_of<fibre>(seed);
        const std::uint64_t steps = run(m, *how, seed, true);
        r.steps += steps;
        longest = std::max(longest, steps);
    }
    return r;
}

result all_schedules(const model& m, unsigned bound, std::uint64_t most, bool relaxed)
{
    result r;
    weft::testing::systematic_strategy<fibre> how(bound);
    while (!r.complete && r.schedules < most) {
        r.steps += run(m, how, 0, relaxed);
        ++r.schedules;
        r.complete = !how.advance();
        if (how.diverged()) fail("it does not do the same on the same schedule", {});
    }
    return r;
}

} // namespace

int main(int argc, char** argv)
{
    std::uint64_t schedules = 2'000, most = UINT64_MAX;
    int bound = -1;
    bool relaxed = false;
    std::vector<std::string_view> names;
    for (int i = 1; i < argc; ++i) {
        const std::string_view a = argv[i];
        const bool value = a == "--schedules" || a == "--bound" || a == "--most";
        if (value && i + 1 == argc) {
            std::fprintf(stderr, "model_test: %s needs a number\n", argv[i]);
            return 2;
        }
        if (a == "--list") {
            for (const auto& m : models()) std::puts(m.name);
            return 0;
        }
        if (a == "--relaxed") relaxed = true;
        else if (a == "--schedules") schedules = number("--schedules", argv[++i]);
        else if (a == "--bound") bound = static_cast<int>(number("--bound", argv[++i]));
        else if (a == "--most") most = number("--most", argv[++i]);
        else names.push_back(a);
    }
    const char* given = std::getenv("WEFT_SEED");
    std::uint64_t first =
        given ? number("WEFT_SEED", given)
              : std::uint64_t{std::random_device{}()} << 32 | std::random_device{}();
    if (given) schedules = 1;
    result all;
    std::size_t count = 0;
    const auto began = std::chrono::steady_clock::now();
    for (const auto& m : models()) {
        if (!names.empty() && std::find(names.begin(), names.end(), m.name) == names.end())
            continue;
        ++count;
        const auto before = std::chrono::steady_clock::now();
        const result r = bound >= 0 ? all_schedules(m, static_cast<unsigned>(bound), most, relaxed)
                                    : random_schedules(m, schedules, first);
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - before;
        std::printf("%-28s %10llu schedules%s %6.0f steps each %8.2f s\n", m.name,
                    static_cast<unsigned long long>(r.schedules),
                    bound < 0    ? ""
                    : r.complete ? " (all)"
                                 : " (so far)",
                    static_cast<double>(r.steps) / static_cast<double>(r.schedules), took.count());
        std::fflush(stdout);
        all.schedules += r.schedules;
        all.steps += r.steps;
    }
    if (count == 0) {
        std::fprintf(stderr, "model_test: there is no such model; --list shows them\n");
        return 2;
    }
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    std::printf("%zu models, %llu schedules, %llu steps, %.0f schedules/s, 0 failures\n", count,
                static_cast<unsigned long long>(all.schedules),
                static_cast<unsigned long long>(all.steps),
                static_cast<double>(all.schedules) / took.count());
    return 0;
}
