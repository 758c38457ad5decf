// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/log.hpp>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <mutex>

namespace weft::inline v0_1 {

namespace {

spdlog::level::level_enum to_spdlog(log_level l)
{
    switch (l) {
    case log_level::info: return spdlog::level::info;
    case log_level::warning: return spdlog::level::warn;
    case log_level::error: return spdlog::level::err;
    case log_level::critical: return spdlog::level::critical;
    }
    return spdlog::level::err;
}

void write_with_spdlog(log_level level, std::string_view message)
{
    static spdlog::logger logger("weft", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    logger.log(to_spdlog(level), "{}", message);
    logger.flush();
}

struct state {
    std::mutex mutex;
    log_sink sink;
};

state& the_state()
{
    static auto* s = new state; // never destroyed: goroutines may log while the process exits
    return *s;
}

} // namespace

void set_log_sink(log_sink sink)
{
    std::lock_guard lock(the_state().mutex);
    the_state().sink = std::move(sink);
}

void log(log_level level, std::string_view message) noexcept
{
    try {
        std::lock_guard lock(the_state().mutex);
        if (the_state().sink) {
            the_state().sink(level, message);
        } else {
            write_with_spdlog(level, message);
        }
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // A log that cannot be written must not take the program down.
    }
}

} // namespace weft::inline v0_1
