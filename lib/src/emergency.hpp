// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>

namespace weft::inline v0_1::detail {

/// `debug::emergency_dump` into whatever; `write` is async-signal-safe where the caller has to be.
void write_emergency_dump(void (*write)(void* to, const char* text, std::size_t n) noexcept,
                          void* to) noexcept;

} // namespace weft::inline v0_1::detail
