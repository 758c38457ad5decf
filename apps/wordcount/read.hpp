// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "job.hpp"

#include <weft/channel.hpp>
#include <weft/task.hpp>

#include <filesystem>
#include <string>

namespace wordcount {

/// Reads files until there are no more, and sends them on in blocks that end between two words. A
/// file that cannot be read is reported and skipped.
weft::task<> read_files(job& j, weft::receive_channel<std::filesystem::path> files,
                        weft::send_channel<std::string> blocks);

} // namespace wordcount
