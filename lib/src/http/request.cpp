// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include <weft/http/request.hpp>

#include <weft/http/url.hpp>

#include <algorithm>

namespace weft::inline v0_1::http {

std::string_view request::raw_path() const noexcept
{
    std::string_view t = target_;
    if (!t.empty() && t.front() != '/') {
        // The absolute form: what follows the authority.
        const std::size_t scheme = t.find("://");
        if (scheme == std::string_view::npos) return t;
        const std::size_t path = t.find_first_of("/?", scheme + 3);
        if (path == std::string_view::npos || t[path] == '?') return "/";
        t.remove_prefix(path);
    }
    return t.substr(0, std::min(t.find('?'), t.size()));
}

std::string_view request::query() const noexcept
{
    const std::size_t mark = target_.find('?');
    return mark == std::string::npos ? std::string_view()
                                     : std::string_view(target_).substr(mark + 1);
}

std::optional<std::string> request::query_value(std::string_view name) const
{
    for (auto& [key, value] : parse_query(query())) {
        if (key == name) return std::move(value);
    }
    return std::nullopt;
}

std::string_view request::path_value(std::string_view wildcard) const noexcept
{
    for (const auto& [name, value] : path_values_) {
        if (name == wildcard) return value;
    }
    return {};
}

const weft::context& request::context()
{
    if (!context_) context_ = context_source_ ? context_source_->request_context() : background();
    return context_;
}

} // namespace weft::inline v0_1::http
