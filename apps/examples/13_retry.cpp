// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Backoff and retry: longer and longer pauses, with jitter, until it works, until it is pointless,
// or until the context ends. There is no pause after the last failure.

#include <weft/weft.hpp>

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct busy : std::runtime_error {
    busy() : std::runtime_error("busy") {}
};

weft::task<std::string> fetch(std::string page, int attempt)
{
    co_await weft::sleep(1ms);
    if (page == "nowhere") throw weft::permanent(std::runtime_error("not found"));
    if (page == "never" || attempt < 3) throw busy();
    co_return page + ", at attempt " + std::to_string(attempt);
}

weft::task<> get(weft::context ctx, std::string page)
{
    const weft::backoff policy{.initial = 2ms, .max = 20ms, .max_attempts = 4};
    auto attempt = [page](int n) { return fetch(page, n); }; // n counts from 1
    auto note = [](const weft::retry_event& e) { std::cout << "failed " << e.attempt << '\n'; };
    try {
        std::cout << co_await weft::retry(ctx, policy, attempt, note) << '\n';
    } catch (const busy&) {
        std::cout << page << ": gave up\n"; // the last failure, as it was thrown
    } catch (const weft::error& e) {
        std::cout << page << ": " << e.what() << '\n'; // the failure is nested in it
    } catch (const std::exception& e) {
        std::cout << page << ": " << e.what() << '\n';
    }
}

weft::task<> program()
{
    co_await get(weft::background(), "index");
    co_await get(weft::background(), "nowhere");
    co_await get(weft::background(), "never");
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    cancel();
    co_await get(ctx, "index");
}

int main()
{
    weft::run(program);
}

// Output:
// failed 1
// failed 2
// index, at attempt 3
// nowhere: not found
// failed 1
// failed 2
// failed 3
// never: gave up
// index: context canceled
