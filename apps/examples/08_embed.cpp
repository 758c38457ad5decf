// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// weft inside a program that has an io_context already: goroutines run on its threads, next to its
// other handlers.

#include <weft/weft.hpp>

#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>

#include <chrono>
#include <iostream>

weft::task<> consume(weft::receive_channel<int> events)
{
    int sum = 0;
    while (auto e = co_await events.receive()) sum += *e;
    std::cout << "goroutine: the events add up to " << sum << '\n';
}

int main()
{
    asio::io_context context; // the host's
    weft::runtime goroutines(context.get_executor(), {.procs = 1});

    auto events = weft::make_channel<int>(8);
    weft::go(goroutines.get_executor(), consume, events); // from anywhere, with an executor

    // Ordinary Asio code talks to goroutines with the calls that never wait, or with completion
    // tokens (see 09_completion_tokens).
    asio::post(context, [&] {
        for (int i = 1; i <= 4; ++i) {
            if (!events.try_send(i)) std::cout << "handler: the buffer is full\n";
        }
        std::cout << "handler: four events\n";
    });
    asio::steady_timer timer(context, std::chrono::milliseconds(20));
    timer.async_wait([&](std::error_code) {
        std::cout << "handler: the last one\n";
        events.send(100)([&](std::exception_ptr) { events.close(); });
    });

    context.run(); // returns when neither handlers nor goroutines are left
    std::cout << "host: done\n";
}

// Output:
// handler: four events
// handler: the last one
// goroutine: the events add up to 110
// host: done
