// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/url.hpp>

#include <weft/http/headers.hpp>

#include <algorithm>
#include <cctype>
#include <stdexcept>

namespace weft::inline v0_1::http {

namespace {

int hex_value(char c) noexcept
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

bool is_unreserved(char c) noexcept
{
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.' || c == '_' ||
           c == '~';
}

std::uint16_t default_port(std::string_view scheme) noexcept
{
    return scheme == "https" ? 443 : 80;
}

std::string lower(std::string_view s)
{
    std::string l(s);
    std::transform(l.begin(), l.end(), l.begin(), [](char c) {
        return static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    });
    return l;
}

/// RFC 3986 5.2.4, for a path that begins with a slash.
std::string without_dots(std::string_view path)
{
    std::string out;
    while (!path.empty()) {
        const std::size_t end = std::min(path.find('/', 1), path.size());
        const std::string_view segment = path.substr(0, end); // with its slash
        path.remove_prefix(end);
        if (segment == "/." || segment == "/..") {
            if (segment == "/..") out.erase(std::min(out.rfind('/'), out.size()));
            if (path.empty()) out += '/';
        } else {
            out.append(segment);
        }
    }
    return out.empty() ? "/" : out;
}

url without_dots(url u)
{
    const std::size_t query = std::min(u.target.find('?'), u.target.size());
    u.target = without_dots(std::string_view(u.target).substr(0, query)) + u.target.substr(query);
    return u;
}

[[noreturn]] void fail(std::string_view text, const char* why)
{
    throw std::invalid_argument("http: \"" + std::string(text) + "\" is no URL: " + why);
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view s, bool plus_is_space)
{
    std::string out;
    out.reserve(s.size());
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] == '%') {
            if (i + 2 >= s.size()) return std::nullopt;
            const int high = hex_value(s[i + 1]), low = hex_value(s[i + 2]);
            if (high < 0 || low < 0) return std::nullopt;
            out += static_cast<char>(high * 16 + low);
            i += 2;
        } else {
            out += s[i] == '+' && plus_is_space ? ' ' : s[i];
        }
    }
    return out;
}

std::string percent_encoded(std::string_view s)
{
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(s.size());
    for (const char c : s) {
        if (is_unreserved(c)) {
            out += c;
        } else {
            const auto u = static_cast<unsigned char>(c);
            out += {'%', digits[u >> 4U], digits[u & 15U]};
        }
    }
    return out;
}

std::vector<std::pair<std::string, std::string>> parse_query(std::string_view query)
{
    std::vector<std::pair<std::string, std::string>> members;
    while (!query.empty()) {
        const std::size_t end = std::min(query.find('&'), query.size());
        const std::string_view member = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        if (member.empty()) continue;
        const std::size_t sign = std::min(member.find('='), member.size());
        auto name = percent_decoded(member.substr(0, sign), true);
        auto value = percent_decoded(member.substr(std::min(sign + 1, member.size())), true);
        if (name && value) members.emplace_back(std::move(*name), std::move(*value));
    }
    return members;
}

std::string url::authority() const
{
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == default_port(scheme) ? name : name + ":" + std::to_string(port);
}

std::string url::text() const
{
    return scheme + "://" + authority() + target;
}

url url::parse(std::string_view text)
{
    for (const char c : text) {
        const auto u = static_cast<unsigned char>(c);
        if (u <= 0x20 || u >= 0x7f)
            fail(text, "blanks, control characters and what is not ASCII must be encoded");
    }
    url u;
    const std::size_t colon = text.find("://");
    if (colon == std::string_view::npos) fail(text, "it does not begin with http:// or https://");
    u.scheme = lower(text.substr(0, colon));
    if (u.scheme != "http" && u.scheme != "https") fail(text, "only http and https are known");
    std::string_view rest = text.substr(colon + 3);
    rest = rest.substr(0, rest.find('#'));
    const std::size_t end = std::min(rest.find_first_of("/?"), rest.size());
    std::string_view authority = rest.substr(0, end);
    rest.remove_prefix(end);

    if (authority.find('@') != std::string_view::npos)
        fail(text, "a name and a password do not belong there");
    std::string_view port;
    bool has_port = false;
    if (authority.starts_with('[')) {
        const std::size_t close = authority.find(']');
        if (close == std::string_view::npos) fail(text, "'[' without ']'");
        u.host = lower(authority.substr(1, close - 1));
        if (u.host.find_first_not_of("0123456789abcdef:.") != std::string::npos ||
            u.host.find(':') == std::string::npos)
            fail(text, "malformed IPv6 address");
        port = authority.substr(close + 1);
        if (!port.empty() && port.front() != ':') fail(text, "malformed host");
        has_port = !port.empty();
        if (has_port) port.remove_prefix(1);
    } else {
        const std::size_t at = authority.find(':');
        has_port = at != std::string_view::npos;
        u.host = lower(authority.substr(0, at));
        if (has_port) port = authority.substr(at + 1);
        const auto fits = [](char c) {
            return is_unreserved(c) ||
                   std::string_view("!$&'()*+,;=%").find(c) != std::string_view::npos;
        };
        if (!std::all_of(u.host.begin(), u.host.end(), fits)) fail(text, "malformed host");
    }
    if (u.host.empty()) fail(text, "it has no host");
    u.port = default_port(u.scheme);
    if (has_port && !port.empty()) {
        if (port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos ||
            std::stoul(std::string(port)) > 65535 || std::stoul(std::string(port)) == 0)
            fail(text, "the port must be a number from 1 to 65535");
        u.port = static_cast<std::uint16_t>(std::stoul(std::string(port)));
    }
    u.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
    return u;
}

url url::resolved(std::string_view reference) const
{
    const std::size_t colon = reference.find(':');
    if (colon != std::string_view::npos && reference.find_first_of("/?#") > colon) {
        if (!reference.substr(colon).starts_with("://"))
            fail(reference, "only http and https are known");
        return without_dots(parse(reference));
    }
    if (reference.starts_with("//"))
        return without_dots(parse(scheme + ":" + std::string(reference)));

    reference = reference.substr(0, reference.find('#'));
    const std::size_t mark = std::min(reference.find('?'), reference.size());
    const std::string_view path = reference.substr(0, mark);
    const std::string_view query = reference.substr(mark);
    const std::string_view own = std::string_view(target).substr(0, target.find('?'));
    url u = *this;
    if (path.empty()) {
        u.target = query.empty() ? target : std::string(own) + std::string(query);
    } else if (path.starts_with('/')) {
        u.target = without_dots(path) + std::string(query);
    } else {
        u.target =
            without_dots(std::string(own.substr(0, own.rfind('/') + 1)) + std::string(path)) +
            std::string(query);
    }
    return parse(u.text()); // what cannot be sent is found here
}

} // namespace weft::inline v0_1::http
