// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_url.hpp"

#include <charconv>
#include <cstddef>
#include <stdexcept>

namespace relay {

namespace {

[[noreturn]] void refuse(const std::string& why)
{
    throw std::invalid_argument("the URL of a Redis " + why);
}

int hex(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

std::string decoded(std::string_view s)
{
    std::string plain;
    for (std::size_t i = 0; i < s.size(); ++i) {
        if (s[i] != '%') {
            plain += s[i];
            continue;
        }
        const int high = i + 2 < s.size() ? hex(s[i + 1]) : -1;
        const int low = high < 0 ? -1 : hex(s[i + 2]);
        if (low < 0) refuse("has a percent sign that is followed by no two hexadecimal digits");
        plain += static_cast<char>(high * 16 + low);
        i += 2;
    }
    return plain;
}

unsigned number(std::string_view s, unsigned most, const char* what)
{
    unsigned n = 0;
    const auto [end, ec] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (s.empty() || ec != std::errc() || end != s.data() + s.size() || n > most)
        refuse(std::string("has no good ") + what);
    return n;
}

/// Takes what stands before the first `mark`, and the mark; all of it if there is none.
std::string_view cut(std::string_view& rest, char mark)
{
    const std::size_t at = rest.find(mark);
    const std::string_view head = rest.substr(0, at);
    rest = at == rest.npos ? std::string_view() : rest.substr(at + 1);
    return head;
}

void read_address(std::string_view s, redis_url& into)
{
    std::string_view port;
    bool has_port = false;
    if (s.starts_with('[')) {
        s.remove_prefix(1);
        if (s.find(']') == s.npos) refuse("has a [ without a ]");
        into.host = cut(s, ']');
        has_port = s.starts_with(':');
        if (!s.empty() && !has_port) refuse("has something between ] and the port");
        if (has_port) port = s.substr(1);
    } else {
        has_port = s.find(':') != s.npos;
        into.host = cut(s, ':');
        port = s;
    }
    if (into.host.empty()) refuse("has no host");
    if (has_port) into.port = static_cast<std::uint16_t>(number(port, 65535, "port"));
}

} // namespace

redis_url parse_redis_url(std::string_view text)
{
    constexpr std::string_view scheme = "redis://";
    if (!text.starts_with(scheme)) refuse("begins with redis://");
    text.remove_prefix(scheme.size());
    redis_url u;

    std::string_view before_query = cut(text, '?');
    while (!text.empty()) {
        std::string_view value = cut(text, '&');
        const std::string_view name = cut(value, '=');
        if (name != "db") refuse("has a parameter that is not known; there is only db");
        u.database = static_cast<int>(number(value, 1'000'000, "db"));
    }
    // A password that was not encoded may hold anything but what ends it: the last @ does.
    const std::size_t at = before_query.rfind('@');
    if (at != before_query.npos) {
        std::string_view who = before_query.substr(0, at);
        before_query.remove_prefix(at + 1);
        u.user = decoded(cut(who, ':'));
        u.password = decoded(who);
    }
    read_address(cut(before_query, '/'), u);
    if (!before_query.empty()) u.queue = decoded(before_query);
    if (u.queue.find_first_of("{}") != u.queue.npos) refuse("has a brace in the queue's name");
    return u;
}

} // namespace relay
