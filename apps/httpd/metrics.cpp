// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "metrics.hpp"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>

namespace httpd {

namespace {

std::string escaped(std::string_view label)
{
    std::string s;
    for (const char c : label) {
        if (c == '\\' || c == '"') s += '\\';
        s += c == '\n' ? ' ' : c;
    }
    return s;
}

void number(std::ostream& to, std::string_view name, std::string_view type, std::string_view help,
            std::uint64_t value)
{
    to << "# HELP " << name << ' ' << help << "\n# TYPE " << name << ' ' << type << '\n'
       << name << ' ' << value << '\n';
}

} // namespace

void metrics::observe(const weft::http::request& req, const weft::http::response& res,
                      weft::duration took)
{
    const double seconds = std::chrono::duration<double>(took).count();
    const auto at = std::lower_bound(bounds.begin(), bounds.end(), seconds) - bounds.begin();
    const std::string_view pattern =
        req.pattern().empty() ? std::string_view("none") : req.pattern();
    const std::tuple key(req.method(), pattern, code(res.status()));
    const std::lock_guard lock(mutex_);
    auto found = all_.find(key);
    if (found == all_.end()) found = all_.emplace(key, series()).first;
    series& s = found->second;
    ++s.below[static_cast<std::size_t>(at)];
    ++s.count;
    s.sum += seconds;
    s.bytes += res.body_size();
}

std::string metrics::page(const weft::http::server_statistics& server) const
{
    std::ostringstream to;
    number(to, "http_connections_accepted_total", "counter", "Connections accepted.",
           server.accepted);
    number(to, "http_connections_refused_total", "counter",
           "Connections refused: too many were open.", server.refused);
    number(to, "http_connections_open", "gauge", "Connections open now.", server.open);
    number(to, "http_connections_idle", "gauge", "Connections open now that wait for a request.",
           server.idle);
    number(to, "http_bad_requests_total", "counter", "Requests refused before a handler saw them.",
           server.bad_requests);
    number(to, "http_timeouts_total", "counter", "Connections that were too slow.",
           server.timed_out);
    number(to, "http_panics_total", "counter", "Handlers that threw what they should not.",
           server.panics);

    const std::lock_guard lock(mutex_);
    const auto labels = [&to](const auto& key) -> std::ostream& {
        return to << "{method=\"" << escaped(std::get<0>(key)) << "\",route=\""
                  << escaped(std::get<1>(key)) << "\",code=\"" << std::get<2>(key) << '"';
    };
    to << "# HELP http_request_duration_seconds From the header's end to the last byte of the "
          "response.\n"
          "# TYPE http_request_duration_seconds histogram\n";
    for (const auto& [key, s] : all_) {
        std::uint64_t upto = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            upto += s.below[i];
            to << "http_request_duration_seconds_bucket";
            labels(key) << ",le=\"" << bounds[i] << "\"} " << upto << '\n';
        }
        to << "http_request_duration_seconds_bucket";
        labels(key) << ",le=\"+Inf\"} " << s.count << '\n';
        to << "http_request_duration_seconds_sum";
        labels(key) << "} " << s.sum << '\n';
        to << "http_request_duration_seconds_count";
        labels(key) << "} " << s.count << '\n';
    }
    to << "# HELP http_response_body_bytes_total Bytes of responses' bodies.\n"
          "# TYPE http_response_body_bytes_total counter\n";
    for (const auto& [key, s] : all_) {
        to << "http_response_body_bytes_total";
        labels(key) << "} " << s.bytes << '\n';
    }
    return to.str();
}

} // namespace httpd
