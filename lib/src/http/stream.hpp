// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/tls_options.hpp>
#include <weft/task.hpp>

#include <asio/buffer.hpp>
#include <asio/error_code.hpp>
#include <asio/ip/tcp.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

/// The bytes of a connection, with or without TLS.

namespace weft::inline v0_1::http::detail {

struct io_result {
    asio::error_code error;
    std::size_t size = 0;
};

/// One goroutine at a time; `descriptor` from any thread while it is open.
class stream {
public:
    stream() = default;
    stream(const stream&) = delete;
    stream& operator=(const stream&) = delete;
    virtual ~stream() = default;

    /// What must happen before the first byte: nothing, or TLS's handshake.
    virtual task<asio::error_code> handshake() = 0;
    virtual task<io_result> read_some(asio::mutable_buffer into) = 0;
    /// What the kernel takes at once; never waits. `error` is would_block if that is nothing.
    virtual io_result write_now(std::span<const asio::const_buffer> from) noexcept = 0;
    virtual task<io_result> write_some(std::span<const asio::const_buffer> from) = 0;
    /// Says that no more will be written.
    virtual task<> end_of_writing() = 0;
    virtual void close() noexcept = 0;

    [[nodiscard]] virtual asio::ip::tcp::socket& socket() noexcept = 0;
    [[nodiscard]] virtual bool encrypted() const noexcept = 0;
    /// Bytes have left the descriptor that nobody has read yet: TLS takes more than it is asked for.
    [[nodiscard]] virtual bool has_unread() noexcept { return false; }
};

[[nodiscard]] std::unique_ptr<stream> make_plain_stream(asio::ip::tcp::socket socket);

/// A certificate and its key, ready for use; or a client's trust.
class tls_context;

/// @throws std::invalid_argument  the files cannot be used. @throws misuse_error  built without TLS.
[[nodiscard]] std::shared_ptr<tls_context> make_server_tls(const tls_options& options);
[[nodiscard]] std::unique_ptr<stream> make_server_tls_stream(asio::ip::tcp::socket socket,
                                                             std::shared_ptr<tls_context> tls);
/// @param trusted_file  certificates in PEM format; empty: the system's.
[[nodiscard]] std::shared_ptr<tls_context> make_client_tls(const std::string& trusted_file);
/// @param host  whom the certificate must be for.
[[nodiscard]] std::unique_ptr<stream> make_client_tls_stream(asio::ip::tcp::socket socket,
                                                             std::shared_ptr<tls_context> tls,
                                                             const std::string& host);

} // namespace weft::inline v0_1::http::detail
