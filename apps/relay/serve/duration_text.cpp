// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "duration_text.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <utility>

namespace relay {

namespace {

constexpr std::array<std::pair<std::string_view, std::int64_t>, 5> units{
    {{"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};

} // namespace

std::chrono::milliseconds parse_duration(std::string_view text)
{
    double number = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number);
    const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
    double factor = unit.empty() ? 1'000 : 0;
    for (const auto& [name, ms] : units) {
        if (name == unit) factor = static_cast<double>(ms);
    }
    if (ec != std::errc() || factor == 0 || !(number >= 0) || number * factor > 8.64e10)
        throw std::invalid_argument("'" + std::string(text) +
                                    "' is no duration, such as 500ms, 10s, 5m, 2h or 1d");
    return std::chrono::milliseconds(std::llround(number * factor));
}

std::string duration_text(std::chrono::milliseconds d)
{
    for (const auto& [name, ms] : units) {
        if (d.count() >= ms && d.count() % ms == 0)
            return std::to_string(d.count() / ms) + std::string(name);
    }
    return std::to_string(d.count()) + "ms";
}

} // namespace relay
