// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

/// Jobs as JSON.

namespace relay {

struct job_limits {
    std::size_t body_bytes = 1024UL * 1024;
    int max_attempts = 10; ///< if the job says nothing
    bool allow_private = false;
};

/// Reads what was sent to POST /jobs:
///
///     {"target": URL, "headers": {NAME: VALUE, ...}, "body": TEXT or any JSON, "body_base64": TEXT,
///      "delay": SECONDS or "5m", "max_attempts": N, "idempotency_key": TEXT}
///
/// A body that is no text is sent as JSON, with its Content-Type.
/// @throws std::invalid_argument  it is no job; the text says why, for the sender.
[[nodiscard]] new_job parse_job(std::string_view text, const job_limits& limits);

/// What may be told of a job: no values of headers, no query of the target, no body.
[[nodiscard]] nlohmann::json job_json(const job& j);
[[nodiscard]] nlohmann::json stats_json(const queue_stats& s);

/// Texts of others may be anything but UTF-8.
[[nodiscard]] std::string dump(const nlohmann::json& j);
/// RFC 3339, in UTC.
[[nodiscard]] std::string time_text(timestamp t);

} // namespace relay
