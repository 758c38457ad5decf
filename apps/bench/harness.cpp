// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "harness.hpp"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <vector>

namespace bench {
namespace {

constexpr std::array scenarios{
    scenario{"spawn_join", 1'000'000},
    scenario{"chan_uncontended_buf", 5'000'000},
    scenario{"pingpong_unbuf", 1'000'000},
    scenario{"unbuf_stream", 2'000'000},
    scenario{"buf128_stream", 5'000'000},
    scenario{"mpmc_4x4_buf128", 4'000'000},
    scenario{"fan_out_in_8", 1'000'000},
    scenario{"select_2recv_stream", 2'000'000},
    scenario{"select_default", 10'000'000},
    scenario{"select_ctx_done_recv", 2'000'000},
    scenario{"ring_1000", 1'000'000},
    scenario{"sieve_2000", 2000, true},
    scenario{"sieve_nosel", 2000, true},
    scenario{"yield", 2'000'000},
    scenario{"timer_new_stop", 2'000'000},
    scenario{"sleep_100k_1ms", 100'000},
    scenario{"after_in_select_loop", 1'000'000},
    scenario{"ctx_with_timeout_cancel", 2'000'000},
    scenario{"mutex_uncontended", 10'000'000},
    scenario{"mutex_8g", 5'000'000},
    scenario{"rwmutex_read_mostly", 5'000'000},
    scenario{"cond_pingpong", 1'000'000},
    scenario{"waitgroup_fan", 1'000'000},
    scenario{"semaphore_bounded", 2'000'000},
    scenario{"errgroup_100", 1'000'000},
    scenario{"pool_get_put", 10'000'000},
    scenario{"map_load_store", 10'000'000},
    scenario{"parallel_map_1k", 2'000'000},
    scenario{"pipeline_3x8", 500'000},
    scenario{"compute_10us", 100'000},
    scenario{"compute_pool_1us", 500'000},
    scenario{"timers_1m_fire", 1'000'000},
    scenario{"timers_1m_bytes", 1'000'000, false, true},
    scenario{"mem_parked", 500'000, false, true},
};

void append_number(std::string& out, std::string_view key, const std::optional<double>& value)
{
    if (!value) { return; }
    char text[64];
    std::snprintf(text, sizeof text, "%.1f", *value);
    out.append(",\"").append(key).append("\":").append(text);
}

/// The text of the value that follows `"key":`, up to the next comma or brace.
std::optional<std::string> field(std::string_view line, std::string_view key)
{
    std::string quoted(1, '"'); // not with +: GCC 12 warns of an overlap that there is not
    quoted.append(key).append("\":");
    const auto at = line.find(quoted);
    if (at == line.npos) { return std::nullopt; }
    line.remove_prefix(at + quoted.size());
    line = line.substr(0, line.find_first_of(",}"));
    if (line.size() >= 2 && line.front() == '"') { line = line.substr(1, line.size() - 2); }
    return std::string(line);
}

std::optional<double> number(std::string_view line, std::string_view key)
{
    const auto text = field(line, key);
    return text ? std::optional(std::strtod(text->c_str(), nullptr)) : std::nullopt;
}

} // namespace

std::chrono::nanoseconds cpu_time()
{
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    auto in_ns = [](timeval t) {
        return std::chrono::seconds(t.tv_sec) + std::chrono::microseconds(t.tv_usec);
    };
    return in_ns(used.ru_utime) + in_ns(used.ru_stime);
}

std::span<const scenario> catalogue()
{
    return scenarios;
}

const scenario* find_scenario(std::string_view name)
{
    const auto found = std::ranges::find(scenarios, name, &scenario::name);
    return found == scenarios.end() ? nullptr : &*found;
}

std::size_t request::count() const
{
    const auto scaled = static_cast<std::size_t>(static_cast<double>(what.count) * scale);
    return std::max<std::size_t>(1, what.whole_run ? scaled : (scaled + 999) / 1000 * 1000);
}

bool result::better_than(const result& other) const
{
    return ns_per_op ? !other.ns_per_op || *ns_per_op < *other.ns_per_op
                     : bytes_per_goroutine < other.bytes_per_goroutine;
}

result best_of(const request& asked, std::string_view impl,
               const std::function<std::size_t(std::size_t)>& run, bool may_lose)
{
    const auto timed = [&run](std::size_t n) {
        const auto cpu_before = cpu_time();
        const auto before = std::chrono::steady_clock::now();
        const std::size_t arrived = run(n);
        const std::chrono::nanoseconds wall = std::chrono::steady_clock::now() - before;
        return measured{arrived, wall, cpu_time() - cpu_before};
    };
    return best_of_measured(asked, impl, timed, may_lose);
}

result best_of_measured(const request& asked, std::string_view impl,
                        const std::function<measured(std::size_t)>& run, bool may_lose)
{
    const std::size_t n = asked.count();
    measured best{0, std::chrono::nanoseconds::max(), {}};
    for (unsigned i = 0; i < asked.best; ++i) {
        const measured got = run(n);
        if (got.arrived != n && !may_lose) {
            std::fprintf(stderr, "%s (%s): %zu of %zu arrived\n",
                         std::string(asked.what.name).c_str(), std::string(impl).c_str(),
                         got.arrived, n);
            std::exit(1);
        }
        if (got.wall < best.wall) { best = got; }
    }
    const double ops = asked.what.whole_run ? 1.0 : static_cast<double>(n);
    result r;
    r.scenario = asked.what.name;
    r.procs = asked.procs;
    r.impl = impl;
    r.ns_per_op = static_cast<double>(best.wall.count()) / ops;
    r.cpu_ns_per_op = static_cast<double>(best.cpu.count()) / ops;
    if (may_lose) {
        r.lost_per_cent = 100.0 * static_cast<double>(n - best.arrived) / static_cast<double>(n);
    }
    return r;
}

result bytes_of(const request& asked, std::string_view impl, std::size_t before, std::size_t n)
{
    result r;
    r.scenario = asked.what.name;
    r.procs = asked.procs;
    r.impl = impl;
    r.bytes_per_goroutine = static_cast<double>(resident_bytes() - before) / static_cast<double>(n);
    return r;
}

std::size_t resident_bytes()
{
    std::size_t total = 0;
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> total >> pages;
    return pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

measured when_armed(std::size_t n, const std::function<measured(std::chrono::nanoseconds)>& run)
{
    std::chrono::nanoseconds before =
        std::chrono::milliseconds(50) + n * std::chrono::microseconds(2);
    measured got = run(before);
    for (int i = 0; i < 5 && got.arrived == 0; ++i) { got = run(before *= 2); }
    return got;
}

std::size_t scattered(std::size_t i, std::size_t n)
{
    return i * 7919 % n * 1'000'000 / n;
}

int nth_prime(std::size_t n)
{
    std::vector<int> primes;
    for (int i = 2; primes.size() < n; ++i) {
        const auto divides = [i](int p) { return i % p == 0; };
        const auto small = std::ranges::find_if(primes, [i](int p) { return p * p > i; });
        if (std::none_of(primes.begin(), small, divides)) { primes.push_back(i); }
    }
    return primes.back();
}

std::string to_json(const result& r)
{
    std::string out = "{\"scenario\":\"" + r.scenario + "\",\"procs\":" + std::to_string(r.procs) +
                      ",\"impl\":\"" + r.impl + '"';
    append_number(out, "ns_per_op", r.ns_per_op);
    append_number(out, "cpu_ns_per_op", r.cpu_ns_per_op);
    append_number(out, "bytes_per_goroutine", r.bytes_per_goroutine);
    append_number(out, "lost_per_cent", r.lost_per_cent);
    return out + '}';
}

std::optional<result> from_json(std::string_view line)
{
    const auto name = field(line, "scenario");
    const auto procs = number(line, "procs");
    const auto impl = field(line, "impl");
    if (!name || !procs || !impl) { return std::nullopt; }
    result r;
    r.scenario = *name;
    r.procs = static_cast<unsigned>(*procs);
    r.impl = *impl;
    r.ns_per_op = number(line, "ns_per_op");
    r.cpu_ns_per_op = number(line, "cpu_ns_per_op");
    r.bytes_per_goroutine = number(line, "bytes_per_goroutine");
    r.lost_per_cent = number(line, "lost_per_cent");
    return r;
}

} // namespace bench
