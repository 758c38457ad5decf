// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/debug/goroutines.hpp>
#include <weft/executor.hpp>
#include <weft/runtime_options.hpp>

#include <memory>
#include <vector>

/// `runtime`: where goroutines live.

namespace weft::inline v0_1 {

class context;

/// What `runtime::shutdown` found.
struct shutdown_report {
    std::vector<debug::goroutine_info> remaining; ///< goroutines that did not end in time
    [[nodiscard]] bool clean() const noexcept { return remaining.empty(); }
};

/// Workers, run queues and the life of the goroutines on them.
///
/// On its own it owns an `asio::thread_pool` of `procs` threads. Embedded, it runs on a host's
/// executor (an `io_context` that somebody runs, a pool): goroutines then share the host's threads
/// with its other handlers, at most `procs` of them at a time, and keep the host's context running
/// while any is alive.
///
/// The destructor stops the runtime: goroutines stop at their next suspension and are unwound, so
/// that their destructors run; blocking calls in progress are waited for.
///
/// @par Thread safety  safe, but for construction and destruction. Never destroy a runtime on one
///                     of its workers.
class WEFT_EXPORT runtime {
public:
    explicit runtime(runtime_options options = {});
    explicit runtime(asio::any_io_executor host, runtime_options options = {});
    runtime(const runtime&) = delete;
    runtime& operator=(const runtime&) = delete;
    ~runtime();

    [[nodiscard]] executor get_executor() const noexcept;
    /// How many goroutines can run at the same time.
    [[nodiscard]] unsigned procs() const noexcept;

    /// The context of everything that should end with the runtime: `shutdown` and the destructor end
    /// it. Include context.hpp.
    [[nodiscard]] context root() const;

    /// Blocks until no goroutine is left. @throws misuse_error  on a worker thread.
    void join();

    /// Ends the root context, waits up to `grace` for the goroutines to end, and names those that
    /// did not; they go on.
    /// @throws misuse_error  on a worker thread.
    shutdown_report shutdown(duration grace);

private:
    struct root_context;

    std::unique_ptr<root_context> root_;
    std::shared_ptr<detail::scheduler> sched_;
};

} // namespace weft::inline v0_1
