// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "redis_connection.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

/// `redis_watch`: notices that there may be something to reserve.

namespace relay {

/// Calls a function when a message says so, when the time has come of which a message or Redis told, and after each time that the
/// messages were interrupted.
///
/// @par Thread safety  safe.
/// @par Lifetime       destroyed without `close`, it ends soon after by itself.
class redis_watch {
public:
    struct found {
        bool ready = false;
        std::optional<std::chrono::milliseconds> next{}; ///< from now
    };
    /// Asks Redis.
    using look_function = std::function<weft::task<found>(weft::context)>;

    /// `changed` is called on any thread; it must neither block nor throw.
    redis_watch(const weft::executor& ex, redis_url to, std::chrono::milliseconds patience,
                std::chrono::milliseconds look_every, look_function look,
                std::function<void()> changed);
    redis_watch(const redis_watch&) = delete;
    redis_watch& operator=(const redis_watch&) = delete;
    ~redis_watch();

    /// Ends. `changed` is not called any more after it.
    [[nodiscard]] weft::task<> close();

private:
    struct state;

    const std::shared_ptr<state> state_;
    redis_connection messages_;
};

} // namespace relay
