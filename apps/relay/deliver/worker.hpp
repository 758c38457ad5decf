// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "counts.hpp"
#include "deliverer.hpp"
#include "hosts.hpp"
#include "queue.hpp"

#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <vector>

/// `worker`: takes jobs from the queue and delivers them.

namespace relay {

struct worker_options {
    std::string name{};            ///< for those who look
    std::size_t concurrency = 256; ///< deliveries at a time
    std::chrono::milliseconds lease{30'000};
    std::chrono::milliseconds drain{10'000}; ///< how long deliveries may go on at the end
    weft::backoff retry{.initial = std::chrono::seconds(2),
                        .max = std::chrono::hours(1),
                        .multiplier = 3,
                        .jitter = 0.5};
};

/// A job that is being delivered, for those who look.
struct delivery_view {
    std::string id;
    std::string host;
    int attempt = 0;
    int max_attempts = 0;
    weft::duration since{};
};

/// Reserves what its hosts have room for, delivers each job in a goroutine of its own, and acknowledges, releases or buries it.
/// Leases are extended while a delivery goes on; who has lost his breaks off.
///
/// A failed attempt is followed by another after a pause of the backoff, or the one that the host asked for, until the
/// job's attempts are used up: then it is buried.
class worker {
public:
    worker(queue& q, deliverer& d, hosts& h, counts& c, const worker_options& o);
    worker(const worker&) = delete;
    worker& operator=(const worker&) = delete;

    /// Works until `ctx` ends. Then it lets deliveries go on for `drain`, breaks off the others and gives their jobs back, with
    /// no attempt counted; returns when none is left.
    [[nodiscard]] weft::task<> run(weft::context ctx);

    /// At most `most`, the oldest first.
    [[nodiscard]] std::vector<delivery_view> view(std::size_t most);

private:
    struct flight {
        relay::lease lease;
        std::string host;
        int attempt;
        int max_attempts;
        weft::time_point begun;
        weft::time_point extended;
        weft::cancel_cause_function cancel;
    };

    weft::task<> dispatch(weft::context ctx, weft::context life);
    weft::task<std::size_t> reserve(weft::context life);
    weft::task<> wait_for_more(weft::context ctx);
    weft::task<> work(weft::context life, reserved_job j);
    weft::task<> settle(const reserved_job& j, const attempt& a);
    [[nodiscard]] std::chrono::milliseconds pause_before_next(const job& j, const attempt& a) const;
    weft::task<> keep_leases(weft::context life);
    void nudge() { static_cast<void>(nudge_.try_send()); }

    queue& queue_;
    deliverer& deliverer_;
    hosts& hosts_;
    counts& counts_;
    const worker_options options_;
    weft::channel<void> nudge_ = weft::make_channel<void>(1); ///< there may be something to reserve
    weft::wait_group working_;
    std::optional<timestamp> next_; ///< what the last reservation said; of the dispatcher

    std::mutex mutex_;
    std::map<std::string, flight> flights_; ///< by job, under mutex_
};

} // namespace relay
