// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/pending.hpp>
#include <weft/sync_wait.hpp>

#include <type_traits>
#include <utility>

/// `shield`: an end in good order, whatever the context says.

namespace weft::inline v0_1 {

namespace detail {

/// While it lives, the goroutine's context does not interrupt it.
class shield_scope {
public:
    shield_scope() noexcept
        : binding_(this_thread_state().current ? this_thread_state().current->bound : nullptr)
    {
        if (binding_) binding_->shield();
    }
    shield_scope(const shield_scope&) = delete;
    shield_scope& operator=(const shield_scope&) = delete;
    ~shield_scope()
    {
        if (binding_) binding_->unshield();
    }

private:
    binding* const binding_;
};

/// What `co_await` of `Op` brings.
template <class Op>
struct awaited_by_task {
    using outcome = outcome_of<asio::completion_signature_of_t<Op>>;
    using type = decltype(outcome::take(std::declval<typename outcome::stored&>()));
};
template <class Op>
    requires(operation<Op> || drivable<Op> || is_task<Op>::value)
struct awaited_by_task<Op> : op_result<Op> {};

} // namespace detail

/// Awaits `op` (a task, an operation of weft's or Asio's) to its end, although the context that the goroutine is bound to
/// may have ended: for what must be cleaned up, logged, told. The next wait after it is interrupted again.
///
///     co_await shield(connection.say_goodbye());
///
/// @par Cancellation  none; give the operation a deadline of its own.
template <class Op>
    requires(!std::is_lvalue_reference_v<Op>)
task<typename detail::awaited_by_task<Op>::type> shield(Op&& op)
{
    return [](Op inner) -> task<typename detail::awaited_by_task<Op>::type> {
        const detail::shield_scope scope;
        co_return co_await std::move(inner);
    }(std::forward<Op>(op));
}

} // namespace weft::inline v0_1
