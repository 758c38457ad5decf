// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "pattern.hpp"

#include <weft/http/headers.hpp>
#include <weft/http/url.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <stdexcept>

namespace weft::inline v0_1::http::detail {

namespace {

using kind = pattern_segment::kind;
using enum pattern_relation;

constexpr std::size_t most_wildcards = 32;

bool is_wildcard_name(std::string_view s)
{
    const auto is_letter = [](char c) {
        return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    return !s.empty() && is_letter(s.front()) && std::all_of(s.begin(), s.end(), [&](char c) {
        return is_letter(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
    });
}

/// What two criteria, both of which must hold, mean together.
pattern_relation both(pattern_relation a, pattern_relation b)
{
    if (a == equivalent) return b;
    if (a == disjoint || b == disjoint) return disjoint;
    if (b == equivalent || a == b) return a;
    return overlaps;
}

pattern_relation compare(const pattern_segment& a, const pattern_segment& b)
{
    if (a.what == kind::literal && b.what == kind::literal)
        return a.text == b.text ? equivalent : disjoint;
    if (a.what == b.what) return equivalent;
    if (a.what == kind::rest) return more_general;
    if (b.what == kind::rest) return more_specific;
    // {x} is one whole segment, never the end of "/a/".
    if (a.what == kind::single) return b.text == "/" ? disjoint : more_general;
    return a.text == "/" ? disjoint : more_specific;
}

pattern_relation compare_methods(const route_pattern& a, const route_pattern& b)
{
    if (a.method == b.method) return equivalent;
    if (a.method.empty() || (a.method == "GET" && b.method == "HEAD")) return more_general;
    if (b.method.empty() || (b.method == "GET" && a.method == "HEAD")) return more_specific;
    return disjoint;
}

pattern_relation compare_paths(const route_pattern& a, const route_pattern& b)
{
    const std::size_t shared = std::min(a.segments.size(), b.segments.size());
    pattern_relation r = equivalent;
    for (std::size_t i = 0; i < shared && r != disjoint; ++i)
        r = both(r, compare(a.segments[i], b.segments[i]));
    if (r == disjoint || a.segments.size() == b.segments.size()) return r;
    if (a.segments.size() < b.segments.size())
        return a.ends_in_rest() ? both(r, more_general) : disjoint;
    return b.ends_in_rest() ? both(r, more_specific) : disjoint;
}

} // namespace

route_pattern route_pattern::parse(std::string_view text)
{
    const auto fail = [&](const std::string& why) {
        throw std::invalid_argument("http: pattern \"" + std::string(text) + "\": " + why);
    };
    route_pattern p;
    p.text = text;
    if (text.empty()) fail("it is empty");

    std::string_view rest = text;
    const std::size_t blank = rest.find_first_of(" \t");
    if (blank != std::string_view::npos) {
        p.method = rest.substr(0, blank);
        rest.remove_prefix(std::min(rest.find_first_not_of(" \t", blank), rest.size()));
        if (!is_token(p.method)) fail("invalid method \"" + p.method + "\"");
    }
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) fail("host/path missing /");
    p.host = rest.substr(0, slash);
    std::transform(p.host.begin(), p.host.end(), p.host.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    rest.remove_prefix(slash);
    if (p.host.find('{') != std::string::npos) fail("host contains '{' (missing initial '/'?)");
    if (!p.method.empty() && p.method != "CONNECT" && clean_path(rest) != rest)
        fail("an unclean path can never match");

    std::vector<std::string> names;
    while (!rest.empty()) {
        rest.remove_prefix(1); // a slash
        if (rest.empty()) {
            p.segments.push_back({kind::rest, ""});
            break;
        }
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        rest.remove_prefix(end);
        if (segment.find('{') == std::string_view::npos) {
            p.segments.push_back(
                {kind::literal, percent_decoded(segment).value_or(std::string(segment))});
            continue;
        }
        if (segment.front() != '{') fail("bad wildcard segment (must start with '{')");
        if (segment.back() != '}') fail("bad wildcard segment (must end with '}')");
        std::string_view name = segment.substr(1, segment.size() - 2);
        if (name == "$") {
            if (!rest.empty()) fail("{$} not at end");
            p.segments.push_back({kind::literal, "/"});
            break;
        }
        const bool takes_rest = name.ends_with("...");
        if (takes_rest) {
            name.remove_suffix(3);
            if (!rest.empty()) fail("{...} wildcard not at end");
        }
        if (name.empty()) fail("empty wildcard");
        if (!is_wildcard_name(name)) fail("bad wildcard name \"" + std::string(name) + "\"");
        if (std::find(names.begin(), names.end(), name) != names.end())
            fail("duplicate wildcard name \"" + std::string(name) + "\"");
        names.emplace_back(name);
        if (names.size() > most_wildcards) fail("too many wildcards");
        p.segments.push_back({takes_rest ? kind::rest : kind::single, std::string(name)});
    }
    return p;
}

pattern_relation compare(const route_pattern& a, const route_pattern& b)
{
    return both(compare_methods(a, b), compare_paths(a, b));
}

bool in_conflict(const route_pattern& a, const route_pattern& b)
{
    // With one host, that pattern is the more specific one; with two, no request matches both.
    if (a.host != b.host) return false;
    const pattern_relation r = compare(a, b);
    return r == equivalent || r == overlaps;
}

std::string common_path(const route_pattern& a, const route_pattern& b)
{
    std::string path;
    const auto add = [&](const pattern_segment& s) {
        if (s.what == kind::literal && s.text == "/") {
            path += '/';
        } else if (s.what == kind::literal) {
            path += "/" + percent_encoded(s.text);
        } else {
            path += "/" + s.text;
        }
    };
    for (std::size_t i = 0; i < std::max(a.segments.size(), b.segments.size()); ++i) {
        // Of two, the one that leaves less open.
        const bool of_a = i < a.segments.size() &&
                          (i >= b.segments.size() || b.segments[i].what > a.segments[i].what);
        add(of_a ? a.segments[i] : b.segments[i]);
    }
    return path;
}

std::string clean_path(std::string_view path)
{
    std::vector<std::string_view> kept;
    for (std::string_view rest = path; !rest.empty();) {
        const std::size_t end = std::min(rest.find('/'), rest.size());
        const std::string_view segment = rest.substr(0, end);
        if (segment == "..") {
            if (!kept.empty()) kept.pop_back();
        } else if (!segment.empty() && segment != ".") {
            kept.push_back(segment);
        }
        rest.remove_prefix(std::min(end + 1, rest.size()));
    }
    std::string clean;
    for (const std::string_view segment : kept) clean.append("/").append(segment);
    if (clean.empty() || path.ends_with('/')) clean += '/';
    return clean;
}

} // namespace weft::inline v0_1::http::detail
