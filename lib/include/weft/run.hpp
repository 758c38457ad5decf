// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/defer.hpp>
#include <weft/runtime.hpp>
#include <weft/sync_wait.hpp>
#include <weft/this_goroutine.hpp>

#include <csignal>
#include <source_location>
#include <utility>

/// `run`: a whole program of goroutines.

namespace weft::inline v0_1 {

namespace detail {

template <class F>
constexpr bool takes_context = goroutine_function<F, context>;

template <class F>
struct program_result {
    using type = awaited_t<F>;
};
template <class F>
    requires takes_context<F>
struct program_result<F> {
    using type = awaited_t<F, context>;
};

} // namespace detail

/// Runs `main()` as the main goroutine on a runtime of its own and returns its result when it
/// returns, as a Go program does: goroutines still alive are unwound. An exception of `main` is
/// rethrown here.
///
/// A `main` that takes a `context` gets one that ends with the first SIGINT or SIGTERM, so that it
/// can end in good order; a second signal kills as usual. It is below the runtime's root.
///
/// With `detect_deadlock`, a state in which every goroutine waits and nothing outside can wake one
/// is reported ("all goroutines are asleep - deadlock!", with a dump) and the process exits with
/// status 2. A program that listens for signals can always be woken by one.
///
/// @throws misuse_error  on a worker thread.
template <class F>
    requires detail::goroutine_function<F> || detail::takes_context<F>
auto run(F main, runtime_options options = {},
         std::source_location at = std::source_location::current())
{
    using result = typename detail::program_result<F>::type;
    runtime rt(std::move(options));
    detail::scheduler& s = rt.get_executor().sched();
    s.whole_program.store(true);
    return detail::wait_for_goroutine(
        s, at, "run", [&s, root = rt.root(), main = std::move(main)]() mutable -> task<result> {
            this_goroutine::set_name("main");
            // With main gone, goroutines that wait for ever are unwound, no deadlock.
            const defer main_ended([&s] { s.whole_program.store(false); });
            if constexpr (detail::takes_context<F>) {
                const auto interruptible = with_signals(root, {SIGINT, SIGTERM});
                if constexpr (detail::is_task<detail::call_result_t<F, context>>::value) {
                    co_return co_await main(interruptible.ctx);
                } else {
                    co_return main(interruptible.ctx);
                }
            } else if constexpr (detail::is_task<detail::call_result_t<F>>::value) {
                co_return co_await main();
            } else {
                co_return main();
            }
        });
}

} // namespace weft::inline v0_1
