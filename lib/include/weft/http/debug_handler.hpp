// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/http/handler.hpp>
#include <weft/http/request.hpp>
#include <weft/http/server.hpp>
#include <weft/task.hpp>

#include <functional>
#include <string>
#include <string_view>

/// Go's net/http/pprof: a running program's goroutines, profiles and metrics over HTTP.

namespace weft::inline v0_1::debug {

/// What a producer answers with.
struct debug_page {
    std::string body;
    std::string content_type = "application/octet-stream";
    std::string file_name{}; ///< what a browser saves it as; empty: it shows it
    http::status status = http::status::
        ok; ///< to tell why there is none: an http::error of 500 keeps its text to itself
};

/// Makes a page: another profile, a trace. It may wait, with `req.context()`, which ends when the client goes away. What it
/// throws is answered as in every handler; `http::error` for parameters that make no sense.
using debug_producer = std::function<task<debug_page>(http::request& req)>;

/// Answers `/debug/pprof/NAME` from now on, and the index names it. NAME with a leading slash is a path of its own:
/// "/debug/trace". A second one of that name replaces the first.
///
///     weft::debug::add_debug_page("block", "where goroutines wait", block_page);
///
/// @par Thread safety  safe.
WEFT_EXPORT void add_debug_page(const std::string& name, const std::string& what,
                                debug_producer make);

/// A query's parameter that is a whole number; `otherwise` if it is not there.
/// @throws http::error  400, with a text: no number, or not between `least` and `most`.
[[nodiscard]] WEFT_EXPORT long query_number(const http::request& req, std::string_view name,
                                            long otherwise, long least, long most);

/// Answers with a live page for people, the paths of Go's net/http/pprof, and Prometheus' one:
///
///     /debug/                            goroutines, queues, waits, profiles, in a browser
///     /debug/pprof/                      what there is
///     /debug/pprof/goroutine?debug=N     0: for pprof; 1: in groups; 2: one after another; also format=json
///     /debug/pprof/profile?seconds=N     processor time, for pprof; 30 s if nothing is said
///     /debug/pprof/block?seconds=N       waits of that time; nothing is said: all since the profile was turned on
///     /debug/pprof/mutex?seconds=N       likewise: who keeps locks from others
///     /debug/pprof/heap                  what the allocator knows
///     /debug/pprof/trace?seconds=N       trace-event JSON, for Perfetto; 1 s if nothing is said; also /debug/trace
///     /debug/pprof/cmdline               the program's arguments, separated by NUL
///     /metrics                           process_metrics() and the runtimes' own
///
/// The page asks for /debug/state.json, /debug/goroutines.json?filter=&limit=&offset=&groups=, /debug/latency.json?seconds=N, and
/// for profiles with format=flame, the tree of a flame graph. What seconds=N needs is turned on for that time.
///
/// A parameter that makes no sense: 400. A second processor profile or trace at the same time: 500, in Go's words. A profile
/// whose client goes away ends. Only GET and HEAD: else 405. Other paths: 404. Nothing is loaded from elsewhere.
///
///     server.handle("/debug/", weft::debug::handler());
///     server.handle("/metrics", weft::debug::handler());
///
/// These pages tell a lot: do not show them to the world.
/// @par Source  Go net/http/pprof.
[[nodiscard]] WEFT_EXPORT http::handler handler();

struct debug_server_options {
    /// Also an address that others can reach. There is no password.
    bool allow_any_address = false;
    /// The server's own; its handler_timeout should leave profiles their time.
    http::server_options server{};
    /// Told the address once it listens, which a port of 0 makes interesting.
    std::function<void(const asio::ip::tcp::endpoint&)> on_listen{};
};

/// Serves `handler()` on an address of its own until `ctx` ends: "127.0.0.1:6060".
/// @throws std::invalid_argument  the address is not this machine's alone, and the options do not allow that.
/// @throws asio::system_error     as http::server::listen.
[[nodiscard]] WEFT_EXPORT task<> serve(context ctx, std::string address);
[[nodiscard]] WEFT_EXPORT task<> serve(context ctx, std::string address,
                                       debug_server_options options);

} // namespace weft::inline v0_1::debug
