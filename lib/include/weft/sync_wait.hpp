// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>

#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

/// `sync_wait`: from an ordinary thread into the world of goroutines and back.

namespace weft::inline v0_1 {

namespace detail {

/// Where an ordinary thread sits until a goroutine brings the result.
template <class T>
class waiting_room {
    using stored = std::conditional_t<std::is_void_v<T>, bool, T>;

public:
    void set_value(stored v) { value_.emplace(std::move(v)); }
    void set_failure(std::exception_ptr e) noexcept { failure_ = std::move(e); }

    void open() noexcept
    {
        std::lock_guard lock(mutex_); // notified under the lock: after it the room may be gone
        done_ = true;
        changed_.notify_one();
    }

    T wait()
    {
        {
            std::unique_lock lock(mutex_);
            changed_.wait(lock, [this] { return done_; });
        }
        if (failure_) std::rethrow_exception(failure_);
        if (!value_) throw error(errc::stopped);
        if constexpr (!std::is_void_v<T>) return std::move(*value_);
    }

private:
    detail::os_mutex mutex_;
    detail::os_condition changed_;
    bool done_ = false; ///< guarded by mutex_
    std::optional<stored> value_;
    std::exception_ptr failure_;
};

/// Opens the room also when the goroutine is unwound.
template <class T>
struct room_key {
    explicit room_key(waiting_room<T>& r) noexcept : room(&r) {}
    room_key(room_key&& o) noexcept : room(std::exchange(o.room, nullptr)) {}
    room_key& operator=(room_key&&) = delete;
    ~room_key()
    {
        if (room) room->open();
    }
    waiting_room<T>* room;
};

/// What the goroutine runs. The room is opened when the callable is gone.
template <class T, class F>
struct visit {
    using work = ticketed_call<room_key<T>, F>;
    work call;

    task<> operator()()
    {
        waiting_room<T>& room = *call.ticket.room;
        try {
            if constexpr (!work::is_async) {
                if constexpr (std::is_void_v<T>) {
                    call();
                    room.set_value(true);
                } else {
                    room.set_value(call());
                }
            } else if constexpr (std::is_void_v<T>) {
                co_await call();
                room.set_value(true);
            } else {
                room.set_value(co_await call());
            }
        } catch (...) {
            room.set_failure(std::current_exception());
        }
        co_return;
    }
};

/// Runs `f` as a goroutine and blocks the calling thread until it ended.
template <class F>
auto wait_for_goroutine(scheduler& s, const std::source_location& at, const char* what, F f)
    -> awaited_t<F>
{
    if (scheduler_here()) {
        throw misuse_error(std::string(what) +
                           " on a worker thread would block it; co_await instead");
    }
    using T = awaited_t<F>;
    waiting_room<T> room;
    start_goroutine(s, at, visit<T, F>{{room_key<T>(room), std::move(f), {}}});
    return room.wait();
}

template <class Op>
struct op_result {
    using type = typename Op::result_type;
};
template <drivable Op>
    requires(!operation<Op>)
struct op_result<Op> {
    using type = decltype(std::declval<typename Op::driver&>().finish());
};
template <class U>
struct op_result<task<U>> {
    using type = U;
};

} // namespace detail

/// Blocks the calling ordinary thread until `what` (a task, an operation, or a callable returning a
/// task) is done on the runtime of `ex`; its result, or its exception rethrown.
///
/// @throws misuse_error  called on a worker thread: that would block the runtime.
/// @throws error         errc::stopped: the runtime ended first.
/// @par Thread safety    safe.
template <class Op>
auto sync_wait(const executor& ex, Op&& what,
               std::source_location at = std::source_location::current())
{
    using D = std::decay_t<Op>;
    if constexpr (detail::operation<D> || detail::drivable<D> || detail::is_task<D>::value) {
        using R = typename detail::op_result<D>::type;
        auto body = [op = D(std::forward<Op>(what))]() mutable -> task<R> {
            co_return co_await std::move(op);
        };
        return detail::wait_for_goroutine(ex.sched(), at, "sync_wait", std::move(body));
    } else {
        return detail::wait_for_goroutine(ex.sched(), at, "sync_wait", D(std::forward<Op>(what)));
    }
}

} // namespace weft::inline v0_1
