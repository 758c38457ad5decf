// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/gate_operation.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/task.hpp>

/// `event`: a fact that goroutines wait for.

namespace weft::inline v0_1 {

/// Set or not; `wait` waits until it is set. It stays set until it is reset.
///
/// @par Thread safety  safe, from goroutines; all but `wait` also from ordinary threads.
/// @par Ordering       a `set` happens-before the return of each `wait` that sees it.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
class WEFT_EXPORT event : private detail::sync_object {
public:
    using wait_operation = detail::gate_operation<event, detail::wait_reason::event>;

    event() = default;
    explicit event(bool set) noexcept : set_(set) {}
    ~event() { orphan(waiters_); }

    /// Lets everybody go on who waits, and those who will, until it is reset.
    void set() noexcept
    {
        detail::with_lock(*this, [this](detail::wake_list& wakes) {
            note_use();
            set_ = true;
            detail::release_all(waiters_, wakes);
        });
    }
    void reset() noexcept
    {
        detail::with_lock(*this, [this](auto&) { set_ = false; });
    }
    [[nodiscard]] bool is_set() noexcept
    {
        return detail::with_lock(*this, [this](auto&) { return set_; });
    }

    /// Waits until it is set. Also a select case. With a context it gives up when that ends: `error` with its code.
    [[nodiscard]] wait_operation wait() noexcept { return wait_operation(*this); }
    template <detail::context_like Context>
    [[nodiscard]] auto wait(const Context& ctx)
    {
        return context_operation<wait_operation>(ctx, wait());
    }

private:
    friend wait_operation;

    [[nodiscard]] bool is_open_locked() const noexcept { return set_; }

    bool set_ = false;           ///< guarded by lock
    detail::wait_queue waiters_; ///< guarded by lock; empty while it is set
};

} // namespace weft::inline v0_1
