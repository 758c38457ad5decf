// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

/// A program that relies on what it shares with weft's libraries: thread-local variables, the types of exceptions, and
/// what Asio knows of the threads of the program's own io_context.

#include <weft/http.hpp>
#include <weft/testing.hpp>
#include <weft/weft.hpp>

#include <asio/io_context.hpp>

#include <iostream>
#include <string>

namespace {

int failures = 0;

void expect(bool holds, const char* what)
{
    if (holds) return;
    std::cerr << "not so: " << what << '\n';
    ++failures;
}

weft::task<> exceptions()
{
    auto ch = weft::make_channel<int>();
    ch.close();
    try {
        ch.close();
        expect(false, "a channel that is closed twice throws");
    } catch (const weft::misuse_error& e) { // thrown in the library
        expect(std::string(e.what()) == "close of closed channel", "it says so with Go's words");
    }
    const auto soon = weft::with_timeout(weft::background(), std::chrono::milliseconds(1));
    auto silent = weft::make_channel<int>();
    try {
        co_await silent.receive(soon.ctx);
        expect(false, "a receive ends with its context");
    } catch (const weft::error& e) {
        expect(e.code() == std::errc::timed_out, "the library's error codes are the program's");
    }
}

weft::task<> threads()
{
    // Its goroutine's record and its coroutine's memory are found by thread-local variables.
    int sum = 0;
    weft::wait_group all;
    weft::mutex m;
    for (int i = 1; i <= 100; ++i) {
        all.go([&sum, &m, i]() -> weft::task<> {
            co_await weft::this_goroutine::yield();
            const auto held = co_await m.lock();
            sum += i;
        });
    }
    co_await all.wait();
    expect(sum == 5050, "a hundred goroutines ran");
}

/// A server and a client in goroutines on the program's own context.
weft::task<> http()
{
    weft::http::server server;
    server.handle("GET /", [](weft::http::request&, weft::http::response& res) -> weft::task<> {
        res.send("hello\n");
        co_return;
    });
    const auto at = server.listen("127.0.0.1:0");
    auto [ctx, cancel] = weft::with_cancel(weft::background());
    auto served =
        weft::spawn([&server, ctx = ctx]() -> weft::task<> { co_await server.serve(ctx); });
    {
        weft::http::client web;
        const std::string url = "http://127.0.0.1:" + std::to_string(at.port()) + "/";
        auto res = co_await web.get(ctx, url);
        expect(co_await res.text() == "hello\n", "the server's answer arrived");
    }
    cancel();
    co_await served.join();
}

weft::task<> everything()
{
    co_await exceptions();
    co_await threads();
    co_await http();
}

} // namespace

int main()
{
    weft::run(everything);

    asio::io_context context;
    {
        weft::runtime rt(context.get_executor());
        weft::go(rt.get_executor(), everything);
        context.run();
    }

    // weft::testing, by its virtual time.
    weft::testing::bubble([]() -> weft::task<> { co_await weft::sleep(std::chrono::hours(1)); });
    return failures == 0 ? 0 : 1;
}
