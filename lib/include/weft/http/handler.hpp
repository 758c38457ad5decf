// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/request.hpp>
#include <weft/http/response.hpp>
#include <weft/task.hpp>

#include <functional>

/// `handler` and `middleware`.

namespace weft::inline v0_1::http {

/// Answers a request, on the goroutine of its connection. What it throws is answered too: an `http::error` with its status,
/// anything else with 500 and a line in the log; the connection and the server live on.
///
/// It is kept as long as the server, and called by many goroutines at a time: what it captures must bear that.
using handler = std::function<task<>(request&, response&)>;

/// Makes a handler of the next one: what it does before and after `next`, or in its place.
///
///     weft::http::handler timed(weft::http::handler next)
///     {
///         return [next](weft::http::request& req, weft::http::response& res) -> weft::task<> {
///             const auto begin = weft::clock::now();
///             co_await next(req, res);
///             observe(weft::clock::now() - begin);
///         };
///     }
using middleware = std::function<handler(handler next)>;

} // namespace weft::inline v0_1::http
