// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/debug/goroutines.hpp>
#include <weft/task.hpp>
#include <weft/testing/failure.hpp>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

/// `leak_check`: no goroutine is left over.

namespace weft::inline v0_1::testing {

/// Which goroutines are no leaks, and how long to wait for the others to end.
class WEFT_EXPORT leak_options {
public:
    /// Goroutines called so (`this_goroutine::set_name`).
    leak_options& ignore_name(std::string name);
    /// Where the innermost frame lies: a part of the function's name or of "file:line".
    leak_options& ignore_top(std::string part);
    /// As ignore_top, for any frame.
    leak_options& ignore_any(std::string part);
    /// As ignore_top, for the place of the `go` that started it.
    leak_options& ignore_created_by(std::string part);
    /// Those that are alive now.
    leak_options& ignore_current();

    /// Looks up to `attempts` times; between them it waits 1 us, 2 us, 4 us, ... `longest`.
    leak_options& retry(unsigned attempts,
                        std::chrono::microseconds longest = std::chrono::milliseconds(100));

    /// `leak_check`, `verify_run`: called at the end with the exit code.
    leak_options& cleanup(std::function<void(int)> f);
    /// `verify_run`: looks also when the tests failed.
    leak_options& run_on_failure();

private:
    friend class leak_search;

    std::vector<std::function<bool(const debug::goroutine_info&)>> ignored_;
    unsigned attempts_ = 20;
    std::chrono::microseconds longest_ = std::chrono::milliseconds(100);
    std::function<void(int)> cleanup_;
    bool run_on_failure_ = false;
};

/// The goroutines that are left, of all runtimes of the process, when it has waited for them to end
/// (20 looks in about half a second, fewer if none is left). Blocks the calling thread.
///
/// @throws misuse_error  on a worker thread, where they could not end; `options` have a cleanup.
/// @par Source  goleak.Find.
[[nodiscard]] WEFT_EXPORT std::vector<debug::goroutine_info>
find_leaks(const leak_options& options = {});

/// The same from within a goroutine, which is not counted.
[[nodiscard]] WEFT_EXPORT task<std::vector<debug::goroutine_info>>
find_leaks_here(leak_options options = {});

/// @throws failure       `failure_kind::leak`, if find_leaks finds any.
/// @throws misuse_error  on a worker thread.
/// @par Source  goleak.VerifyNone.
WEFT_EXPORT void leak_check(const leak_options& options = {});

/// The end of a test program: `int main() { return weft::testing::verify_run(run_all_tests()); }`
///
/// Returns `code`, but 1 instead of 0 when goroutines are left over, which are printed on stderr. When
/// the tests failed it does not look (but see `run_on_failure`) and the code stays.
/// @throws misuse_error  on a worker thread.
/// @par Source  goleak.VerifyTestMain.
WEFT_EXPORT int verify_run(int code, const leak_options& options = {});

} // namespace weft::inline v0_1::testing
