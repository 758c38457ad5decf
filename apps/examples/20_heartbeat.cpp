// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A heartbeat: the worker beats as it makes progress; who watches sees a pulse each period, or
// learns that there was silence, and starts another worker.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <utility>

using namespace std::chrono_literals;

weft::task<> worker(weft::heartbeat life, weft::send_channel<int> results, int good_for)
{
    for (int i = 1; i <= good_for; ++i) {
        co_await weft::sleep(1ms);
        life.beat();
        co_await results.send(i);
    }
    const weft::channel<void> never;
    co_await never.receive(); // stuck; nothing in the program will ever wake it
}

weft::task<int> supervise(weft::context parent, int good_for)
{
    auto [ctx, stop] =
        weft::with_cancel(parent); // ends the worker, stuck or not, and the heartbeat
    const weft::heartbeat life(ctx, 5ms, 100ms);
    auto results = weft::make_channel<int>();
    weft::go(ctx, worker, life, results, good_for);
    bool pulsed = false;
    for (int latest = 0;;) {
        auto s = co_await weft::select{results.receive(), life.pulses().receive(),
                                       life.silence().receive()};
        if (s.index() == 0) latest = *s.get<0>();
        if (s.index() == 1 && !std::exchange(pulsed, true)) std::cout << "it is alive\n";
        if (s.index() == 2) co_return latest;
    }
}

weft::task<> program(weft::context ctx)
{
    for (int good_for : {20, 30}) {
        const int latest = co_await supervise(ctx, good_for);
        std::cout << "silent after result " << latest << '\n';
    }
}

int main()
{
    weft::run(program);
}

// Output:
// it is alive
// silent after result 20
// it is alive
// silent after result 30
