// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/http/status.hpp>

#include <stdexcept>
#include <string>

/// `error`: an exception that is a response.

namespace weft::inline v0_1::http {

/// Thrown out of a handler it becomes the response: the status, and `what()` as plain text. Reading a body throws it where the
/// client broke the rules (bad_request), sent too much (content_too_large) or too slowly (request_timeout); a client's
/// calls, where a server did (bad_gateway).
///
///     if (!user) throw http::error(http::status::not_found, "no such user");
class WEFT_EXPORT error : public std::runtime_error {
public:
    /// @param text  for the client's eyes; empty: the status's own words.
    explicit error(status s, const std::string& text = {})
        : std::runtime_error(text.empty() ? std::string(reason_phrase(s)) : text), status_(s)
    {
    }
    [[nodiscard]] status code() const noexcept { return status_; }

private:
    status status_;
};

} // namespace weft::inline v0_1::http
