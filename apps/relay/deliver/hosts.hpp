// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/weft.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// `hosts`: how much each host is asked to bear.

namespace relay {

struct host_options {
    std::size_t concurrency = 32;              ///< deliveries to one host at a time
    double rate = 0;                           ///< deliveries per second to one host; 0: any number
    int burst = 10;                            ///< of these at once
    int failures_to_open = 5;                  ///< in a row, before a host is left alone
    std::chrono::milliseconds open_for{5'000}; ///< at first; then twice as long each time
    std::chrono::milliseconds open_for_most{300'000};
};

enum class breaker_state : std::uint8_t {
    closed,   ///< it is delivered to
    open,     ///< it is left alone
    half_open ///< one delivery is to show whether it is back
};
[[nodiscard]] std::string_view name_of(breaker_state s) noexcept;

/// What is known of a host, for those who look.
struct host_view {
    std::string host;
    std::size_t in_flight = 0;
    breaker_state breaker = breaker_state::closed;
    int failures = 0;                      ///< in a row
    std::chrono::milliseconds opens_in{0}; ///< until a delivery is tried again
};

/// Each host's share: so many deliveries at a time, so many a second, and none while it does not answer (a circuit breaker: closed,
/// open after failures in a row, half open for one delivery after a while). Jobs of a host without room stay in the queue; no attempt
/// is wasted.
///
/// Hosts that nothing is known of any more are forgotten.
///
/// @par Thread safety  safe.
class hosts {
public:
    explicit hosts(const host_options& o) : options_(o) {}

    /// How many deliveries to `host` may begin now.
    [[nodiscard]] std::size_t room(std::string_view host);
    /// A delivery begins.
    void begin(std::string_view host);
    /// It has ended; `answers`: the host is up, whatever it said. Nothing: it is not known, the delivery was broken off.
    void end(std::string_view host, std::optional<bool> answers);

    /// When a host that has no room now gets some by itself: its breaker half opens, or a token comes.
    [[nodiscard]] std::optional<weft::time_point> next_room();
    /// At most `most`, those that are not well first.
    [[nodiscard]] std::vector<host_view> view(std::size_t most);
    /// How many breakers are not closed, and how often one was opened.
    [[nodiscard]] std::size_t open_count();
    [[nodiscard]] std::uint64_t times_opened();

private:
    struct state {
        std::size_t in_flight = 0;
        int failures = 0;
        int openings = 0;            ///< in a row
        weft::time_point opens_at{}; ///< while `failures` are enough: a delivery may be tried then
        std::optional<weft::limiter> tokens{};
        weft::time_point used{};
    };
    struct by_text {
        using is_transparent = void;
        std::size_t operator()(std::string_view s) const noexcept
        {
            return std::hash<std::string_view>{}(s);
        }
    };

    // Below: under mutex_.
    state& of(std::string_view host);
    [[nodiscard]] bool is_open(const state& s) const noexcept
    {
        return s.failures >= options_.failures_to_open;
    }
    [[nodiscard]] breaker_state breaker(const state& s, weft::time_point now) const noexcept;
    void sweep(weft::time_point now);

    const host_options options_;
    std::mutex mutex_;
    std::unordered_map<std::string, state, by_text, std::equal_to<>> all_;
    std::uint64_t times_opened_ = 0;
    weft::time_point swept_{};
};

} // namespace relay
