// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "redis_value.hpp"

#include <weft/weft.hpp>

#include <asio/error_code.hpp>
#include <asio/posix/basic_stream_descriptor.hpp>
#include <asio/strand.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

struct redisAsyncContext;

/// `redis_wire`: one connection to Redis, from its beginning to its end.

namespace relay {

/// hiredis' asynchronous API on a strand of a weft runtime. Commands of many goroutines are written together, and answered in
/// their order.
///
/// It keeps itself alive while Asio has a handler of it. `ended` is set when there will be no more.
///
/// @par Thread safety  safe; all work is done on the strand.
class redis_wire : public std::enable_shared_from_this<redis_wire> {
    struct key {};

public:
    /// The answer, or why there is none.
    struct broken {
        std::string why;
    };
    using outcome = std::variant<redis_value, broken>;
    using answer = weft::pattern::oneshot_receiver<outcome>;

    redis_wire(key, const weft::executor& ex);
    redis_wire(const redis_wire&) = delete;
    redis_wire& operator=(const redis_wire&) = delete;
    ~redis_wire();

    /// Begins to connect to an address, no name. What goes wrong ends it. SIGPIPE, which hiredis provokes, is ignored from then
    /// on unless the program handles it.
    [[nodiscard]] static std::shared_ptr<redis_wire> connect(const weft::executor& ex,
                                                             std::string address, int port);

    /// Sends a command, of any bytes.
    [[nodiscard]] answer command(std::vector<std::string> arguments);
    /// Subscribes to a channel; the wire is good for nothing else then. `subscribed` is called once it has begun, `heard` for each
    /// message; on the strand, so they must neither block nor throw.
    void subscribe(std::string channel, std::function<void()> subscribed,
                   std::function<void(std::string_view)> heard);

    /// Ends it; commands without an answer are broken for this reason.
    void break_off(std::string why);
    [[nodiscard]] weft::event& ended() noexcept { return ended_; }
    /// Why it ended.
    [[nodiscard]] std::string why() const;

private:
    struct call;
    struct hooks;
    using strand_type = asio::strand<weft::executor>;

    // All of these on the strand.
    void start(const std::string& address, int port);
    void post_work();
    void work();
    void send(std::unique_ptr<call> c);
    void start_subscription();
    void answered(void* reply, call* c);
    void told(void* reply);
    void wait_to_read();
    void wait_to_write();
    void readable(const asio::error_code& ec);
    void writable(const asio::error_code& ec);
    void free_context(std::string why);
    void context_freed();
    void end_if_quiet();
    [[nodiscard]] bool speaks_unasked() const;

    const strand_type strand_;
    weft::event ended_;

    mutable std::mutex mutex_;
    std::vector<std::unique_ptr<call>> inbox_; ///< guarded by mutex_
    bool work_posted_ = false;                 ///< guarded by mutex_
    std::string why_;                          ///< guarded by mutex_; the first reason stays

    // On the strand.
    redisAsyncContext* context_ = nullptr;
    asio::posix::basic_stream_descriptor<strand_type> descriptor_;
    bool started_ = false;
    bool connected_ = false;
    bool working_ = false; ///< what is sent is written at the end of `work`
    bool reading_ = false; ///< a handler waits
    bool writing_ = false; ///< likewise
    std::size_t unanswered_ = 0;
    std::vector<const char*> texts_; ///< of the command that is being sent
    std::vector<std::size_t> sizes_;
    std::string channel_;
    std::function<void()> subscribed_;
    std::function<void(std::string_view)> heard_;
};

} // namespace relay
