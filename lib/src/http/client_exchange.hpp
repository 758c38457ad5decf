// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "client_pool.hpp"
#include "cutter.hpp"
#include "message_parser.hpp"

#include <weft/context.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/client_request.hpp>
#include <weft/http/url.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// One request on one connection, and the response to it.

namespace weft::inline v0_1::http::detail {

class client_exchange final : private body_source, private body_writer {
public:
    client_exchange(std::shared_ptr<client_pool> pool, client_pool::lease connection, url to,
                    context ctx);
    client_exchange(const client_exchange&) = delete;
    client_exchange& operator=(const client_exchange&) = delete;
    ~client_exchange();

    /// Sends the request and reads the response's head.
    /// @throws asio::system_error  it could not be sent, and nothing came. @throws http::error, weft::error  as `client`.
    task<> run(const client_request& request);
    /// Takes what little is left of a body that nobody wants, so that the connection can be used again.
    task<> drain();

    /// The server said nothing at all: it may have closed the connection before the request reached it.
    [[nodiscard]] bool nothing_came() const noexcept { return !something_came_; }
    [[nodiscard]] bool on_used_connection() const noexcept { return connection_.reused; }
    /// Keeps what the context belongs to until the end of the response.
    void keep(cancel_function end)
    {
        if (connection_.bytes) ends_with_.emplace(std::move(end));
    }

    [[nodiscard]] http::status status() const noexcept { return status_; }
    headers fields, trailers;
    std::string reason;
    body_reader body;
    const url from;

private:
    task<> send_head_and_body(const client_request& request);
    task<> send(std::string_view bytes, std::string_view more = {});
    task<> read_head(bool answers_head);
    task<std::size_t> fill();
    message_parser::step parse();
    void follow(const context& ctx);
    [[noreturn]] void fail(const asio::error_code& ec, const char* what);
    [[noreturn]] void refuse(std::string_view why);
    void finish() noexcept;

    task<std::string_view> read_body() override;
    task<> write(std::string_view piece) override;

    const std::shared_ptr<client_pool> pool_;
    client_pool::lease connection_;
    cutter knife_;      ///< behind the connection: it goes first
    const context ctx_; ///< of the call
    std::optional<cancel_function> ends_with_;

    message_parser parser_;
    http::status status_ = http::status::ok;
    std::unique_ptr<char[]> in_;
    std::size_t in_begin_ = 0, in_end_ = 0;
    bool something_came_ = false;
    bool sent_all_ = false;
    bool broken_ = false;              ///< nothing more can be read
    std::exception_ptr cannot_send_{}; ///< why the connection takes no more
    bool in_chunks_ = false;
    std::optional<std::uint64_t> left_to_send_;
};

} // namespace weft::inline v0_1::http::detail
