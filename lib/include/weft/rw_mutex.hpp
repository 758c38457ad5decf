// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstddef>
#include <source_location>
#include <type_traits>

/// `rw_mutex`: many readers or one writer.

namespace weft::inline v0_1 {

namespace detail {
template <bool Shared>
class rw_lock_operation;
}

/// A lock that any number of readers, or one writer, may hold across suspension points.
///
/// Order: a writer that waits keeps new readers out, so readers cannot starve it; the readers that wait when a writer
/// unlocks go before the next writer, so writers cannot starve them. So a goroutine must not take the read lock twice.
///
/// @par Thread safety  safe, from goroutines; `try_*` and `unlock*` also from ordinary threads.
/// @par Ordering       an unlock happens-before the locks that come after it; among readers there is no order.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         Go sync.RWMutex.
class WEFT_EXPORT rw_mutex : private detail::sync_object {
    struct unlocker {
        static void release(rw_mutex& m) { m.unlock(); }
    };
    struct shared_unlocker {
        static void release(rw_mutex& m) { m.unlock_shared(); }
    };

public:
    /// Let go of the lock at the end of the scope.
    using guard = detail::holder<rw_mutex, unlocker>;
    using shared_guard = detail::holder<rw_mutex, shared_unlocker>;

    rw_mutex() = default;
    ~rw_mutex();

    /// Waits for the lock, for writing; `auto g = co_await m.lock();`. Also a select case. With a context it gives up when
    /// that ends: `error` with its code; the lock is not held then, and readers it kept out come in.
    [[nodiscard]] detail::rw_lock_operation<false>
    lock(std::source_location at = std::source_location::current()) noexcept;
    template <detail::context_like Context>
    [[nodiscard]] auto lock(const Context& ctx,
                            std::source_location at = std::source_location::current());
    /// Likewise for reading.
    [[nodiscard]] detail::rw_lock_operation<true>
    lock_shared(std::source_location at = std::source_location::current()) noexcept;
    template <detail::context_like Context>
    [[nodiscard]] auto lock_shared(const Context& ctx,
                                   std::source_location at = std::source_location::current());

    [[nodiscard]] bool try_lock(std::source_location at = std::source_location::current()) noexcept;
    /// False also while a writer waits.
    [[nodiscard]] bool try_lock_shared() noexcept;

    /// @throws misuse_error  "unlock of unlocked RWMutex": no writer holds it.
    void unlock();
    /// @throws misuse_error  "RUnlock of unlocked RWMutex": no reader holds it.
    void unlock_shared();

    /// The read lock as a lock of its own (Go: RLocker).
    class shared_view {
    public:
        explicit shared_view(rw_mutex& m) noexcept : mutex_(&m) {}

        [[nodiscard]] detail::rw_lock_operation<true>
        lock(std::source_location at = std::source_location::current()) const noexcept;
        template <detail::context_like Context>
        [[nodiscard]] auto lock(const Context& ctx,
                                std::source_location at = std::source_location::current()) const;
        [[nodiscard]] bool try_lock() const noexcept { return mutex_->try_lock_shared(); }
        void unlock() const { mutex_->unlock_shared(); }

    private:
        rw_mutex* mutex_;
    };
    [[nodiscard]] shared_view shared() noexcept { return shared_view(*this); }

private:
    template <bool Shared>
    friend class detail::rw_lock_operation;

    // --- locked
    bool take(std::uint64_t key, const std::source_location& at) noexcept
    {
        note_use();
        if (writer_ || readers_ != 0) return false;
        writer_ = true;
        owner_ = {key, at};
        return true;
    }
    bool take_shared() noexcept
    {
        note_use();
        if (writer_ || waiting_writers_.front_open()) return false;
        ++readers_;
        return true;
    }
    bool admit_readers(detail::wake_list& wakes) noexcept;
    void admit_writer(detail::wake_list& wakes) noexcept;
    void writer_left_the_line(detail::wake_list& wakes) noexcept;

    // Guarded by lock. Invariants, whenever that is free:
    //  - a writer holds it, or readers do, or neither;
    //  - a writer waits only while it is held; a reader only while a writer holds it or waits.
    bool writer_ = false;
    std::size_t readers_ = 0;
    detail::lock_owner owner_; ///< the writer that holds it
    detail::wait_queue waiting_writers_;
    detail::wait_queue waiting_readers_;
};

namespace detail {

/// The operation `rw_mutex::lock` and `lock_shared` return: `void(std::exception_ptr, guard)`.
template <bool Shared>
class [[nodiscard]] rw_lock_operation : public asio_operation<rw_lock_operation<Shared>> {
public:
    using result_type = std::conditional_t<Shared, rw_mutex::shared_guard, rw_mutex::guard>;
    static constexpr bool holds = true;

    rw_lock_operation(rw_mutex& m, const std::source_location& at) noexcept : mutex_(&m), at_(at) {}

    waitable* target() const noexcept { return mutex_; }
    bool attempt(waiter& w, wake_list&) noexcept
    {
        if constexpr (Shared) return w.ok = mutex_->take_shared();
        else return w.ok = mutex_->take(current_goroutine_key(), at_);
    }
    void enqueue(waiter& w) noexcept
    {
        w.slot = &at_;
        line().push(w);
    }
    void dequeue(waiter& w, wake_list& wakes) noexcept
    {
        line().remove(w);
        if constexpr (!Shared) mutex_->writer_left_the_line(wakes);
    }
    result_type finish(waiter&) noexcept { return result_type(*mutex_); }
    wait_reason reason() const noexcept
    {
        return Shared ? wait_reason::rw_mutex_lock_shared : wait_reason::rw_mutex_lock;
    }
    lock_owner owner() const noexcept
    {
        return with_lock(*mutex_, [this](auto&) { return mutex_->owner_; });
    }
    kept_by_owner retain() const noexcept { return {}; }

private:
    wait_queue& line() noexcept
    {
        return Shared ? mutex_->waiting_readers_ : mutex_->waiting_writers_;
    }

    rw_mutex* mutex_;
    std::source_location at_;
};

} // namespace detail

inline detail::rw_lock_operation<false> rw_mutex::lock(std::source_location at) noexcept
{
    return {*this, at};
}
inline detail::rw_lock_operation<true> rw_mutex::lock_shared(std::source_location at) noexcept
{
    return {*this, at};
}
template <detail::context_like Context>
auto rw_mutex::lock(const Context& ctx, std::source_location at)
{
    return context_operation<detail::rw_lock_operation<false>>(ctx, lock(at));
}
template <detail::context_like Context>
auto rw_mutex::lock_shared(const Context& ctx, std::source_location at)
{
    return context_operation<detail::rw_lock_operation<true>>(ctx, lock_shared(at));
}
inline detail::rw_lock_operation<true>
rw_mutex::shared_view::lock(std::source_location at) const noexcept
{
    return mutex_->lock_shared(at);
}
template <detail::context_like Context>
auto rw_mutex::shared_view::lock(const Context& ctx, std::source_location at) const
{
    return mutex_->lock_shared(ctx, at);
}

inline bool rw_mutex::try_lock(std::source_location at) noexcept
{
    sync_object::lock.lock();
    const bool taken = take(detail::current_goroutine_key(), at);
    sync_object::lock.unlock();
    return taken;
}

inline bool rw_mutex::try_lock_shared() noexcept
{
    sync_object::lock.lock();
    const bool taken = take_shared();
    sync_object::lock.unlock();
    return taken;
}

inline void rw_mutex::unlock_shared()
{
    detail::wake_list wakes;
    sync_object::lock.lock();
    note_use();
    const bool was_held = readers_ != 0;
    if (WEFT_LIKELY(was_held) && --readers_ == 0 && WEFT_UNLIKELY(!waiting_writers_.empty()))
        admit_writer(wakes);
    sync_object::lock.unlock();
    if (WEFT_UNLIKELY(!was_held)) detail::throw_misuse("RUnlock of unlocked RWMutex");
    wakes.wake_all();
}

} // namespace weft::inline v0_1
