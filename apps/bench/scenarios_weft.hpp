// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/task.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <string_view>
#include <utility>

namespace bench {

/// One run of `n` operations on weft; how many units arrived.
using weft_body = weft::task<std::size_t> (*)(std::size_t n);

using named_body = std::pair<std::string_view, weft_body>;

/// Null: it is not among them.
inline weft_body find_body(std::span<const named_body> bodies, std::string_view name)
{
    const auto found = std::ranges::find(bodies, name, &named_body::first);
    return found == bodies.end() ? nullptr : found->second;
}

/// Those of scenarios_weft_sync.cpp; null: no such scenario.
weft_body find_sync_body(std::string_view name);

/// Those of scenarios_weft_work.cpp; null: no such scenario.
weft_body find_work_body(std::string_view name);

} // namespace bench
