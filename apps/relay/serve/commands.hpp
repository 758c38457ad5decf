// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "options.hpp"

#include <weft/weft.hpp>

namespace relay {

/// What `relay submit`, `list`, `show`, `retry` and `stats` do: ask a relay that runs, and print what it says.
/// @throws std::exception  it refuses or cannot be reached; the text says why.
[[nodiscard]] weft::task<> ask(options o, weft::context ctx);

} // namespace relay
