// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/contention.hpp>
#include <weft/debug/metrics.hpp>

#include "snapshot.hpp"

#include <weft/detail/world.hpp>
#include <weft/retry.hpp>

#include <chrono>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace weft::inline v0_1::debug {

namespace {

using detail::scheduler_statistics;
using detail::wait_reason;

/// What was read of one runtime.
struct reading {
    std::string runtime; ///< its number
    scheduler_statistics is;
    detail::reason_counts goroutines;
    bool counted = false;
};

std::vector<reading> read_all()
{
    constexpr auto patience = std::chrono::seconds(2);
    std::vector<reading> all;
    if (detail::is_forked_off()) return all;
    for (const auto& s : detail::world()) {
        reading r{std::to_string(s->number), s->statistics(), {}, false};
        r.counted =
            detail::count_reasons(*s, std::chrono::steady_clock::now() + patience, r.goroutines);
        all.push_back(std::move(r));
    }
    return all;
}

/// One metric of all runtimes at a time.
class page {
public:
    explicit page(const std::vector<reading>& all) noexcept : all_(all) {}

    template <class Value>
    void of_runtimes(const char* name, const char* type, const char* help, Value value)
    {
        head(name, type, help);
        for (const auto& r : all_) line(name, "runtime=\"" + r.runtime + '"', value(r.is));
    }
    template <class Value>
    void of_workers(const char* name, const char* type, const char* help, Value value)
    {
        head(name, type, help);
        for (const auto& r : all_) {
            for (std::size_t i = 0; i < r.is.workers.size(); ++i) {
                line(name, "runtime=\"" + r.runtime + "\",worker=\"" + std::to_string(i) + '"',
                     value(r.is.workers[i]));
            }
        }
    }
    void goroutines()
    {
        // Several reasons have one text.
        head("weft_goroutines", "gauge", "Goroutines now, by state and wait reason.");
        for (const auto& r : all_) {
            if (!r.counted) continue;
            std::map<std::pair<std::string, std::string>, std::size_t> counts;
            for (std::size_t i = 0; i <= static_cast<std::size_t>(wait_reason::settle); ++i) {
                const auto why = static_cast<wait_reason>(i);
                counts[{detail::state_text(why), detail::wait_reason_text(why)}] +=
                    r.goroutines.of[i];
            }
            for (const auto& [what, n] : counts) {
                if (n == 0 && what.first == "waiting") continue;
                line("weft_goroutines",
                     "runtime=\"" + r.runtime + "\",state=\"" + what.first + "\",reason=\"" +
                         what.second + '"',
                     n);
            }
        }
    }
    /// In powers of two of nanoseconds: the measured ones are ranges of the processor's counter, whose speed is known a
    /// little better at each scrape.
    void latencies()
    {
        const latency_histogram h = scheduling_latency();
        if (h.count == 0) return; // nobody measures
        constexpr auto* name = "weft_scheduling_latency_seconds";
        head(name, "histogram",
             "How long goroutines were runnable before they ran (a sample; set_latency_sampling).");
        constexpr std::uint64_t first = 1U << 8, last = std::uint64_t{1} << 34;
        std::uint64_t seen = 0;
        auto at = h.buckets.begin();
        for (std::uint64_t bound = first; bound <= last; bound *= 2) {
            for (; at != h.buckets.end() && at->below <= std::chrono::nanoseconds(bound); ++at)
                seen += at->count;
            bucket(name, seconds(static_cast<double>(bound)), seen);
        }
        bucket(name, "+Inf", h.count);
        text_ += std::string(name) + "_sum " +
                 seconds(static_cast<double>(
                     std::chrono::duration_cast<std::chrono::nanoseconds>(h.sum).count())) +
                 '\n' + name + "_count " + std::to_string(h.count) + '\n';
    }
    void of_process(const char* name, const char* help, std::uint64_t value)
    {
        head(name, "counter", help);
        text_ += std::string(name) + ' ' + std::to_string(value) + '\n';
    }
    std::string take() { return std::move(text_); }

private:
    void head(const char* name, const char* type, const char* help)
    {
        text_ +=
            std::string("# HELP ") + name + ' ' + help + "\n# TYPE " + name + ' ' + type + '\n';
    }
    void line(const char* name, const std::string& labels, std::uint64_t value)
    {
        text_ += std::string(name) + '{' + labels + "} " + std::to_string(value) + '\n';
    }

    void bucket(const char* name, const std::string& bound, std::uint64_t count)
    {
        text_ +=
            std::string(name) + "_bucket{le=\"" + bound + "\"} " + std::to_string(count) + '\n';
    }
    static std::string seconds(double nanos)
    {
        std::ostringstream text;
        text << nanos / 1e9;
        return text.str();
    }

    const std::vector<reading>& all_;
    std::string text_;
};

} // namespace

std::string runtime_metrics_text()
{
    const auto all = read_all();
    if (all.empty()) return {};
    using of = scheduler_statistics;
    using worker = scheduler_statistics::of_worker;
    page p(all);
    p.goroutines();
    p.of_runtimes("weft_goroutines_created_total", "counter", "Goroutines that were started.",
                  [](const of& s) { return s.created; });
    p.of_runtimes("weft_parks_total", "counter", "Slices that ended in a wait.",
                  [](const of& s) { return s.parks; });
    p.of_runtimes("weft_workers", "gauge", "Goroutines that can run at the same time.",
                  [](const of& s) { return s.workers.size(); });
    p.of_runtimes("weft_injection_queue_length", "gauge",
                  "Runnable goroutines that no worker has taken yet.",
                  [](const of& s) { return s.injected; });
    p.of_runtimes("weft_injections_total", "counter", "Wake-ups by threads that hold no worker.",
                  [](const of& s) { return s.injections; });
    p.of_runtimes("weft_timers_pending", "gauge", "Timers, sleeps and deadlines that wait.",
                  [](const of& s) { return s.timers; });
    p.of_runtimes("weft_blocking_threads", "gauge", "Threads for blocking calls.",
                  [](const of& s) { return s.blocking_threads; });
    p.of_workers("weft_run_queue_length", "gauge", "Runnable goroutines in a worker's queue.",
                 [](const worker& w) { return w.queued; });
    p.of_workers("weft_slices_total", "counter", "How often a worker let a goroutine run.",
                 [](const worker& w) { return w.slices; });
    p.of_workers("weft_yields_total", "counter", "Slices that ended in a yield.",
                 [](const worker& w) { return w.yields; });
    p.of_workers("weft_budget_yields_total", "counter",
                 "Slices that ended because the goroutine's budget was spent.",
                 [](const worker& w) { return w.spent_budgets; });
    p.of_workers("weft_steals_total", "counter", "How often a worker stole from another one.",
                 [](const worker& w) { return w.steals; });
    p.of_workers("weft_stolen_goroutines_total", "counter", "Goroutines that a worker stole.",
                 [](const worker& w) { return w.stolen; });
    p.latencies();
    const auto retries = detail::retries_so_far();
    p.of_process("weft_retries_total", "Failed attempts that retry repeated.", retries.retries);
    p.of_process("weft_retries_given_up_total", "Failed attempts that were the last ones.",
                 retries.given_up);
    return p.take();
}

} // namespace weft::inline v0_1::debug
