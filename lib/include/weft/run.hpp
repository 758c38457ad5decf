// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/defer.hpp>
#include <weft/runtime.hpp>
#include <weft/sync_wait.hpp>
#include <weft/this_goroutine.hpp>

#include <source_location>
#include <utility>

/// `run`: a whole program of goroutines.

namespace weft {

/// Runs `main()` as the main goroutine on a runtime of its own and returns its result when it
/// returns, as a Go program does: goroutines still alive are unwound. An exception of `main` is
/// rethrown here.
///
/// With `detect_deadlock`, a state in which every goroutine waits and nothing outside can wake one
/// is reported ("all goroutines are asleep - deadlock!", with a dump) and the process exits with
/// status 2.
///
/// @throws misuse_error  on a worker thread.
template <class F>
auto run(F main, runtime_options options = {},
         std::source_location at = std::source_location::current())
{
    runtime rt(std::move(options));
    detail::scheduler& s = rt.get_executor().sched();
    s.whole_program.store(true);
    return detail::wait_for_goroutine(
        s, at, "run", [&s, main = std::move(main)]() mutable -> task<detail::awaited_t<F>> {
            this_goroutine::set_name("main");
            // With main gone, goroutines that wait for ever are unwound, no deadlock.
            const defer main_ended([&s] { s.whole_program.store(false); });
            if constexpr (detail::is_task<detail::call_result_t<F>>::value) {
                co_return co_await main();
            } else {
                co_return main();
            }
        });
}

} // namespace weft
