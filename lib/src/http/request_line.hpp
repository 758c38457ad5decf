// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/status.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

/// Looks over a request's first line before llhttp reads it.

namespace weft::inline v0_1::http::detail {

/// The grammar of RFC 9112 section 3 to the letter: one blank between the parts, a target without control characters,
/// "HTTP/1.0" or "HTTP/1.1", CR LF; before it nothing but empty lines. llhttp is more generous (several blanks, bare CR and LF,
/// RTSP's and Icecast's versions), and it knows only at the first wrong letter that it does not know a method.
///
/// Its verdict does not depend on how the bytes were cut.
class request_line {
public:
    explicit request_line(std::size_t max_target) noexcept : max_target_(max_target) {}

    void begin() noexcept { *this = request_line(max_target_); }

    /// Returns how many bytes are in order: fewer than there are when it has failed, or after the line's end.
    std::size_t look_at(std::string_view input) noexcept;

    [[nodiscard]] bool complete() const noexcept { return at_ == part::end; }
    [[nodiscard]] bool has_method() const noexcept { return at_ >= part::target; }
    [[nodiscard]] bool failed() const noexcept { return answer_ != http::status::ok; }
    [[nodiscard]] http::status answer() const noexcept { return answer_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

private:
    enum class part : std::uint8_t { start, empty_line, method, target, version, line_feed, end };

    bool take(char c) noexcept;
    bool take_of_version(char c) noexcept;
    bool fail(http::status s, std::string_view why) noexcept;

    std::size_t max_target_;
    part at_ = part::start;
    std::size_t size_ = 0; ///< of this part, so far
    bool is_major_one_ = false;
    http::status answer_ = http::status::ok;
    std::string_view complaint_;
};

} // namespace weft::inline v0_1::http::detail
