// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "job.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// `queue`: where jobs are kept until they have been delivered.

namespace relay {

/// The right to work at a job, until it runs out or is given up. A job that was reserved again has another one.
struct lease {
    std::string id; ///< of the job
    std::uint64_t token = 0;
};

struct reserved_job {
    job what; ///< with its body; `attempts` counts this one
    relay::lease lease;
};

struct reserve_request {
    std::size_t most = 1;
    std::chrono::milliseconds lease{30'000};
    std::string worker{}; ///< a name, for those who look
    /// How many jobs of this host may be taken now; nothing: any number. Called by any thread; must neither block nor throw.
    std::function<std::size_t(std::string_view host)> room{};
};

struct reserve_result {
    std::vector<reserved_job> jobs;
    /// When there may be more: the next due time or the end of a lease, of hosts that had room; nothing: not known.
    std::optional<timestamp> next;
};

struct put_result {
    std::string id;
    bool existed = false; ///< there was a job with that key
};

struct list_request {
    std::optional<job_state> state{}; ///< nothing: all
    std::size_t limit = 100;
    std::string after{}; ///< the last id of the page before; empty: the first page
};

struct queue_stats {
    std::uint64_t ready = 0;
    std::uint64_t delayed = 0;
    std::uint64_t in_flight = 0;
    std::uint64_t done = 0; ///< kept ones
    std::uint64_t dead = 0;
    std::optional<timestamp>
        oldest_ready{}; ///< since when the job that has waited longest has been ready
};

/// The queue cannot say now; the same may succeed later. Whether a change was made is not known.
class queue_unavailable : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A put with the idempotency key of a job that is to deliver something else.
class idempotency_conflict : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// Jobs, durable, each delivered at least once: a job stays until it is acknowledged or buried by whoever holds its lease. A lease
/// that runs out makes it ready again, with the attempt counted; a job whose attempts are used up is buried in its place.
///
/// Of each host the job that has been due longest comes first. Hosts take turns.
///
/// What is changed is on disk when the call returns (as far as the backend promises). All calls wait with `ctx`; a put whose wait
/// was ended may have been made.
///
/// @par Thread safety  safe.
/// @throws queue_unavailable  from all: the backend is away, or the disk full. @throws weft::error  `ctx` ended.
class queue {
public:
    queue() = default;
    queue(const queue&) = delete;
    queue& operator=(const queue&) = delete;
    virtual ~queue() = default;

    // The eight verbs.

    /// @throws idempotency_conflict
    virtual weft::task<put_result> put(weft::context ctx, new_job j) = 0;
    /// Takes jobs that are ready; does not wait for them.
    virtual weft::task<reserve_result> reserve(weft::context ctx, reserve_request r) = 0;
    /// Makes leases end `by` from now. For each: whether it was still held.
    virtual weft::task<std::vector<bool>> extend(weft::context ctx, std::vector<lease> held,
                                                 std::chrono::milliseconds by) = 0;
    /// The job is done. False: the lease was lost, nothing was changed. Likewise below.
    virtual weft::task<bool> ack(weft::context ctx, lease l, attempt_result how) = 0;
    /// The job is ready again after `delay`. With `counts` false the attempt was none.
    virtual weft::task<bool> release(weft::context ctx, lease l, std::chrono::milliseconds delay,
                                     attempt_result how, bool counts = true) = 0;
    /// The job is dead.
    virtual weft::task<bool> bury(weft::context ctx, lease l, attempt_result how) = 0;
    /// A dead job is ready again, with all its attempts. False: there is no dead job of that id.
    virtual weft::task<bool> kick(weft::context ctx, std::string id) = 0;
    virtual weft::task<queue_stats> stats(weft::context ctx) = 0;

    // For those who look.

    virtual weft::task<std::optional<job>> find(weft::context ctx, std::string id) = 0;
    /// Newest first.
    virtual weft::task<std::vector<job>> list(weft::context ctx, list_request r) = 0;

    /// `f` is called, on any thread and perhaps too often, when there may be something to reserve. It must neither block nor
    /// throw. Before the first call of the others.
    virtual void on_change(std::function<void()> f) = 0;

    /// Ends: what was begun is finished, later calls throw queue_unavailable.
    virtual weft::task<> close() = 0;
};

} // namespace relay
