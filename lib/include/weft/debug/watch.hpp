// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/pattern/worker_pool.hpp>
#include <weft/rate_limiter.hpp>
#include <weft/semaphore.hpp>

#include <string>
#include <utility>
#include <vector>

/// Channels, semaphores, limiters and worker pools by name, among the metrics.

namespace weft::inline v0_1::debug {

/// Shows what was registered with it as long as it lives.
class [[nodiscard]] WEFT_EXPORT watch {
public:
    watch() noexcept = default;
    explicit watch(std::vector<metric_registration> shown) noexcept : shown_(std::move(shown)) {}

private:
    std::vector<metric_registration> shown_;
};

/// Shows a channel's length, capacity and waiting senders and receivers (up to 4,096 of each) in `process_metrics()`, with the
/// label channel="name". It costs the channel nothing but a lock at each scrape.
///
/// @par Lifetime  the watch holds a handle: the channel lives as long as it does, at least.
/// @throws std::invalid_argument  one of that name is watched already.
template <class T>
watch watch_channel(const channel<T>& ch, const std::string& name, metrics& in = process_metrics())
{
    std::vector<metric_registration> shown;
    const metric_labels labels{{"channel", name}};
    const auto show = [&](const char* metric, const char* help, auto value) {
        shown.push_back(in.add_callback(metric_kind::gauge, metric, help, labels, [ch, value] {
            return static_cast<double>(value(ch.statistics()));
        }));
    };
    show("weft_channel_length", "Values in the channel's buffer.",
         [](const channel_statistics& s) { return s.size; });
    show("weft_channel_capacity", "The channel's buffer.",
         [](const channel_statistics& s) { return s.capacity; });
    show("weft_channel_waiting_senders", "Goroutines that wait to send.",
         [](const channel_statistics& s) { return s.waiting_senders; });
    show("weft_channel_waiting_receivers", "Goroutines that wait to receive.",
         [](const channel_statistics& s) { return s.waiting_receivers; });
    return watch(std::move(shown));
}

/// Shows a semaphore's permits, and who waits for some (up to 4,096), in `process_metrics()`, with the label semaphore="name".
/// @par Lifetime  the semaphore must outlive the watch.
/// @throws std::invalid_argument  one of that name is watched already.
inline watch watch_semaphore(semaphore& s, const std::string& name, metrics& in = process_metrics())
{
    std::vector<metric_registration> shown;
    const metric_labels labels{{"semaphore", name}};
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_semaphore_size",
                                    "The semaphore's permits.", labels,
                                    [&s] { return static_cast<double>(s.size()); }));
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_semaphore_available",
                                    "Permits that can be had.", labels,
                                    [&s] { return static_cast<double>(s.available()); }));
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_semaphore_waiting",
                                    "Goroutines that wait for permits.", labels,
                                    [&s] { return static_cast<double>(s.waiting()); }));
    return watch(std::move(shown));
}

/// Shows a limiter's tokens (below zero: promised to those who wait), rate and burst in `process_metrics()`, with the label
/// limiter="name".
/// @par Lifetime  the watch holds a handle.
/// @throws std::invalid_argument  one of that name is watched already.
inline watch watch_limiter(const limiter& l, const std::string& name,
                           metrics& in = process_metrics())
{
    std::vector<metric_registration> shown;
    const metric_labels labels{{"limiter", name}};
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_limiter_tokens",
                                    "Tokens that are there; below zero: promised.", labels,
                                    [l] { return l.tokens(); }));
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_limiter_rate",
                                    "Tokens that come in a second.", labels,
                                    [l] { return l.rate(); }));
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_limiter_burst",
                                    "The most tokens there can be.", labels,
                                    [l] { return static_cast<double>(l.burst()); }));
    return watch(std::move(shown));
}

/// Shows a pool's workers and the jobs that nobody has begun in `process_metrics()`, with the label pool="name".
/// @par Lifetime  the pool must outlive the watch.
/// @throws std::invalid_argument  one of that name is watched already.
template <class Job, class Result>
watch watch_pool(const pattern::worker_pool<Job, Result>& pool, const std::string& name,
                 metrics& in = process_metrics())
{
    std::vector<metric_registration> shown;
    const metric_labels labels{{"pool", name}};
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_pool_workers",
                                    "How many workers the pool is to have.", labels,
                                    [&pool] { return static_cast<double>(pool.workers()); }));
    shown.push_back(in.add_callback(metric_kind::gauge, "weft_pool_queued",
                                    "Accepted jobs that nobody has begun.", labels,
                                    [&pool] { return static_cast<double>(pool.queued()); }));
    return watch(std::move(shown));
}

} // namespace weft::inline v0_1::debug
