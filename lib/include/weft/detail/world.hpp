// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <memory>
#include <vector>

namespace weft::detail {

class scheduler;

/// The list of the process's running schedulers, for dumps.
void join_world(scheduler& s);
void leave_world(scheduler& s) noexcept;
std::vector<std::shared_ptr<scheduler>> world();
/// Keeps a stopped scheduler until nothing refers to it any more, and a while longer.
void keep_orphaned(std::shared_ptr<scheduler> s);

} // namespace weft::detail
