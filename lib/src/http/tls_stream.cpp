// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "stream.hpp"

#include <weft/bind.hpp>
#include <weft/context.hpp>

#include <asio/as_tuple.hpp>
#include <asio/deferred.hpp>
#include <asio/ssl.hpp>

#include <chrono>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::http::detail {

class tls_context {
public:
    explicit tls_context(asio::ssl::context::method m) : context(m) {}
    asio::ssl::context context;
};

namespace {

using asio::ip::tcp;
constexpr auto plainly = asio::as_tuple(asio::deferred);

class tls_stream final : public stream {
public:
    tls_stream(tcp::socket socket, std::shared_ptr<tls_context> tls,
               asio::ssl::stream_base::handshake_type role)
        : tls_(std::move(tls)), stream_(std::move(socket), tls_->context), role_(role)
    {
        asio::error_code ignored;
        (void)stream_.next_layer().set_option(tcp::no_delay(true), ignored);
    }

    /// For a client: the name that the certificate must be for, which SNI tells the server too.
    void expect(const std::string& host)
    {
        asio::error_code no_address;
        asio::ip::make_address(host, no_address);
        if (no_address) SSL_set_tlsext_host_name(stream_.native_handle(), host.c_str());
        stream_.set_verify_mode(asio::ssl::verify_peer);
        stream_.set_verify_callback(asio::ssl::host_name_verification(host));
    }

    task<asio::error_code> handshake() override
    {
        const auto [ec] = co_await stream_.async_handshake(role_, plainly);
        co_return ec;
    }

    task<io_result> read_some(asio::mutable_buffer into) override
    {
        const auto [ec, n] = co_await stream_.async_read_some(into, plainly);
        co_return io_result{ec, n};
    }

    io_result write_now(std::span<const asio::const_buffer>) noexcept override
    {
        return {asio::error::would_block, 0}; // a record must be made and may have to wait
    }

    task<io_result> write_some(std::span<const asio::const_buffer> from) override
    {
        const auto [ec, n] = co_await stream_.async_write_some(from, plainly);
        co_return io_result{ec, n};
    }

    task<> end_of_writing() override
    {
        // What we have to say goes out at once; the other side may never answer to it.
        const auto until = with_timeout(background(), std::chrono::seconds(1));
        auto [ignored] =
            co_await weft::bind(until.ctx, stream_.async_shutdown(asio::deferred))(plainly);
        until.cancel();
        (void)stream_.next_layer().shutdown(tcp::socket::shutdown_send, ignored);
    }

    void close() noexcept override
    {
        asio::error_code ignored;
        (void)stream_.next_layer().close(ignored);
    }

    tcp::socket& socket() noexcept override { return stream_.next_layer(); }
    bool encrypted() const noexcept override { return true; }
    bool has_unread() noexcept override
    {
        SSL* const s = stream_.native_handle();
        return ::SSL_has_pending(s) != 0 || ::BIO_ctrl_pending(::SSL_get_rbio(s)) != 0;
    }

private:
    const std::shared_ptr<tls_context> tls_;
    asio::ssl::stream<tcp::socket> stream_;
    const asio::ssl::stream_base::handshake_type role_;
};

} // namespace

std::shared_ptr<tls_context> make_server_tls(const tls_options& options)
{
    auto tls = std::make_shared<tls_context>(asio::ssl::context::tls_server);
    asio::ssl::context& c = tls->context;
    c.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                  asio::ssl::context::no_tlsv1_1);
    asio::error_code ec;
    (void)c.use_certificate_chain_file(options.certificate_file, ec);
    if (ec)
        throw std::invalid_argument("http: the certificate " + options.certificate_file +
                                    " cannot be used: " + ec.message());
    (void)c.use_private_key_file(options.key_file, asio::ssl::context::pem, ec);
    if (ec)
        throw std::invalid_argument("http: the key " + options.key_file +
                                    " cannot be used: " + ec.message());
    return tls;
}

std::unique_ptr<stream> make_server_tls_stream(tcp::socket socket, std::shared_ptr<tls_context> tls)
{
    return std::make_unique<tls_stream>(std::move(socket), std::move(tls),
                                        asio::ssl::stream_base::server);
}

std::shared_ptr<tls_context> make_client_tls(const std::string& trusted_file)
{
    auto tls = std::make_shared<tls_context>(asio::ssl::context::tls_client);
    tls->context.set_options(asio::ssl::context::default_workarounds |
                             asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1);
    asio::error_code ec;
    if (trusted_file.empty()) {
        (void)tls->context.set_default_verify_paths(ec);
    } else {
        (void)tls->context.load_verify_file(trusted_file, ec);
        if (ec)
            throw std::invalid_argument("http: the certificates in " + trusted_file +
                                        " cannot be used: " + ec.message());
    }
    return tls;
}

std::unique_ptr<stream> make_client_tls_stream(tcp::socket socket, std::shared_ptr<tls_context> tls,
                                               const std::string& host)
{
    auto made = std::make_unique<tls_stream>(std::move(socket), std::move(tls),
                                             asio::ssl::stream_base::client);
    made->expect(host);
    return made;
}

} // namespace weft::inline v0_1::http::detail
