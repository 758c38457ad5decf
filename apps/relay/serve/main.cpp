// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// relay: a durable webhook relay.

#include "commands.hpp"
#include "options.hpp"
#include "service.hpp"

#include <spdlog/async.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <sys/stat.h>

#include <cstdio>
#include <exception>

namespace relay {
namespace {

int serve_until_told(const options& o)
{
    ::umask(077); // the queue's file has secrets in it
    spdlog::set_default_logger(spdlog::stdout_color_mt<spdlog::async_factory>("relay"));
    weft::set_log_sink([](weft::log_level level, std::string_view message) {
        constexpr spdlog::level::level_enum levels[] = {
            spdlog::level::info, spdlog::level::warn, spdlog::level::err, spdlog::level::critical};
        spdlog::log(levels[static_cast<std::size_t>(level)], message);
    });
    int status = 0;
    try {
        auto program = [&o](weft::context ctx) { return serve(o, ctx); };
        const weft::runtime_options how{.procs = o.procs};
        weft::run(program, how);
    } catch (const std::exception& e) {
        spdlog::error("relay: {}", e.what());
        status = 1;
    }
    weft::set_log_sink({});
    spdlog::shutdown();
    return status;
}

int ask_once(const options& o)
{
    try {
        auto program = [&o](weft::context ctx) { return ask(o, ctx); };
        const weft::runtime_options how{.procs = 1};
        weft::run(program, how);
        return 0;
    } catch (const std::exception& e) {
        std::fprintf(stderr, "relay: %s\n", e.what());
        return 1;
    }
}

} // namespace
} // namespace relay

int main(int argc, char** argv)
{
    const relay::command_line line = relay::read_options(argc, argv);
    if (line.exit_status) return *line.exit_status;
    const relay::options& o = line.chosen;
    switch (o.role) {
    case relay::role::serve:
    case relay::role::work:
    case relay::role::all: return relay::serve_until_told(o);
    default: return relay::ask_once(o);
    }
}
