// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "request_line.hpp"

#include <weft/http/headers.hpp>
#include <weft/http/status.hpp>

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

/// One message after the other out of the bytes of a connection. llhttp reads; this adds the rules of RFC 9110 and 9112 that
/// it leaves to its user, and the limits.

namespace weft::inline v0_1::http::detail {

struct parser_limits {
    std::size_t target_bytes = std::numeric_limits<std::size_t>::max();
    std::size_t header_bytes = std::numeric_limits<std::size_t>::max();
    std::size_t header_count = std::numeric_limits<std::size_t>::max();
};

class message_parser {
public:
    enum class kind : bool { request, response };
    enum class event {
        more,  ///< all of the input is used; it takes more
        head,  ///< the header is complete; `complete()` tells whether the message is, too
        body,  ///< a piece of the body
        end,   ///< of the message
        failed ///< `answer()` and `complaint()` say why; nothing more can be read
    };
    struct step {
        event what;
        std::size_t used;      ///< bytes of the input
        std::string_view body; ///< of the input
    };
    /// Where the parts of the head go.
    struct target {
        headers* fields;
        headers* trailers;
        std::string* text; ///< a request's target, a response's reason
    };

    message_parser(kind k, const parser_limits& limits) noexcept
        : kind_(k), limits_(limits), line_(limits.target_bytes)
    {
    }
    message_parser(const message_parser&) = delete;
    message_parser& operator=(const message_parser&) = delete;

    /// Makes it ready for the next message; the target's parts are cleared.
    /// @param answers_head  a response to HEAD, which has no body whatever it says.
    void begin(const target& into, bool answers_head = false);

    [[nodiscard]] step feed(std::string_view input);
    /// The connection has ended: `end` if that is how the message does, else `failed`.
    [[nodiscard]] step end_of_input();

    /// Of the last message: names and values.
    [[nodiscard]] std::size_t header_bytes() const noexcept { return header_bytes_; }
    /// Some of the message has been seen.
    [[nodiscard]] bool started() const noexcept { return started_; }

    // From `head` on.
    [[nodiscard]] std::string_view method() const noexcept;
    [[nodiscard]] http::status status() const noexcept { return http::status{parser_.status_code}; }
    [[nodiscard]] int minor_version() const noexcept { return parser_.http_minor; }
    [[nodiscard]] bool keep_alive() const noexcept { return keep_alive_; }
    [[nodiscard]] std::optional<std::uint64_t> content_length() const noexcept
    {
        return content_length_;
    }
    [[nodiscard]] bool complete() const noexcept { return complete_; }

    /// Makes the message a failed one, for reasons that are not in its bytes.
    void give_up(http::status s, std::string_view why) noexcept { fail(s, why); }
    /// `ok` unless it failed.
    [[nodiscard]] http::status answer() const noexcept { return answer_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

private:
    struct callbacks;
    friend struct callbacks;

    int fail(http::status s, std::string_view why) noexcept;
    int count_header(std::size_t bytes, std::size_t lines) noexcept;
    [[nodiscard]] std::size_t head_limit() const noexcept;
    [[nodiscard]] bool wants_to_go_on() const noexcept;
    int head_complete();
    int check_request();
    int check_response();
    int check_target(std::string_view text);
    step feed_head(std::string_view input);
    step feed_body(std::string_view input);
    /// Runs llhttp over it; returns how much it used.
    std::size_t execute(std::string_view input, llhttp_errno_t& e);
    step failure(llhttp_errno_t e);
    step failure(http::status s, std::string_view why) noexcept;

    const kind kind_;
    const parser_limits limits_;
    llhttp_t parser_{};
    target into_{};
    request_line line_;
    event event_ = event::more;
    std::string_view body_;
    bool answers_head_ = false;
    bool started_ = false;
    bool head_done_ = false;
    bool complete_ = false;
    bool keep_alive_ = false;
    bool name_continues_ = false;
    bool method_unknown_ = false; ///< so far: its end has not been seen
    std::optional<std::uint64_t> content_length_;
    std::size_t head_bytes_ = 0;   ///< of the input, up to the end of the header
    std::size_t header_bytes_ = 0; ///< of names and values, those of trailers too
    std::size_t extension_bytes_ = 0;
    std::size_t extension_part_ = 0; ///< of this name or value
    std::uint64_t body_bytes_ = 0;
    std::uint64_t framing_bytes_ = 0; ///< sizes of chunks, line ends, trailers
    http::status answer_ = http::status::ok;
    std::string_view complaint_;
};

} // namespace weft::inline v0_1::http::detail
