// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include "trace_session.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

/// What happened, made out of the records.

namespace weft::inline v0_1::detail {

/// std::stable_sort, whose buffer clang calls deprecated in libstdc++ 12.
template <class T, class Less>
void sort_stably(std::vector<T>& v, Less less)
{
    std::vector<std::size_t> order(v.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
        if (less(v[a], v[b])) return true;
        return !less(v[b], v[a]) && a < b;
    });
    std::vector<T> sorted;
    sorted.reserve(v.size());
    for (const std::size_t i : order) sorted.push_back(std::move(v[i]));
    v.swap(sorted);
}

/// Times are nanoseconds since the trace began; what lies before that is cut off.
struct trace_story {
    explicit trace_story(const trace_copy& c);

    enum class span_kind : std::uint8_t { runs, running, waits, runnable, timers, idle, wakes };
    struct span {
        std::int64_t begin, end;
        std::uint64_t goroutine, site;
        span_kind kind;
        std::uint8_t reason; ///< why it ended, or of a wait
        bool ended;          ///< with it the goroutine
    };
    /// A worker; of runtime 0: a thread without one.
    struct lane {
        std::uint64_t runtime;
        unsigned worker;
        friend auto operator<=>(const lane&, const lane&) = default;
    };
    struct life {
        std::vector<span> spans;
        std::string name;
        std::uint64_t parent = 0, spawn_site = 0;
        std::int64_t created = -1, ended = -1; ///< -1: not while we looked
    };
    struct arrow {
        std::uint64_t by; ///< 0: nobody, on `lane`
        trace_story::lane lane;
        std::int64_t from;
        std::uint64_t goroutine;
        std::int64_t to;
    };
    enum class mark_kind : std::uint8_t {
        region_begin,
        region_end,
        task_begin,
        task_end,
        message,
        steal,
        work_on,
        work_off
    };
    struct mark {
        mark_kind kind;
        std::int64_t at;
        std::uint64_t goroutine; ///< 0: none, on `lane`
        trace_story::lane lane;
        std::uint64_t a, b;
    };

    std::map<lane, std::vector<span>> on_workers;
    std::map<std::uint64_t, life> goroutines; ///< by runtime and number, see trace_record
    std::vector<arrow> arrows;
    std::vector<mark> marks; ///< of one goroutine in their order
    std::uint64_t lost = 0;
};

} // namespace weft::inline v0_1::detail
