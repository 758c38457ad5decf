// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"
#include "redis_value.hpp"

#include <cstddef>
#include <string>

/// How jobs are written in Redis.

namespace relay {

[[nodiscard]] timestamp time_of(const redis_value& v);

/// "<length>:<bytes>" for each header's name, or value.
[[nodiscard]] std::string packed(const header_list& headers,
                                 std::string header_list::value_type::* what);

/// As `show` of the scripts gives it, from that element on; what it takes from `v` is moved.
[[nodiscard]] job job_of(redis_value& v, std::size_t from = 0);

} // namespace relay
