// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/gate_operation.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstdint>

/// `latch`: waiting once for a number of events.

namespace weft::inline v0_1 {

/// Counts down to zero, once; `wait` waits for that.
///
/// @par Thread safety  safe, from goroutines; all but `wait` also from ordinary threads.
/// @par Ordering       a `count_down` happens-before the return of each `wait`.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         std::latch.
class latch : private detail::sync_object {
public:
    using wait_operation = detail::gate_operation<latch, detail::wait_reason::latch>;

    /// @throws misuse_error  "latch: negative count".
    explicit latch(std::int64_t count) : count_(count)
    {
        if (count < 0) detail::throw_misuse("latch: negative count");
    }
    ~latch() { orphan(waiters_); }

    /// @throws misuse_error  "latch: negative count" if `n` is negative or more than is left; nothing has changed then.
    void count_down(std::int64_t n = 1)
    {
        const bool fits = detail::with_lock(*this, [&](detail::wake_list& wakes) {
            note_use();
            if (n < 0 || n > count_) return false;
            count_ -= n;
            if (count_ == 0) detail::release_all(waiters_, wakes);
            return true;
        });
        if (!fits) detail::throw_misuse("latch: negative count");
    }
    /// Zero is reached.
    [[nodiscard]] bool try_wait() noexcept
    {
        return detail::with_lock(*this, [this](auto&) { return count_ == 0; });
    }

    /// Waits for zero. Also a select case. With a context it gives up when that ends: `error` with its code.
    [[nodiscard]] wait_operation wait() noexcept { return wait_operation(*this); }
    template <detail::context_like Context>
    [[nodiscard]] auto wait(const Context& ctx)
    {
        return context_operation<wait_operation>(ctx, wait());
    }
    /// Counts down by one, at once, and waits.
    /// @throws misuse_error  "latch: negative count": it was zero already.
    [[nodiscard]] wait_operation arrive_and_wait()
    {
        count_down();
        return wait();
    }

private:
    friend wait_operation;

    [[nodiscard]] bool is_open_locked() const noexcept { return count_ == 0; }

    std::int64_t count_;         ///< guarded by lock
    detail::wait_queue waiters_; ///< guarded by lock; empty at zero
};

} // namespace weft::inline v0_1
