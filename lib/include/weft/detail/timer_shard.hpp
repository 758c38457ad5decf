// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/timer_wheel.hpp>
#include <weft/detail/waiter.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace weft::inline v0_1::detail {

class alarm;
class scheduler;
class timekeeper;

inline std::int64_t nanos_of(duration d) noexcept
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(d).count();
}

/// Nanoseconds since the clock's epoch.
inline std::int64_t nanos(time_point t) noexcept
{
    return nanos_of(t.time_since_epoch());
}

/// It never comes, but it is a moment: what lies beyond the end of time waits for it.
inline constexpr std::int64_t last_moment = timer_wheel::never - 1;

/// The moment `d` from `now`.
inline std::int64_t nanos_after(std::int64_t now, duration d) noexcept
{
    const std::int64_t n = nanos_of(d);
    if (n >= 0) return n < last_moment - now ? now + n : last_moment;
    return now + n < now ? now + n : 0;
}

inline time_point moment(std::int64_t n) noexcept
{
    return time_point(std::chrono::duration_cast<duration>(std::chrono::nanoseconds(n)));
}

/// What was due: all of it was woken; some is left; or another thread is at it.
enum class rung : unsigned char { all, some, elsewhere };

/// One worker's share of a runtime's timers: a wheel under a lock. As a `waitable` it takes part in selects
/// like a channel does; its waiters stand in the wheel instead of a queue.
///
/// Lifetime: the timekeeper and each `alarm` count themselves in and out under the lock; the last one out frees
/// the shard. One whose runtime ended (`keeper_` is null) keeps nothing and rings nothing.
class WEFT_EXPORT timer_shard final : public waitable {
public:
    timer_shard(timekeeper& k, bubble_id b) noexcept : waitable(b), keeper_(&k) {}

    // --- locked
    void push(waiter& w, std::int64_t now) noexcept
    {
        const std::int64_t when = timer_wheel::entry(w).when;
        wheel_.push(w, now);
        if (when < earliest_.load(std::memory_order_relaxed))
            earliest_.store(when, std::memory_order_relaxed);
    }
    bool remove(waiter& w) noexcept
    {
        if (!wheel_.remove(w)) return false;
        if (wheel_.empty()) earliest_.store(timer_wheel::never, std::memory_order_relaxed);
        return true;
    }
    /// Null: the runtime has ended.
    [[nodiscard]] timekeeper* keeper() const noexcept { return keeper_; }
    void enter() noexcept { ++users_; }
    /// True: the caller unlocks and deletes the shard.
    [[nodiscard]] bool leave() noexcept { return --users_ == 0; }
    /// One of the alarms that were put aside to be used again; null: there is none.
    [[nodiscard]] alarm* take_spare() noexcept;
    /// False: enough were put aside.
    [[nodiscard]] bool put_aside(alarm& a) noexcept;
    /// The calling thread has changed the wheel: whose timekeeper it must `arm`, once it holds no lock.
    /// Null: it is one of the runtime's workers, which do so before they go idle.
    [[nodiscard]] std::shared_ptr<scheduler> to_arm() const noexcept;

    // --- unlocked
    /// Nothing is due before this moment; `timer_wheel::never`: nothing waits.
    [[nodiscard]] std::int64_t earliest() const noexcept
    {
        return earliest_.load(std::memory_order_relaxed);
    }

    /// Wakes what is due at `now`, or a good part of it.
    ///
    /// One thread rings at a time, which keeps order and costs no fight for the lock. Who finds another one at it leaves
    /// everything to that one: it arms the timekeeper afterwards, before it goes idle, and sees what others pushed.
    rung ring(std::int64_t now) noexcept;
    /// Called in the middle of it, by the one who rings: what follows may take long. Who found it at work relied on it.
    void let_others_ring() noexcept;
    [[nodiscard]] bool being_rung() const noexcept
    {
        return being_rung_.load(std::memory_order_relaxed);
    }

    /// How many wait.
    [[nodiscard]] std::size_t size() noexcept
    {
        lock.lock();
        const std::size_t n = wheel_.size();
        lock.unlock();
        return n;
    }

    /// In a bubble, before time moves on: the first moment at which what waits is of use to somebody; `last_moment` or later:
    /// none ever is. A ticker that nobody receives from rings in vain. All its moments up to that one are passed over, as if
    /// it had rung at each.
    [[nodiscard]] std::int64_t pass_over_idle();

    /// The runtime has ended: forgets what waits. No goroutine does any more.
    void close() noexcept;

private:
    atomic<bool> being_rung_{
        false};         ///< read-modify-writes only: each sees what was done before the other
    timer_wheel wheel_; ///< guarded by lock, as all below
    atomic<std::int64_t> earliest_{timer_wheel::never}; ///< written under the lock
    timekeeper* keeper_;
    std::size_t users_ = 1;
    alarm* spare_ = nullptr;
    unsigned spares_ = 0;
};

/// Keeps a shard, for an operation that may be looked at after its runtime has ended.
class timer_shard_ref {
public:
    explicit timer_shard_ref(timer_shard& s) noexcept : shard_(&s)
    {
        s.lock.lock();
        s.enter();
        s.lock.unlock();
    }
    timer_shard_ref(timer_shard_ref&& o) noexcept : shard_(std::exchange(o.shard_, nullptr)) {}
    timer_shard_ref& operator=(timer_shard_ref&&) = delete;
    ~timer_shard_ref()
    {
        if (!shard_) return;
        shard_->lock.lock();
        const bool last = shard_->leave();
        shard_->lock.unlock();
        if (last) delete shard_;
    }

private:
    timer_shard* shard_;
};

/// Something of the library's that happens at a moment: a timer delivers, a context ends. Unlike a waiter in a
/// frame it can be set, unset and destroyed at any time, by any thread.
///
/// The owner's lock orders what it wants (`want`), the shard's lock what the wheel does; the two are never
/// held together, because a select may hold shards and channels in any order. So after a change the owner
/// unlocks and calls `settle`, which brings the wheel in line with the latest wish. While `ringing_`, the entry is in
/// a waker's hands: it is left alone, and the waker settles afterwards.
class WEFT_EXPORT alarm : wake_callback {
public:
    alarm(const alarm&) = delete;
    alarm& operator=(const alarm&) = delete;

    /// Wishes to ring at `when` (`timer_wheel::never`: not at all). Under the owner's lock.
    void want(std::int64_t when) noexcept { wanted_.store(when, std::memory_order_relaxed); }
    [[nodiscard]] std::int64_t wanted() const noexcept
    {
        return wanted_.load(std::memory_order_relaxed);
    }

    /// Brings the wheel in line. `now` is not after the present. With no lock held. False: the runtime has
    /// ended, and it will never ring.
    bool settle(std::int64_t now) noexcept;
    /// The same with the shard's lock held; the caller asks the shard `to_arm`.
    void settle_locked(std::int64_t now) noexcept
    {
        if (!ringing_) place(now);
    }

protected:
    explicit alarm(timer_shard& s) noexcept;
    /// Nobody refers to the object any more.
    virtual ~alarm();

    /// The scheduler whose time it is; null: that has ended.
    [[nodiscard]] std::shared_ptr<scheduler> sched() const noexcept;
    /// Nobody refers to it any more: true if it was put aside, else the caller deletes it.
    [[nodiscard]] bool put_aside() noexcept;

private:
    friend class timer_shard;

    /// Under the shard's lock: may the alarm ring? It counts a reference then; false: its last owner has gone.
    virtual bool hold() noexcept = 0;
    virtual void drop() noexcept = 0;
    /// The moment it stood for, `now`, has come. The wish may have changed since. No lock is held.
    virtual void ring(std::int64_t now) noexcept = 0;
    /// It never will: the runtime has ended.
    virtual void lost() noexcept = 0;
    /// Nobody would notice if it rang now. No lock is held.
    [[nodiscard]] virtual bool is_idle() noexcept { return false; }
    /// Of one that is: all that it would have rung for up to and at `until` is over.
    virtual void pass_over(std::int64_t) noexcept {}

    void rung() noexcept;
    void place(std::int64_t now) noexcept;

    struct entry : timer_entry {
        alarm* self;
    };

    timer_shard* const shard_;
    atomic<std::int64_t> wanted_{timer_wheel::never};
    waiter w_; ///< guarded by the shard's lock, as all below
    entry entry_;
    bool ringing_ = false;
    alarm* next_spare_ = nullptr;
};

} // namespace weft::inline v0_1::detail
