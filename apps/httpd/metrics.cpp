// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "metrics.hpp"

#include <chrono>
#include <string_view>

namespace httpd {

void metrics::observe(const weft::http::request& req, const weft::http::response& res,
                      weft::duration took)
{
    const std::string_view pattern =
        req.pattern().empty() ? std::string_view("none") : req.pattern();
    const std::tuple key(req.method(), pattern, code(res.status()));
    const std::lock_guard lock(mutex_);
    auto found = all_.find(key);
    if (found == all_.end()) {
        const weft::debug::metric_labels labels{{"method", std::string(req.method())},
                                                {"route", std::string(pattern)},
                                                {"code", std::to_string(code(res.status()))}};
        weft::debug::metrics& all = weft::debug::process_metrics();
        const series made{
            all.add_histogram("http_request_duration_seconds",
                              "From the header's end to the last byte of the response.", labels,
                              {0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5}),
            all.add_counter("http_response_body_bytes_total", "Bytes of responses' bodies.",
                            labels)};
        found = all_.emplace(key, made).first;
    }
    found->second.seconds.observe(std::chrono::duration<double>(took).count());
    found->second.bytes.add(res.body_size());
}

std::vector<weft::debug::metric_registration> show_connections(weft::http::server& server)
{
    using weft::debug::metric_kind;
    std::vector<weft::debug::metric_registration> shown;
    const auto show = [&](metric_kind kind, const char* name, const char* help, auto member) {
        shown.push_back(
            weft::debug::process_metrics().add_callback(kind, name, help, {}, [&server, member] {
                return static_cast<double>(server.statistics().*member);
            }));
    };
    using of = weft::http::server_statistics;
    show(metric_kind::counter, "http_connections_accepted_total", "Connections accepted.",
         &of::accepted);
    show(metric_kind::counter, "http_connections_refused_total",
         "Connections refused: too many were open.", &of::refused);
    show(metric_kind::gauge, "http_connections_open", "Connections open now.", &of::open);
    show(metric_kind::gauge, "http_connections_idle",
         "Connections open now that wait for a request.", &of::idle);
    show(metric_kind::counter, "http_bad_requests_total",
         "Requests refused before a handler saw them.", &of::bad_requests);
    show(metric_kind::counter, "http_timeouts_total", "Connections that were too slow.",
         &of::timed_out);
    show(metric_kind::counter, "http_panics_total", "Handlers that threw what they should not.",
         &of::panics);
    return shown;
}

} // namespace httpd
