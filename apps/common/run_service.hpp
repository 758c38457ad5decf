// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/weft.hpp>

#include <functional>
#include <string>

/// What the main functions of the services have in common.

namespace apps {

/// Runs `program` until it ends, or SIGINT or SIGTERM ends its context; logs through spdlog, weft's own lines too.
/// @return  the exit status: 1 if it threw, which is logged.
int run_service(const std::string& name, const std::function<weft::task<>(weft::context)>& program,
                unsigned procs);

} // namespace apps
