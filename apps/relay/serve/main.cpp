// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// relay: a durable webhook relay.

#include "commands.hpp"
#include "options.hpp"
#include "run_service.hpp"
#include "service.hpp"

#include <sys/stat.h>

#include <cstdio>
#include <exception>

namespace relay {
namespace {

int serve_until_told(const options& o)
{
    ::umask(077); // the queue's file has secrets in it
    return apps::run_service("relay", [&o](weft::context ctx) { return serve(o, ctx); }, o.procs);
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
