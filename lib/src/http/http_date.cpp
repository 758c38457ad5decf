// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "http_date.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>

namespace weft::inline v0_1::http::detail {

namespace {

constexpr std::size_t date_size = 29;
constexpr std::array<const char*, 7> days{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
constexpr std::array<const char*, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                             "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void write_date(std::array<char, 64>& into, std::time_t t) noexcept
{
    std::tm parts{};
    ::gmtime_r(&t, &parts);
    // Not strftime: it speaks the locale's language.
    std::snprintf(into.data(), into.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                  days[static_cast<std::size_t>(parts.tm_wday)], parts.tm_mday,
                  months[static_cast<std::size_t>(parts.tm_mon)], parts.tm_year + 1900,
                  parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::optional<int> number(std::string_view s) noexcept
{
    int n = 0;
    const auto r = std::from_chars(s.data(), s.data() + s.size(), n);
    if (r.ec != std::errc() || r.ptr != s.data() + s.size() || n < 0) return std::nullopt;
    return n;
}

} // namespace

std::string http_date(std::time_t t)
{
    std::array<char, 64> text{};
    write_date(text, t);
    return std::string(text.data());
}

std::string_view http_date_now()
{
    thread_local std::time_t second = -1;
    thread_local std::array<char, 64> text{};
    const std::time_t now = std::time(nullptr);
    if (now != second) {
        write_date(text, now);
        second = now;
    }
    return {text.data(), date_size};
}

std::optional<std::time_t> parse_http_date(std::string_view s)
{
    if (s.size() != date_size || s.substr(3, 2) != ", " || s[7] != ' ' || s[11] != ' ' ||
        s[16] != ' ' || s[19] != ':' || s[22] != ':' || s.substr(25) != " GMT")
        return std::nullopt;
    const auto month = std::find(months.begin(), months.end(), s.substr(8, 3));
    const auto day = number(s.substr(5, 2)), year = number(s.substr(12, 4)),
               hour = number(s.substr(17, 2)), minute = number(s.substr(20, 2)),
               second = number(s.substr(23, 2));
    if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
    std::tm parts{};
    parts.tm_mday = *day;
    parts.tm_mon = static_cast<int>(month - months.begin());
    parts.tm_year = *year - 1900;
    parts.tm_hour = *hour;
    parts.tm_min = *minute;
    parts.tm_sec = *second;
    return ::timegm(&parts);
}

} // namespace weft::inline v0_1::http::detail
