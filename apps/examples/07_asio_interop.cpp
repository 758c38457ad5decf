// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Asio in goroutines: a task is an Asio awaitable, so sockets and timers are awaited as they are.
// With a newer Asio than 1.30 asio::deferred may be left out.

#include <weft/weft.hpp>

#include <asio/buffer.hpp>
#include <asio/deferred.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/read.hpp>
#include <asio/system_error.hpp>
#include <asio/write.hpp>

#include <iostream>
#include <string>
#include <utility>

using asio::ip::tcp;

weft::task<> echo(tcp::socket peer)
{
    char room[1024];
    try {
        for (;;) {
            const std::size_t n = co_await peer.async_read_some(asio::buffer(room), asio::deferred);
            co_await asio::async_write(peer, asio::buffer(room, n), asio::deferred);
        }
    } catch (const asio::system_error& e) {
        if (e.code() != asio::error::eof) throw; // the peer has closed: that is all
    }
}

weft::task<> serve(tcp::acceptor door, int visitors)
{
    while (visitors-- > 0) {
        weft::go(echo, co_await door.async_accept(asio::deferred)); // one goroutine for each
    }
}

weft::task<std::string> ask(tcp::endpoint where, std::string question)
{
    tcp::socket socket(weft::this_goroutine::get_executor());
    co_await socket.async_connect(where, asio::deferred);
    co_await asio::async_write(socket, asio::buffer(question), asio::deferred);
    std::string answer(question.size(), ' ');
    co_await asio::async_read(socket, asio::buffer(answer), asio::deferred);
    co_return answer;
}

weft::task<> visit()
{
    const tcp::endpoint any_port(asio::ip::address_v4::loopback(), 0);
    tcp::acceptor door(weft::this_goroutine::get_executor(), any_port);
    const tcp::endpoint where = door.local_endpoint();
    weft::go(serve, std::move(door), 2);

    auto first = weft::spawn(ask, where, "anybody there?");
    auto second = weft::spawn(ask, where, "hello");
    const std::string one = co_await first.join();
    const std::string two = co_await second.join();
    std::cout << "echo: " << one << "\necho: " << two << '\n';
}

int main()
{
    weft::run(visit);
}

// Output:
// echo: anybody there?
// echo: hello
