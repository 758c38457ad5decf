// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/detached.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/error.hpp>

#include <cstdint>

/// `after` and `at`: a moment as something to wait for.

namespace weft::inline v0_1 {

/// The operation `after` and `at` return: `void(std::exception_ptr, time_point)`. It can be copied and waited
/// for again; once the moment has come it is always ready.
class [[nodiscard]] after_operation : public detail::asio_operation<after_operation> {
public:
    using result_type = time_point;

    after_operation(detail::timer_shard& shard, std::int64_t when, std::int64_t now) noexcept
        : shard_(&shard), now_(now)
    {
        entry_.when = when;
    }

    detail::waitable* target() const noexcept { return shard_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        if (WEFT_UNLIKELY(!shard_->keeper())) {
            w.ok = false;
            return true;
        }
        w.ok = true;
        return entry_.when <= now_ || entry_.when <= (now_ = detail::nanos(clock::now()));
    }
    void enqueue(detail::waiter& w) noexcept
    {
        w.slot = &entry_;
        shard_->push(w, now_);
        detail::changed_timer(*shard_);
    }
    void dequeue(detail::waiter& w) noexcept
    {
        if (shard_->remove(w)) detail::changed_timer(*shard_);
    }
    /// @throws error  errc::stopped: the runtime ended first.
    time_point finish(detail::waiter& w)
    {
        if (WEFT_UNLIKELY(!w.ok)) detail::throw_error(errc::stopped);
        return detail::moment(entry_.when);
    }
    detail::wait_reason reason() const noexcept { return detail::wait_reason::sleep; }
    detail::timer_shard_ref retain() const noexcept { return detail::timer_shard_ref(*shard_); }

private:
    detail::timer_shard* shard_;
    detail::timer_entry entry_;
    std::int64_t now_; ///< some moment not after the present
};

/// The moment `d` from this call, as an operation: awaited, or a case of a select. Never early. It brings the
/// moment itself. Zero and less: ready at once. Losing a select, it leaves nothing behind.
///
///     auto s = co_await select{jobs.receive(), after(1s)};
///
/// @throws misuse_error  not called on a weft runtime.
/// @par Complexity  O(1), no allocation.
/// @par Source      Go time.After.
[[nodiscard]] WEFT_EXPORT after_operation after(duration d);

/// The moment `t` as an operation.
[[nodiscard]] WEFT_EXPORT after_operation at(time_point t);

} // namespace weft::inline v0_1
