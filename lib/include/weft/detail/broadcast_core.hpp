// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/ring_buffer.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/detail/threads.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace weft::inline v0_1 {

namespace pattern {

/// What happens to a value when a subscriber's buffer is full.
enum class broadcast_policy : std::uint8_t {
    block,       ///< the publisher waits: nothing is missed
    drop_newest, ///< the subscriber misses this value
    drop_oldest, ///< the subscriber misses the oldest in its buffer
    disconnect,  ///< the subscription ends, after what is in its buffer
};

} // namespace pattern

namespace detail {

/// A value on its way to several subscribers: counted, so that only pointers change hands under the lock.
template <class T>
struct broadcast_value {
    broadcast_value() = default;
    explicit broadcast_value(T&& v) : value(std::move(v)) {}

    void retain() noexcept { refs.fetch_add(1, std::memory_order_relaxed); }
    /// True: it was the last reference.
    [[nodiscard]] bool let_go() noexcept
    {
        return refs.fetch_sub(1, std::memory_order_acq_rel) == 1;
    }
    [[nodiscard]] bool shared() const noexcept { return refs.load(std::memory_order_acquire) != 1; }

    atomic<std::size_t> refs{1};
    broadcast_value* next_dead = nullptr;
    std::optional<T> value; ///< set from when it can be seen by others
};

/// Values that died under a lock; they are destroyed when it is free, with the bin.
template <class T>
class broadcast_bin {
public:
    broadcast_bin() = default;
    broadcast_bin(broadcast_bin&& o) noexcept : dead_(std::exchange(o.dead_, nullptr)) {}
    broadcast_bin& operator=(broadcast_bin&& o) noexcept
    {
        std::swap(dead_, o.dead_);
        return *this;
    }
    ~broadcast_bin()
    {
        while (broadcast_value<T>* v = dead_) {
            dead_ = v->next_dead;
            delete v;
        }
    }

    /// One reference less.
    void drop(broadcast_value<T>* v) noexcept
    {
        if (!v || !v->let_go()) return;
        v->next_dead = dead_;
        dead_ = v;
    }

private:
    broadcast_value<T>* dead_ = nullptr;
};

template <class T>
class broadcast_core;

/// One subscription. All but the constants is guarded by the core's lock.
template <class T>
struct broadcast_subscriber : list_hook {
    using policy_type = pattern::broadcast_policy;

    broadcast_subscriber(std::shared_ptr<broadcast_core<T>> c, policy_type p, std::size_t capacity)
        : core(std::move(c)), policy(p), buffer(capacity)
    {
    }
    broadcast_subscriber(const broadcast_subscriber&) = delete;
    broadcast_subscriber& operator=(const broadcast_subscriber&) = delete;
    ~broadcast_subscriber()
    {
        broadcast_bin<T> bin;
        empty_into(bin);
    }

    void empty_into(broadcast_bin<T>& bin) noexcept
    {
        while (!buffer.empty()) {
            bin.drop(buffer.front());
            buffer.drop();
        }
    }
    /// It keeps the publishers waiting.
    [[nodiscard]] bool holds_up() const noexcept
    {
        return listed && policy == policy_type::block && buffer.full();
    }

    const std::shared_ptr<broadcast_core<T>> core;
    const policy_type policy;
    bool listed = false; ///< else nothing new will come
    bool cut_off = false;
    std::uint64_t missed = 0;
    ring_buffer<broadcast_value<T>*> buffer;
    wait_queue receivers;
};

/// The shared state of a broadcast.
///
/// Invariants, whenever the lock is free:
///  - `full_` counts the subscribers in the list that hold up the publishers;
///  - a publisher waits only if that is not zero;
///  - a receiver waits only if its buffer is empty and its subscriber in the list;
///  - closed, the list is empty and nobody waits.
///
/// So a value goes to all subscribers at one instant, or to none, and all see the same order.
template <class T>
class broadcast_core final : public sync_object {
public:
    using node = broadcast_value<T>;
    using bin = broadcast_bin<T>;
    using subscriber = broadcast_subscriber<T>;

    // --- locked
    /// True when it is decided: `ok` tells whether it happened or the broadcast is closed. Then `value` is null.
    bool publish_locked(node*& value, bool& ok, wake_list& wakes, bin& dead) noexcept
    {
        note_use();
        if (full_ != 0) return false;
        ok = !closed_;
        if (ok) deliver(value, wakes, dead);
        return true;
    }
    /// As publish_locked, but takes the value out of the caller's hands first.
    bool publish_locked(node*& room, T& value, bool& ok, wake_list& wakes, bin& dead) noexcept
    {
        if (full_ == 0 && !closed_) room->value.emplace(std::move(value));
        return publish_locked(room, ok, wakes, dead);
    }
    /// True when it is decided: with a value, or with none, which will stay so.
    bool receive_locked(subscriber& s, node*& into, wake_list& wakes, bin& dead) noexcept
    {
        note_use();
        if (s.buffer.empty()) return !s.listed;
        if (s.holds_up()) --full_;
        into = s.buffer.front();
        s.buffer.drop();
        serve(wakes, dead);
        return true;
    }
    wait_queue& publishers() noexcept { return publishers_; }

    // --- unlocked
    void subscribe(subscriber& s) noexcept
    {
        with_lock(*this, [&](auto&) {
            note_use();
            if (closed_) return;
            s.listed = true;
            list_.push_back(&s);
            ++size_;
        });
    }
    /// Nothing comes any more, and what is in its buffer goes.
    void unsubscribe(subscriber& s) noexcept
    {
        bin dead;
        with_lock(*this, [&](wake_list& wakes) {
            end(s, wakes);
            s.empty_into(dead);
            serve(wakes, dead);
        });
    }
    /// False: it was closed before.
    bool close() noexcept
    {
        return with_lock(*this, [this](wake_list& wakes) {
            note_use();
            if (closed_) return false;
            closed_ = true;
            while (subscriber* s = list_.front()) end(*s, wakes);
            release_all(publishers_, wakes, false);
            return true;
        });
    }
    [[nodiscard]] bool closed() noexcept
    {
        return with_lock(*this, [this](auto&) { return closed_; });
    }
    [[nodiscard]] std::size_t subscribers() noexcept
    {
        return with_lock(*this, [this](auto&) { return size_; });
    }

private:
    /// Takes it out of the list; its receivers get what there is: nothing.
    void end(subscriber& s, wake_list& wakes) noexcept
    {
        if (!s.listed) return;
        if (s.holds_up()) --full_;
        s.listed = false;
        list_.remove(&s);
        --size_;
        release_all(s.receivers, wakes);
    }

    /// Publishers go on as long as there is room everywhere.
    void serve(wake_list& wakes, bin& dead) noexcept
    {
        while (full_ == 0) {
            waiter* w = publishers_.pop_claimed();
            if (!w) return;
            deliver(*static_cast<node**>(w->slot), wakes, dead);
            w->ok = true;
            wakes.push(w);
        }
    }

    void deliver(node*& value, wake_list& wakes, bin& dead) noexcept
    {
        node* v = std::exchange(value, nullptr);
        for (subscriber* s = list_.front(); s;) {
            subscriber* next = intrusive_list<subscriber>::next(s);
            deliver_to(*s, v, wakes, dead);
            s = next;
        }
        dead.drop(v);
    }

    void deliver_to(subscriber& s, node* v, wake_list& wakes, bin& dead) noexcept
    {
        if (waiter* r = s.receivers.pop_claimed()) {
            v->retain();
            *static_cast<node**>(r->slot) = v;
            r->ok = true;
            wakes.push(r);
            return;
        }
        if (s.buffer.full()) {
            ++s.missed;
            if (s.policy == pattern::broadcast_policy::drop_newest) return;
            if (s.policy == pattern::broadcast_policy::disconnect) {
                s.cut_off = true;
                return end(s, wakes);
            }
            dead.drop(s.buffer.front());
            s.buffer.drop();
        }
        v->retain();
        s.buffer.push(std::move(v));
        if (s.holds_up()) ++full_;
    }

    // All guarded by lock.
    intrusive_list<subscriber> list_;
    std::size_t size_ = 0;
    std::size_t full_ = 0;
    bool closed_ = false;
    wait_queue publishers_;
};

} // namespace detail
} // namespace weft::inline v0_1
