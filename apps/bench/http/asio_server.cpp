// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// What Asio alone can do: the same bytes whatever was asked, nothing parsed. asio_http_server PORT THREADS.

#include <asio.hpp>

#include <array>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using asio::ip::tcp;

namespace {

constexpr std::string_view answer =
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n"
    "Date: Fri, 27 Nov 2026 04:01:31 GMT\r\nContent-Length: 14\r\n\r\n"
    "Hello, world!\n";

class session : public std::enable_shared_from_this<session> {
public:
    explicit session(tcp::socket s) : socket_(std::move(s))
    {
        socket_.set_option(tcp::no_delay(true));
    }
    void read()
    {
        socket_.async_read_some(asio::buffer(room_),
                                [self = shared_from_this()](std::error_code ec, std::size_t) {
                                    if (!ec) self->write();
                                });
    }

private:
    void write()
    {
        asio::async_write(socket_, asio::buffer(answer),
                          [self = shared_from_this()](std::error_code ec, std::size_t) {
                              if (!ec) self->read();
                          });
    }

    tcp::socket socket_;
    std::array<char, 2048> room_;
};

void accept(tcp::acceptor& door)
{
    door.async_accept([&door](std::error_code ec, tcp::socket s) {
        if (!ec) std::make_shared<session>(std::move(s))->read();
        accept(door);
    });
}

} // namespace

int main(int argc, char** argv)
{
    const int port = argc > 1 ? std::atoi(argv[1]) : 8080;
    const int threads = argc > 2 ? std::atoi(argv[2]) : 2;
    asio::io_context io(threads);
    tcp::acceptor door(io, tcp::endpoint(asio::ip::address_v4::loopback(),
                                         static_cast<asio::ip::port_type>(port)));
    accept(door);
    std::vector<std::thread> others;
    for (int i = 1; i < threads; ++i) others.emplace_back([&] { io.run(); });
    io.run();
    for (std::thread& t : others) t.join();
}
