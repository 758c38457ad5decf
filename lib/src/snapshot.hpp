// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/label_set.hpp>
#include <weft/detail/scheduler.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// Copies of the goroutine records, taken while the world is stopped.

namespace weft::inline v0_1::detail {

/// What is copied under the shard's lock, where nothing may be allocated.
struct snapshot {
    std::uint64_t id = 0, parent = 0;
    std::source_location spawn_site;
    wait_reason reason{};
    clock::time_point since{}; ///< zero: it runs
    std::size_t first_frame = 0, frames = 0;
    std::size_t name_length = 0;
    char name[64];
    lock_owner lock;
    label_ref labels;

    [[nodiscard]] duration waiting(clock::time_point now) const noexcept
    {
        return since == clock::time_point() ? duration::zero()
                                            : std::max(duration::zero(), now - since);
    }
};

/// Some goroutines, and the places of their await chains.
struct snapshot_part {
    std::vector<snapshot> goroutines;
    std::vector<std::source_location> sites;

    [[nodiscard]] std::span<const std::source_location> frames_of(const snapshot& s) const noexcept
    {
        return {sites.data() + s.first_frame, s.frames};
    }
};

/// All goroutines of one moment. False: there is none to be had, since the runtime ends.
bool take_snapshot(scheduler& s, snapshot_part& into,
                   std::optional<std::chrono::steady_clock::time_point> limit = {});

/// Calls `use` for all goroutines. If they are few: once, with all of one moment, by id. Else a part at a time: the world
/// goes on between the parts, so each part is of a moment of its own, and one that begins or ends meanwhile may be there or
/// not. Stops where the runtime ends, or where `limit` has passed: false.
bool walk_in_parts(scheduler& s, std::chrono::steady_clock::time_point limit,
                   const std::function<void(const snapshot_part&)>& use);

/// Goroutines by `wait_reason`, without a stop of the world.
struct reason_counts {
    std::size_t of[64] = {};
};
WEFT_EXPORT bool count_reasons(scheduler& s, std::chrono::steady_clock::time_point limit,
                               reason_counts& into);

/// "running", "runnable" or "waiting".
[[nodiscard]] WEFT_EXPORT const char* state_text(wait_reason r) noexcept;
/// The library's own frames around the user's function.
[[nodiscard]] bool is_internal(const std::source_location& f) noexcept;
/// Compilers name what a function returns, "weft::task<> f(int)", or, GCC before 13, the function that a coroutine was
/// turned into, "void f(f(int)::_Z1fi.Frame*)"; the user knows it as "f(int)". Others come back as they are.
[[nodiscard]] WEFT_EXPORT std::string_view user_function(std::string_view name) noexcept;
/// That, piece by piece, without the library's inline namespace, which nobody writes: for those who may not allocate.
template <class Use>
void in_readable_pieces(std::string_view name, Use use)
{
    constexpr std::string_view left_out = "weft::v0_1::";
    constexpr std::size_t kept = 6; // "weft::"
    name = user_function(name);
    for (auto at = name.find(left_out); at != name.npos; at = name.find(left_out)) {
        use(name.substr(0, at + kept));
        name.remove_prefix(at + left_out.size());
    }
    use(name);
}
[[nodiscard]] std::string readable_name(std::string_view name);
/// Of the goroutine that holds a lock, for which one of `waits` waits; 0: nobody does.
[[nodiscard]] std::uint64_t runtime_of_holder(const scheduler& waits, const lock_owner& held);
/// As a JSON object.
[[nodiscard]] std::string label_text(const label_list& labels);
/// Adds `s` as a JSON string, with its quotes; a byte that is no UTF-8 becomes a question mark.
WEFT_EXPORT void append_json(std::string& to, std::string_view s);
/// That alone: a name as a text form shows it, so that none can look like more than a name.
[[nodiscard]] std::string quoted(std::string_view s);

} // namespace weft::inline v0_1::detail
