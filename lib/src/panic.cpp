// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/debug/goroutines.hpp>
#include <weft/detail/panic_trace.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/join_handle.hpp>
#include <weft/log.hpp>

#include <iostream>
#include <sstream>
#include <typeinfo>

namespace weft::inline v0_1::detail {

namespace {

std::string describe(const std::exception_ptr& e)
{
    try {
        std::rethrow_exception(e);
    } catch (const std::exception& x) {
        return std::string(x.what());
    } catch (...) {
        return "an exception that is no std::exception";
    }
}

void apply_policy(const panic_policy& policy, const std::exception_ptr& e,
                  const std::string& report)
{
    if (policy.what() == panic_policy::kind::handler && policy.handler()) {
        policy.handler()({e, report});
        return;
    }
    log(log_level::critical, report);
    if (policy.what() == panic_policy::kind::log) return;
    debug::dump(std::cerr);
    std::cerr.flush();
    std::terminate();
}

} // namespace

void trace_panic(goroutine& g, const std::source_location& site) noexcept
{
    try {
        panic_trace& trace = extras_of(g).trace;
        const auto e = std::current_exception();
        if (trace.of != e) trace = {e, {}}; // an earlier one was caught on its way
        trace.frames.push_back(site);
    } catch (...) { // NOLINT(bugprone-empty-catch)
        // No memory for the trace: the panic is still reported.
    }
}

void scheduler::panic(goroutine& g, std::exception_ptr e) noexcept
{
    if (is_observed()) note_panic();
    std::ostringstream out;
    out << "panic: " << describe(e) << "\n\n";
    debug::goroutine_info info;
    info.id = g.id;
    if (g.extras) info.name = g.extras->name;
    info.state = info.wait_reason = "running";
    info.spawn_site = g.spawn_site;
    info.parent = g.parent;
    if (g.extras && g.extras->trace.of == e) info.frames = g.extras->trace.frames;
    debug::print(out, info);
    apply_policy(options.on_panic, e, out.str());
}

/// Of a spawned goroutine that ended, whose result nobody fetched.
void report_unseen_failure(const panic_policy& policy, std::exception_ptr e) noexcept
{
    apply_policy(policy, e,
                 "panic: " + describe(e) +
                     "\n\nof a spawned goroutine whose result nobody joined\n");
}

} // namespace weft::inline v0_1::detail
