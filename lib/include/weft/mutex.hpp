// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <source_location>

/// `mutex`: mutual exclusion among goroutines.

namespace weft::inline v0_1 {

class lock_operation;

/// A lock that a goroutine may hold across suspension points, and that one goroutine may lock and another unlock. Not
/// recursive.
///
/// Order: goroutines that wait are served first in, first out. One that comes along when the lock is free takes it, even
/// if others wait: on one processor that keeps the lock with whom has the processor, and spares a switch at each turn.
/// Nobody starves: one that was woken twice in vain is handed the lock. Waiters of a select, of a completion token, under
/// a context or in a goroutine bound to one are always handed it.
///
/// @par Thread safety  safe, from goroutines; `try_lock` and `unlock` also from ordinary threads.
/// @par Ordering       an unlock happens-before the lock that comes after it.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         Go sync.Mutex.
class WEFT_EXPORT mutex : private detail::sync_object {
    struct unlocker {
        static void release(mutex& m) { m.unlock(); }
    };

public:
    /// Unlocks at the end of its scope.
    using guard = detail::holder<mutex, unlocker>;

    mutex() = default;
    ~mutex();

    /// Waits until the lock is to be had; `auto g = co_await m.lock();`. Also a select case. With a context it gives up
    /// when that ends: `error` with its code; the lock is not held then.
    ///
    /// @par Complexity  O(1), no allocation.
    [[nodiscard]] lock_operation
    lock(std::source_location at = std::source_location::current()) noexcept;
    template <detail::context_like Context>
    [[nodiscard]] auto lock(const Context& ctx,
                            std::source_location at = std::source_location::current());

    /// Takes the lock if it is free. For `guard g(m);` afterwards, or `unlock`.
    [[nodiscard]] bool try_lock(std::source_location at = std::source_location::current()) noexcept;

    /// @throws misuse_error  "unlock of unlocked mutex".
    void unlock();

private:
    friend class lock_operation;
    friend class cond;

    /// A waiter that was woken this often without finding the lock free is handed it.
    static constexpr std::uint32_t most_in_vain = 2;

    // --- locked
    bool take(std::uint64_t key, const std::source_location& at) noexcept
    {
        note_use();
        if (held_) return false;
        held_ = true;
        owner_ = {key, at};
        return true;
    }
    void let_go(detail::wake_list& wakes) noexcept
    {
        note_use();
        held_ = false;
        owner_.key = 0;
        if (WEFT_UNLIKELY(woken_ || !waiters_.empty())) wake_next(wakes);
    }
    void wake_next(detail::wake_list& wakes) noexcept;
    void hand_to(detail::waiter& w, detail::wake_list& wakes) noexcept;
    bool retry(detail::waiter& w, const std::source_location& at) noexcept;
    void undo(detail::waiter& w, detail::wake_list& wakes) noexcept;

    // Guarded by lock. Invariant, whenever that is free: if somebody waits, the mutex is held, or `woken_` is on its
    // way to it.
    bool held_ = false;
    detail::lock_owner owner_; ///< while held, as far as it is known
    detail::wait_queue waiters_;
    /// Taken out of the queue, and not running yet. It was handed the lock (its `ok`), or will try. Its `slot`
    /// is set, so that it knows that the mutex knows it.
    detail::waiter* woken_ = nullptr;
};

/// The operation `mutex::lock` returns: `void(std::exception_ptr, mutex::guard)`.
class [[nodiscard]] lock_operation : public detail::asio_operation<lock_operation> {
public:
    using result_type = mutex::guard;
    static constexpr bool holds = true;

    lock_operation(mutex& m, const std::source_location& at) noexcept : mutex_(&m), at_(at) {}

    detail::waitable* target() const noexcept { return mutex_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        return w.ok = mutex_->take(detail::current_goroutine_key(), at_);
    }
    void enqueue(detail::waiter& w) noexcept
    {
        const bool alone = !w.contest && w.whom.as_goroutine();
        if (alone) {
            w.whom.set_contending(true);
            if (w.index != 0) return mutex_->waiters_.push_front(w); // it was here before
        } else {
            w.slot = &at_;
        }
        mutex_->waiters_.push(w);
    }
    void dequeue(detail::waiter& w) noexcept { mutex_->waiters_.remove(w); }
    bool retry(detail::waiter& w, detail::wake_list&) noexcept { return mutex_->retry(w, at_); }
    void undo(detail::waiter& w, detail::wake_list& wakes) noexcept { mutex_->undo(w, wakes); }
    mutex::guard finish(detail::waiter&) noexcept { return mutex::guard(*mutex_); }
    detail::wait_reason reason() const noexcept { return detail::wait_reason::mutex_lock; }
    detail::lock_owner owner() const noexcept
    {
        return detail::with_lock(*mutex_, [this](auto&) { return mutex_->owner_; });
    }
    detail::kept_by_owner retain() const noexcept { return {}; }

private:
    mutex* mutex_;
    std::source_location at_;
};

inline lock_operation mutex::lock(std::source_location at) noexcept
{
    return {*this, at};
}
template <detail::context_like Context>
auto mutex::lock(const Context& ctx, std::source_location at)
{
    return context_operation<lock_operation>(ctx, lock(at));
}

inline bool mutex::try_lock(std::source_location at) noexcept
{
    sync_object::lock.lock();
    const bool taken = take(detail::current_goroutine_key(), at);
    sync_object::lock.unlock();
    return taken;
}

inline void mutex::unlock()
{
    detail::wake_list wakes;
    sync_object::lock.lock();
    const bool was_held = held_;
    if (WEFT_LIKELY(was_held)) let_go(wakes);
    sync_object::lock.unlock();
    if (WEFT_UNLIKELY(!was_held)) detail::throw_misuse("unlock of unlocked mutex");
    wakes.wake_all();
}

} // namespace weft::inline v0_1
