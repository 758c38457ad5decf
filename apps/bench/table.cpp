// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "table.hpp"

#include <cstdio>
#include <optional>

namespace bench {
namespace {

using figure = std::optional<double>;

figure of(const row& results, const char* impl, figure result::* member)
{
    const auto found = results.find(impl);
    return found == results.end() ? std::nullopt : found->second.*member;
}

std::string text(const char* format, figure value)
{
    char buffer[64] = "-";
    if (value) { std::snprintf(buffer, sizeof buffer, format, *value); }
    return buffer;
}

figure ratio(figure other, figure ours)
{
    return other && ours && *ours > 0 ? figure(*other / *ours) : std::nullopt;
}

} // namespace

void print_table_head()
{
    std::printf("%-22s %5s %12s %12s %12s %8s %10s %12s %12s\n", "scenario", "procs", "weft ns/op",
                "Go ns/op", "Asio ns/op", "Go/weft", "Asio/weft", "weft cpu", "Go cpu");
    std::fflush(stdout);
}

void print_table_row(const scenario& what, unsigned procs, const row& results)
{
    const bool memory = what.memory;
    const auto main_figure = memory ? &result::bytes_per_goroutine : &result::ns_per_op;
    const figure ours = of(results, "weft", main_figure);
    const figure go = of(results, "go", main_figure);
    const figure asio = of(results, "asio", main_figure);
    std::string note = memory ? "  bytes" : "";
    if (const figure lost = of(results, "asio", &result::lost_per_cent); lost && *lost > 0) {
        note += text("  Asio lost %.1f %% of the messages", lost);
    }
    std::printf("%-22s %5u %12s %12s %12s %8s %10s %12s %12s%s\n", std::string(what.name).c_str(),
                procs, text("%.1f", ours).c_str(), text("%.1f", go).c_str(),
                text("%.1f", asio).c_str(), text("%.2f", ratio(go, ours)).c_str(),
                text("%.2f", ratio(asio, ours)).c_str(),
                text("%.1f", of(results, "weft", &result::cpu_ns_per_op)).c_str(),
                text("%.1f", of(results, "go", &result::cpu_ns_per_op)).c_str(), note.c_str());
    std::fflush(stdout);
}

} // namespace bench
