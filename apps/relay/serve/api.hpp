// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "counts.hpp"
#include "job_json.hpp"
#include "queue.hpp"

#include <weft/http.hpp>
#include <weft/weft.hpp>

/// `api`: jobs over HTTP.

namespace relay {

///     POST /jobs              202 {"id": ...} once the job is on disk; 200 if its idempotency key was known
///     GET  /jobs?state=S&limit=N&after=ID
///     GET  /jobs/{id}
///     POST /jobs/{id}/retry   makes a dead job ready again
///     GET  /stats
///
/// Errors are {"error": text}: 400 for what is no job, 409 for a key that was used for another one, 413, 503 while the queue cannot
/// say.
class api {
public:
    api(queue& q, counts& c, const job_limits& l) : queue_(q), counts_(c), limits_(l) {}

    void add_routes(weft::http::server& to);
    /// Middleware: turns what is thrown into JSON.
    [[nodiscard]] weft::http::handler with_json_errors(weft::http::handler next);

    /// Middleware: 403 for a change that a page of somebody else makes a browser ask for; and, if `local_name` is not empty, for
    /// a Host that is neither this machine's loopback nor that name: a page may let its own name lead here.
    [[nodiscard]] static weft::http::handler from_here(weft::http::handler next,
                                                       const std::string& local_name);

private:
    weft::task<> put(weft::http::request& req, weft::http::response& res);
    weft::task<> list(weft::http::request& req, weft::http::response& res);
    weft::task<> show(weft::http::request& req, weft::http::response& res);
    weft::task<> retry(weft::http::request& req, weft::http::response& res);
    weft::task<> stats(weft::http::request& req, weft::http::response& res);

    queue& queue_;
    counts& counts_;
    const job_limits limits_;
};

} // namespace relay
