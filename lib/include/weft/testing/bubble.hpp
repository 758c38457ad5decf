// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/conductor.hpp>
#include <weft/detail/operation.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/task.hpp>
#include <weft/testing/failure.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <source_location>
#include <type_traits>
#include <utility>

/// `bubble`: goroutines on one thread, on a seeded schedule, in virtual time.

namespace weft::inline v0_1::testing {

/// WEFT_SEED, for tests that draw numbers of their own, too; empty when it is not set.
/// @throws misuse_error  it is no 64-bit number (decimal, or hexadecimal after 0x).
[[nodiscard]] WEFT_EXPORT std::optional<std::uint64_t> environment_seed();

struct bubble_options {
    /// Of every choice: who runs next, which ready case is taken. Empty: WEFT_SEED, else always
    /// the same.
    std::optional<std::uint64_t> seed{};
    /// How long, in real time, it waits for what lies outside: an Asio operation, a channel made
    /// elsewhere.
    std::chrono::milliseconds patience = std::chrono::seconds(10);
    /// So many slices without an end are a livelock.
    std::uint64_t most_slices = 10'000'000;
};

namespace detail {

using weft::detail::awaited_t;

using program = std::function<task<>()>;

WEFT_EXPORT void run_bubble(const program& main, const bubble_options& options,
                            const std::source_location& site);

/// Runs `f` once, leaving what it returns in `into`.
template <class F, class R>
task<> call_into(F& f, std::optional<R>& into)
{
    if constexpr (weft::detail::is_task<weft::detail::call_result_t<F>>::value) {
        into.emplace(co_await std::invoke(f));
    } else {
        into.emplace(std::invoke(f));
    }
    co_return;
}
template <class F>
task<> call(F& f)
{
    if constexpr (weft::detail::is_task<weft::detail::call_result_t<F>>::value) {
        co_await std::invoke(f);
    } else {
        std::invoke(f);
    }
    co_return;
}

} // namespace detail

/// Runs `f()` and the goroutines it starts on the calling thread, and returns its result once all
/// have ended.
///
/// Time is virtual: `clock::now` stands still while anything can run, and jumps to the next timer
/// when all goroutines are *durably blocked*, that is when each waits for something in the bubble
/// (Go: testing/synctest). So an hour's sleep takes no time, and what happens when is exact. Asio
/// operations and channels made outside the bubble are waited for in real time; meanwhile the
/// bubble's time stands still. When `f` has returned time does not move any more.
///
/// Which goroutine runs next, and which ready case a select takes, is drawn from the seed; every
/// operation on a channel is a point at which another goroutine may come in. The same seed gives the
/// same schedule.
///
/// @throws failure  a deadlock, goroutines left when `f` has returned, use of a bubble's channel from
///                  outside of it, a livelock; what is left is unwound, so that destructors run.
/// @throws misuse_error  in a goroutine or another bubble; WEFT_SEED is not a number. `blocking` in a
///                  bubble throws it, too.
/// An exception of `f`, or of any goroutine that nobody joins, ends the bubble and is rethrown. Each
/// failure names the seed on stderr.
/// @par Thread safety  each thread can run one.
template <class F>
    requires weft::detail::goroutine_function<F>
auto bubble(F f, const bubble_options& options = {},
            std::source_location at = std::source_location::current()) -> detail::awaited_t<F>
{
    if constexpr (std::is_void_v<detail::awaited_t<F>>) {
        detail::run_bubble([&f] { return detail::call(f); }, options, at);
    } else {
        std::optional<detail::awaited_t<F>> result;
        detail::run_bubble([&] { return detail::call_into(f, result); }, options, at);
        return *std::move(result);
    }
}

/// The operation `settle` returns.
class [[nodiscard]] WEFT_EXPORT settle_operation {
public:
    class driver {
    public:
        explicit driver(settle_operation&) noexcept {}
        bool start(weft::detail::goroutine& g) noexcept;
        void publish(weft::detail::goroutine&) noexcept {}
        void abandon() noexcept;
        void finish();
        [[nodiscard]] weft::detail::wait_reason reason() const noexcept
        {
            return weft::detail::wait_reason::settle;
        }
        bool withdraw(bool woken) noexcept;

    private:
        weft::detail::goroutine* self_ = nullptr;
        bool refused_ = false;
    };
};

/// Waits until every other goroutine of the bubble is durably blocked (Go: synctest.Wait). Time does
/// not move meanwhile.
///
/// @throws misuse_error  outside a bubble, or another goroutine settles already.
/// @par Suspends     always.
[[nodiscard]] WEFT_EXPORT settle_operation settle();

} // namespace weft::inline v0_1::testing
