// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// The snippets of from-asio.md.

#include "testing.hpp"

#include <weft/weft.hpp>

#include <asio.hpp>

#include <array>
#include <exception>
#include <future>
#include <iostream>
#include <optional>
#include <string>
#include <thread>

namespace {

// [snippet echo]
using asio::ip::tcp;

weft::task<> echo(tcp::socket peer)
{
    char room[1024];
    for (;;) {
        auto [ec, n] =
            co_await peer.async_read_some(asio::buffer(room), asio::as_tuple(asio::deferred));
        if (ec) co_return;
        co_await asio::async_write(peer, asio::buffer(room, n), asio::deferred);
    }
}

weft::task<> serve(unsigned short port)
{
    tcp::acceptor door(weft::this_goroutine::get_executor(), {tcp::v4(), port});
    for (;;) weft::go(echo, co_await door.async_accept(asio::deferred));
}
// [snippet end]

// [snippet embed]
weft::task<> consume(weft::receive_channel<int> events)
{
    while (auto e = co_await events.receive()) std::cout << *e << '\n';
}

void embedded()
{
    asio::io_context context;
    weft::runtime goroutines(context.get_executor(), {.procs = 1});

    auto events = weft::make_channel<int>(8);
    weft::go(goroutines.get_executor(), consume, events); // outside a goroutine: executor first

    asio::post(context, [events] {
        if (!events.try_send(1)) std::cout << "full\n"; // never waits: fine in a handler
        events.close();
    });
    context.run();
}
// [snippet end]

// [snippet tokens]
asio::awaitable<void> plain_coroutine(weft::channel<std::string> mail)
{
    auto text = co_await mail.receive()(asio::use_awaitable);
    std::cout << *text << '\n';
}

void a_thread(weft::channel<std::string> mail)
{
    std::future<void> sent = mail.send("by thread")(asio::use_future);
    sent.get();
}

void a_handler(asio::io_context& context, weft::channel<std::string> mail)
{
    auto done = [](std::exception_ptr failure, std::optional<std::string> text) {
        if (!failure && text) std::cout << *text << '\n';
    };
    mail.receive()(asio::bind_executor(context, done));
}

void plain_select(asio::io_context& context, weft::channel<int> a, weft::channel<int> b)
{
    weft::select{a.receive(), b.receive()}(asio::bind_executor(
        context, [](std::exception_ptr, auto s) { std::cout << s.index() << '\n'; }));
}
// [snippet end]

// [snippet pending]
weft::task<> reader(asio::ip::tcp::socket socket, weft::receive_channel<std::string> outgoing)
{
    std::array<char, 1024> room{};
    const auto read = [&] { return socket.async_read_some(asio::buffer(room), asio::deferred); };
    weft::pending incoming{read()};
    for (;;) {
        auto s = co_await weft::select{incoming.done(), outgoing.receive()};
        if (s.index() == 0) {
            const std::size_t n = incoming.result(); // or throws asio::system_error
            std::cout.write(room.data(), static_cast<std::streamsize>(n));
            incoming = weft::pending{read()};
        } else if (auto& text = s.get<1>()) {
            co_await asio::async_write(socket, asio::buffer(*text), asio::deferred);
        } else {
            incoming.cancel();
            co_await incoming.done(); // the buffer must live until then
            co_return;
        }
    }
}
// [snippet end]

// [snippet both]
asio::awaitable<int> plain()
{
    co_return 7;
}

weft::task<int> from_a_task()
{
    const int n = co_await plain(); // a plain Asio coroutine, on the same runtime
    co_return n + 1;
}

void from_outside(weft::runtime& rt)
{
    // An ordinary thread blocks:
    std::cout << weft::sync_wait(rt.get_executor(), from_a_task) << '\n';
    // ... or not:
    std::future<int> n = asio::co_spawn(rt.get_executor(), from_a_task(), asio::use_future);
    std::cout << n.get() << '\n';
}
// [snippet end]

} // namespace

TEST_CASE("an echo server of goroutines")
{
    weft::run([]() -> weft::task<> {
        const auto ex = weft::this_goroutine::get_executor();
        weft::go(serve, static_cast<unsigned short>(0)); // on any port; unwound when this returns
        tcp::acceptor door(ex, {asio::ip::address_v4::loopback(), 0});
        tcp::socket client(ex);
        co_await client.async_connect(door.local_endpoint(), asio::deferred);
        weft::go(echo, co_await door.async_accept(asio::deferred));
        co_await asio::async_write(client, asio::buffer("hello", 5), asio::deferred);
        std::array<char, 5> back{};
        co_await asio::async_read(client, asio::buffer(back), asio::deferred);
        CHECK(std::string(back.data(), back.size()) == "hello");
    });
}

TEST_CASE("a runtime on the host's context ends with its goroutines")
{
    embedded(); // prints 1, and returns: nothing holds the context any more
}

TEST_CASE("threads, handlers and plain coroutines use channels")
{
    asio::io_context context;
    auto mail = weft::make_channel<std::string>(1);
    a_thread(mail);
    CHECK(mail.size() == 1);
    a_handler(context, mail);
    context.run();
    CHECK(mail.size() == 0);

    auto a = weft::make_channel<int>(1);
    REQUIRE(a.try_send(1));
    context.restart();
    plain_select(context, a, weft::make_channel<int>());
    context.run();
    CHECK(a.size() == 0);

    REQUIRE(mail.try_send("to a plain coroutine"));
    context.restart();
    asio::co_spawn(context, plain_coroutine(mail), asio::detached);
    context.run();
    CHECK(mail.size() == 0);
}

TEST_CASE("a pending read loses no byte")
{
    weft::run([]() -> weft::task<> {
        const auto ex = weft::this_goroutine::get_executor();
        tcp::acceptor door(ex, {asio::ip::address_v4::loopback(), 0});
        tcp::socket client(ex);
        co_await client.async_connect(door.local_endpoint(), asio::deferred);
        auto outgoing = weft::make_channel<std::string>();
        auto h = weft::spawn(reader, co_await door.async_accept(asio::deferred), outgoing);
        co_await asio::async_write(client, asio::buffer("ping\n", 5), asio::deferred);
        co_await outgoing.send("pong");
        std::array<char, 4> back{};
        co_await asio::async_read(client, asio::buffer(back), asio::deferred);
        CHECK(std::string(back.data(), back.size()) == "pong");
        outgoing.close();
        co_await h.join();
    });
}

TEST_CASE("tasks and plain coroutines call each other")
{
    weft::runtime rt;
    from_outside(rt);
    CHECK(weft::sync_wait(rt.get_executor(), from_a_task) == 8);
}
