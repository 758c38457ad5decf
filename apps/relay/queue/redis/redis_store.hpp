// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "redis_connection.hpp"
#include "redis_queue.hpp"
#include "redis_scripts.hpp"
#include "redis_watch.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

/// `redis_store`: the scripts of a queue, and the connection that runs them.

namespace relay {

/// What the queue and what runs in the background for it have in common.
/// @par Thread safety  safe.
struct redis_store {
    using texts = std::vector<std::string>;

    const redis_url url;
    const redis_queue_options options;
    const std::string meta; ///< the key that stands for all
    const std::string
        new_id; ///< by chance; what public ids begin with if the queue is not there yet
    redis_scripts scripts;
    std::unique_ptr<redis_connection> redis;

    /// As `open_redis_queue`.
    [[nodiscard]] static weft::task<std::shared_ptr<redis_store>>
    open(weft::context ctx, std::string url, redis_queue_options o);

    /// Runs one of `scripts`; by its text where Redis does not know it any more.
    /// @throws queue_unavailable  also for an error that it answers.
    [[nodiscard]] weft::task<redis_value> run(weft::context ctx, const redis_script& s,
                                              texts arguments);

    /// For how long records and keys are kept, as the scripts want to be told.
    [[nodiscard]] texts keep_times() const
    {
        return {std::to_string(options.keep_done.count()),
                std::to_string(options.keep_keys.count())};
    }

    /// What `redis_watch` wants to know.
    [[nodiscard]] static weft::task<redis_watch::found> look(std::shared_ptr<redis_store> self,
                                                             weft::context ctx);
};

} // namespace relay
