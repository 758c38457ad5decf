// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <asio/any_io_executor.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <type_traits>
#include <utility>

/// The names of weft/detail/threads.hpp for the model build: each operation is a point at which another of
/// the model's threads (fibres, all on one thread of the system) may come in. What the memory order allows
/// beyond that is not modelled: every schedule is sequentially consistent.

namespace weft_model {

/// Another fibre may run now. At a relaxed load or store it may only where relaxed ones count (see world.hpp).
void point(std::memory_order order = std::memory_order_seq_cst) noexcept;
/// The others first.
void yield() noexcept;
/// Goes on when `ready(arg)` holds.
void block(bool (*ready)(void*), void* arg) noexcept;

/// One shot of a timer: at `when`, or at any time after. Returns its number.
std::uint64_t set_timer(std::chrono::steady_clock::time_point when,
                        std::function<void(const asio::error_code&)> handler);
void cancel_timer(std::uint64_t number);

/// Of an object, counted in each schedule from 1; 0 outside.
std::uint64_t next_age() noexcept;

} // namespace weft_model

namespace weft::inline v0_1::detail {

template <class T>
class atomic {
public:
    using value_type = T;

    constexpr atomic() noexcept = default;
    constexpr atomic(T v) noexcept : value_(v) {} // NOLINT: as std::atomic
    atomic(const atomic&) = delete;
    atomic& operator=(const atomic&) = delete;

    T load(std::memory_order order = std::memory_order_seq_cst) const noexcept
    {
        weft_model::point(order);
        return value_;
    }
    operator T() const noexcept { return load(); } // NOLINT
    void store(T v, std::memory_order order = std::memory_order_seq_cst) noexcept
    {
        weft_model::point(order);
        value_ = v;
        weft_model::point(order); // it may have let go of what plain code touches next
    }
    T operator=(T v) noexcept // NOLINT
    {
        store(v);
        return v;
    }
    T exchange(T v, std::memory_order = std::memory_order_seq_cst) noexcept
    {
        weft_model::point();
        return std::exchange(value_, v);
    }
    bool compare_exchange_strong(T& expected, T v, std::memory_order = {},
                                 std::memory_order = {}) noexcept
    {
        weft_model::point();
        if (value_ == expected) {
            value_ = v;
            return true;
        }
        expected = value_;
        return false;
    }
    bool compare_exchange_weak(T& expected, T v, std::memory_order = {},
                               std::memory_order = {}) noexcept
    {
        return compare_exchange_strong(expected, v);
    }
    template <class U>
    T fetch_add(U n, std::memory_order = std::memory_order_seq_cst) noexcept
    {
        return change([n](T v) { return static_cast<T>(v + n); });
    }
    template <class U>
    T fetch_sub(U n, std::memory_order = std::memory_order_seq_cst) noexcept
    {
        return change([n](T v) { return static_cast<T>(v - n); });
    }
    T fetch_or(T n, std::memory_order = std::memory_order_seq_cst) noexcept
    {
        return change([n](T v) { return static_cast<T>(v | n); });
    }
    T fetch_and(T n, std::memory_order = std::memory_order_seq_cst) noexcept
    {
        return change([n](T v) { return static_cast<T>(v & n); });
    }
    T operator++() noexcept { return static_cast<T>(fetch_add(1) + 1); }
    T operator--() noexcept { return static_cast<T>(fetch_sub(1) - 1); }
    T operator++(int) noexcept { return fetch_add(1); }
    T operator--(int) noexcept { return fetch_sub(1); }

private:
    template <class F>
    T change(F f) noexcept
    {
        weft_model::point();
        return std::exchange(value_, f(value_));
    }

    T value_{};
};

class os_mutex {
public:
    os_mutex() = default;
    os_mutex(const os_mutex&) = delete;
    os_mutex& operator=(const os_mutex&) = delete;

    void lock() noexcept
    {
        weft_model::point();
        if (held_) {
            weft_model::block([](void* m) { return !static_cast<os_mutex*>(m)->held_; }, this);
        }
        held_ = true;
    }
    bool try_lock() noexcept
    {
        weft_model::point();
        return !std::exchange(held_, true);
    }
    void unlock() noexcept
    {
        held_ = false;
        weft_model::point();
    }

private:
    bool held_ = false;
};

class os_condition {
public:
    os_condition() = default;
    os_condition(const os_condition&) = delete;
    os_condition& operator=(const os_condition&) = delete;

    void wait(std::unique_lock<os_mutex>& lock) noexcept
    {
        place p;
        stand(p);
        lock.unlock();
        weft_model::block([](void* q) { return static_cast<place*>(q)->called; }, &p);
        lock.lock();
    }
    template <class Predicate>
    void wait(std::unique_lock<os_mutex>& lock, Predicate done)
    {
        while (!done()) wait(lock);
    }
    /// Its time may always be up.
    template <class Duration>
    std::cv_status wait_for(std::unique_lock<os_mutex>& lock, const Duration&) noexcept
    {
        place p;
        stand(p);
        lock.unlock();
        weft_model::yield();
        leave(p);
        lock.lock();
        return p.called ? std::cv_status::no_timeout : std::cv_status::timeout;
    }
    template <class Duration, class Predicate>
    bool wait_for(std::unique_lock<os_mutex>& lock, const Duration& d, Predicate done)
    {
        while (!done()) {
            if (wait_for(lock, d) == std::cv_status::timeout) return done();
        }
        return true;
    }
    template <class Time>
    std::cv_status wait_until(std::unique_lock<os_mutex>& lock, const Time& t) noexcept
    {
        return wait_for(lock, t);
    }
    void notify_one() noexcept
    {
        weft_model::point();
        if (first_) call(*first_);
    }
    void notify_all() noexcept
    {
        weft_model::point();
        while (first_) call(*first_);
    }

private:
    struct place {
        place* next = nullptr;
        bool called = false;
    };
    void stand(place& p) noexcept
    {
        place** at = &first_;
        while (*at) at = &(*at)->next;
        *at = &p;
    }
    void leave(place& p) noexcept
    {
        for (place** at = &first_; *at; at = &(*at)->next) {
            if (*at != &p) continue;
            *at = p.next;
            return;
        }
    }
    void call(place& p) noexcept
    {
        leave(p);
        p.called = true;
    }

    place* first_ = nullptr;
};

/// The monitor and the side pool are not part of the models.
class os_thread {
public:
    os_thread() = default;
    template <class... A>
    explicit os_thread(A&&...) noexcept
    {
    }
    [[nodiscard]] static bool joinable() noexcept { return false; }
    static void join() noexcept {}
    static void detach() noexcept {}
};

class os_timer {
public:
    explicit os_timer(const asio::any_io_executor&) noexcept {}
    os_timer(os_timer&& o) noexcept : number_(std::exchange(o.number_, 0)), when_(o.when_) {}
    os_timer& operator=(os_timer&& o) noexcept
    {
        std::swap(number_, o.number_);
        std::swap(when_, o.when_);
        return *this;
    }
    ~os_timer() { cancel(); }

    void expires_at(std::chrono::steady_clock::time_point t)
    {
        cancel();
        when_ = t;
    }
    template <class Handler>
    void async_wait(Handler h)
    {
        number_ = weft_model::set_timer(when_, std::move(h));
    }
    void cancel()
    {
        if (const auto n = std::exchange(number_, 0)) weft_model::cancel_timer(n);
    }

private:
    std::uint64_t number_ = 0;
    std::chrono::steady_clock::time_point when_{};
};

class lock_order {
public:
    constexpr lock_order() noexcept
    {
        if (!std::is_constant_evaluated()) age_ = weft_model::next_age();
    }
    friend bool before(const lock_order& a, const lock_order& b) noexcept
    {
        return a.age_ < b.age_;
    }

private:
    std::uint64_t age_ = 0;
};

inline void spin() noexcept
{
    weft_model::yield();
}
inline void yield_thread() noexcept
{
    weft_model::yield();
}
inline void pause_thread(std::chrono::microseconds) noexcept
{
    weft_model::yield();
}
inline std::uint32_t chance() noexcept
{
    return 1; // a schedule's choices are the model's
}

} // namespace weft::inline v0_1::detail
