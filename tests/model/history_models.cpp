// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

// Linearizability: whatever threads saw of a channel, they could have seen one after the other.

#include "machine.hpp"

#include <weft/detail/random.hpp>

#include <array>
#include <deque>
#include <optional>
#include <span>

using namespace weft_model;
using weft::channel;
using weft::make_channel;

namespace {

enum class verb { try_send, try_receive, close };

struct event {
    verb what;
    int value = 0;        ///< sent, or received
    bool done = false;    ///< sent, received, closed (else: would wait, or refused)
    bool refused = false; ///< misuse: the channel was closed
    unsigned began = 0, ended = 0;
};

/// What Go's rules say of a buffered channel without anybody waiting.
struct sequential_channel {
    std::size_t capacity;
    std::deque<int> values;
    bool closed = false;

    /// False: it would not have gone so.
    bool perform(const event& e)
    {
        switch (e.what) {
        case verb::try_send:
            if (closed) return e.refused;
            if (values.size() == capacity) return !e.done && !e.refused;
            values.push_back(e.value);
            return e.done;
        case verb::try_receive:
            if (values.empty()) return !e.done;
            if (!e.done || values.front() != e.value) return false;
            values.pop_front();
            return true;
        case verb::close:
            if (closed) return e.refused;
            return closed = e.done;
        }
        return false;
    }
};

/// Whether the events that are left can be put in an order in which the channel allows them all.
bool linearizable(std::span<event> events, unsigned left, const sequential_channel& c)
{
    if (left == 0) return true;
    for (std::size_t i = 0; i < events.size(); ++i) {
        if (!(left >> i & 1)) continue;
        // It can come first only if none of the others had ended before it began.
        bool first = true;
        for (std::size_t k = 0; k < events.size(); ++k) {
            if ((left >> k & 1) && events[k].ended < events[i].began) first = false;
        }
        sequential_channel next = c;
        if (first && next.perform(events[i]) && linearizable(events, left & ~(1u << i), next))
            return true;
    }
    return false;
}

/// Three threads, three operations each, drawn from `programs`.
void check_history(std::uint64_t program, std::size_t capacity, bool closes)
{
    constexpr std::size_t threads = 3, each = 3;
    std::array<event, threads * each> events;
    weft::detail::fast_random draw(program + 1);
    for (std::size_t i = 0; i < events.size(); ++i) {
        events[i].what = draw.below(2) ? verb::try_send : verb::try_receive;
        if (closes && draw.below(6) == 0) events[i].what = verb::close;
        events[i].value = static_cast<int>(i) + 1;
    }
    auto c = make_channel<int>(capacity);
    unsigned now = 0;
    const auto run = [&](std::size_t thread) {
        for (std::size_t i = thread * each; i < (thread + 1) * each; ++i) {
            event& e = events[i];
            e.began = ++now;
            try {
                switch (e.what) {
                case verb::try_send: e.done = c.try_send(e.value); break;
                case verb::try_receive: {
                    const auto v = c.try_receive();
                    e.done = v.has_value();
                    e.value = v.value_or(0);
                    break;
                }
                case verb::close:
                    c.close();
                    e.done = true;
                    break;
                }
            } catch (const weft::misuse_error&) {
                e.refused = true;
            }
            e.ended = ++now;
        }
    };
    begin_focus();
    {
        outsider one([&] { run(0); }), two([&] { run(1); });
        run(2);
    }
    end_focus();
    check(linearizable(events, (1u << events.size()) - 1, {capacity, {}, false}),
          "no order explains what the threads saw");
}

} // namespace

WEFT_MODEL_CASE(history_one_place, .host_threads = 0)
{
    check_history(schedule_number(), 1, false);
}

WEFT_MODEL_CASE(history_two_places, .host_threads = 0)
{
    check_history(schedule_number(), 2, false);
}

WEFT_MODEL_CASE(history_with_close, .host_threads = 0)
{
    check_history(schedule_number(), 2, true);
}
