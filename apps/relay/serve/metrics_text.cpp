// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "board.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/debug/metrics.hpp>

#include <utility>

namespace relay {

namespace {

void add_queue(weft::debug::metrics& to, const queue_stats& q)
{
    for (const auto& [state, n] : {std::pair("ready", q.ready), std::pair("delayed", q.delayed),
                                   std::pair("in_flight", q.in_flight), std::pair("done", q.done),
                                   std::pair("dead", q.dead)}) {
        to.add_gauge("relay_queue_jobs", "Jobs in the queue, by state.", {{"state", state}})
            .set(static_cast<double>(n));
    }
    to.add_gauge("relay_queue_oldest_ready_seconds",
                 "How long the job has been ready that has been so longest.")
        .set(q.oldest_ready ? seconds(now() - *q.oldest_ready) : 0);
}

} // namespace

std::string metrics_text(counts& c, hosts& h, const queue_stats* q)
{
    weft::debug::metrics is; // at this moment
    is.add_gauge("relay_queue_up", "Whether the queue answers.").set(q != nullptr ? 1 : 0);
    if (q != nullptr) add_queue(is, *q);
    is.add_gauge("relay_in_flight", "Deliveries under way in this process.")
        .set(static_cast<double>(c.in_flight.load()));
    is.add_gauge("relay_breakers_open", "Hosts that are left alone.")
        .set(static_cast<double>(h.open_count()));
    is.add_counter("relay_breaker_openings_total", "Times a host began to be left alone.")
        .add(h.times_opened());
    for (const host_view& v : h.view(100)) {
        if (v.breaker == breaker_state::closed) continue;
        is.add_gauge("relay_breaker_state",
                     "Of the hosts that are not well: 1 open, 2 half open. A hundred at most.",
                     {{"host", v.host}})
            .set(static_cast<int>(v.breaker));
    }
    is.add_gauge("relay_goroutines", "Goroutines.")
        .set(static_cast<double>(weft::debug::goroutine_count()));
    return is.text() + c.shown.text() + weft::debug::process_metrics().text() +
           weft::debug::runtime_metrics_text();
}

} // namespace relay
