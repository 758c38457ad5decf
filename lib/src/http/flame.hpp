// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/debug/profile.hpp>

#include <cstddef>
#include <string>

/// A profile as a flame graph's tree.

namespace weft::inline v0_1::debug {

/// {"name", "unit", "total", "names": [...], "nodes": [[parent, name, value], ...]}: node 0 is the root, each parent comes before
/// its children, `name` is an index into "names". What would be narrower than a thousandth of the whole is left out, and at
/// most 5,000 nodes are written.
/// @param which  the one of the profile's values.
[[nodiscard]] std::string flame_json(const profile& p, std::size_t which);

} // namespace weft::inline v0_1::debug
