// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "message_parser.hpp"

#include <algorithm>
#include <cctype>
#include <utility>

namespace weft::inline v0_1::http::detail {

namespace {

/// Of the extensions of one body's chunks, together: nobody uses them for more.
constexpr std::size_t max_extension_bytes = 16UL * 1024;
/// Around the fields: the request line, separators, empty lines before it.
constexpr std::size_t head_overhead = 1024;
/// Of what is not body in a body in chunks, and for each byte of the body: a chunk of one byte has five.
constexpr std::uint64_t max_framing_bytes = 32UL * 1024;
constexpr std::uint64_t framing_per_byte = 16;

/// llhttp also knows those of RTSP and Icecast.
bool is_http_method(unsigned m) noexcept
{
    switch (m) {
    case HTTP_CONNECT: // no tunnels here
    case HTTP_PRI:
    case HTTP_SOURCE: return false;
    default: return m < HTTP_DESCRIBE || m == HTTP_QUERY;
    }
}

bool is_hex(char c) noexcept
{
    return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Each % is followed by two hexadecimal digits.
bool has_whole_escapes(std::string_view s) noexcept
{
    for (std::size_t i = s.find('%'); i != std::string_view::npos; i = s.find('%', i + 1)) {
        if (i + 2 >= s.size() || !is_hex(s[i + 1]) || !is_hex(s[i + 2])) return false;
    }
    return true;
}

/// RFC 3986 3.2.2: a name or an IPv4 address, or an IPv6 address in brackets.
bool is_host(std::string_view s) noexcept
{
    constexpr std::string_view of_name =
        "!$%&'()*+,-.0123456789;=ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz~";
    if (!s.starts_with('['))
        return !s.empty() && s.find_first_not_of(of_name) == std::string_view::npos &&
               has_whole_escapes(s);
    if (s.size() < 4 || s.back() != ']') return false;
    s = s.substr(1, s.size() - 2);
    return s.find(':') != std::string_view::npos &&
           s.find_first_not_of(".0123456789:ABCDEFabcdef") == std::string_view::npos;
}

/// What Host and an absolute target may name: host[:port].
bool is_authority(std::string_view s) noexcept
{
    const std::size_t bracket = s.rfind(']');
    const std::size_t colon = s.find(':', bracket == std::string_view::npos ? 0 : bracket);
    if (colon == std::string_view::npos) return is_host(s);
    return is_host(s.substr(0, colon)) &&
           s.find_first_not_of("0123456789", colon + 1) == std::string_view::npos;
}

} // namespace

struct message_parser::callbacks {
    static message_parser& self(llhttp_t* p) noexcept
    {
        return *static_cast<message_parser*>(p->data);
    }
    static std::string_view piece(const char* at, std::size_t n) noexcept { return {at, n}; }

    static int on_message_begin(llhttp_t* p)
    {
        self(p).started_ = true;
        return 0;
    }
    static int on_url(llhttp_t* p, const char* at, std::size_t n)
    {
        message_parser& m = self(p);
        m.into_.text->append(at, n);
        return 0;
    }
    static int on_status(llhttp_t* p, const char* at, std::size_t n)
    {
        message_parser& m = self(p);
        if (const int e = m.count_header(n, 0)) return e;
        m.into_.text->append(at, n);
        return 0;
    }
    static int on_header_field(llhttp_t* p, const char* at, std::size_t n)
    {
        message_parser& m = self(p);
        if (const int e = m.count_header(n, m.name_continues_ ? 0 : 1)) return e;
        headers& to = m.head_done_ ? *m.into_.trailers : *m.into_.fields;
        to.append_name(piece(at, n), !m.name_continues_);
        m.name_continues_ = true;
        return 0;
    }
    static int on_header_field_complete(llhttp_t* p)
    {
        self(p).name_continues_ = false;
        return 0;
    }
    static int on_header_value(llhttp_t* p, const char* at, std::size_t n)
    {
        message_parser& m = self(p);
        if (const int e = m.count_header(n, 0)) return e;
        headers& to = m.head_done_ ? *m.into_.trailers : *m.into_.fields;
        to.append_value(piece(at, n));
        return 0;
    }
    static int on_header_value_complete(llhttp_t* p)
    {
        message_parser& m = self(p);
        (m.head_done_ ? *m.into_.trailers : *m.into_.fields).finish_value();
        return 0;
    }
    static int on_chunk_extension(llhttp_t* p, const char*, std::size_t n)
    {
        message_parser& m = self(p);
        m.extension_part_ += n;
        m.extension_bytes_ += n;
        if (m.extension_bytes_ > max_extension_bytes)
            return m.fail(status::bad_request, "the chunks' extensions are too long");
        return 0;
    }
    /// Of a name or a value.
    static int on_chunk_extension_complete(llhttp_t* p)
    {
        message_parser& m = self(p);
        if (std::exchange(m.extension_part_, 0) == 0)
            return m.fail(status::bad_request, "malformed chunk extension");
        return 0;
    }
    static int on_headers_complete(llhttp_t* p) { return self(p).head_complete(); }
    static int on_body(llhttp_t* p, const char* at, std::size_t n)
    {
        if (n == 0) return 0;
        message_parser& m = self(p);
        m.body_ = piece(at, n);
        m.event_ = event::body;
        return HPE_PAUSED;
    }
    static int on_message_complete(llhttp_t* p)
    {
        message_parser& m = self(p);
        m.complete_ = true;
        if (m.event_ != event::head) m.event_ = event::end;
        return HPE_PAUSED;
    }

    static const llhttp_settings_t& settings()
    {
        static const llhttp_settings_t table = [] {
            llhttp_settings_t s;
            llhttp_settings_init(&s);
            s.on_message_begin = on_message_begin;
            s.on_url = on_url;
            s.on_status = on_status;
            s.on_header_field = on_header_field;
            s.on_header_field_complete = on_header_field_complete;
            s.on_header_value = on_header_value;
            s.on_header_value_complete = on_header_value_complete;
            s.on_chunk_extension_name = on_chunk_extension;
            s.on_chunk_extension_value = on_chunk_extension;
            s.on_chunk_extension_name_complete = on_chunk_extension_complete;
            s.on_chunk_extension_value_complete = on_chunk_extension_complete;
            s.on_headers_complete = on_headers_complete;
            s.on_body = on_body;
            s.on_message_complete = on_message_complete;
            return s;
        }();
        return table;
    }
};

void message_parser::begin(const target& into, bool answers_head)
{
    llhttp_init(&parser_, kind_ == kind::request ? HTTP_REQUEST : HTTP_RESPONSE,
                &callbacks::settings());
    parser_.data = this;
    into_ = into;
    into_.fields->clear();
    into_.trailers->clear();
    into_.text->clear();
    answers_head_ = answers_head;
    line_.begin();
    started_ = head_done_ = complete_ = keep_alive_ = name_continues_ = method_unknown_ = false;
    content_length_.reset();
    answer_ = http::status::ok;
    complaint_ = {};
    head_bytes_ = header_bytes_ = extension_bytes_ = extension_part_ = 0;
    body_bytes_ = framing_bytes_ = 0;
}

message_parser::step message_parser::feed(std::string_view input)
{
    if (answer_ != http::status::ok) return {event::failed, 0, {}};
    event_ = event::more;
    body_ = {};
    return head_done_ ? feed_body(input) : feed_head(input);
}

std::size_t message_parser::execute(std::string_view input, llhttp_errno_t& e)
{
    e = llhttp_execute(&parser_, input.data(), input.size());
    if (e != HPE_PAUSED) return input.size();
    e = HPE_OK;
    const auto used = static_cast<std::size_t>(llhttp_get_error_pos(&parser_) - input.data());
    llhttp_resume(&parser_);
    return used;
}

message_parser::step message_parser::feed_head(std::string_view input)
{
    // So that a header of this size fails wherever it is cut.
    const std::size_t most = head_limit();
    const bool too_long = input.size() > most - head_bytes_;
    if (too_long) input = input.substr(0, most - head_bytes_);

    if (kind_ == kind::request && !line_.complete()) {
        const std::size_t fine = line_.look_at(input);
        if (!line_.complete()) input = input.substr(0, fine);
    }
    llhttp_errno_t e = HPE_OK;
    std::size_t used = input.size();
    if (!method_unknown_) used = execute(input, e);
    // llhttp gives up at the first letter of a method that it does not know; here, none is known before its end.
    method_unknown_ = method_unknown_ || e == HPE_INVALID_METHOD;
    if ((e != HPE_OK || method_unknown_) && line_.has_method() && answer_ == http::status::ok &&
        (method_unknown_ || !is_http_method(parser_.method)))
        return failure(status::not_implemented, "unknown method");
    if (e != HPE_OK && !method_unknown_) return failure(e);
    if (line_.failed()) return failure(line_.answer(), line_.complaint());
    head_bytes_ += used;
    if (too_long && event_ == event::more)
        return failure(status::request_header_fields_too_large, "the header is too long");
    return {event_, used, {}};
}

message_parser::step message_parser::feed_body(std::string_view input)
{
    llhttp_errno_t e = HPE_OK;
    const std::size_t used = execute(input, e);
    if (e != HPE_OK) return failure(e);
    framing_bytes_ += used - body_.size();
    if (framing_bytes_ > max_framing_bytes + header_bytes_ + framing_per_byte * body_bytes_)
        return failure(status::bad_request, "too much around the body's chunks");
    body_bytes_ += body_.size();
    return {event_, used, body_};
}

/// Of the head's bytes altogether.
std::size_t message_parser::head_limit() const noexcept
{
    constexpr std::size_t none = std::numeric_limits<std::size_t>::max();
    if (limits_.header_bytes > none / 8 || limits_.target_bytes > none / 8 ||
        limits_.header_count > none / 8)
        return none;
    return limits_.header_bytes + limits_.target_bytes + head_overhead + 4 * limits_.header_count;
}

message_parser::step message_parser::end_of_input()
{
    event_ = event::more;
    const llhttp_errno_t e = llhttp_finish(&parser_);
    if (complete_ && (e == HPE_OK || e == HPE_PAUSED)) return {event::end, 0, {}};
    fail(status::bad_request, "the connection ended inside of a message");
    return {event::failed, 0, {}};
}

std::string_view message_parser::method() const noexcept
{
    return llhttp_method_name(static_cast<llhttp_method_t>(parser_.method));
}

int message_parser::fail(http::status s, std::string_view why) noexcept
{
    answer_ = s;
    complaint_ = why;
    return HPE_USER;
}

message_parser::step message_parser::failure(llhttp_errno_t e)
{
    // Of a callback llhttp knows only that it failed.
    if (answer_ != http::status::ok) return {event::failed, 0, {}};
    const char* why = llhttp_get_error_reason(&parser_);
    if (e == HPE_PAUSED_H2_UPGRADE)
        return failure(status::http_version_not_supported, "HTTP/2 is not spoken here");
    return failure(status::bad_request, why && *why ? why : "malformed message");
}

message_parser::step message_parser::failure(http::status s, std::string_view why) noexcept
{
    fail(s, why);
    return {event::failed, 0, {}};
}

int message_parser::count_header(std::size_t bytes, std::size_t lines) noexcept
{
    header_bytes_ += bytes;
    const std::size_t count = into_.fields->size() + into_.trailers->size() + lines;
    if (header_bytes_ > limits_.header_bytes || count > limits_.header_count)
        return fail(status::request_header_fields_too_large, "the header is too long");
    return 0;
}

int message_parser::head_complete()
{
    if (kind_ == kind::response) {
        if (const int e = check_response()) return e;
    }
    if (answers_head_) parser_.flags |= F_SKIPBODY;
    keep_alive_ = wants_to_go_on() && llhttp_message_needs_eof(&parser_) == 0;
    if (parser_.flags & F_CONTENT_LENGTH) content_length_ = parser_.content_length;
    if (kind_ == kind::request) {
        if (const int e = check_request()) return e;
        parser_.upgrade = 0; // what follows is HTTP whatever the client would like
        if (!(parser_.flags & F_CHUNKED) && !content_length_) content_length_ = 0;
    }
    head_done_ = true;
    event_ = event::head;
    if (kind_ == kind::request && content_length_ == 0U) return 0; // straight to the end
    return HPE_PAUSED;
}

/// llhttp also listens to Proxy-Connection, and in HTTP/1.0 lets "keep-alive" win over "close".
bool message_parser::wants_to_go_on() const noexcept
{
    const headers& fields = *into_.fields;
    if (!fields.contains("connection")) return parser_.http_minor == 1;
    return !fields.has_token("connection", "close") &&
           (parser_.http_minor == 1 || fields.has_token("connection", "keep-alive"));
}

int message_parser::check_request()
{
    const headers& fields = *into_.fields;
    if (!is_http_method(parser_.method)) return fail(status::not_implemented, "unknown method");

    if (fields.contains("transfer-encoding")) {
        // RFC 9112 6.1 and 6.3: a sender that means well does none of these.
        if (parser_.http_minor == 0)
            return fail(status::bad_request, "Transfer-Encoding in HTTP/1.0");
        if (fields.contains("content-length"))
            return fail(status::bad_request, "both Transfer-Encoding and Content-Length");
        if (fields.count("transfer-encoding") != 1)
            return fail(status::bad_request, "more than one Transfer-Encoding");
        const std::string_view coding = fields.value_or("transfer-encoding", {});
        if (!equal_ignoring_case(coding, "chunked")) {
            const bool ends_in_chunks = (parser_.flags & F_CHUNKED) != 0;
            return fail(ends_in_chunks ? status::not_implemented : status::bad_request,
                        "a Transfer-Encoding other than chunked");
        }
        parser_.flags |= F_CHUNKED; // a tab behind the word had llhttp in doubt
    }
    if (fields.count("content-length") > 1)
        return fail(status::bad_request, "more than one Content-Length");

    const std::size_t hosts = fields.count("host");
    if (hosts > 1) return fail(status::bad_request, "more than one Host");
    if (hosts == 0 && parser_.http_minor == 1) return fail(status::bad_request, "no Host");
    // An empty one says that the target has none (RFC 9110 7.2).
    const std::string_view host = fields.value_or("host", {});
    if (!host.empty() && !is_authority(host)) return fail(status::bad_request, "malformed Host");

    if (fields.count("expect") > 0 &&
        (fields.count("expect") > 1 ||
         !equal_ignoring_case(fields.value_or("expect", {}), "100-continue")))
        return fail(status::expectation_failed, "the only expectation known is 100-continue");
    return check_target(*into_.text);
}

/// None was asked for (no TE), so it can only be chunked.
int message_parser::check_response()
{
    const headers& fields = *into_.fields;
    if (!fields.contains("transfer-encoding")) return 0;
    if (fields.count("transfer-encoding") != 1 ||
        !equal_ignoring_case(fields.value_or("transfer-encoding", {}), "chunked"))
        return fail(status::not_implemented, "a Transfer-Encoding other than chunked");
    parser_.flags |= F_CHUNKED; // a tab behind the word had llhttp in doubt
    return 0;
}

int message_parser::check_target(std::string_view text)
{
    constexpr std::string_view why = "malformed request target";
    if (text == "*" && parser_.method == HTTP_OPTIONS) return 0;
    for (const std::string_view scheme : {"http://", "https://"}) {
        if (!equal_ignoring_case(text.substr(0, scheme.size()), scheme)) continue;
        text.remove_prefix(scheme.size());
        const std::size_t end = std::min(text.find_first_of("/?"), text.size());
        if (!is_authority(text.substr(0, end))) return fail(status::bad_request, why);
        text.remove_prefix(end);
        return has_whole_escapes(text) && text.find('#') == std::string_view::npos
                   ? 0
                   : fail(status::bad_request, why);
    }
    // What else there is stands between the line's blanks, without control characters.
    const bool fits = text.starts_with('/') && has_whole_escapes(text) &&
                      text.find('#') == std::string_view::npos;
    return fits ? 0 : fail(status::bad_request, why);
}

} // namespace weft::inline v0_1::http::detail
