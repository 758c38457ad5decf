// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "job.hpp"
#include "words.hpp"

#include <iosfwd>
#include <string>

namespace wordcount {

/// The state of the work in one line.
std::string progress(const job& j);

/// The result: the most frequent words, then what was read and how fast.
void report(std::ostream& out, const job& j, const word_table& words);

} // namespace wordcount
