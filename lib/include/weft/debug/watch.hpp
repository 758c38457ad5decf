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

} // namespace weft::inline v0_1::debug

namespace weft::inline v0_1::detail {

/// Gauges with the same labels, one after another.
class gauge_set {
public:
    gauge_set(debug::metrics& in, debug::metric_labels labels) : in_(in), labels_(std::move(labels))
    {
    }
    template <class Value>
    gauge_set& show(const char* name, const char* help, Value value)
    {
        shown_.push_back(in_.add_callback(debug::metric_kind::gauge, name, help, labels_,
                                          [value] { return static_cast<double>(value()); }));
        return *this;
    }
    [[nodiscard]] debug::watch take() { return debug::watch(std::move(shown_)); }

private:
    debug::metrics& in_;
    const debug::metric_labels labels_;
    std::vector<debug::metric_registration> shown_;
};

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::debug {

/// Shows a channel's length, capacity and waiting senders and receivers (up to 4,096 of each) in `process_metrics()`, with the
/// label channel="name". It costs the channel nothing but a lock at each scrape.
///
/// @par Lifetime  the watch holds a handle: the channel lives as long as it does, at least.
/// @throws std::invalid_argument  one of that name is watched already.
template <class T>
watch watch_channel(const channel<T>& ch, const std::string& name, metrics& in = process_metrics())
{
    return detail::gauge_set(in, {{"channel", name}})
        .show("weft_channel_length", "Values in the channel's buffer.",
              [ch] { return ch.statistics().size; })
        .show("weft_channel_capacity", "The channel's buffer.",
              [ch] { return ch.statistics().capacity; })
        .show("weft_channel_waiting_senders", "Goroutines that wait to send.",
              [ch] { return ch.statistics().waiting_senders; })
        .show("weft_channel_waiting_receivers", "Goroutines that wait to receive.",
              [ch] { return ch.statistics().waiting_receivers; })
        .take();
}

/// Shows a semaphore's permits, and who waits for some (up to 4,096), in `process_metrics()`, with the label semaphore="name".
/// @par Lifetime  the semaphore must outlive the watch.
/// @throws std::invalid_argument  one of that name is watched already.
inline watch watch_semaphore(semaphore& s, const std::string& name, metrics& in = process_metrics())
{
    return detail::gauge_set(in, {{"semaphore", name}})
        .show("weft_semaphore_size", "The semaphore's permits.", [&s] { return s.size(); })
        .show("weft_semaphore_available", "Permits that can be had.",
              [&s] { return s.available(); })
        .show("weft_semaphore_waiting", "Goroutines that wait for permits.",
              [&s] { return s.waiting(); })
        .take();
}

/// Shows a limiter's tokens (below zero: promised to those who wait), rate and burst in `process_metrics()`, with the label
/// limiter="name".
/// @par Lifetime  the watch holds a handle.
/// @throws std::invalid_argument  one of that name is watched already.
inline watch watch_limiter(const limiter& l, const std::string& name,
                           metrics& in = process_metrics())
{
    return detail::gauge_set(in, {{"limiter", name}})
        .show("weft_limiter_tokens", "Tokens that are there; below zero: promised.",
              [l] { return l.tokens(); })
        .show("weft_limiter_rate", "Tokens that come in a second.", [l] { return l.rate(); })
        .show("weft_limiter_burst", "The most tokens there can be.", [l] { return l.burst(); })
        .take();
}

/// Shows a pool's workers and the jobs that nobody has begun in `process_metrics()`, with the label pool="name".
/// @par Lifetime  the pool must outlive the watch.
/// @throws std::invalid_argument  one of that name is watched already.
template <class Job, class Result>
watch watch_pool(const pattern::worker_pool<Job, Result>& pool, const std::string& name,
                 metrics& in = process_metrics())
{
    return detail::gauge_set(in, {{"pool", name}})
        .show("weft_pool_workers", "How many workers the pool is to have.",
              [&pool] { return pool.workers(); })
        .show("weft_pool_queued", "Accepted jobs that nobody has begun.",
              [&pool] { return pool.queued(); })
        .take();
}

} // namespace weft::inline v0_1::debug
