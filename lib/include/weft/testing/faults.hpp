// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/testing/bubble.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>

/// Faults, each at every place in turn: a context that ends, memory that is not there.

namespace weft::inline v0_1::testing {

struct fault_options {
    /// Called after each run, outside the bubble: throws if something is lost. `leak_check` of
    /// goroutines and the deadlock check are made anyway.
    std::function<void()> check{};
    /// At most so many places are tried: a program that runs until it is cancelled has no last one.
    std::uint64_t places = 2'000;
    /// So many schedules for each place.
    std::uint64_t schedules = 1;
    /// Of the schedules. Empty: WEFT_SEED, else always the same.
    std::optional<std::uint64_t> seed{};
    /// As in `bubble_options`.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    std::uint64_t most_slices = 1'000'000;
};

/// What was tried.
struct fault_report {
    std::uint64_t places = 0; ///< at which the fault came
    std::uint64_t runs = 0;
};

namespace detail {

using program_with_context = std::function<task<>(context)>;

WEFT_EXPORT fault_report cancel_everywhere(const program_with_context& main, const fault_options& o,
                                           const std::source_location& at);
WEFT_EXPORT fault_report fail_allocations(const program& main, const fault_options& o,
                                          const std::source_location& at);

} // namespace detail

/// Runs `f(ctx)`, bound to `ctx`, in a bubble again and again: the first time `ctx` is cancelled before
/// the first slice of any goroutine, then before the second, and so on until a run is over first.
/// So the end of the context meets every wait of the program, and every moment between two.
///
/// `f` may end by the context: `error` with `errc::canceled` is what is expected of it.
///
/// @throws  as `bubble`; what `check` throws. The place and the seed are on stderr.
template <class F>
    requires weft::detail::goroutine_function<F, context>
fault_report cancel_everywhere(F f, const fault_options& options = {},
                               std::source_location at = std::source_location::current())
{
    return detail::cancel_everywhere(
        [&f](context ctx) -> task<> {
            if constexpr (weft::detail::is_task<weft::detail::call_result_t<F, context>>::value) {
                co_await f(ctx);
            } else {
                f(ctx);
            }
        },
        options, at);
}

/// Runs `f()` in a bubble again and again: the first time the first allocation in a goroutine fails with
/// `std::bad_alloc`, then the second, until a run has fewer. Needs `weft/testing/operator_new.hpp` in
/// one source file of the program, and no ThreadSanitizer.
///
/// `f`, or any other goroutine, may end by `std::bad_alloc`; then the bubble is over.
///
/// @throws  as `bubble`; what `check` throws; `misuse_error` without operator_new.hpp. The place and
///          the seed are on stderr.
template <class F>
    requires weft::detail::goroutine_function<F>
fault_report fail_allocations(F f, const fault_options& options = {},
                              std::source_location at = std::source_location::current())
{
    return detail::fail_allocations([&f] { return detail::call(f); }, options, at);
}

} // namespace weft::inline v0_1::testing
