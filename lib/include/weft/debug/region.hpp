// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <cstdint>
#include <string_view>

/// What the program itself has to say in a trace. While there is none, each costs a look at a flag.

namespace weft::inline v0_1::debug {

/// Something that several goroutines work at, such as a request. Regions and messages may be told to belong to it. It may
/// end in another goroutine than it began in.
///
/// @par Thread safety  distinct objects: safe. shared objects: safe, but for the destructor.
/// @par Source         Go trace.NewTask.
class WEFT_EXPORT trace_task {
public:
    explicit trace_task(std::string_view name);
    ~trace_task();
    trace_task(const trace_task&) = delete;
    trace_task& operator=(const trace_task&) = delete;

    /// 0: there was no trace when it began.
    [[nodiscard]] std::uint64_t id() const noexcept { return id_; }

private:
    std::uint64_t id_ = 0;
    std::uint64_t name_ = 0;
};

/// The time from here to the end of the scope, in the goroutine it began in; it may span waits.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
/// @par Source         Go trace.StartRegion.
class WEFT_EXPORT region {
public:
    explicit region(std::string_view name) : region(nullptr, name) {}
    region(const trace_task& of, std::string_view name) : region(&of, name) {}
    ~region();
    region(const region&) = delete;
    region& operator=(const region&) = delete;

private:
    region(const trace_task* of, std::string_view name);

    std::uint64_t name_ = 0; ///< 0: there was no trace when it began
    std::uint64_t task_ = 0;
};

/// A message of the calling goroutine at this moment; `category` is for grouping (Go: trace.Log).
/// @par Thread safety  safe, from goroutines and ordinary threads.
WEFT_EXPORT void trace_log(std::string_view category, std::string_view message);
WEFT_EXPORT void trace_log(const trace_task& of, std::string_view category,
                           std::string_view message);

} // namespace weft::inline v0_1::debug
