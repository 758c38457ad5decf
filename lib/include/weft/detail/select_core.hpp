// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/operation.hpp>
#include <weft/detail/waiter.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace weft::inline v0_1::detail {

/// One case of a select, its type erased down to the operation protocol.
struct select_case {
    struct verbs {
        bool (*attempt)(void* op, waiter&, wake_list&) noexcept;
        void (*enqueue)(void* op, waiter&) noexcept;
        void (*dequeue)(void* op, waiter&, wake_list&) noexcept;
    };

    template <operation Op>
    void bind(Op& o, std::uint32_t position) noexcept
    {
        static constexpr verbs table{
            [](void* p, waiter& in, wake_list& wakes) noexcept {
                return static_cast<Op*>(p)->attempt(in, wakes);
            },
            [](void* p, waiter& in) noexcept { static_cast<Op*>(p)->enqueue(in); },
            [](void* p, waiter& in, wake_list& wakes) noexcept {
                detail::dequeue(*static_cast<Op*>(p), in, wakes);
            },
        };
        op = &o;
        verb = &table;
        target = o.target();
        w.index = position;
    }

    select_case() noexcept {} // NOLINT: raw until `bind`

    waiter w;
    void* op;
    const verbs* verb;
    waitable* target; ///< null: a nil channel, never ready
};

/// The random source of the goroutine, or of the thread outside of one.
WEFT_EXPORT fast_random& thread_random() noexcept;

inline constexpr std::size_t no_case = static_cast<std::size_t>(-1);

enum class select_order : std::uint8_t { random, biased };

/// The select algorithm (Go: runtime/select.go, selectgo), over any number of cases:
///
///  1. lock all targets in address order, each once, so that selects cannot deadlock and the
///     decision is made at one instant;
///  2. do the first ready case, in random order (or in the order written);
///  3. if there is none, stand in every queue, with one `claim` for all; suspend, then unlock;
///  4. the waker that wins the claim does its case; on resume the losers are taken out of their
///     queues.
///
/// `cases`, `by_address` and `poll` are arrays of `count` elements in the select's own frame.
class WEFT_EXPORT select_core {
public:
    select_core(select_case* cases, select_case** by_address, std::uint32_t* poll,
                std::uint32_t count) noexcept
        : cases_(cases), by_address_(by_address), poll_(poll), count_(count)
    {
    }

    /// Steps 1 and 2. False: nothing is ready, and all targets are still locked.
    bool start(fast_random& random, select_order order, wake_list& wakes) noexcept;
    /// Step 3, after suspension; then the select may be woken at any time.
    void publish(wake_target whom) noexcept;
    /// Step 4; `start` returned false.
    void settle() noexcept;
    /// Gives up: unlocks, with no case chosen.
    void unlock() noexcept;
    /// Takes the select back out of all queues; false when a waker was faster.
    bool withdraw() noexcept;
    /// See `parked_operation`.
    [[nodiscard]] bool reaches_out(bubble_id b) const noexcept;

    [[nodiscard]] std::size_t chosen() const noexcept { return chosen_; }
    [[nodiscard]] waiter& chosen_waiter() noexcept { return cases_[chosen_].w; }
    [[nodiscard]] bool can_wake() const noexcept { return lockable_ != 0; }

private:
    bool poll_all(fast_random& random, select_order order, wake_list& wakes) noexcept;
    bool poll_asked(wake_list& wakes) noexcept;
    bool attempt(std::uint32_t i, wake_list& wakes) noexcept;
    void lock() noexcept;
    void leave_queues(const waiter* except) noexcept;

    select_case* cases_;
    select_case** by_address_;
    std::uint32_t* poll_;
    std::uint32_t count_;
    std::uint32_t lockable_ = 0; ///< cases with a target; the first so many of by_address_
    std::size_t chosen_ = no_case;
    claim claim_;
};

} // namespace weft::inline v0_1::detail
