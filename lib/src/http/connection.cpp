// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "connection.hpp"

#include "http_date.hpp"
#include "server_state.hpp"

#include <weft/http/detail/routing.hpp>
#include <weft/http/url.hpp>
#include <weft/log.hpp>
#include <weft/sleep.hpp>
#include <weft/this_goroutine.hpp>

#include <asio/bind_executor.hpp>
#include <asio/error.hpp>
#include <asio/system_error.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <exception>
#include <system_error>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace weft::inline v0_1::http::detail {

namespace {

constexpr std::size_t small_buffer = 2UL * 1024; ///< of an idle connection
constexpr std::size_t body_buffer = 64UL * 1024;
constexpr std::size_t gathered = 16UL * 1024; ///< a stream is sent in pieces of at least this
constexpr std::size_t joined = 4UL * 1024;    ///< a body up to this is copied behind its head
/// What a handler left of a body is read, up to this, to keep the connection.
constexpr std::uint64_t max_skipped = 256UL * 1024;
constexpr duration linger_for = std::chrono::seconds(2);
constexpr tick ticks_to_say_so = 20;

void append_number(std::string& to, std::uint64_t n, int base = 10)
{
    std::array<char, 24> digits{};
    const auto r = std::to_chars(digits.data(), digits.data() + digits.size(), n, base);
    to.append(digits.data(), r.ptr);
}

void append_line(std::string& to, std::string_view name, std::string_view value)
{
    to.append(name).append(": ").append(value).append("\r\n");
}

/// The server's own: a handler's are taken as a wish, or not at all.
bool is_framing(std::string_view name) noexcept
{
    return equal_ignoring_case(name, "content-length") ||
           equal_ignoring_case(name, "transfer-encoding") ||
           equal_ignoring_case(name, "connection");
}

} // namespace

// ---------------------------------------------------------------- peer_watch

void peer_watch::begin()
{
    socket_.async_wait(
        asio::ip::tcp::socket::wait_read,
        asio::bind_executor(executor_, [self = shared_from_this()](const asio::error_code& ec) {
            if (!ec) self->readable();
        }));
}

void peer_watch::readable() noexcept
{
    for (state s = state_.load();;) {
        // Somebody looks at this moment, with a new wait already begun: this is its end.
        const state next = s == state::looking ? state::again : state::looking;
        if (s != state::watching && s != state::looking) return;
        if (!state_.compare_exchange_weak(s, next)) continue;
        if (next == state::again) return;
        break;
    }
    for (verdict v; (v = look()) != verdict::over;) {
        // The reactor was told of bytes that had been read by then; or of such as stay unread, and it would tell again at once.
        if (v == verdict::quiet) begin();
        else begin_later();
        state expected = state::looking;
        if (state_.compare_exchange_strong(expected, state::watching)) return;
        state_.store(state::looking);
    }
    state_.store(state::over);
}

void peer_watch::begin_later()
{
    if (!later_) later_.emplace(executor_);
    later_->expires_after(std::chrono::seconds(1));
    later_->async_wait(
        asio::bind_executor(executor_, [self = shared_from_this()](const asio::error_code& ec) {
            if (!ec) self->readable();
        }));
}

peer_watch::verdict peer_watch::look() noexcept
{
    char c;
    const ssize_t n = ::recv(socket_.native_handle(), &c, 1, MSG_PEEK | MSG_DONTWAIT);
    if (n > 0) {
        // The next request: the client is there, more cannot be known. Encrypted it may be a farewell.
        if (!encrypted_) return verdict::over;
#if defined(POLLRDHUP)
        ::pollfd end{socket_.native_handle(), POLLRDHUP, 0};
        if (::poll(&end, 1, 0) <= 0) return verdict::unread;
#else
        return verdict::over;
#endif
    } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
        return verdict::quiet;
    }
    cancel_(std::make_exception_ptr(std::system_error(
        std::make_error_code(std::errc::connection_reset), "http: the client went away")));
    return verdict::over;
}

void peer_watch::stop() noexcept
{
    for (state expected = state::watching; !state_.compare_exchange_strong(expected, state::over);
         expected = state::watching) {
        if (expected == state::over) return;
        std::this_thread::yield();
    }
    if (later_) later_->cancel();
}

// ---------------------------------------------------------------- guarded_descriptor

bool guarded_descriptor::look(tick now) noexcept
{
    const tick due = due_.load(std::memory_order_relaxed);
    if (due == 0 || now < due) return false;
    const bool again = expired_.exchange(true, std::memory_order_relaxed);
    if (what() == doing::writing || again) {
        due_.store(0, std::memory_order_relaxed);
        cut();
    } else {
        // It can still say so. A read of TLS may have to write, which the end of reading does not wake.
        due_.store(now + ticks_to_say_so, std::memory_order_relaxed);
        end_reading();
    }
    return true;
}

void guarded_descriptor::end_reading() noexcept
{
    ::shutdown(descriptor_, SHUT_RD);
}

void guarded_descriptor::cut() noexcept
{
    ::shutdown(descriptor_, SHUT_RDWR);
}

// ---------------------------------------------------------------- the life of a connection

connection::connection(std::shared_ptr<server_state> server, std::unique_ptr<stream> s,
                       const asio::ip::tcp::endpoint& remote)
    : server_(std::move(server)),
      stream_(std::move(s)),
      guard_(stream_->socket().native_handle()),
      parser_(message_parser::kind::request,
              {server_->options.max_target_bytes, server_->options.max_header_bytes,
               server_->options.max_header_count})
{
    request_.remote_ = remote;
    request_.encrypted_ = stream_->encrypted();
    request_.context_source_ = this;
    server_->add(guard_);
}

connection::~connection()
{
    if (watch_) watch_->stop();
    server_->remove(guard_);
    stream_->close();
}

task<> connection::run()
{
    guard_.set(guarded_descriptor::doing::reading, after(server_->options.header_timeout));
    if (co_await stream_->handshake()) co_return;
    guard_.clear_due();

    outcome then = outcome::go_on;
    try {
        while (then == outcome::go_on) {
            if (!co_await read_head()) co_return;
            if (parser_.answer() != status::ok) {
                then = co_await refuse(parser_.answer(), parser_.complaint());
            } else {
                then = co_await answer();
            }
        }
        if (then == outcome::linger) co_await linger();
    } catch (const std::system_error&) {
        // The client is gone, or too slow: nobody is left to tell.
    }
}

tick connection::after(duration d) const noexcept
{
    return d <= duration::zero() ? 0 : server_->now() + server_->ticks(d);
}

/// When a transfer that has waited for `waited` ticks and moved so many bytes has to go on.
tick connection::due_by_rate(duration limit, tick waited, std::uint64_t bytes) const noexcept
{
    const tick soon = after(limit);
    const std::uint64_t rate = server_->options.min_data_rate;
    if (rate == 0) return soon;
    const duration grace = server_->options.data_rate_grace;
    constexpr auto most = std::chrono::floor<std::chrono::seconds>(duration::max());
    const std::chrono::seconds moved(
        std::min<std::uint64_t>(bytes / rate, static_cast<std::uint64_t>(most.count())));
    const tick allowed =
        server_->ticks(grace > duration::max() - moved ? duration::max() : grace + moved) + 1;
    const tick by_rate = server_->now() + (allowed > waited ? allowed - waited : 1);
    return soon == 0 ? by_rate : std::min(soon, by_rate);
}

// ---------------------------------------------------------------- reading

task<io_result> connection::fill(guarded_descriptor::doing d, tick due)
{
    if (!out_.empty()) co_await send_pending({});
    if (in_begin_ == in_end_) in_begin_ = in_end_ = 0;
    if (in_end_ == in_size_) {
        // Full of a header that is not complete, or of a body's last piece.
        const std::size_t used = in_end_ - in_begin_;
        const std::size_t size = std::max({small_buffer, in_size_, 2 * used});
        if (size == in_size_) {
            std::memmove(in_.get(), in_.get() + in_begin_, used);
        } else {
            std::unique_ptr<char[]> larger(new char[size]);
            if (used) std::memcpy(larger.get(), in_.get() + in_begin_, used);
            in_ = std::move(larger);
            in_size_ = size;
        }
        in_begin_ = 0;
        in_end_ = used;
    }
    guard_.set(d, due);
    const io_result r =
        co_await stream_->read_some(asio::buffer(in_.get() + in_end_, in_size_ - in_end_));
    guard_.clear_due();
    in_end_ += r.size;
    co_return r;
}

task<bool> connection::read_head()
{
    const server_options& o = server_->options;
    if (in_begin_ == in_end_) drop_buffers();
    parser_.begin({&request_.fields_, &request_.trailers_, &request_.target_});
    bool idle = true;
    tick header_due = 0;
    while (true) {
        if (in_begin_ != in_end_) {
            const message_parser::step s = parser_.feed(unread());
            in_begin_ += s.used;
            if (s.what != message_parser::event::more) {
                guard_.set(guarded_descriptor::doing::working);
                co_return true;
            }
            if (std::exchange(idle, false)) header_due = after(o.header_timeout);
        }
        const io_result r = co_await fill(idle ? guarded_descriptor::doing::idle
                                               : guarded_descriptor::doing::reading,
                                          idle ? after(o.idle_timeout) : header_due);
        if (!r.error) continue;
        if (idle) {
            if (guard_.expired()) server_->counts.timed_out.fetch_add(1, std::memory_order_relaxed);
            co_return false;
        }
        if (!guard_.expired()) co_return false;
        server_->counts.timed_out.fetch_add(1, std::memory_order_relaxed);
        parser_.give_up(status::request_timeout, "the request's header took too long");
        co_return true;
    }
}

void connection::drop_buffers() noexcept
{
    // Ten thousand idle connections are remembered by what they keep.
    response_.reset();
    if (parser_.header_bytes() > small_buffer) {
        request_.fields_ = headers();
        request_.trailers_ = headers();
    }
    if (request_.target_.capacity() > small_buffer) request_.target_ = std::string();
    if (request_.path_.capacity() > small_buffer) request_.path_ = std::string();
    if (in_size_ > small_buffer) {
        in_.reset();
        in_size_ = 0;
    }
    in_begin_ = in_end_ = 0;
    if (out_.capacity() > small_buffer) out_ = std::string();
}

task<std::string_view> connection::read_body()
{
    using event = message_parser::event;
    if (body_ended_) co_return std::string_view();
    if (body_broken()) throw error(parser_.answer(), std::string(parser_.complaint()));
    if (expects_continue_) {
        expects_continue_ = false;
        if (!response_->started_) out_.append("HTTP/1.1 100 Continue\r\n\r\n");
    }
    while (true) {
        const message_parser::step s = parser_.feed(unread());
        in_begin_ += s.used;
        switch (s.what) {
        case event::body:
            body_received_ += s.body.size();
            if (body_received_ > body_limit_) break_body(status::content_too_large);
            co_return s.body;
        case event::end:
            body_ended_ = true;
            if (watch_ && in_begin_ == in_end_) watch_->begin();
            co_return std::string_view();
        case event::failed: throw error(parser_.answer(), std::string(parser_.complaint()));
        default: break;
        }
        if (in_size_ < body_buffer &&
            (!parser_.content_length() || *parser_.content_length() > in_size_)) {
            in_.reset(new char[body_buffer]);
            in_size_ = body_buffer;
            in_begin_ = in_end_ = 0;
        }
        const tick begin = server_->now();
        const io_result r =
            co_await fill(guarded_descriptor::doing::reading,
                          due_by_rate(server_->options.body_timeout, body_waited_, body_received_));
        guard_.set(guarded_descriptor::doing::working);
        body_waited_ += server_->now() - begin;
        if (!r.error) continue;
        if (guard_.expired()) {
            server_->counts.timed_out.fetch_add(1, std::memory_order_relaxed);
            break_body(status::request_timeout, "the request's body came too slowly");
        }
        lost_ = true;
        throw asio::system_error(
            r.error == asio::error::eof ? asio::error_code(asio::error::connection_reset) : r.error,
            "http: reading a request's body");
    }
}

void connection::break_body(status s, std::string_view why)
{
    parser_.give_up(s, why.empty() ? reason_phrase(s) : why);
    throw error(s, std::string(parser_.complaint()));
}

task<bool> connection::skip_body()
{
    if (body_ended_) co_return true;
    if (expects_continue_) co_return false; // nobody has asked for it, it may or may not come
    body_limit_ = std::min(body_limit_, body_received_ + max_skipped);
    try {
        while (!(co_await read_body()).empty()) {}
        co_return true;
    } catch (const error&) {
        co_return false;
    }
}

// ---------------------------------------------------------------- answering

void connection::prepare_request()
{
    request& r = request_;
    r.method_ = parser_.method();
    r.minor_version_ = parser_.minor_version();
    std::string_view path = r.raw_path();
    if (path.find('%') == std::string_view::npos) {
        r.path_.assign(path);
    } else {
        r.path_ = percent_decoded(path).value_or(std::string(path));
    }
    r.host_ = r.fields_.value_or("host", {});
    if (!r.target_.empty() && r.target_.front() != '/' && r.target_ != "*") {
        // The absolute form, whose host is the one that counts (RFC 9112 3.2.2).
        const std::size_t at = r.target_.find("://") + 3;
        r.host_ = std::string_view(r.target_).substr(
            at, std::min(r.target_.find_first_of("/?", at), r.target_.size()) - at);
    }
    r.path_values_.clear();
    r.pattern_ = {};
    r.context_ = context();
    own_context_ = context();

    is_head_ = r.method_ == "HEAD";
    body_ended_ = parser_.complete();
    body_received_ = 0;
    body_waited_ = 0;
    r.body_ = body_reader(this, parser_.content_length(), body_ended_);
    expects_continue_ = !body_ended_ && r.minor_version_ == 1 && r.fields_.contains("expect");
    keep_alive_ = parser_.keep_alive();
    const std::size_t most = server_->options.max_requests_per_connection;
    if (++requests_ == most) keep_alive_ = false;
}

void connection::begin_response()
{
    response_.emplace();
    response_->sink_ = this;
    announced_.reset();
    in_chunks_ = false;
    write_waited_ = 0;
    write_sent_ = 0;
}

task<connection::outcome> connection::answer()
{
    prepare_request();
    begin_response();
    server_->counts.requests.fetch_add(1, std::memory_order_relaxed);
    const auto& observe = server_->options.on_response;
    const time_point begin = observe ? clock::now() : time_point();

    co_await call_handler();

    response& res = *response_;
    if (lost_) {
        if (observe) observe(request_, res, clock::now() - begin);
        co_return outcome::close;
    }
    if (server_->is_stopping() || res.close_) keep_alive_ = false;
    if (res.streaming_) {
        co_await finish_stream();
    } else {
        if (expects_continue_ || body_broken()) keep_alive_ = false;
        if (is_bodiless(res.status_)) res.body_.clear();
        append_head(res.body_.size());
        const std::string_view body = is_head_ ? std::string_view() : std::string_view(res.body_);
        if (body.size() <= joined) {
            out_.append(body);
        } else if (!send_now(body)) {
            co_await send_pending(body);
        }
    }
    if (observe) observe(request_, res, clock::now() - begin);

    if (!body_ended_ && (!keep_alive_ || !co_await skip_body())) {
        keep_alive_ = false;
        if (!send_now({})) co_await send_pending({});
        co_return outcome::linger;
    }
    // At once: the next request may have been sent ahead, and its handler may take its time.
    if (!send_now({})) co_await send_pending({});
    co_return keep_alive_ ? outcome::go_on : outcome::linger;
}

task<> connection::call_handler()
{
    response& res = *response_;
    std::exception_ptr thrown;
    std::string text;
    status s = status::internal_server_error;
    try {
        const destination to = server_->routes.table().find(request_);
        const route_options own = to.options ? *to.options : route_options();
        body_limit_ = own.max_body_bytes.value_or(server_->options.max_body_bytes);
        handler_timeout_ = own.handler_timeout.value_or(server_->options.handler_timeout);
        if (request_.body_.length().value_or(0) > body_limit_) {
            break_body(status::content_too_large);
        }
        co_await (*to.call)(request_, res);
    } catch (const error& e) {
        s = e.code();
        text = e.what();
        thrown = std::current_exception();
    } catch (const weft::error& e) {
        text = e.what();
        thrown = std::current_exception();
        if (request_.context_ && request_.context_.err() == e.code()) {
            // It gave up, as it was told to.
            if (e.code() == errc::deadline_exceeded) s = status::service_unavailable;
            else if (own_context_ && own_context_.err())
                lost_ = true; // the client went away, or the server is being cut off
        }
    } catch (const std::exception& e) {
        text = e.what();
        thrown = std::current_exception();
    } catch (...) {
        text = "an exception that is no std::exception";
        thrown = std::current_exception();
    }
    if (watch_) {
        watch_->stop();
        watch_.reset();
    }
    if (end_context_)
        (*end_context_)(); // a watch that still waits for the next request holds a copy
    end_context_.reset();
    if (!thrown || lost_) co_return;

    if (code(s) < 200 || code(s) > 999) s = status::internal_server_error; // none to answer with
    if (s == status::internal_server_error) {
        server_->counts.panics.fetch_add(1, std::memory_order_relaxed);
        log(log_level::error, "http: " + std::string(request_.method_) + " " +
                                  std::string(request_.raw_path()) + " (" +
                                  std::string(request_.pattern_) + "): " + text);
    }
    if (code(s) >= 500) text = reason_phrase(s);
    if (res.streaming_) {
        // The head is gone, and a body that just ended would look whole.
        lost_ = true;
        co_return;
    }
    if (code(s) == 413 || code(s) == 408 || body_broken()) res.close_ = true;
    res.started_ = false;
    res.fields_.clear();
    res.set_status(s);
    res.send(text + "\n", "text/plain; charset=utf-8");
    res.fields_.add("X-Content-Type-Options", "nosniff");
}

task<connection::outcome> connection::refuse(status s, std::string_view why)
{
    if (s != status::request_timeout)
        server_->counts.bad_requests.fetch_add(1, std::memory_order_relaxed);
    begin_response();
    keep_alive_ = false;
    is_head_ = false;
    body_ended_ = false;
    response& res = *response_;
    res.set_status(s);
    res.send(std::string(why) + "\n", "text/plain; charset=utf-8");
    append_head(res.body_.size());
    out_.append(res.body_);
    if (!send_now({})) co_await send_pending({});
    co_return outcome::linger;
}

task<> connection::linger()
{
    co_await stream_->end_of_writing();
    // A close with something unread would be a reset, and the client might lose the response to it.
    const tick due = after(linger_for);
    std::uint64_t most = max_skipped;
    while (most > 0) {
        in_begin_ = in_end_ = 0;
        const io_result r = co_await fill(guarded_descriptor::doing::reading, due);
        if (r.error) break;
        most -= std::min<std::uint64_t>(most, r.size);
    }
}

context connection::request_context()
{
    const duration limit = handler_timeout_;
    context parent = server_->root();
    if (limit > duration::zero()) {
        auto [ctx, cancel] = with_timeout(parent, limit);
        end_context_ = std::move(cancel);
        parent = std::move(ctx);
    }
    auto [ctx, cancel] = with_cancel_cause(parent);
    if (!end_context_) end_context_ = cancel;
    // What has arrived already, or will be read by the handler, says nothing about the client's end.
    watch_ = std::make_shared<peer_watch>(stream_->socket(), stream_->encrypted(),
                                          this_goroutine::get_executor(), std::move(cancel));
    if (body_ended_ && in_begin_ == in_end_) watch_->begin();
    own_context_ = ctx;
    return ctx;
}

// ---------------------------------------------------------------- writing

void connection::append_head(std::optional<std::uint64_t> length)
{
    response& res = *response_;
    res.started_ = true;
    if (res.fields_.has_token("connection", "close")) keep_alive_ = false;

    if (res.status_ == status::ok) {
        out_.append("HTTP/1.1 200 OK\r\n");
    } else {
        out_.append("HTTP/1.1 ");
        append_number(out_, static_cast<std::uint64_t>(code(res.status_)));
        out_.append(" ").append(reason_phrase(res.status_)).append("\r\n");
    }
    bool dated = false, typed = false, named = false;
    for (const header_field f : res.fields_) {
        if (is_framing(f.name)) continue;
        append_line(out_, f.name, f.value);
        dated = dated || equal_ignoring_case(f.name, "date");
        typed = typed || equal_ignoring_case(f.name, "content-type");
        named = named || equal_ignoring_case(f.name, "server");
    }
    const bool has_body = !is_bodiless(res.status_) && length.value_or(1) > 0;
    if (has_body && !typed) out_.append("Content-Type: text/plain; charset=utf-8\r\n");
    if (!dated) append_line(out_, "Date", http_date_now());
    if (!named && !server_->options.server_name.empty())
        append_line(out_, "Server", server_->options.server_name);
    if (in_chunks_) {
        out_.append("Transfer-Encoding: chunked\r\n");
    } else if (length && !(is_bodiless(res.status_))) {
        out_.append("Content-Length: ");
        append_number(out_, *length);
        out_.append("\r\n");
    }
    if (!keep_alive_) {
        out_.append("Connection: close\r\n");
    } else if (request_.minor_version_ == 0) {
        out_.append("Connection: keep-alive\r\n");
    }
    out_.append("\r\n");
}

task<> connection::write_body(std::string_view piece)
{
    response& res = *response_;
    if (!res.streaming_) {
        res.streaming_ = true;
        const std::string_view wanted = res.fields_.value_or("content-length", {});
        std::uint64_t n = 0;
        const auto parsed = std::from_chars(wanted.data(), wanted.data() + wanted.size(), n);
        if (!wanted.empty() && parsed.ec == std::errc() &&
            parsed.ptr == wanted.data() + wanted.size())
            announced_ = n;
        if (server_->is_stopping() || res.close_ || expects_continue_) keep_alive_ = false;
        in_chunks_ = !announced_ && request_.minor_version_ == 1 && !is_bodiless(res.status_);
        if (!announced_ && !in_chunks_ && !is_bodiless(res.status_))
            keep_alive_ = false; // its end is the body's
        append_head(announced_);
    }
    if (piece.empty()) co_return;
    if (announced_ && piece.size() > *announced_ - res.streamed_)
        weft::detail::throw_misuse("http: more was written than Content-Length says");
    res.streamed_ += piece.size();
    if (is_head_ || is_bodiless(res.status_)) co_return;

    if (in_chunks_) {
        append_number(out_, piece.size(), 16);
        out_.append("\r\n");
    }
    std::string_view apart;
    if (piece.size() >= gathered) {
        apart = piece;
    } else {
        out_.append(piece);
        if (in_chunks_) out_.append("\r\n");
        if (out_.size() < gathered) co_return;
    }
    if (!send_now(apart)) co_await send_pending(apart);
    if (!apart.empty() && in_chunks_) out_.append("\r\n");
}

task<> connection::flush_body()
{
    if (!response_->streaming_) co_await write_body({});
    if (!send_now({})) co_await send_pending({});
}

task<> connection::finish_stream()
{
    response& res = *response_;
    if (in_chunks_ && !is_head_) out_.append("0\r\n\r\n");
    if (announced_ && res.streamed_ < *announced_ && !is_head_) {
        log(log_level::error, "http: " + std::string(request_.method_) + " " +
                                  std::string(request_.raw_path()) +
                                  ": fewer bytes were written than Content-Length says");
        keep_alive_ = false;
    }
    if (body_broken()) keep_alive_ = false;
    co_return;
}

void connection::sent(std::size_t n, std::string_view& more) noexcept
{
    write_sent_ += n;
    const std::size_t of_out = std::min(n, out_.size() - out_begin_);
    out_begin_ += of_out;
    more.remove_prefix(n - of_out);
    if (out_begin_ == out_.size()) {
        out_.clear();
        out_begin_ = 0;
    }
}

bool connection::send_now(std::string_view more)
{
    const std::array<asio::const_buffer, 2> parts{
        asio::buffer(out_.data() + out_begin_, out_.size() - out_begin_),
        asio::buffer(more.data(), more.size())};
    const std::size_t all = asio::buffer_size(parts);
    if (all == 0) return true;
    const io_result r = stream_->write_now(parts);
    if (r.size == all) {
        sent(all, more);
        return true;
    }
    // What went of `more` must be told apart from the rest: let it all go the slow way, from where this stopped.
    partly_ = r.size;
    return false;
}

task<> connection::send_pending(std::string_view more)
{
    sent(std::exchange(partly_, 0), more);
    const guarded_descriptor::doing before = guard_.what();
    while (true) {
        const std::array<asio::const_buffer, 2> parts{
            asio::buffer(out_.data() + out_begin_, out_.size() - out_begin_),
            asio::buffer(more.data(), more.size())};
        if (asio::buffer_size(parts) == 0) break;
        const tick begin = server_->now();
        guard_.set(guarded_descriptor::doing::writing,
                   due_by_rate(server_->options.write_timeout, write_waited_, write_sent_));
        const io_result r = co_await stream_->write_some(parts);
        guard_.clear_due();
        write_waited_ += server_->now() - begin;
        if (r.error) {
            lost_ = true;
            if (guard_.expired()) server_->counts.timed_out.fetch_add(1, std::memory_order_relaxed);
            throw asio::system_error(r.error, "http: writing a response");
        }
        sent(r.size, more);
    }
    guard_.set(before);
}

} // namespace weft::inline v0_1::http::detail
