// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Exceptions: one that escapes a goroutine is a panic, and is never lost. By default it ends the
// program with a report; a policy or a handler can isolate it, and a join brings it back.

#include <weft/weft.hpp>

#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>

weft::task<int> parse(std::string text)
{
    co_return std::stoi(text); // throws std::invalid_argument
}

weft::task<> serve(std::string request)
{
    auto n = co_await parse(request); // passes through the callers as usual
    std::cout << "served " << n << '\n';
}

weft::task<> server(weft::receive_channel<void> panicked)
{
    // Caught where it happens: an ordinary exception.
    try {
        co_await serve("twelve");
    } catch (const std::invalid_argument&) {
        std::cout << "recovered in place\n";
    }

    // Brought back by a join.
    auto result = weft::spawn(parse, "thirteen");
    try {
        co_await result.join();
    } catch (const std::invalid_argument&) {
        std::cout << "recovered from a join\n";
    }

    // Escaped: the handler below gets it, and the other goroutines go on.
    weft::go(serve, "fourteen");
    co_await panicked.receive();
    co_await serve("15");
}

int main()
{
    auto panicked = weft::make_channel<void>();
    const auto handler = [panicked](const weft::panic_info& info) {
        // info.report has the goroutine, its await chain and where it was started.
        const bool has_chain = info.report.find("serve") != info.report.npos;
        std::cout << "panic" << (has_chain ? ", with the await chain\n" : "\n");
        panicked.close();
    };
    const auto main_task = [panicked] { return server(panicked); };
    weft::run(main_task, {.on_panic = weft::panic_policy(handler)});
}

// Output:
// recovered in place
// recovered from a join
// panic, with the await chain
// served 15
