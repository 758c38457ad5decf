// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/crew.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/task.hpp>

#include <memory>
#include <source_location>
#include <utility>

/// `pipeline`: the stages of one computation, which end together.

namespace weft::inline v0_1::pattern {

/// What the stages of a pipeline belong to: its context binds them, and the first exception of any of them ends them all.
///
///     pattern::pipeline p(ctx);
///     auto lines = pattern::source(p, std::move(files));
///     auto parsed = pattern::stage(p, lines, 4, parse);
///     pattern::sink(p, parsed, 1, store);
///     co_await p.wait();                          // throws what was thrown first
///
/// Each pattern that makes a channel takes a pipeline instead of a context, and its goroutines then belong to it.
///
/// Destroyed before `wait` has returned, it ends its context; the stages use nothing of it and end soon. So a consumer that
/// has enough just leaves, or calls `cancel` first, to wait for them.
///
/// @par Thread safety  safe, from goroutines; `cancel` and `get_context` also from ordinary threads.
/// @par Ordering       the end of a stage happens-before the return of the `wait` that it lets go on.
class WEFT_EXPORT pipeline {
public:
    /// @throws misuse_error  "cannot create context from nil parent".
    explicit pipeline(const context& parent = background())
        : crew_(std::make_shared<detail::crew>(parent))
    {
    }
    pipeline(const pipeline&) = delete;
    pipeline& operator=(const pipeline&) = delete;
    ~pipeline() { crew_->cancel(); }

    /// Ends with the first exception, which is its cause then, by `cancel`, when `wait` returns, and with the parent.
    [[nodiscard]] const context& get_context() const noexcept { return crew_->ctx(); }

    /// Starts a goroutine of one's own that belongs to it, bound to its context: `f()` returns a task or is plain code.
    template <detail::goroutine_function F>
    void go(F f, std::source_location at = std::source_location::current())
    {
        detail::crew::go(crew_, std::move(f), at);
    }

    /// Ends all stages. That they are interrupted by it is no failure.
    void cancel() noexcept { crew_->cancel(); }

    /// Waits until all stages have ended. Then it ends the context, and rethrows the first exception.
    ///
    /// @throws error  the parent context has ended before the stages were done; its code.
    /// @par Cancellation  when the caller is interrupted, or `limit` ends, the stages are ended, too, and waited for: then
    ///                    `error` with that code, unless one had failed before.
    [[nodiscard]] task<> wait(context limit = background());

private:
    const std::shared_ptr<detail::crew> crew_;
};

} // namespace weft::inline v0_1::pattern
