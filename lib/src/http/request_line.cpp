// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "request_line.hpp"

#include <weft/http/headers.hpp>

namespace weft::inline v0_1::http::detail {

namespace {

/// The longest one there is has 16 letters.
constexpr std::size_t max_method = 32;

constexpr std::string_view malformed = "malformed request line";

} // namespace

std::size_t request_line::look_at(std::string_view input) noexcept
{
    for (std::size_t i = 0; i < input.size(); ++i) {
        if (complete() || failed() || !take(input[i])) return i;
    }
    return input.size();
}

bool request_line::take(char c) noexcept
{
    switch (at_) {
    case part::start:
        if (c == '\r') {
            at_ = part::empty_line;
            return true;
        }
        at_ = part::method;
        [[fallthrough]];
    case part::method:
        if (c == ' ' && size_ > 0) {
            at_ = part::target;
            size_ = 0;
            return true;
        }
        if (!is_token({&c, 1})) return fail(status::bad_request, malformed);
        return ++size_ <= max_method || fail(status::not_implemented, "unknown method");
    case part::empty_line:
        if (c != '\n') return fail(status::bad_request, malformed);
        at_ = part::start;
        return true;
    case part::target:
        if (c > ' ' && c < 0x7f)
            return ++size_ <= max_target_ ||
                   fail(status::uri_too_long, "the request's target is too long");
        if (c != ' ' || size_ == 0) return fail(status::bad_request, malformed);
        at_ = part::version;
        size_ = 0;
        return true;
    case part::version: return take_of_version(c);
    case part::line_feed:
        if (c != '\n') return fail(status::bad_request, malformed);
        at_ = part::end;
        return true;
    case part::end: break;
    }
    return false;
}

bool request_line::take_of_version(char c) noexcept
{
    constexpr std::string_view shape = "HTTP/1.1\r"; // any digit where there is one
    const bool digit = c >= '0' && c <= '9';
    const std::size_t at = size_++;
    if (at == 5 || at == 7 ? !digit : c != shape[at]) return fail(status::bad_request, malformed);
    if (at == 5) is_major_one_ = c == '1';
    if (at == 7 && (!is_major_one_ || c > '1'))
        return fail(status::http_version_not_supported, "only HTTP/1.0 and 1.1 are spoken here");
    if (c == '\r') at_ = part::line_feed;
    return true;
}

bool request_line::fail(http::status s, std::string_view why) noexcept
{
    answer_ = s;
    complaint_ = why;
    return false;
}

} // namespace weft::inline v0_1::http::detail
