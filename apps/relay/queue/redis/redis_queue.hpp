// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "queue.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <memory>
#include <string>

/// The queue in a Redis: many machines share it.

namespace relay {

struct redis_queue_options {
    std::chrono::milliseconds keep_done =
        std::chrono::hours(1); ///< the records of jobs that are done
    /// Idempotency keys, from the put; while the job's record is there they are in any case.
    std::chrono::milliseconds keep_keys = std::chrono::hours(24);
    std::string worker{}; ///< where a request names none; empty: host and process
    /// How often to look whether something has become ready that no message told of: leases of workers that died, for instance.
    std::chrono::milliseconds look_every{1000};
    /// A connection that does not answer for so long is given up.
    std::chrono::milliseconds patience{10'000};
};

/// Opens the queue that `url` names (see redis_url.hpp); it is made if it is not there. Redis 5 or newer.
///
/// How durable it is, is Redis' matter: with `appendonly yes` and `appendfsync always` what a call has changed is on disk when it
/// returns. With another `maxmemory-policy` than noeviction it would drop jobs: a Redis with a `maxmemory` and such a policy is
/// refused, as far as it tells of them.
///
/// After a fail-over the name in the URL is looked up anew, until it leads to a Redis that can be written to.
///
/// All times in it are those of Redis' clock; but `reserve_result::next` is told by the caller's.
///
/// @throws std::invalid_argument  the URL. @throws queue_unavailable  Redis. @throws weft::error  `ctx` ended.
[[nodiscard]] weft::task<std::unique_ptr<queue>>
open_redis_queue(weft::context ctx, std::string url, redis_queue_options o);
[[nodiscard]] weft::task<std::unique_ptr<queue>> open_redis_queue(weft::context ctx,
                                                                  std::string url);

} // namespace relay
