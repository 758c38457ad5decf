// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>

namespace weft::inline v0_1::detail {

/// The operation that waits until a gate is open: a wait_group at zero, an event that is set. `void(std::exception_ptr)`.
/// A gate has `is_open_locked()` and `waiters_`, and is a sync_object.
template <class Gate, wait_reason Reason>
class [[nodiscard]] gate_operation : public asio_operation<gate_operation<Gate, Reason>> {
public:
    using result_type = void;

    explicit gate_operation(Gate& g) noexcept : gate_(&g) {}

    waitable* target() const noexcept { return gate_; }
    bool attempt(waiter& w, wake_list&) noexcept
    {
        gate_->note_use();
        return w.ok = gate_->is_open_locked();
    }
    void enqueue(waiter& w) noexcept { gate_->waiters_.push(w); }
    void dequeue(waiter& w) noexcept { gate_->waiters_.remove(w); }
    void finish(waiter&) noexcept {}
    wait_reason reason() const noexcept { return Reason; }
    kept_by_owner retain() const noexcept { return {}; }

private:
    Gate* gate_;
};

} // namespace weft::inline v0_1::detail
