// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/http/response.hpp>
#include <weft/task.hpp>

#include <string>
#include <string_view>

/// `event_stream`: Server-Sent Events.

namespace weft::inline v0_1::http {

/// One event; empty parts are left out.
struct server_event {
    std::string_view data{}; ///< may have several lines
    std::string_view name{}; ///< what a browser's addEventListener is called with
    std::string_view id{};   ///< comes back as Last-Event-ID when the browser connects again
};

/// Makes a response an endless stream of events:
///
///     weft::http::event_stream events(res);
///     while (auto quote = co_await quotes.receive(req.context())) {
///         const weft::http::server_event e{.data = *quote};
///         co_await events.send(e);
///     }
///
/// @par Source  WHATWG HTML, section 9.2 "Server-sent events".
class WEFT_EXPORT event_stream {
public:
    /// Sets Content-Type and Cache-Control. @throws misuse_error  the response's head has been sent.
    explicit event_stream(response& to);

    /// @throws std::invalid_argument  a line break in name or id. @throws  as response::write.
    [[nodiscard]] task<> send(const server_event& e);
    /// What no browser shows: keeps proxies from taking the stream for dead.
    [[nodiscard]] task<> comment(std::string_view text);
    /// How long a browser waits before it connects again.
    [[nodiscard]] task<> set_retry(duration d);

private:
    task<> put(std::string lines);

    response& to_;
};

} // namespace weft::inline v0_1::http
