// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>
#include <string_view>

/// `trace` and `flight_recorder`: what each worker and each goroutine did, moment by moment.
///
/// Both write trace-event JSON, which Perfetto (ui.perfetto.dev) and chrome://tracing show: a track for each worker and
/// each goroutine with what ran there; while a goroutine does not run, why and where it waits; arrows from whoever
/// woke it; regions, tasks and messages (debug/region.hpp); timers, steals, and when a worker had nothing to do.
///
/// Every worker writes into memory of its own, of a fixed size: if there was more, the earliest is missing, and
/// `otherData.lost` says how much. Reading the clock takes as long as a short slice: where events come closer than
/// about 100 ns, most times lie between those of their neighbours, off by a millisecond at the worst.

namespace weft::inline v0_1::debug {

struct trace_options {
    /// A goroutine's slice takes one record of 32 bytes, or a few.
    std::size_t records_per_worker = std::size_t{1} << 18;
};

/// The trace of the process, from construction to `stop`.
///
/// @par Thread safety  distinct objects: safe. shared objects: unsafe.
/// @par Source         Go runtime/trace.
class WEFT_EXPORT trace {
public:
    /// @throws misuse_error  "tracing is already enabled": there is another one.
    explicit trace(trace_options o = {});
    /// Ends it, if it was not stopped, and forgets it.
    ~trace();
    trace(const trace&) = delete;
    trace& operator=(const trace&) = delete;

    /// Ends the trace and writes it. Goroutines go on meanwhile. Nothing is written by a second call, nor where the
    /// locks are not to be had within a moment, as may be after a crash; it never waits for long.
    void stop(std::ostream& out);

    /// A trace, or a flight recorder, is at work (Go: trace.IsEnabled).
    [[nodiscard]] static bool is_enabled() noexcept;

private:
    bool running_ = true;
};

struct flight_recorder_options {
    duration span = std::chrono::seconds(10); ///< at most so much is written
    std::size_t records_per_worker = std::size_t{1} << 16;
    /// Where a panic writes what came before it; empty: nowhere.
    std::string panic_file{};
};

/// A trace that never ends, and of which the last seconds are written when they are of interest. There may be one, beside
/// a trace or without.
///
/// @par Thread safety  distinct objects: safe. shared objects: safe, but for the destructor.
/// @par Source         Go runtime/trace.FlightRecorder.
class WEFT_EXPORT flight_recorder {
public:
    /// @throws misuse_error  "flight recorder is already enabled".
    explicit flight_recorder(flight_recorder_options o = {});
    ~flight_recorder();
    flight_recorder(const flight_recorder&) = delete;
    flight_recorder& operator=(const flight_recorder&) = delete;

    /// Writes the last seconds, and goes on. False: the locks were not to be had, nothing is written.
    bool dump(std::ostream& out) const;
    /// The same from a crash handler or a forked child: without the names of goroutines, and without waiting.
    bool dump_after_crash(std::ostream& out) const;
    /// If `began` was more than `limit` ago. True: it was, and is written.
    bool dump_if_slower_than(duration limit, time_point began, std::ostream& out) const;

private:
    flight_recorder_options options_;
};

} // namespace weft::inline v0_1::debug
