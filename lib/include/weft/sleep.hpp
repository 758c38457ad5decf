// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/after.hpp>

/// `sleep`: a goroutine does nothing for a while.

namespace weft::inline v0_1 {

/// The operation `sleep` and `sleep_until` return: `void(std::exception_ptr)`.
class [[nodiscard]] sleep_operation : public detail::asio_operation<sleep_operation> {
public:
    using result_type = void;

    explicit sleep_operation(after_operation until) noexcept : until_(until) {}

    detail::waitable* target() const noexcept { return until_.target(); }
    bool attempt(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        return until_.attempt(w, wakes);
    }
    void enqueue(detail::waiter& w) noexcept { until_.enqueue(w); }
    void dequeue(detail::waiter& w) noexcept { until_.dequeue(w); }
    void finish(detail::waiter& w) { until_.finish(w); }
    detail::wait_reason reason() const noexcept { return detail::wait_reason::sleep; }
    auto retain() const noexcept { return until_.retain(); }

private:
    after_operation until_;
};

/// Waits for at least `d`, counted from the call; zero and less: not at all.
///
/// @throws misuse_error  not called on a weft runtime.
/// @par Suspends     if `d` is positive.
/// @par Cancellation total; `sleep(ctx, d)` throws `error` with the context's code when that ends first.
/// @par Complexity   O(1), no allocation.
/// @par Source       Go time.Sleep.
[[nodiscard]] inline sleep_operation sleep(duration d)
{
    return sleep_operation(after(d));
}
template <detail::context_like Context>
[[nodiscard]] auto sleep(const Context& ctx, duration d)
{
    return context_operation<sleep_operation>(ctx, sleep(d));
}

/// Waits until `t`.
[[nodiscard]] inline sleep_operation sleep_until(time_point t)
{
    return sleep_operation(at(t));
}
template <detail::context_like Context>
[[nodiscard]] auto sleep_until(const Context& ctx, time_point t)
{
    return context_operation<sleep_operation>(ctx, sleep_until(t));
}

} // namespace weft::inline v0_1
