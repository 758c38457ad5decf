// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/ring_buffer.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/waiter.hpp>
#include <weft/error.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace weft::inline v0_1::detail {

/// What makes the values of a timer's channel, of which the channel is a part (detail/timer_state.hpp).
struct timer_feed {
    /// Locked; true: `into` has the moment that has come.
    bool (*take)(timer_feed*, std::optional<time_point>& into) noexcept;
    /// The last handle has gone.
    void (*drop)(timer_feed*) noexcept;
};

/// Only a channel of moments can be fed by a timer.
template <class T>
struct feed_slot {};
template <>
struct feed_slot<time_point> {
    timer_feed* feed = nullptr;
};

/// The shared state of a channel: a ring and two wait queues under one lock (Go: runtime/chan.go, hchan).
///
/// Invariants, whenever the lock is free:
///  - a receiver waits only if the ring is empty, no sender waits and the channel is open;
///  - a sender waits only if the ring is full (or has no room at all), no receiver waits, and it is
///    open;
///  - a closed channel has no waiters.
/// (A waiter whose select was won elsewhere may still stand in a queue; it does not count.)
///
/// A value changes hands under the lock: sender's frame -> receiver's frame, or through the ring.
/// The partner that finds the other waiting does both halves and wakes it after unlocking.
template <class T>
class channel_core final : public waitable, private feed_slot<T> {
    static constexpr bool can_be_fed = std::is_same_v<T, time_point>;

    static_assert(
        std::is_nothrow_move_constructible_v<T>,
        "weft::channel<T>: T must be nothrow move constructible, because values are moved while "
        "the channel is locked; send a std::unique_ptr<T> instead");
    static_assert(std::is_nothrow_destructible_v<T>, "weft::channel<T>: ~T must not throw");

public:
    explicit channel_core(std::size_t capacity) : ring_(checked(capacity)) {}
    explicit channel_core(timer_feed& f) noexcept : feed_slot<T>{&f}, ring_(0) {}

    // --- locked

    /// True when the send is decided: `ok` tells whether it happened or the channel is closed.
    bool send_locked(T& value, bool& ok, wake_list& wakes) noexcept
    {
        if (WEFT_UNLIKELY(marks_ != 0)) {
            note_use();
            if (closed_locked()) {
                ok = false;
                return true;
            }
        }
        if (waiter* r = receivers_.pop_claimed()) {
            static_cast<std::optional<T>*>(r->slot)->emplace(std::move(value));
            r->ok = true;
            wakes.push(r);
        } else if (!ring_.full()) {
            ring_.push(std::move(value));
        } else {
            return false;
        }
        ok = true;
        return true;
    }

    /// True when the receive is decided: `into` has a value, or stays empty when closed and
    /// drained.
    bool receive_locked(std::optional<T>& into, bool& ok, wake_list& wakes) noexcept
    {
        if (WEFT_UNLIKELY(marks_ != 0)) note_use();
        if (!ring_.empty()) {
            into.emplace(std::move(ring_.front()));
            ring_.drop();
            // A blocked sender's value goes to the tail, so senders stay in line.
            if (waiter* s = senders_.pop_claimed())
                take_from(s, [&](T& v) { ring_.push(std::move(v)); }, wakes);
        } else if (waiter* s = senders_.pop_claimed()) {
            take_from(s, [&](T& v) { into.emplace(std::move(v)); }, wakes);
        } else if (closed_locked()) {
            ok = false;
            return true;
        } else {
            if constexpr (can_be_fed) {
                if (this->feed && this->feed->take(this->feed, into)) return ok = true;
            }
            return false;
        }
        ok = true;
        return true;
    }

    wait_queue& senders() noexcept { return senders_; }
    wait_queue& receivers() noexcept { return receivers_; }
    [[nodiscard]] bool closed_locked() const noexcept { return (marks_ & is_closed) != 0; }

    // --- unlocked

    bool try_send(T& value)
    {
        wake_list wakes;
        bool ok = false;
        lock.lock();
        const bool decided = send_locked(value, ok, wakes);
        lock.unlock();
        if (!decided) return false;
        wakes.wake_all();
        if (!ok) throw_misuse("send on closed channel");
        return true;
    }

    bool try_receive(std::optional<T>& into)
    {
        wake_list wakes;
        bool ok = false;
        lock.lock();
        const bool decided = receive_locked(into, ok, wakes);
        lock.unlock();
        wakes.wake_all();
        return decided;
    }

    void close()
    {
        wake_list wakes;
        lock.lock();
        note_use();
        if (closed_locked()) {
            lock.unlock();
            throw_misuse("close of closed channel");
        }
        marks_ |= is_closed;
        // Receivers see "closed and drained"; senders, whose values stay in their frames, the
        // misuse.
        release_all(receivers_, wakes, false);
        release_all(senders_, wakes, false);
        lock.unlock();
        wakes.wake_all();
    }

    [[nodiscard]] std::size_t size() noexcept
    {
        lock.lock();
        const std::size_t n = ring_.size();
        lock.unlock();
        return n;
    }

    [[nodiscard]] std::size_t capacity() const noexcept { return ring_.capacity(); }

    void look(std::size_t& values, std::size_t& senders, std::size_t& receivers,
              bool& is_closed_now) noexcept
    {
        constexpr std::size_t most = 4096;
        lock.lock();
        values = ring_.size();
        senders = senders_.count_open(most);
        receivers = receivers_.count_open(most);
        is_closed_now = closed_locked();
        lock.unlock();
    }

    [[nodiscard]] bool closed() noexcept
    {
        lock.lock();
        const bool c = closed_locked();
        lock.unlock();
        return c;
    }

    [[nodiscard]] bool drained() noexcept
    {
        lock.lock();
        const bool d = closed_locked() && ring_.empty();
        lock.unlock();
        return d;
    }

    void retain() noexcept { handles_.fetch_add(1, std::memory_order_relaxed); }
    /// As retain, but not when the last handle has gone already.
    [[nodiscard]] bool retain_if_held() noexcept
    {
        std::size_t n = handles_.load(std::memory_order_relaxed);
        while (n != 0) {
            if (handles_.compare_exchange_weak(n, n + 1, std::memory_order_acquire,
                                               std::memory_order_relaxed)) {
                return true;
            }
        }
        return false;
    }
    /// The first handle again, of a channel that was put aside.
    void revive() noexcept { handles_.store(1, std::memory_order_relaxed); }
    void release() noexcept
    {
        if (handles_.fetch_sub(1, std::memory_order_acq_rel) == 1) destroy();
    }

private:
    template <class Take>
    static void take_from(waiter* s, Take take, wake_list& wakes) noexcept
    {
        take(*static_cast<T*>(s->slot));
        s->ok = true;
        wakes.push(s);
    }

    WEFT_NOINLINE void destroy() noexcept
    {
        if constexpr (can_be_fed) {
            if (this->feed) return this->feed->drop(this->feed);
        }
        delete this;
    }

    static std::size_t checked(std::size_t capacity)
    {
        constexpr std::size_t most =
            static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
        if (capacity > most / sizeof(T)) throw_misuse("makechan: size out of range");
        return capacity;
    }

    void note_use() const noexcept
    {
        if (marks_ & in_bubble) note_visit(*this);
    }

    // One look tells that the channel is neither closed nor of a bubble.
    static constexpr std::uint8_t is_closed = 1, in_bubble = 2;
    std::uint8_t marks_ = this->bubble != 0 ? in_bubble : 0;
    atomic<std::size_t> handles_{1};
    ring_buffer<T> ring_;
    wait_queue receivers_;
    wait_queue senders_;
};

} // namespace weft::inline v0_1::detail
