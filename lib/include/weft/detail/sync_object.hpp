// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/waiter.hpp>

#include <cstdint>
#include <source_location>
#include <utility>

/// What mutex, wait_group, semaphore and their kind share.

namespace weft::inline v0_1::detail {

/// Base of an object that goroutines wait for and that lives where its owner puts it.
///
/// It must outlive what uses it, but for one case: it may go while goroutines wait for it, as when `main` returns
/// before the others have ended. They wait for ever then, and are unwound without it.
class WEFT_EXPORT sync_object : public waitable {
public:
    sync_object() = default;
    sync_object(const sync_object&) = delete;
    sync_object& operator=(const sync_object&) = delete;

protected:
    ~sync_object() = default;

    /// Locked: in every use.
    void note_use() const noexcept
    {
        if (WEFT_UNLIKELY(bubble != 0)) note_visit(*this);
    }

    void orphan(wait_queue& q) noexcept
    {
        lock.lock(); // also for nobody: who takes a waiter out may be at it still
        q.orphan_all();
        lock.unlock();
    }
};

/// Under the lock of `w`, and whom that concerns woken after it.
template <class F>
decltype(auto) with_lock(waitable& w, F f)
{
    struct unlock_and_wake {
        waitable& w;
        wake_list wakes;
        ~unlock_and_wake()
        {
            w.lock.unlock();
            wakes.wake_all();
        }
    } scope{w, {}};
    w.lock.lock();
    return f(scope.wakes);
}

/// What `retain` of an operation on a sync_object gives: nothing keeps it but its owner.
struct kept_by_owner {};

/// Of the goroutine that runs here, for a `lock_owner`; 0: none does.
inline std::uint64_t current_goroutine_key() noexcept
{
    const goroutine* g = this_thread.current;
    return g ? key_of(*g) : 0;
}

/// Something held, and let go of at the end of the scope. `Release::release(T&)` does that.
template <class T, class Release>
class [[nodiscard]] holder {
public:
    holder() noexcept = default;
    /// Takes over what the caller holds already.
    explicit holder(T& held) noexcept : held_(&held) {}
    holder(holder&& o) noexcept : held_(std::exchange(o.held_, nullptr)) {}
    holder& operator=(holder&& o) noexcept
    {
        holder taken(std::move(o)); // first, so that one may be moved into itself
        std::swap(held_, taken.held_);
        return *this;
    }
    ~holder()
    {
        if (held_) Release::release(*held_);
    }

    /// Lets go before the end of the scope; does nothing if it was let go already.
    void unlock()
    {
        if (T* t = std::exchange(held_, nullptr)) Release::release(*t);
    }
    /// Gives up the duty to let go.
    T* release() noexcept { return std::exchange(held_, nullptr); }
    [[nodiscard]] bool owns_lock() const noexcept { return held_ != nullptr; }
    explicit operator bool() const noexcept { return owns_lock(); }
    /// What is held; null: nothing.
    [[nodiscard]] T* get() const noexcept { return held_; }

private:
    T* held_ = nullptr;
};

} // namespace weft::inline v0_1::detail
