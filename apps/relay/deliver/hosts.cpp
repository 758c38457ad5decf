// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#include "hosts.hpp"

#include <algorithm>
#include <array>
#include <tuple>

namespace relay {

using namespace std::chrono_literals;

std::string_view name_of(breaker_state s) noexcept
{
    constexpr std::array<std::string_view, 3> names{"closed", "open", "half_open"};
    return names[static_cast<std::size_t>(s)];
}

hosts::state& hosts::of(std::string_view host)
{
    const weft::time_point now = weft::clock::now();
    if (now - swept_ > 10s) sweep(now);
    auto found = all_.find(host);
    if (found == all_.end()) {
        found = all_.emplace(host, state{}).first;
        if (options_.rate > 0) found->second.tokens.emplace(options_.rate, options_.burst);
    }
    found->second.used = now;
    return found->second;
}

void hosts::sweep(weft::time_point now)
{
    std::erase_if(all_, [&](const auto& h) {
        const state& s = h.second;
        return s.in_flight == 0 && now - s.used > (s.failures > 0 ? 1h : 1min);
    });
    swept_ = now;
}

breaker_state hosts::breaker(const state& s, weft::time_point now) const noexcept
{
    if (!is_open(s)) return breaker_state::closed;
    return now < s.opens_at ? breaker_state::open : breaker_state::half_open;
}

std::size_t hosts::room(std::string_view host)
{
    const std::lock_guard lock(mutex_);
    const auto found = all_.find(host);
    if (found == all_.end())
        return options_.rate > 0
                   ? std::min(options_.concurrency, static_cast<std::size_t>(options_.burst))
                   : options_.concurrency;
    const state& s = found->second;
    const weft::time_point now = weft::clock::now();
    std::size_t room = 0;
    switch (breaker(s, now)) {
    case breaker_state::open: return 0;
    case breaker_state::half_open: room = s.in_flight == 0 ? 1 : 0; break;
    case breaker_state::closed:
        room = options_.concurrency - std::min(options_.concurrency, s.in_flight);
        break;
    }
    if (s.tokens)
        room = std::min(room, static_cast<std::size_t>(std::max(0.0, s.tokens->tokens())));
    return room;
}

void hosts::begin(std::string_view host)
{
    const std::lock_guard lock(mutex_);
    state& s = of(host);
    ++s.in_flight;
    if (s.tokens) static_cast<void>(s.tokens->reserve());
}

void hosts::end(std::string_view host, std::optional<bool> answers)
{
    const std::lock_guard lock(mutex_);
    state& s = of(host);
    --s.in_flight;
    if (!answers) return;
    if (*answers) {
        s.failures = 0;
        s.openings = 0;
        return;
    }
    const weft::time_point now = weft::clock::now();
    const bool was_open = breaker(s, now) == breaker_state::open; // one that was under way before
    ++s.failures;
    if (!is_open(s) || was_open) return;
    auto pause = options_.open_for;
    for (int i = 0; i < s.openings && pause < options_.open_for_most; ++i) pause *= 2;
    s.opens_at = now + std::min(pause, options_.open_for_most);
    ++s.openings;
    ++times_opened_;
}

std::optional<weft::time_point> hosts::next_room()
{
    const std::lock_guard lock(mutex_);
    const weft::time_point now = weft::clock::now();
    std::optional<weft::time_point> next;
    for (const auto& [host, s] : all_) {
        std::optional<weft::time_point> t;
        if (breaker(s, now) == breaker_state::open) {
            t = s.opens_at;
        } else if (s.tokens && s.tokens->tokens() < 1) {
            const double missing = 1 - s.tokens->tokens();
            t = now + std::chrono::ceil<weft::duration>(
                          std::chrono::duration<double>(missing / options_.rate));
        }
        if (t && (!next || *t < *next)) next = t;
    }
    return next;
}

std::vector<host_view> hosts::view(std::size_t most)
{
    std::vector<host_view> views;
    {
        const std::lock_guard lock(mutex_);
        const weft::time_point now = weft::clock::now();
        for (const auto& [host, s] : all_) {
            host_view v{host, s.in_flight, breaker(s, now), s.failures, {}};
            if (v.breaker == breaker_state::open)
                v.opens_in = std::chrono::ceil<std::chrono::milliseconds>(s.opens_at - now);
            views.push_back(std::move(v));
        }
    }
    const auto rank = [](const host_view& v) {
        return std::tuple(v.breaker == breaker_state::closed, -v.failures,
                          -static_cast<std::ptrdiff_t>(v.in_flight), std::string_view(v.host));
    };
    std::sort(views.begin(), views.end(),
              [&](const host_view& a, const host_view& b) { return rank(a) < rank(b); });
    if (views.size() > most) views.resize(most);
    return views;
}

std::size_t hosts::open_count()
{
    const std::lock_guard lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(all_.begin(), all_.end(), [&](const auto& h) { return is_open(h.second); }));
}

std::uint64_t hosts::times_opened()
{
    const std::lock_guard lock(mutex_);
    return times_opened_;
}

} // namespace relay
