// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "redis_url.hpp"
#include "redis_value.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// `redis_connection`: commands to a Redis, whether it has just been away or not.

namespace relay {

struct redis_connection_options {
    weft::backoff pauses{.initial = std::chrono::milliseconds(20),
                         .max = std::chrono::seconds(2)}; ///< between attempts to connect again
    /// A connection that does not answer for so long is given up, also while it begins.
    std::chrono::milliseconds patience{10'000};
    /// A key that must be writable, so that a replica is passed over; nothing is written. Empty: a replica will do.
    std::string writable{};
    /// A channel to subscribe to; it takes no commands then. `subscribed` is called each time that this has begun, `heard` for
    /// each message; on some thread, so they must neither block nor throw.
    std::string channel{};
    std::function<void()> subscribed{};
    std::function<void(std::string_view)> heard{};
};

/// A connection that comes back. Goroutines that send commands at the same time share it, without waiting for each other.
///
/// A command is never sent twice: one whose connection breaks fails, and whether it was carried out is not known. While there is no
/// connection commands fail at once.
///
/// After a fail-over the old Redis may keep its connections. So one that answers as a replica does (READONLY, MASTERDOWN) is broken
/// off, and the name looked up anew.
///
/// No text it throws has the password in it.
///
/// @par Thread safety  safe.
/// @par Lifetime       destroyed without `close`, its goroutine and handlers end soon after by themselves.
class redis_connection {
public:
    /// Connects for the first time. The name is looked up anew each time.
    /// @throws queue_unavailable  it could not. @throws weft::error  `ctx` ended.
    [[nodiscard]] static weft::task<std::unique_ptr<redis_connection>>
    open(weft::context ctx, redis_url to, redis_connection_options o);
    /// Connects in the background; soon.
    redis_connection(const weft::executor& ex, redis_url to, redis_connection_options o);
    redis_connection(const redis_connection&) = delete;
    redis_connection& operator=(const redis_connection&) = delete;
    ~redis_connection();

    /// Sends a command and waits for its answer, which may be an error of Redis'. If `ctx` ends first, the command is carried out
    /// all the same.
    /// @throws queue_unavailable  there is no connection, or it broke. @throws weft::error  `ctx` ended.
    [[nodiscard]] weft::task<redis_value> command(weft::context ctx,
                                                  std::vector<std::string> arguments);

    /// Ends, and waits until nothing of it runs any more. Commands in flight are broken off.
    [[nodiscard]] weft::task<> close();

private:
    struct state;
    explicit redis_connection(std::shared_ptr<state> s);

    const std::shared_ptr<state> state_;
};

} // namespace relay
