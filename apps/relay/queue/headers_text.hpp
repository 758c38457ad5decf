// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"

#include <string>
#include <string_view>

/// Header lists as text, "name: value" a line: how they are kept. Neither a name nor a value has a line break in it: who takes jobs in
/// sees to that.

namespace relay {

[[nodiscard]] inline std::string headers_text(const header_list& headers)
{
    std::string text;
    for (const auto& [name, value] : headers) text.append(name).append(": ").append(value) += '\n';
    return text;
}

[[nodiscard]] inline header_list headers_of(std::string_view text)
{
    header_list headers;
    while (!text.empty()) {
        const std::string_view line = text.substr(0, text.find('\n'));
        text.remove_prefix(line.size() + 1);
        const std::size_t colon = line.find(": ");
        if (colon != std::string_view::npos)
            headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    return headers;
}

} // namespace relay
