// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/spinlock.hpp>

#include <concepts>
#include <cstdint>
#include <functional>
#include <utility>

/// `sometimes`: something that happens often is done only now and then.

namespace weft::inline v0_1 {

/// When `sometimes` says yes; any one of them suffices. All zero: the first time only. Negative
/// values are as zero.
struct sometimes_options {
    int first = 0; ///< the first so many times
    int every = 0; ///< each so many times, beginning with the first
    /// The first time, and then when so much time has passed since it was done last.
    duration interval = duration::zero();
};

/// Thins out what would happen too often, a log line say. The first time always counts.
///
///     weft::sometimes now_and_then({.first = 3, .interval = 10s});
///     ...
///     if (now_and_then.due()) log("lost a packet");
///
/// @par Thread safety  distinct objects: safe. shared objects: safe.
/// @par Complexity     O(1), one lock, no allocation.
/// @par Source         Go x/time/rate, Sometimes. There the function runs under the lock; here only
///                     the decision is made there, so that a function that was begun may still run
///                     when the next one begins.
class WEFT_EXPORT sometimes {
public:
    /// Once.
    sometimes() noexcept = default;
    explicit sometimes(sometimes_options when) noexcept : when_(when) {}
    sometimes(const sometimes&) = delete;
    sometimes& operator=(const sometimes&) = delete;

    /// Counts a time, and says whether it is one at which to do it.
    [[nodiscard]] bool due() noexcept { return due_at(clock::now()); }
    [[nodiscard]] bool due_at(time_point t) noexcept;

    /// Calls `f` if it is due; tells whether it did. For a coroutine: `if (s.due()) co_await f();`
    template <std::invocable F>
    bool operator()(F&& f)
    {
        if (!due()) return false;
        std::invoke(std::forward<F>(f));
        return true;
    }

private:
    const sometimes_options when_;
    detail::spinlock lock_;
    std::uint64_t count_ = 0; ///< guarded by lock_, as all below
    time_point last_;         ///< when it was done; used with an interval only
};

} // namespace weft::inline v0_1
