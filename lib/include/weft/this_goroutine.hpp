// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/executor.hpp>

#include <cstdint>
#include <string>
#include <string_view>

/// What a goroutine can ask and do about itself. All of it: misuse_error outside a goroutine.

namespace weft::inline v0_1 {
class context;
}

namespace weft::inline v0_1::detail {

/// Suspends with nothing to wait for: the goroutine goes to the tail of the run queue.
struct yield_operation {
    class driver {
    public:
        explicit driver(yield_operation&) noexcept {}
        bool start(goroutine& g) noexcept
        {
            g.budget = 0;
            return true;
        }
        void publish(goroutine&) noexcept {}
        void abandon() noexcept {}
        void finish() noexcept {}
        [[nodiscard]] wait_reason reason() const noexcept { return wait_reason::runnable; }
        bool withdraw(bool) noexcept { return false; }
    };
};

} // namespace weft::inline v0_1::detail

namespace weft::inline v0_1::this_goroutine {

/// Identifies a goroutine; never used again in the process's runtime.
using id = std::uint64_t;

[[nodiscard]] WEFT_EXPORT id get_id();

/// Lets the other goroutines run first (Go: runtime.Gosched).
/// @par Suspends  always; resumes from the tail of the run queue.
[[nodiscard]] inline detail::yield_operation yield() noexcept
{
    return {};
}

/// The name given with `set_name`, else empty. Valid until the next `set_name`.
[[nodiscard]] WEFT_EXPORT std::string_view name();
/// Gives the goroutine a name for dumps and panics.
WEFT_EXPORT void set_name(std::string name);

/// The context the goroutine is bound to (`go(ctx, f)`), else `background()`. Include context.hpp.
[[nodiscard]] WEFT_EXPORT context get_context();

/// The runtime's executor: for I/O objects, timers, `go` from elsewhere.
[[nodiscard]] WEFT_EXPORT executor get_executor();

} // namespace weft::inline v0_1::this_goroutine
