// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Every operation that waits also takes a completion token: futures for threads, callbacks for
// handlers, and a place in coroutines that know nothing of weft.

#include <weft/weft.hpp>

#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/use_future.hpp>

#include <future>
#include <iostream>
#include <optional>
#include <string>

// A plain Asio coroutine on a plain io_context.
asio::awaitable<void> stranger(weft::channel<std::string> in)
{
    auto text = co_await in.receive()(asio::use_awaitable);
    std::cout << "coroutine: " << *text << '\n';
}

int main()
{
    weft::runtime goroutines;
    const auto executor = goroutines.get_executor();
    auto mail = weft::make_channel<std::string>();
    const auto post = [&](std::string text) {
        weft::go(executor, [mail, text]() -> weft::task<> { co_await mail.send(text); });
    };

    // A thread that may block waits for a future ...
    std::future<std::optional<std::string>> letter = mail.receive()(asio::use_future);
    post("for a thread");
    std::cout << "future: " << *letter.get() << '\n';

    // ... or shorter, and for whole tasks as well:
    post("waited for");
    std::cout << "sync_wait: " << *weft::sync_wait(executor, mail.receive()) << '\n';

    // A callback gets (std::exception_ptr, result).
    std::promise<void> called;
    mail.receive()([&](std::exception_ptr, std::optional<std::string> text) {
        std::cout << "callback: " << *text << '\n';
        called.set_value();
    });
    post("for a handler");
    called.get_future().wait();

    asio::io_context context;
    asio::co_spawn(context, stranger(mail), asio::detached);
    post("for a stranger");
    context.run();
}

// Output:
// future: for a thread
// sync_wait: waited for
// callback: for a handler
// coroutine: for a stranger
