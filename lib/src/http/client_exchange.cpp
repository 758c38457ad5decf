// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "client_exchange.hpp"

#include <weft/http/error.hpp>

#include <asio/error.hpp>
#include <asio/system_error.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <exception>
#include <stdexcept>
#include <utility>

namespace weft::inline v0_1::http::detail {

namespace {

constexpr std::size_t read_buffer = 32UL * 1024;
/// Before a response; more is somebody who wants the client to wait.
constexpr int max_interim_responses = 16;
/// A body that nobody wants is read, if it is not longer, to keep the connection. (Go: maxBodySlurpSize.)
constexpr std::uint64_t max_drained = 2048;

bool is_own(std::string_view name) noexcept
{
    for (const std::string_view own :
         {"host", "content-length", "transfer-encoding", "connection", "expect"}) {
        if (equal_ignoring_case(name, own)) return true;
    }
    return false;
}

} // namespace

client_exchange::client_exchange(std::shared_ptr<client_pool> pool, client_pool::lease connection,
                                 url to, context ctx)
    : from(std::move(to)),
      pool_(std::move(pool)),
      connection_(std::move(connection)),
      knife_(connection_.bytes->socket().native_handle()),
      ctx_(std::move(ctx)),
      parser_(message_parser::kind::response,
              {pool_->options.max_header_bytes, pool_->options.max_header_bytes,
               pool_->options.max_header_count})
{
}

client_exchange::~client_exchange() = default;

void client_exchange::follow(const context& ctx)
{
    if (!knife_.follow(ctx)) fail(asio::error::operation_aborted, "waiting for");
}

void client_exchange::finish() noexcept
{
    const bool whole = knife_.let_go();
    // What is left over belongs to no response, least of all to the next one.
    const bool empty = in_begin_ == in_end_ && !connection_.bytes->has_unread();
    if (whole && parser_.keep_alive() && sent_all_ && empty) connection_.give_back();
    connection_ = client_pool::lease();
    if (ends_with_) (*ends_with_)();
}

void client_exchange::fail(const asio::error_code& ec, const char* what)
{
    const std::string text = std::string("http: ") + what + " " + from.text();
    if (const std::error_code why = knife_.err()) throw weft::error(why, text);
    if (something_came_) refuse("the connection broke off: " + ec.message());
    throw asio::system_error(ec, text);
}

void client_exchange::refuse(std::string_view why)
{
    broken_ = true;
    throw http::error(status::bad_gateway, from.text() + ": " + std::string(why));
}

// ---------------------------------------------------------------- the request

task<> client_exchange::run(const client_request& request)
{
    follow(ctx_);
    try {
        co_await send_head_and_body(request);
        sent_all_ = true;
    } catch (...) {
        // The server may have answered, and closed, before it had seen all. What else went wrong is the request's own fault.
        if (!cannot_send_) throw;
    }
    const duration limit = pool_->options.header_timeout;
    std::optional<cancellable<cancel_function>> timed;
    if (limit > duration::zero()) {
        timed.emplace(with_timeout(ctx_, limit));
        follow(timed->ctx);
    }
    try {
        co_await read_head(request.method == "HEAD");
    } catch (const asio::system_error&) {
        if (cannot_send_ && !knife_.err()) std::rethrow_exception(cannot_send_);
        throw;
    }
    follow(ctx_);
    body = body_reader(this, parser_.content_length(), parser_.complete());
    if (parser_.complete()) finish();
}

task<> client_exchange::send_head_and_body(const client_request& request)
{
    const std::string& method = request.method;
    std::string head =
        method + " " + from.target + " HTTP/1.1\r\nHost: " + from.authority() + "\r\n";
    bool named = pool_->options.user_agent.empty();
    for (const header_field f : request.fields) {
        if (is_own(f.name)) continue;
        head.append(f.name).append(": ").append(f.value).append("\r\n");
        named = named || equal_ignoring_case(f.name, "user-agent");
    }
    if (!named) head.append("User-Agent: ").append(pool_->options.user_agent).append("\r\n");
    const bool streams = static_cast<bool>(request.stream);
    in_chunks_ = streams && !request.stream_length;
    if (in_chunks_) {
        head.append("Transfer-Encoding: chunked\r\n");
    } else if (streams || !request.body.empty() || method == "POST" || method == "PUT" ||
               method == "PATCH") {
        const std::uint64_t size = streams ? *request.stream_length : request.body.size();
        head.append("Content-Length: ").append(std::to_string(size)).append("\r\n");
    }
    head.append("\r\n");
    if (!streams) {
        co_await send(head, request.body);
        co_return;
    }
    co_await send(head);
    left_to_send_ = request.stream_length;
    co_await request.stream(*this);
    if (cannot_send_) std::rethrow_exception(cannot_send_); // it was kept back
    if (left_to_send_.value_or(0) != 0)
        throw std::invalid_argument("http: a request's stream ended before its length");
    if (in_chunks_) co_await send("0\r\n\r\n");
}

task<> client_exchange::write(std::string_view piece)
{
    if (piece.empty()) co_return;
    if (left_to_send_) {
        if (piece.size() > *left_to_send_)
            throw std::invalid_argument("http: a request's stream is longer than its length");
        *left_to_send_ -= piece.size();
        co_await send(piece);
        co_return;
    }
    std::array<char, 20> digits{};
    const auto r = std::to_chars(digits.data(), digits.data() + digits.size(), piece.size(), 16);
    std::string chunk(digits.data(), r.ptr);
    chunk.append("\r\n").append(piece).append("\r\n");
    co_await send(chunk);
}

task<> client_exchange::send(std::string_view bytes, std::string_view more)
{
    if (cannot_send_) std::rethrow_exception(cannot_send_);
    io_result r;
    bool waits = false;
    while (!bytes.empty() || !more.empty()) {
        const std::array<asio::const_buffer, 2> parts{asio::buffer(bytes.data(), bytes.size()),
                                                      asio::buffer(more.data(), more.size())};
        if (waits) {
            r = co_await connection_.bytes->write_some(parts);
            if (r.error) {
                const std::string what = "http: sending a request to " + from.text();
                if (const std::error_code why = knife_.err()) throw weft::error(why, what);
                cannot_send_ = std::make_exception_ptr(asio::system_error(r.error, what));
                std::rethrow_exception(cannot_send_);
            }
        } else {
            r = connection_.bytes->write_now(parts);
            waits = true;
        }
        const std::size_t of_bytes = std::min(r.size, bytes.size());
        bytes.remove_prefix(of_bytes);
        more.remove_prefix(r.size - of_bytes);
    }
}

// ---------------------------------------------------------------- the response

/// How many bytes came; none: the end of the connection.
task<std::size_t> client_exchange::fill()
{
    if (!in_) in_.reset(new char[read_buffer]);
    in_begin_ = in_end_ = 0;
    const io_result r = co_await connection_.bytes->read_some(asio::buffer(in_.get(), read_buffer));
    in_end_ = r.size;
    if (r.size > 0) something_came_ = true;
    if (r.error && (r.error != asio::error::eof || knife_.err()))
        fail(r.error, "reading a response of");
    co_return r.size;
}

message_parser::step client_exchange::parse()
{
    const message_parser::step s = parser_.feed({in_.get() + in_begin_, in_end_ - in_begin_});
    in_begin_ += s.used;
    return s;
}

task<> client_exchange::read_head(bool answers_head)
{
    using event = message_parser::event;
    int interim = 0;
    do {
        parser_.begin({&fields, &trailers, &reason}, answers_head);
        for (event e = event::more; e != event::head;) {
            if (in_begin_ == in_end_ && co_await fill() == 0) {
                if (!something_came_) fail(asio::error::eof, "reading a response of");
                refuse("the connection ended inside of a response's header");
            }
            e = parse().what;
            if (e == event::failed) refuse(parser_.complaint());
        }
        status_ = parser_.status();
        if (status_ == status::switching_protocols)
            refuse("it switches to a protocol that nobody asked for");
        if (code(status_) < 200) {
            if (++interim > max_interim_responses) refuse("too many interim responses");
            parse(); // to its end
        }
    } while (code(status_) < 200);
    // A response without a body is over with its head; the parser says so when it is asked.
    if (parser_.feed("").what == event::failed) refuse(parser_.complaint());
}

task<std::string_view> client_exchange::read_body()
{
    using event = message_parser::event;
    if (broken_) refuse("the response is broken");
    while (true) {
        message_parser::step s = parse();
        if (s.what == event::more && co_await fill() == 0) s = parser_.end_of_input();
        switch (s.what) {
        case event::body: co_return s.body;
        case event::failed: refuse(parser_.complaint());
        case event::end: finish(); co_return std::string_view();
        default: break;
        }
    }
}

task<> client_exchange::drain()
{
    if (body.length().value_or(max_drained + 1) > max_drained) co_return;
    try {
        while (!body.at_end()) co_await body.read();
    } catch (const std::exception&) { // the connection goes; whose context it was is asked again
    }
}

} // namespace weft::inline v0_1::http::detail
