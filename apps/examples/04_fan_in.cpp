// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Fan-in: several senders, one receiver. The channel is closed when the last sender has ended.

#include <weft/weft.hpp>

#include <iostream>
#include <string>
#include <vector>

weft::task<> report(std::string sensor, int readings, weft::send_channel<std::string> out)
{
    for (int i = 1; i <= readings; ++i) co_await out.send(sensor + ' ' + std::to_string(i));
}

weft::task<> station()
{
    auto all = weft::make_channel<std::string>();
    std::vector<weft::join_handle<void>> sensors;
    sensors.push_back(weft::spawn(report, "wind", 2, all)); // as go, with a handle to its end
    sensors.push_back(weft::spawn(report, "rain", 3, all));

    weft::go([all, sensors]() -> weft::task<> { // captures live as long as the goroutine
        for (const auto& sensor : sensors) co_await sensor.join();
        all.close();
    });
    while (auto reading = co_await all.receive()) std::cout << *reading << '\n';
}

int main()
{
    weft::run(station);
}

// Unordered output:
// wind 1
// wind 2
// rain 1
// rain 2
// rain 3
