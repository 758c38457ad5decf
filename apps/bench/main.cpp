// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The driver. Each measurement is a child process of its own: this program started as a worker, or
// the Go twin. So nobody inherits a warm or torn heap, and one that crashes or hangs costs one
// cell.

#include "child.hpp"
#include "harness.hpp"
#include "options.hpp"
#include "scenarios.hpp"
#include "table.hpp"

#include <algorithm>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#ifdef __GLIBC__
#    include <malloc.h>
#endif

namespace {

using namespace bench;

/// Go keeps its heap between runs. glibc gives it back and faults it in again, which would make a
/// million coroutine frames cost twice as much: here it keeps it as well.
void keep_heap()
{
#ifdef __GLIBC__
    ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
    ::mallopt(M_TOP_PAD, 1 << 26);
#endif
}

/// Measures in this process and prints one line per scenario.
int work(const options& chosen)
{
    keep_heap();
    for (const scenario& what : catalogue()) {
        if (!std::regex_search(std::string(what.name), chosen.filter)) { continue; }
        for (const unsigned procs : chosen.procs) {
            const request asked{what, procs, chosen.best, chosen.scale};
            if (const auto r = chosen.worker == "asio" ? run_asio(asked) : run_weft(asked)) {
                std::printf("%s\n", to_json(*r).c_str());
                std::fflush(stdout);
            }
        }
    }
    return 0;
}

std::vector<std::string> command_for(const std::string& impl, const request& asked,
                                     const options& chosen, const std::string& self)
{
    const std::string name(asked.what.name);
    const std::string procs = std::to_string(asked.procs);
    const std::string best = std::to_string(asked.best);
    const std::string scale = std::to_string(asked.scale);
    if (impl == "go") {
        return {chosen.go_twin, "-procs", procs, "-filter", name, "-best", best, "-scale", scale};
    }
    return {self,     "--worker", impl,      "--procs", procs, "--filter", "^" + name + "$",
            "--best", best,       "--scale", scale};
}

/// Everybody in turn, `rounds` times; the best of each. False: a child failed.
bool measure(const request& asked, const options& chosen, const std::string& self, row& best)
{
    bool all_ended_well = true;
    for (unsigned round = 0; round < chosen.rounds; ++round) {
        for (const std::string& impl : chosen.impls) {
            const auto ended = run_child(command_for(impl, asked, chosen, self), chosen.limit);
            if (!ended.ok) {
                std::fprintf(stderr, "weft_bench: %s, procs %u, %s: %s\n",
                             std::string(asked.what.name).c_str(), asked.procs, impl.c_str(),
                             ended.failure.c_str());
                all_ended_well = false;
                continue;
            }
            const auto r = from_json(ended.output);
            if (r && (!best.contains(impl) || r->better_than(best[impl]))) { best[impl] = *r; }
        }
    }
    return all_ended_well;
}

int drive(const options& chosen, const std::string& self)
{
    if (!chosen.json) { print_table_head(); }
    bool all_ended_well = true;
    for (const scenario& what : catalogue()) {
        if (!std::regex_search(std::string(what.name), chosen.filter)) { continue; }
        for (const unsigned procs : chosen.procs) {
            row best;
            const request asked{what, procs, chosen.best, chosen.scale};
            all_ended_well &= measure(asked, chosen, self, best);
            if (!chosen.json) {
                print_table_row(what, procs, best);
                continue;
            }
            for (const auto& [impl, r] : best) { std::printf("%s\n", to_json(r).c_str()); }
            std::fflush(stdout);
        }
    }
    return all_ended_well ? 0 : 1;
}

/// Finds the Go twin, or leaves Go out and says so.
void settle_go(options& chosen, const std::string& self)
{
    if (std::ranges::find(chosen.impls, "go") == chosen.impls.end()) { return; }
    const bool named = !chosen.go_twin.empty();
    if (!named) {
        chosen.go_twin = std::filesystem::path(self).replace_filename("weft_bench_go").string();
    }
    if (std::filesystem::exists(chosen.go_twin)) { return; }
    if (named) { throw usage_error("--go: there is no " + chosen.go_twin); }
    std::fprintf(stderr, "weft_bench: no Go twin (%s): Go is left out\n", chosen.go_twin.c_str());
    std::erase(chosen.impls, "go");
}

} // namespace

int main(int argc, char** argv)
try {
    options chosen = parse_options(argc, argv);
    if (chosen.help) {
        std::printf("%s", std::string(usage()).c_str());
        return 0;
    }
    if (chosen.list) {
        for (const scenario& what : catalogue()) {
            std::printf("%s\n", std::string(what.name).c_str());
        }
        return 0;
    }
    if (!chosen.worker.empty()) { return work(chosen); }
    const std::string self = own_path(argv[0]);
    settle_go(chosen, self);
    return drive(chosen, self);
} catch (const usage_error& e) {
    std::fprintf(stderr, "weft_bench: %s\n\n%s", e.what(), std::string(usage()).c_str());
    return 2;
} catch (const std::exception& e) {
    std::fprintf(stderr, "weft_bench: %s\n", e.what());
    return 1;
}
