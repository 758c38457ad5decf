// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <string_view>

/// `status`: what a response says first.

namespace weft::inline v0_1::http {

/// The status codes of RFC 9110 and its registry that programs use; any other number from 100 to 999 will do: `status{299}`.
enum class status : int {
    continue_ = 100,
    switching_protocols = 101,
    early_hints = 103,
    ok = 200,
    created = 201,
    accepted = 202,
    non_authoritative_information = 203,
    no_content = 204,
    reset_content = 205,
    partial_content = 206,
    multiple_choices = 300,
    moved_permanently = 301,
    found = 302,
    see_other = 303,
    not_modified = 304,
    temporary_redirect = 307,
    permanent_redirect = 308,
    bad_request = 400,
    unauthorized = 401,
    payment_required = 402,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    not_acceptable = 406,
    request_timeout = 408,
    conflict = 409,
    gone = 410,
    length_required = 411,
    precondition_failed = 412,
    content_too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    range_not_satisfiable = 416,
    expectation_failed = 417,
    unprocessable_content = 422,
    too_early = 425,
    upgrade_required = 426,
    precondition_required = 428,
    too_many_requests = 429,
    request_header_fields_too_large = 431,
    unavailable_for_legal_reasons = 451,
    internal_server_error = 500,
    not_implemented = 501,
    bad_gateway = 502,
    service_unavailable = 503,
    gateway_timeout = 504,
    http_version_not_supported = 505,
    insufficient_storage = 507,
};

/// The words that go with it ("Not Found"); empty for a number that has none.
[[nodiscard]] WEFT_EXPORT std::string_view reason_phrase(status s) noexcept;

[[nodiscard]] constexpr int code(status s) noexcept
{
    return static_cast<int>(s);
}
/// A response of this status never has a body (RFC 9110 6.4.1).
[[nodiscard]] constexpr bool is_bodiless(status s) noexcept
{
    return code(s) < 200 || s == status::no_content || s == status::not_modified;
}
/// One that sends the client elsewhere, with a Location.
[[nodiscard]] constexpr bool is_redirect(status s) noexcept
{
    return s == status::moved_permanently || s == status::found || s == status::see_other ||
           s == status::temporary_redirect || s == status::permanent_redirect;
}

} // namespace weft::inline v0_1::http
