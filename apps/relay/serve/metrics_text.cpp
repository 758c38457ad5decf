// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "board.hpp"

#include <weft/debug/goroutines.hpp>

#include <array>
#include <ostream>
#include <sstream>
#include <string_view>

namespace relay {

namespace {

/// The text format, a family at a time.
class writer {
public:
    void family(std::string_view name, std::string_view type, std::string_view help)
    {
        out_ << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n';
    }
    template <class Number>
    void value(std::string_view name, Number n, std::string_view labels = {})
    {
        out_ << name;
        if (!labels.empty()) out_ << '{' << labels << '}';
        out_ << ' ' << n << '\n';
    }
    template <class Number>
    void single(std::string_view name, std::string_view type, std::string_view help, Number n)
    {
        family(name, type, help);
        value(name, n);
    }
    void times(const std::string& name, std::string_view help, const histogram& h)
    {
        constexpr std::array bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,  0.25,
                                    0.5,    1.0,   2.5,    5.0,   10.0, 30.0,  60.0, 300.0};
        const histogram::reading r = h.read();
        family(name, "histogram", help);
        for (const double b : bounds) {
            out_ << name << "_bucket{le=\"" << b << "\"} " << r.at_most(b) << '\n';
        }
        out_ << name << "_bucket{le=\"+Inf\"} " << r.count << '\n';
        value(name + "_sum", r.sum);
        value(name + "_count", r.count);
    }
    [[nodiscard]] std::string text() const { return out_.str(); }

private:
    std::ostringstream out_;
};

std::string label(std::string_view name, std::string_view value)
{
    std::string s(name);
    s += "=\"";
    for (const char c : value) {
        if (c == '\\' || c == '"') s += '\\';
        s += c == '\n' ? ' ' : c;
    }
    return s += '"';
}

void queue_families(writer& w, const queue_stats& q)
{
    w.family("relay_queue_jobs", "gauge", "Jobs in the queue, by state.");
    w.value("relay_queue_jobs", q.ready, "state=\"ready\"");
    w.value("relay_queue_jobs", q.delayed, "state=\"delayed\"");
    w.value("relay_queue_jobs", q.in_flight, "state=\"in_flight\"");
    w.value("relay_queue_jobs", q.done, "state=\"done\"");
    w.value("relay_queue_jobs", q.dead, "state=\"dead\"");
    const double age =
        q.oldest_ready ? std::chrono::duration<double>(now() - *q.oldest_ready).count() : 0;
    w.single("relay_queue_oldest_ready_seconds", "gauge",
             "How long the job has been ready that has been so longest.", age);
}

} // namespace

std::string metrics_text(counts& c, hosts& h, const queue_stats* q)
{
    writer w;
    w.single("relay_queue_up", "gauge", "Whether the queue answers.", q != nullptr ? 1 : 0);
    if (q != nullptr) queue_families(w, *q);
    w.single("relay_in_flight", "gauge", "Deliveries under way in this process.",
             c.in_flight.load());
    w.single("relay_jobs_accepted_total", "counter", "Jobs taken in.", c.accepted.load());
    w.single("relay_jobs_duplicate_total", "counter", "Jobs whose idempotency key was known.",
             c.duplicates.load());
    w.single("relay_requests_refused_total", "counter", "Requests that were refused.",
             c.refused.load());
    w.single("relay_jobs_delivered_total", "counter", "Jobs delivered.", c.delivered.load());
    w.family("relay_attempts_failed_total", "counter", "Attempts that failed, by kind.");
    for (std::size_t k = 1; k < failure_kinds; ++k) {
        w.value("relay_attempts_failed_total", c.failed[k].load(),
                label("kind", name_of(static_cast<failure_kind>(k))));
    }
    w.single("relay_retries_total", "counter", "Failed attempts that another one follows.",
             c.retries.load());
    w.single("relay_jobs_buried_total", "counter", "Jobs given up.", c.buried.load());
    w.single("relay_jobs_kicked_total", "counter", "Dead jobs that were made ready again.",
             c.kicked.load());
    w.single("relay_leases_lost_total", "counter", "Deliveries that ended after their lease.",
             c.leases_lost.load());
    w.single("relay_queue_errors_total", "counter", "Times the queue could not say.",
             c.queue_errors.load());
    w.single("relay_breakers_open", "gauge", "Hosts that are left alone.", h.open_count());
    w.single("relay_breaker_openings_total", "counter", "Times a host began to be left alone.",
             h.times_opened());
    w.family("relay_breaker_state", "gauge",
             "Of the hosts that are not well: 1 open, 2 half open. A hundred at most.");
    for (const host_view& v : h.view(100)) {
        if (v.breaker != breaker_state::closed)
            w.value("relay_breaker_state", static_cast<int>(v.breaker), label("host", v.host));
    }
    w.times("relay_attempt_duration_seconds", "Attempts that delivered.", c.attempt_time);
    w.times("relay_job_duration_seconds", "From a job's being accepted to its being delivered.",
            c.job_time);
    w.times("relay_scheduling_delay_seconds", "How long goroutines wait for their turn.",
            c.scheduling);
    w.single("relay_goroutines", "gauge", "Goroutines.", weft::debug::goroutine_count());
    return w.text();
}

} // namespace relay
