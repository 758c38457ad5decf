// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A program that shows what is inside it: metrics of its own and the runtime's, goroutines, profiles.
// Here it asks itself; else: curl 'http://127.0.0.1:6060/debug/pprof/goroutine?debug=1'

#include <weft/debug/metrics.hpp>
#include <weft/debug/watch.hpp>
#include <weft/http.hpp>
#include <weft/http/debug_handler.hpp>
#include <weft/weft.hpp>

#include <iostream>
#include <sstream>
#include <string>

namespace {

/// The lines of `text` that begin with `start`.
std::string lines_with(const std::string& text, const std::string& start)
{
    std::istringstream in(text);
    std::string found;
    for (std::string line; std::getline(in, line);) {
        if (line.starts_with(start)) found += line + '\n';
    }
    return found;
}

weft::task<> program(weft::context ctx)
{
    auto& orders = weft::debug::process_metrics().add_counter("orders_total", "Orders taken.");
    auto jobs = weft::make_channel<int>(8);
    const auto shown = weft::debug::watch_channel(jobs, "jobs");
    co_await jobs.send(1);
    orders.add();

    auto [life, end] = weft::with_cancel(ctx);
    auto ready = weft::make_channel<unsigned short>(1);
    weft::debug::debug_server_options options;
    options.on_listen = [ready](const auto& at) { (void)ready.try_send(at.port()); };
    auto pages = weft::spawn(
        [life = life, options] { return weft::debug::serve(life, "127.0.0.1:0", options); });

    const std::string base = "http://127.0.0.1:" + std::to_string(*co_await ready.receive());
    weft::http::client web;
    auto metrics = co_await web.get(ctx, base + "/metrics");
    const std::string text = co_await metrics.text();
    std::cout << lines_with(text, "orders_total") << lines_with(text, "weft_channel_length");
    auto dump = co_await web.get(ctx, base + "/debug/pprof/goroutine?debug=2");
    const std::string goroutines = co_await dump.text();
    std::cout << "main is shown: " << !lines_with(goroutines, "goroutine 1 \"main\"").empty()
              << '\n';
    end();
    co_await pages.join();
}

} // namespace

int main()
{
    weft::run([](weft::context ctx) -> weft::task<> { co_await program(ctx); });
}

// Output:
// orders_total 1
// weft_channel_length{channel="jobs"} 1
// main is shown: 1
