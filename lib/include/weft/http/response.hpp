// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/http/headers.hpp>
#include <weft/http/status.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// `response`: what a handler answers.

namespace weft::inline v0_1::http {

namespace detail {
class connection;

/// Where a body that is written piece by piece goes.
class WEFT_EXPORT body_sink {
public:
    virtual task<> write_body(std::string_view piece) = 0;
    virtual task<> flush_body() = 0;

protected:
    ~body_sink() = default;
};
} // namespace detail

/// The answer to a request: either all at once,
///
///     res.send("hello\n");
///
/// or as a stream, with or without a Content-Length set before:
///
///     for (const row& r : rows) co_await res.write(format(r));
///
/// A handler that does neither answers with the status and no body. Date, Content-Length and Connection are the server's;
/// Content-Type is what was set, else plain text if there is a body.
///
/// @par Thread safety  shared objects: unsafe. A request and its response belong to one goroutine at a time.
/// @par Source         Go net/http.ResponseWriter.
class WEFT_EXPORT response {
public:
    response() = default;
    response(const response&) = delete;
    response& operator=(const response&) = delete;

    /// 200 at first. @throws misuse_error  the head has been sent; not between 200 and 999.
    response& set_status(http::status s);
    [[nodiscard]] http::status status() const noexcept { return status_; }

    /// The header fields; changes after the head has been sent have no effect.
    [[nodiscard]] headers& fields() noexcept { return fields_; }
    [[nodiscard]] const headers& fields() const noexcept { return fields_; }
    /// Sets one field. @throws std::invalid_argument  as headers::set.
    response& set_header(std::string_view name, std::string_view value)
    {
        fields_.set(name, value);
        return *this;
    }

    /// Makes `body` all that is answered, when the handler returns; a later call replaces it.
    /// @throws misuse_error  a stream was begun.
    void send(std::string body);
    void send(std::string body, std::string_view content_type);

    /// Adds to the stream. The first call begins it: the head can no longer be changed. Without a Content-Length the body goes
    /// in chunks (to a client of HTTP/1.0: until the connection's end).
    ///
    /// Pieces are gathered to 16 KiB; `flush` sends them at once.
    /// @throws misuse_error        `send` was called; more than Content-Length says.
    /// @throws asio::system_error  the client is gone, or takes nothing for too long.
    /// @par Suspends  while the client does not take what was sent before.
    [[nodiscard]] task<> write(std::string_view piece);
    /// Sends the head, if it was not, and all that was written. @throws  as `write`.
    [[nodiscard]] task<> flush();

    /// The head was sent, or is bound to be: status and header fields can no longer be changed.
    [[nodiscard]] bool started() const noexcept { return started_; }
    /// Ends the connection after this response.
    void close_connection() noexcept { close_ = true; }
    /// Bytes of the body, so far.
    [[nodiscard]] std::uint64_t body_size() const noexcept
    {
        return streaming_ ? streamed_ : body_.size();
    }

private:
    friend class detail::connection;

    void must_not_have_started() const;

    http::status status_ = http::status::ok;
    bool started_ = false;
    bool streaming_ = false;
    bool whole_ = false; ///< by `send`
    bool close_ = false;
    headers fields_;
    std::string body_;
    std::uint64_t streamed_ = 0;
    detail::body_sink* sink_ = nullptr;
};

} // namespace weft::inline v0_1::http
