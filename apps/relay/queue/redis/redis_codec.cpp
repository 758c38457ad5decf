// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_codec.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace relay {

namespace {

using texts = std::vector<std::string>;

texts unpacked(std::string_view all)
{
    texts each;
    while (!all.empty()) {
        std::size_t n = 0;
        const auto [end, ec] = std::from_chars(all.data(), all.data() + all.size(), n);
        const auto head = static_cast<std::size_t>(end - all.data()) + 1;
        if (ec != std::errc() || head > all.size() || n > all.size() - head)
            redis_value::unexpected();
        each.emplace_back(all.substr(head, n));
        all.remove_prefix(head + n);
    }
    return each;
}

} // namespace

timestamp time_of(const redis_value& v)
{
    return timestamp(std::chrono::milliseconds(v.number()));
}

std::string packed(const header_list& headers, std::string header_list::value_type::* what)
{
    std::string all;
    for (const auto& h : headers) {
        const std::string& s = h.*what;
        all += std::to_string(s.size()) + ":" + s;
    }
    return all;
}

job job_of(redis_value& v, std::size_t from)
{
    job j;
    const auto field = [&](std::size_t i) -> redis_value& { return v.at(from + i); };
    j.id = std::move(field(0).string());
    j.what.target = std::move(field(1).string());
    j.what.host = std::move(field(2).string());
    for (std::string& name : unpacked(field(3).string()))
        j.what.headers.emplace_back(std::move(name), "");
    j.state = state_of(field(4).string());
    j.attempts = static_cast<int>(field(5).number());
    j.max_attempts = static_cast<int>(field(6).number());
    j.created = time_of(field(7));
    j.due = time_of(field(8));
    j.last.status = static_cast<int>(field(9).number());
    j.last.error = std::move(field(10).string());
    if (v.elements().size() <= from + 12) return j;
    if (!field(11).is_nil()) {
        texts values = unpacked(field(11).string());
        const std::size_t n = std::min(values.size(), j.what.headers.size());
        for (std::size_t i = 0; i < n; ++i) j.what.headers[i].second = std::move(values[i]);
    }
    if (!field(12).is_nil()) j.what.body = std::move(field(12).string());
    return j;
}

} // namespace relay
