// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// A plain Asio server on its own io_context, with weft inside: its sessions stay asio::awaitable; what
// happens behind them (gather, notice silence, stop) is a goroutine that selects.

#include <weft/weft.hpp>

#include <asio.hpp>

#include <iostream>
#include <thread>

using asio::ip::tcp;
constexpr auto quietly = asio::as_tuple(asio::use_awaitable);

asio::awaitable<void> session(tcp::socket peer, weft::send_channel<std::string> lines)
{
    std::string text;
    for (;;) {
        auto room = asio::dynamic_buffer(text);
        const auto [ec, n] = co_await asio::async_read_until(peer, room, '\n', quietly);
        if (ec) co_return;
        // A weft operation, in Asio's own coroutine: a slow gatherer holds the client back.
        co_await lines.send(text.substr(0, n - 1))(asio::use_awaitable);
        text.erase(0, n);
        co_await asio::async_write(peer, asio::buffer("ok\n", 3), quietly);
    }
}

asio::awaitable<void> accept(tcp::acceptor& door, weft::send_channel<std::string> lines)
{
    for (;;) {
        auto [ec, peer] = co_await door.async_accept(quietly);
        if (ec) co_return;
        asio::co_spawn(door.get_executor(), session(std::move(peer), lines), asio::detached);
    }
}

weft::task<> gather(weft::context ctx, weft::receive_channel<std::string> lines)
{
    std::string all;
    for (;;) {
        const auto silence = std::chrono::seconds(30);
        auto what = co_await weft::select{lines.receive(), weft::after(silence), ctx.done()};
        if (what.index() == 0) all += " " + *what.get<0>();
        if (what.index() == 1) std::cout << "nobody speaks\n";
        if (what.index() == 2) break;
    }
    while (auto line = lines.try_receive()) all += " " + *line; // what was on its way
    std::cout << "gathered:" << all << '\n';
}

int main()
{
    asio::io_context io;
    tcp::acceptor door(io, {asio::ip::address_v4::loopback(), 0});
    weft::runtime goroutines(io.get_executor());
    auto lines = weft::make_channel<std::string>(16);
    const auto life = weft::with_cancel(goroutines.root());
    weft::go(goroutines.get_executor(), gather, life.ctx, lines);
    asio::co_spawn(io, accept(door, lines), asio::detached);

    std::thread client([&, where = door.local_endpoint()] {
        tcp::iostream server(where);
        std::string answer;
        for (const char* line : {"one", "two", "three"}) server << line << '\n' << std::flush;
        for (int n = 0; n < 3; ++n) std::getline(server, answer);
        life.cancel();
        asio::post(io, [&] { door.close(); });
    });
    io.run();
    client.join();
}

// Output:
// gathered: one two three
