// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What looking inside costs: a dump of a million parked goroutines while others run, and the processor profile.
//
//     weft_bench_looking [parked]

#include <weft/debug/cpu_profile.hpp>
#include <weft/debug/dump.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/weft.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <ostream>
#include <streambuf>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

namespace {

using steady = std::chrono::steady_clock;

double seconds_since(steady::time_point t)
{
    return std::chrono::duration<double>(steady::now() - t).count();
}

double cpu_seconds()
{
    rusage u{};
    getrusage(RUSAGE_SELF, &u);
    const auto of = [](const timeval& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    return of(u.ru_utime) + of(u.ru_stime);
}

/// Counts what is written to it.
class counting : public std::streambuf {
public:
    std::size_t n = 0;

protected:
    std::streamsize xsputn(const char*, std::streamsize size) override
    {
        n += static_cast<std::size_t>(size);
        return size;
    }
    int overflow(int c) override
    {
        ++n;
        return c;
    }
};

weft::task<> wait(weft::channel<void> gate)
{
    co_await gate.receive();
}

weft::task<> outer(weft::channel<void> gate)
{
    co_await wait(gate);
}

/// Runs while others are looked at, and notes for how long at most it did not.
struct runner {
    std::atomic<bool> over{false};
    std::atomic<std::int64_t> longest_gap_us{0};
    std::atomic<std::uint64_t> turns{0};

    weft::task<> run()
    {
        auto last = steady::now();
        while (!over) {
            co_await weft::this_goroutine::yield();
            const auto now = steady::now();
            const auto gap =
                std::chrono::duration_cast<std::chrono::microseconds>(now - last).count();
            if (gap > longest_gap_us) longest_gap_us = gap;
            last = now;
            ++turns;
        }
    }
};

void measure_dumps(std::size_t parked)
{
    weft::runtime rt({.procs = 2});
    auto gate = weft::make_channel<void>();
    for (std::size_t i = 0; i < parked; ++i) weft::go(rt.get_executor(), outer, gate);
    std::this_thread::sleep_for(std::chrono::seconds(1));
    runner beside;
    weft::go(rt.get_executor(), [&]() -> weft::task<> { co_await beside.run(); });
    const auto measure = [&](const char* what, const std::function<std::size_t()>& f) {
        beside.longest_gap_us = 0;
        const std::uint64_t turns = beside.turns;
        const auto begin = steady::now();
        const double cpu = cpu_seconds();
        const std::size_t bytes = f();
        std::printf("%-24s %8.3f s, CPU %6.3f s, %11zu bytes; beside it: %9llu turns, longest gap "
                    "%.1f ms\n",
                    what, seconds_since(begin), cpu_seconds() - cpu, bytes,
                    static_cast<unsigned long long>(beside.turns - turns),
                    static_cast<double>(beside.longest_gap_us) / 1000);
    };
    using form = weft::debug::dump_form;
    for (const auto& [name, f] :
         {std::pair{"dump, groups", form::groups}, std::pair{"dump, text", form::text},
          std::pair{"dump, JSON", form::json}}) {
        measure(name, [f = f] {
            counting bytes;
            std::ostream out(&bytes);
            weft::debug::dump_options o;
            o.form = f;
            weft::debug::dump(out, o);
            return bytes.n;
        });
    }
    measure("goroutine profile", [] { return weft::debug::goroutine_profile().encoded().size(); });
    measure("metrics", [] { return weft::debug::runtime_metrics_text().size(); });
    measure("goroutines()", [] { return weft::debug::goroutines().size(); });
    beside.over = true;
}

/// Processor time of a fixed amount of work: goroutines that pass values and reckon a little.
double work()
{
    const double before = cpu_seconds();
    weft::run(
        []() -> weft::task<> {
            auto ch = weft::make_channel<std::uint64_t>(128);
            constexpr int items = 20'000'000;
            weft::go([ch]() -> weft::task<> {
                for (std::uint64_t i = 0; i < items; ++i) co_await ch.send(i);
                ch.close();
            });
            std::uint64_t sum = 0;
            while (auto v = co_await ch.receive()) {
                for (int k = 0; k < 20; ++k) sum = sum * 6364136223846793005U + *v;
            }
            if (sum == 42) std::printf("!\n");
        },
        weft::runtime_options{.procs = 1});
    return cpu_seconds() - before;
}

void measure_profile(const char* file)
{
    std::vector<double> without, with;
    std::string bytes;
    for (int round = 0; round < 9; ++round) {
        without.push_back(work());
        weft::debug::cpu_profile running;
        with.push_back(work());
        bytes = running.stop().encoded();
    }
    std::sort(without.begin(), without.end());
    std::sort(with.begin(), with.end());
    std::printf(
        "processor profile at 100 Hz: CPU %.3f s without, %.3f s with (medians of 9): %+.2f %%; "
        "best %.3f and %.3f: %+.2f %%\n",
        without[4], with[4], (with[4] / without[4] - 1) * 100, without[0], with[0],
        (with[0] / without[0] - 1) * 100);
    if (file) std::ofstream(file, std::ios::binary) << bytes;
}

} // namespace

int main(int argc, char** argv)
{
    constexpr std::size_t million = 1'000'000;
    measure_profile(argc > 2 ? argv[2] : nullptr);
    measure_dumps(argc > 1 ? std::strtoul(argv[1], nullptr, 10) : million);
    std::fflush(stdout);
    std::_Exit(0); // unwinding a million is not what is measured
}
