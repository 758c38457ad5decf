// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/channel.hpp>
#include <weft/debug/metrics.hpp>
#include <weft/semaphore.hpp>

#include <string>
#include <utility>
#include <vector>

/// Channels and semaphores by name, among the metrics.

namespace weft::debug {

/// Shows what was registered with it as long as it lives.
class [[nodiscard]] watch {
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

/// Shows a semaphore's permits in `process_metrics()`, with the label semaphore="name".
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
    return watch(std::move(shown));
}

} // namespace weft::debug
