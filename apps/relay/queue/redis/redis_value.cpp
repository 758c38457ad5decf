// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "redis_value.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace relay {

redis_value redis_value::of(const redisReply& r)
{
    redis_value v;
    switch (r.type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS: v.data.emplace<std::string>(r.str, r.len); break;
    case REDIS_REPLY_ERROR: v.data = error{std::string(r.str, r.len)}; break;
    case REDIS_REPLY_INTEGER: v.data.emplace<std::int64_t>(r.integer); break;
    case REDIS_REPLY_ARRAY: {
        auto& all = v.data.emplace<array>();
        all.reserve(r.elements);
        for (std::size_t i = 0; i < r.elements; ++i) all.push_back(of(*r.element[i]));
        break;
    }
    default: break;
    }
    return v;
}

std::int64_t redis_value::number() const
{
    if (const auto* n = std::get_if<std::int64_t>(&data)) return *n;
    const auto* s = std::get_if<std::string>(&data);
    std::int64_t n = 0;
    if (!s || std::from_chars(s->data(), s->data() + s->size(), n).ec != std::errc()) unexpected();
    return n;
}

std::string_view info_value(std::string_view info, std::string_view name)
{
    while (!info.empty()) {
        const std::string_view line = info.substr(0, info.find_first_of("\r\n"));
        if (line.size() > name.size() && line.starts_with(name) && line[name.size()] == ':')
            return line.substr(name.size() + 1);
        info.remove_prefix(std::min(info.size(), line.size() + 1));
    }
    return {};
}

} // namespace relay
