// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "counts.hpp"

#include <weft/http.hpp>
#include <weft/weft.hpp>

#include <asio/ip/tcp.hpp>

#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

/// `target_server`: what webhooks are delivered to, when relay is measured or tested.

namespace relay {

/// Counts what is delivered to it. By the path:
///
///     /ok        200 at once
///     /slow      200 after half a second
///     /hang      no answer
///     /fail      500
///     /flaky     500 at a job's first attempt, then 200
///     /garbage   no HTTP
///     /early     breaks off in the middle of the response
///
/// A body that begins with a number tells when the job was made, in microseconds since the epoch: what has passed since goes into `times`.
class target_server {
public:
    explicit target_server(unsigned procs = 1);
    target_server(const target_server&) = delete;
    target_server& operator=(const target_server&) = delete;
    ~target_server();

    /// "http://127.0.0.1:PORT/ok"
    [[nodiscard]] std::string url(const std::string& path) const;
    /// How often a job has come, whatever was answered.
    [[nodiscard]] int times_of(const std::string& id) const;
    /// How many of these jobs have not come.
    [[nodiscard]] std::size_t missing(const std::vector<std::string>& ids) const;
    /// Jobs that have been answered with 200, and how often too often, all together.
    [[nodiscard]] std::size_t delivered() const;
    [[nodiscard]] std::size_t too_often() const;
    /// Header and body of the last request, as they came: for tests.
    struct request_seen {
        std::unordered_map<std::string, std::string> fields; ///< names in lower case
        std::string body;
    };
    [[nodiscard]] request_seen last() const;
    /// Requests that wait at /hang and /slow now.
    [[nodiscard]] int waiting() const noexcept { return waiting_.load(); }
    [[nodiscard]] histogram& times() noexcept { return times_; }

private:
    struct seen {
        int all = 0;
        int good = 0;
    };

    weft::task<> take(weft::http::request& req, weft::http::response& res);
    weft::task<> serve_raw();

    weft::runtime runtime_;
    weft::http::server server_;
    asio::ip::tcp::acceptor raw_; ///< for what a server of HTTP does not say
    std::uint16_t port_ = 0, raw_port_ = 0;
    std::optional<weft::join_handle<void>> serving_, raw_serving_;
    std::atomic<int> waiting_{0};
    histogram times_;
    mutable std::mutex mutex_;
    std::unordered_map<std::string, seen> jobs_; ///< under mutex_
    request_seen last_;                          ///< likewise
};

} // namespace relay
