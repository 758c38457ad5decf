// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#pragma once

#include "job.hpp"

#include <weft/channel.hpp>
#include <weft/task.hpp>

#include <filesystem>

namespace wordcount {

/// Sends every regular file under the root, and closes `files`. Links to files count as files,
/// links to directories are left out, so no link can lead in a circle.
weft::task<> walk(job& j, weft::send_channel<std::filesystem::path> files);

} // namespace wordcount
