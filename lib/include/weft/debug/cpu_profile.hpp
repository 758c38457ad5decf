// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/debug/profile.hpp>

#include <memory>
#include <string>

/// `cpu_profile`: where the processors' time goes; `heap_profile`: where the memory is.

namespace weft::inline v0_1::debug {

/// Samples the stacks of all threads of the process while it lives: each thread is looked at after every 1/`hertz` seconds of
/// processor time that it has used, idle ones never.
///
///     weft::debug::cpu_profile running;
///     co_await work();
///     std::ofstream("cpu.pprof") << running.stop().encoded();
///
/// A sample has the native stack, and the labels of the goroutine that ran there (weft/labels.hpp), its name as the label
/// "goroutine". Of an await chain, only the coroutine that ran and what it called are on the native stack: its callers are not.
/// Functions are named from the symbol tables of program and libraries; `go tool pprof` with the program finds the lines.
///
/// It uses SIGPROF, and system calls that a signal interrupts in code of others must bear that (SA_RESTART is set).
///
/// @par Thread safety  shared objects: unsafe.
/// @par Source         Go runtime/pprof.StartCPUProfile.
class WEFT_EXPORT cpu_profile {
public:
    static constexpr int default_hertz = 100;

    /// Begins. @throws misuse_error  "cpu profiling already in use"; `hertz` not between 1 and 1000.
    /// @throws std::system_error     the system has no such timers, or somebody else handles SIGPROF.
    explicit cpu_profile(int hertz = default_hertz);
    cpu_profile(const cpu_profile&) = delete;
    cpu_profile& operator=(const cpu_profile&) = delete;
    /// Ends, and throws the samples away.
    ~cpu_profile();

    /// Ends, and gives what was found: values "samples" and "cpu". @throws misuse_error  called twice.
    profile stop();

    /// Whether one runs in this process. @par Thread safety  safe.
    [[nodiscard]] static bool is_running() noexcept;

private:
    struct session;

    std::unique_ptr<session> session_;
};

/// What the program's allocator knows about live memory, in the allocator's own form, which pprof and jeprof read. There is one if
/// the program is linked with gperftools' tcmalloc and its heap profiler runs (HEAPPROFILE), or with jemalloc and its
/// profiling is on (MALLOC_CONF=prof:true).
/// @throws std::runtime_error  there is none; the text says what to do.
/// @par Thread safety  safe.
[[nodiscard]] WEFT_EXPORT std::string heap_profile();

} // namespace weft::inline v0_1::debug
