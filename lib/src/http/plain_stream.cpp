// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "stream.hpp"

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>

#include <utility>

namespace weft::inline v0_1::http::detail {

namespace {

constexpr auto plainly = asio::as_tuple(asio::deferred);

class plain_stream final : public stream {
public:
    explicit plain_stream(asio::ip::tcp::socket socket) : socket_(std::move(socket))
    {
        asio::error_code ignored;
        (void)socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
        (void)socket_.non_blocking(true, ignored);
    }

    task<asio::error_code> handshake() override { co_return asio::error_code(); }

    task<io_result> read_some(asio::mutable_buffer into) override
    {
        const auto [ec, n] = co_await socket_.async_read_some(into, plainly);
        co_return io_result{ec, n};
    }

    io_result write_now(std::span<const asio::const_buffer> from) noexcept override
    {
        io_result r;
        r.size = socket_.write_some(from, r.error);
        return r;
    }

    task<io_result> write_some(std::span<const asio::const_buffer> from) override
    {
        const auto [ec, n] = co_await socket_.async_write_some(from, plainly);
        co_return io_result{ec, n};
    }

    task<> end_of_writing() override
    {
        asio::error_code ignored;
        (void)socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
        co_return;
    }

    void close() noexcept override
    {
        asio::error_code ignored;
        (void)socket_.close(ignored);
    }

    asio::ip::tcp::socket& socket() noexcept override { return socket_; }
    bool encrypted() const noexcept override { return false; }

private:
    asio::ip::tcp::socket socket_;
};

} // namespace

std::unique_ptr<stream> make_plain_stream(asio::ip::tcp::socket socket)
{
    return std::make_unique<plain_stream>(std::move(socket));
}

} // namespace weft::inline v0_1::http::detail
