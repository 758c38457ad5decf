// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

/// Patterns of routes, after Go's net/http/pattern.go.

namespace weft::inline v0_1::http::detail {

/// One part between two slashes. A path that ends with a slash has a last segment "/".
struct pattern_segment {
    enum class kind {
        literal, ///< `text`, decoded; "/" for {$}
        single,  ///< {text}
        rest     ///< {text...}; without a name: a slash at the end of the pattern
    };
    kind what;
    std::string text;
};

struct route_pattern {
    std::string text;   ///< as it was written
    std::string method; ///< empty: every one
    std::string host;   ///< in lower case; empty: every one
    std::vector<pattern_segment> segments;

    /// @throws std::invalid_argument  with Go's reason.
    [[nodiscard]] static route_pattern parse(std::string_view text);
    [[nodiscard]] bool ends_in_rest() const noexcept
    {
        return segments.back().what == pattern_segment::kind::rest;
    }
};

/// Which requests match the first pattern, seen from the second.
enum class pattern_relation { equivalent, more_general, more_specific, disjoint, overlaps };

/// By method and path; the host is not looked at.
[[nodiscard]] pattern_relation compare(const route_pattern& a, const route_pattern& b);
/// Some request matches both, and neither is more specific.
[[nodiscard]] bool in_conflict(const route_pattern& a, const route_pattern& b);
/// A path that both match; they are not disjoint.
[[nodiscard]] std::string common_path(const route_pattern& a, const route_pattern& b);

/// Without "//", "/./" and "/../"; begins with a slash, and ends with one if it did.
[[nodiscard]] std::string clean_path(std::string_view path);

} // namespace weft::inline v0_1::http::detail
