// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "harness.hpp"

#include <map>
#include <string>

namespace bench {

/// What the implementations reached in one scenario at one number of procs, by implementation.
using row = std::map<std::string, result>;

void print_table_head();
void print_table_row(const scenario& what, unsigned procs, const row& results);

} // namespace bench
