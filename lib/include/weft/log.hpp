// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <functional>
#include <string_view>

/// Where the runtime's own messages go (panics, watchdog reports).

namespace weft::inline v0_1 {

enum class log_level { info, warning, error, critical };

using log_sink = std::function<void(log_level, std::string_view)>;

/// Replaces the sink; an empty one restores the default, which writes to stderr through spdlog.
/// @par Thread safety  safe. The sink is called from any thread, one call at a time.
WEFT_EXPORT void set_log_sink(log_sink sink);

/// Writes a message to the sink.
WEFT_EXPORT void log(log_level level, std::string_view message) noexcept;

} // namespace weft::inline v0_1
