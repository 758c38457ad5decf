// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace weft::detail {

/// Memory of coroutine frames.
void* allocate_frame(std::size_t size);
void free_frame(void* p, std::size_t size) noexcept;

} // namespace weft::detail
