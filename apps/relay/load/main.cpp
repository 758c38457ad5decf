// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// relay_load: gives jobs to a relay as fast as it takes them, or at a rate, takes their deliveries, and tells how it went.

#include "load.hpp"
#include "target_server.hpp"

#include <weft/weft.hpp>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>

namespace {

using namespace std::chrono_literals;

weft::task<> run(relay::target_server& target, relay::load_options o,
                 std::vector<std::string> paths, bool only_put, double patience)
{
    for (const std::string& p : paths) o.targets.push_back(target.url(p));
    const auto began = weft::clock::now();
    const relay::load_result r = co_await relay::give_jobs(weft::background(), o);
    std::printf(
        "accepted %zu in %.2f s: %.0f/s, p50 %.2f ms, p99 %.2f ms; refused %llu, unanswered %llu\n",
        r.ids.size(), r.seconds, static_cast<double>(r.ids.size()) / r.seconds,
        r.times.quantile(0.5), r.times.quantile(0.99), static_cast<unsigned long long>(r.refused),
        static_cast<unsigned long long>(r.unanswered));
    if (only_put) co_return;
    const auto end = weft::clock::now() + std::chrono::duration_cast<weft::duration>(
                                              std::chrono::duration<double>(patience));
    while (target.delivered() < r.ids.size() && weft::clock::now() < end)
        co_await weft::sleep(10ms);
    const double took = std::chrono::duration<double>(weft::clock::now() - began).count();
    const auto times = target.times().read();
    std::printf("delivered %zu in %.2f s: %.0f/s; from request to target p50 %.2f ms, p90 %.2f ms, "
                "p99 %.2f ms; "
                "too often %zu, missing %zu\n",
                target.delivered(), took, static_cast<double>(target.delivered()) / took,
                times.quantile(0.5), times.quantile(0.9), times.quantile(0.99), target.too_often(),
                target.missing(r.ids));
}

} // namespace

int main(int argc, char** argv)
{
    relay::load_options o;
    o.server = "http://127.0.0.1:8080";
    std::vector<std::string> paths{"/ok"};
    bool only_put = false;
    double patience = 60, seconds = 5;
    CLI::App app("relay_load: gives jobs to a relay and takes their deliveries", "relay_load");
    app.add_option("--server", o.server, "where relay serves")->capture_default_str();
    app.add_option("--clients", o.clients, "that give jobs")->capture_default_str();
    app.add_option("--rate", o.rate, "jobs per second; 0: as many as are taken");
    app.add_option("--seconds", seconds, "for so long")->capture_default_str();
    app.add_option("--jobs", o.most, "so many at most; 0: any number");
    app.add_option("--body", o.body_bytes, "bytes")->capture_default_str();
    app.add_option("--paths", paths, "of the targets: /ok, /slow, /hang, /fail, /flaky")
        ->capture_default_str();
    app.add_flag("--only-put", only_put, "do not wait for deliveries");
    app.add_option("--patience", patience, "seconds to wait for deliveries")->capture_default_str();
    CLI11_PARSE(app, argc, argv);
    o.time = std::chrono::milliseconds(static_cast<long>(seconds * 1000));
    relay::target_server target;
    auto program = [&](weft::context) { return run(target, o, paths, only_put, patience); };
    weft::run(program, weft::runtime_options{.procs = 1});
    return 0;
}
