// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "run_service.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <cstddef>
#include <exception>
#include <string_view>

namespace apps {

int run_service(const std::string& name, const std::function<weft::task<>(weft::context)>& program,
                unsigned procs)
{
    spdlog::set_default_logger(spdlog::stdout_color_mt<spdlog::async_factory>(name));
    weft::set_log_sink([](weft::log_level level, std::string_view message) {
        constexpr spdlog::level::level_enum levels[] = {
            spdlog::level::info, spdlog::level::warn, spdlog::level::err, spdlog::level::critical};
        spdlog::log(levels[static_cast<std::size_t>(level)], message);
    });
    int status = 0;
    try {
        const weft::runtime_options how{.procs = procs};
        weft::run(program, how);
    } catch (const std::exception& e) {
        spdlog::error("{}: {}", name, e.what());
        status = 1;
    }
    weft::set_log_sink({});
    spdlog::shutdown();
    return status;
}

} // namespace apps
