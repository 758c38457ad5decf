// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A program with something to see at /debug/: debug_sample [GOROUTINES]. It prints its address, and runs until SIGTERM.

#include <weft/debug/contention.hpp>
#include <weft/debug/watch.hpp>
#include <weft/debug/watchdog.hpp>
#include <weft/http/debug_handler.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

namespace {

using namespace std::chrono_literals;

/// What a page must not take for markup.
constexpr const char* hostile = "<img src=x onerror=alert(1)>";

weft::task<> waiter(weft::receive_channel<int> never)
{
    co_await never.receive();
}

weft::task<> hostile_waiter(weft::receive_channel<int> never)
{
    weft::this_goroutine::set_name(hostile);
    co_await never.receive();
}

weft::task<> producer(weft::send_channel<int> jobs)
{
    for (int i = 0;; ++i) co_await jobs.send(i);
}

/// Keeps its worker for a moment with each job.
unsigned long work(int job)
{
    unsigned long sum = static_cast<unsigned long>(job);
    for (int i = 0; i < 200'000; ++i) sum = sum * 2862933555777941757UL + 3037000493UL;
    return sum;
}

/// Of all consumers, who may still run when the program ends.
struct ledger {
    weft::mutex mutex;
    unsigned long total = 0; ///< under mutex
};

weft::task<> consumer(weft::receive_channel<int> jobs, std::shared_ptr<ledger> common)
{
    while (const auto job = co_await jobs.receive()) {
        const unsigned long sum = work(*job);
        const auto held = co_await common->mutex.lock();
        common->total += sum;
        co_await weft::sleep(2ms);
    }
}

weft::task<> program(weft::context ctx, long goroutines)
{
    auto never = weft::make_channel<int>();
    for (const char* route : {"/users", "/orders", hostile}) {
        const weft::label_scope labels{{"route", route}};
        for (long i = 0; i < goroutines / 3; ++i) weft::go(waiter, never);
    }
    weft::go(hostile_waiter, never);
    auto jobs = weft::make_channel<int>(64);
    const auto shown = weft::debug::watch_channel(jobs, "jobs");
    const auto odd = weft::debug::watch_channel(never, hostile);
    const auto common = std::make_shared<ledger>();
    weft::go(producer, jobs);
    for (int i = 0; i < 3; ++i) weft::go(consumer, jobs, common);
    weft::debug::set_latency_sampling(16);
    weft::debug::watchdog_options limits;
    limits.slice_limit = 5ms;
    const weft::debug::watchdog dog(limits);
    const auto hog = [] {
        const auto end = weft::clock::now() + 30ms;
        while (weft::clock::now() < end) {}
    };
    weft::go([hog]() -> weft::task<> {
        hog();
        co_return;
    });
    weft::debug::debug_server_options how;
    how.on_listen = [](const asio::ip::tcp::endpoint& at) {
        std::cout << "listening on http://127.0.0.1:" << at.port() << std::endl;
    };
    co_await weft::debug::serve(ctx, "127.0.0.1:0", how);
}

} // namespace

int main(int argc, char** argv)
{
    const long goroutines = argc > 1 ? std::atol(argv[1]) : 1000;
    const auto all = [goroutines](weft::context ctx) { return program(ctx, goroutines); };
    weft::run(all);
}
