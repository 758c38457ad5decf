// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/random.hpp>
#include <weft/detail/waiter.hpp>

#include <cstdint>

/// The seam for order and time: what weft::testing puts in the place of run queues, chance and the clock.

namespace weft::inline v0_1::detail {

/// Runs the goroutines of one bubble on the calling thread. Everything else (channels, select, timers,
/// contexts) is the code of production; it comes here for three decisions:
///  - which goroutine runs next: the conductor takes them out of the worker's queue and runs a slice each;
///  - which ready case is taken: a goroutine's generator draws from the bubble's seed, or asks (random.hpp);
///  - what time it is: `clock::now` reads the conductor's, see `conducted_time`.
class WEFT_EXPORT conductor {
public:
    conductor() = default;
    conductor(const conductor&) = delete;
    conductor& operator=(const conductor&) = delete;

    /// Picks from [0, n) for a select that asks.
    virtual std::uint32_t choose(std::uint32_t n) noexcept = 0;
    /// The latest pick meant `at`.
    virtual void chose(std::uint32_t at) noexcept = 0;
    /// `g` waits until all others are blocked; false: somebody does already.
    virtual bool settle(goroutine& g) noexcept = 0;
    /// `g` does not wait any more; false: it was woken already.
    virtual bool unsettle(const goroutine& g) noexcept = 0;
    /// Asio has started a goroutine, and runs it.
    virtual void adopted() noexcept = 0;
    /// The goroutine has ended, on whatever thread.
    virtual void retired(goroutine& g) noexcept = 0;
    /// For what is drawn outside of goroutines.
    [[nodiscard]] virtual fast_random& random() noexcept = 0;

protected:
    ~conductor() = default;
};

/// The conductor whose bubble the calling thread runs; null outside.
[[nodiscard]] WEFT_EXPORT conductor* current_conductor() noexcept;

/// Whether a thread that is not of bubble `b` has used something of it, or one of `b` something of another
/// bubble's; forgets it.
[[nodiscard]] WEFT_EXPORT bool was_visited(bubble_id b) noexcept;

/// While it lives the calling thread's clock is `now`.
class conducted_time {
public:
    explicit conducted_time(const time_point& now) noexcept : outer_(virtual_time)
    {
        virtual_time = &now;
    }
    conducted_time(const conducted_time&) = delete;
    conducted_time& operator=(const conducted_time&) = delete;
    ~conducted_time() { virtual_time = outer_; }

private:
    const time_point* const outer_;
};

} // namespace weft::inline v0_1::detail
