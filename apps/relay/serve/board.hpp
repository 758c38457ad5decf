// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "counts.hpp"
#include "hosts.hpp"
#include "queue.hpp"
#include "worker.hpp"

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

/// `board`: what relay is doing, for people and for Prometheus.

namespace relay {

/// The page at /, its live events, and /metrics.
class board {
public:
    /// @param w  null: nothing is delivered by this process.
    board(queue& q, counts& c, hosts& h, worker* w) : queue_(q), counts_(c), hosts_(h), worker_(w)
    {
    }

    void add_routes(weft::http::server& to);
    /// Looks once a second, until `ctx` ends; those who watch are let go then.
    [[nodiscard]] weft::task<> run(weft::context ctx);
    /// From now on the page says so.
    void set_draining() noexcept { draining_ = true; }

private:
    /// The counts at a moment, to tell rates by.
    struct sample {
        weft::time_point at;
        std::uint64_t accepted, delivered, failed;
        histogram::reading attempt_time;
    };

    weft::task<> look(weft::context ctx);
    weft::task<> events(weft::http::request& req, weft::http::response& res);
    weft::task<> metrics(weft::http::request& req, weft::http::response& res);

    queue& queue_;
    counts& counts_;
    hosts& hosts_;
    worker* const worker_;
    std::deque<sample> samples_; ///< the last ten seconds; of `run`
    std::atomic<bool> draining_{false};
    weft::pattern::watch<std::string> latest_; ///< the snapshot, one line of JSON
};

/// The counts in Prometheus' text format 0.0.4.
[[nodiscard]] std::string metrics_text(counts& c, hosts& h, const queue_stats* q);

} // namespace relay
