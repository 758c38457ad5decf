// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include <weft/task.hpp>

#include <cstddef>
#include <string_view>

namespace bench {

/// One run of `n` operations on weft; how many units arrived.
using weft_body = weft::task<std::size_t> (*)(std::size_t n);

/// Those of scenarios_weft_sync.cpp; null: no such scenario.
weft_body find_sync_body(std::string_view name);

/// Those of scenarios_weft_work.cpp; null: no such scenario.
weft_body find_work_body(std::string_view name);

} // namespace bench
