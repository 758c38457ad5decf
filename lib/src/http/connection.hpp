// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "message_parser.hpp"
#include "stream.hpp"

#include <weft/context.hpp>
#include <weft/http/body_reader.hpp>
#include <weft/http/error.hpp>
#include <weft/http/request.hpp>
#include <weft/http/response.hpp>
#include <weft/http/server_options.hpp>

#include <asio/steady_timer.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

/// One connection of a server: reads requests, has them answered, writes the responses, one after the other, on a goroutine of
/// its own.

namespace weft::inline v0_1::http::detail {

class server_state;

/// Moments of the server's coarse clock (`server_state::now`).
using tick = std::uint64_t;

/// Sees a client go away while a handler runs. It outlives the connection if the reactor still holds its wait then.
class peer_watch : public std::enable_shared_from_this<peer_watch> {
public:
    peer_watch(asio::ip::tcp::socket& s, bool encrypted, const executor& ex,
               cancel_cause_function cancel)
        : socket_(s), encrypted_(encrypted), executor_(ex), cancel_(std::move(cancel))
    {
    }
    /// Nobody waits to read from the socket until `stop`.
    void begin();
    /// After it, the socket is not touched any more, and the context not ended.
    void stop() noexcept;

private:
    /// watching -> looking -> watching or over; watching -> over, by `stop`. Who makes it `looking` may use the socket until
    /// he leaves that state. looking -> again: the wait that he began has ended already, he has to look once more.
    enum class state { watching, looking, again, over };

    enum class verdict : std::uint8_t { over, quiet, unread };

    void readable() noexcept;
    void begin_later();
    [[nodiscard]] verdict look() noexcept;

    asio::ip::tcp::socket& socket_;
    const bool encrypted_;
    const executor executor_;
    const cancel_cause_function cancel_;
    std::optional<asio::steady_timer> later_; ///< whose turn it is to look may use it; and `stop`
    std::atomic<state> state_{state::watching};
};

/// The part of a connection that others than its goroutine look at: the server's housekeeper, and shutdown, both under the
/// server's lock, where it stands from its beginning to its end.
class guarded_descriptor {
public:
    explicit guarded_descriptor(int descriptor) noexcept : descriptor_(descriptor) {}
    guarded_descriptor(const guarded_descriptor&) = delete;
    guarded_descriptor& operator=(const guarded_descriptor&) = delete;

    enum class doing : std::uint8_t {
        idle,    ///< waits for a request
        reading, ///< has begun to read one
        working, ///< its handler runs
        writing  ///< waits for the client to take what is sent
    };

    // The goroutine.
    void set(doing d) noexcept { doing_.store(d, std::memory_order_relaxed); }
    /// By when what it does must be done; 0: no matter when.
    void set(doing d, tick due) noexcept
    {
        doing_.store(d, std::memory_order_relaxed);
        due_.store(due, std::memory_order_relaxed);
    }
    void clear_due() noexcept { due_.store(0, std::memory_order_relaxed); }
    [[nodiscard]] bool expired() const noexcept { return expired_.load(std::memory_order_relaxed); }

    // Others.
    [[nodiscard]] doing what() const noexcept { return doing_.load(std::memory_order_relaxed); }
    /// True: it was too slow, and has now been told.
    bool look(tick now) noexcept;
    /// No more requests: whoever waits for one sees the end of the connection, once what has arrived is read.
    void end_reading() noexcept;
    void cut() noexcept;

    guarded_descriptor* next = nullptr; ///< in the server's list
    guarded_descriptor* previous = nullptr;

private:
    const int descriptor_;
    std::atomic<doing> doing_{doing::idle};
    std::atomic<tick> due_{0};
    std::atomic<bool> expired_{false};
};

class connection final : private body_source, private body_sink, private context_source {
public:
    connection(std::shared_ptr<server_state> server, std::unique_ptr<stream> s,
               const asio::ip::tcp::endpoint& remote);
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection();

    /// Until the connection is over. Throws nothing but what ends a goroutine.
    task<> run();

private:
    enum class outcome { go_on, close, linger };

    /// The next request's header; false: there will be none.
    task<bool> read_head();
    task<io_result> fill(guarded_descriptor::doing d, tick due);
    task<outcome> answer();
    task<> call_handler();
    /// Reads what the handler left of the body. False: it is too much.
    task<bool> skip_body();
    /// Too large, or too late: it cannot be read on.
    [[noreturn]] void break_body(status s, std::string_view why = {});
    [[nodiscard]] bool body_broken() const noexcept { return parser_.answer() != status::ok; }
    /// Answers a request that no handler shall see.
    task<outcome> refuse(status s, std::string_view why);
    /// Waits for the client to stop sending, so that the last response is not lost by a reset.
    task<> linger();

    void prepare_request();
    void begin_response();
    void append_head(std::optional<std::uint64_t> length);
    task<> finish_stream();
    [[nodiscard]] task<> send_pending(std::string_view more);
    /// Sends all of it, if the kernel takes it at once.
    [[nodiscard]] bool send_now(std::string_view more);
    void sent(std::size_t n, std::string_view& more) noexcept;

    // body_source, body_sink, context_source
    task<std::string_view> read_body() override;
    task<> write_body(std::string_view piece) override;
    task<> flush_body() override;
    context request_context() override;

    [[nodiscard]] tick after(duration d) const noexcept;
    [[nodiscard]] tick due_by_rate(duration limit, tick waited, std::uint64_t bytes) const noexcept;
    [[nodiscard]] std::string_view unread() const noexcept
    {
        return std::string_view(in_.get(), in_end_).substr(in_begin_);
    }
    void drop_buffers() noexcept;

    const std::shared_ptr<server_state> server_;
    const std::unique_ptr<stream> stream_;
    guarded_descriptor guard_;
    message_parser parser_;
    request request_;
    std::optional<response> response_;

    // What has been read and not been used: [in_begin_, in_end_) of in_.
    std::unique_ptr<char[]> in_;
    std::size_t in_size_ = 0, in_begin_ = 0, in_end_ = 0;
    // What has been written and not been sent.
    std::string out_;
    std::size_t out_begin_ = 0;
    std::size_t partly_ = 0; ///< what `send_now` sent in vain

    std::uint64_t requests_ = 0;
    std::uint64_t body_limit_ = 0;
    duration handler_timeout_{0};
    std::uint64_t body_received_ = 0;
    tick body_waited_ = 0;
    tick write_waited_ = 0;
    std::uint64_t write_sent_ = 0;
    std::optional<std::uint64_t> announced_; ///< the stream's Content-Length
    bool body_ended_ = false;
    bool expects_continue_ = false; ///< and has not been told to
    bool keep_alive_ = false;
    bool in_chunks_ = false;
    bool is_head_ = false;
    context own_context_; ///< what `request_context` made for this request
    bool lost_ = false;   ///< the client is gone, or a response broke off: nothing can follow
    std::shared_ptr<peer_watch> watch_;
    std::optional<cancel_function> end_context_;
};

} // namespace weft::inline v0_1::http::detail
