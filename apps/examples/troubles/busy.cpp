// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The fault: a loop looks again and again whether there is something to do. The processor profile
// shows it, by function and by label.

#include <weft/debug/cpu_profile.hpp>
#include <weft/weft.hpp>

#include <chrono>
#include <fstream>
#include <string>

using namespace std::chrono_literals;

// [snippet busy]
weft::task<> consume(weft::context ctx, weft::receive_channel<int> jobs)
{
    const weft::label_scope labels{{"role", "consumer"}};
    while (!ctx.err()) {
        auto job = jobs.try_receive(); // the fault: receive(ctx) waits without work
        if (!job) co_await weft::this_goroutine::yield();
    }
}

weft::task<> program(std::string file)
{
    weft::debug::cpu_profile profile;
    auto [ctx, cancel] = weft::with_timeout(weft::background(), 1s);
    co_await weft::spawn(consume, ctx, weft::make_channel<int>()).join();
    std::ofstream(file) << profile.stop().encoded();
}
// [snippet end]

int main(int argc, char** argv)
{
    const std::string directory = argc > 1 ? argv[1] : ".";
    weft::run([directory] { return program(directory + "/cpu.pb"); });
}

// Shows by `go tool pprof -top -cum '-show=^consume|try_receive|yield' cpu.pb`:
// Duration: 1.01s, Total samples = 290ms (28.76%)
// Showing nodes accounting for 180ms, 62.07% of 290ms total
//       flat  flat%   sum%        cum   cum%
//       70ms 24.14% 24.14%      150ms 51.72%  consume
//       20ms  6.90% 31.03%       70ms 24.14%  weft::receive_channel::try_receive const
//       20ms  6.90% 37.93%       50ms 17.24%  weft::channel::try_receive const
//       30ms 10.34% 48.28%       30ms 10.34%  weft::detail::channel_core::try_receive
//       30ms 10.34% 58.62%       30ms 10.34%  weft::detail::requeue_yielded
//       10ms  3.45% 62.07%       10ms  3.45%  weft::detail::yield_operation::driver::start

// Shows by `go tool pprof -tags cpu.pb`:
//  role: Total 160.0ms
//        160.0ms (  100%): consumer
