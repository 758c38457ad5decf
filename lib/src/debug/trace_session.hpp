// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/debug/goroutines.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/trace_ring.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <iosfwd>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

/// The one trace of the process: its rings, its texts, who reads it.

namespace weft::inline v0_1::detail {

class scheduler;
class worker;

/// Locks, but gives up after a while: in a forked child, or after a crash, the one that holds it may be gone.
class patient_lock {
public:
    /// `forever`: but in a forked child; for what no crash handler does.
    enum patience_of : std::uint8_t { little, some, forever };

    explicit patient_lock(os_mutex& m, patience_of patience = some);
    ~patient_lock()
    {
        if (held_) mutex_.unlock();
    }
    patient_lock(const patient_lock&) = delete;
    patient_lock& operator=(const patient_lock&) = delete;
    explicit operator bool() const noexcept { return held_; }

private:
    os_mutex& mutex_;
    bool held_ = false;
};

/// What a trace says in words: names and messages, by number. The latest ones; older ones are forgotten.
///
/// @par Thread safety  safe; while the trace is on, a text that is new takes memory.
class trace_texts {
public:
    /// A text that comes again has the same number.
    std::uint64_t number_of_name(std::string_view name);
    std::uint64_t number_of_message(std::string_view text);
    /// All that are still known; empty where the lock is not to be had.
    [[nodiscard]] std::unordered_map<std::uint64_t, std::string> all();

private:
    static constexpr std::size_t most_names = 1 << 14, most_message_bytes = 4 << 20;

    os_mutex mutex_; ///< guards all below
    std::unordered_map<std::string, std::uint64_t> names_;
    std::deque<std::pair<std::uint64_t, std::string>> messages_;
    std::size_t message_bytes_ = 0;
    std::uint64_t next_ = 1;
};

/// What a reader copied out of all rings.
struct trace_copy {
    struct lane {
        trace_ring::copy ring;
        std::uint64_t runtime;
        unsigned worker;
    };
    std::vector<lane> workers;
    shared_trace_ring::copy outside;
    std::unordered_map<std::uint64_t, std::string> texts;
    std::vector<debug::goroutine_info> living; ///< id, runtime, name and spawn site of them
    std::uint64_t from = 0, to = 0;            ///< in ticks
    double nanos_per_tick = 1;
};

/// Writes it as trace-event JSON (Chrome, Perfetto).
void write_trace(std::ostream& out, const trace_copy& c);

/// Rings, and who wants them.
class trace_session {
public:
    enum class reader : std::uint8_t { trace, recorder };

    static trace_session& the();

    /// False: there is one of the kind already.
    bool begin(reader r, std::size_t records_per_worker);
    void end(reader r) noexcept;
    [[nodiscard]] bool has(reader r) const noexcept;

    /// All records of the last `span`; all since `begin` if that is less. Nothing: the locks were not to be had. A
    /// reader that is not `calm` (after a crash, or in a forked child) waits for no lock.
    [[nodiscard]] std::optional<trace_copy> read(reader r, std::optional<duration> span, bool calm);

    void attach(scheduler& s);
    void detach(worker& w) noexcept;
    shared_trace_ring& outside() noexcept { return *outside_; }
    trace_texts texts;

private:
    trace_session() = default;
    void drop_unused() noexcept;

    struct kept_ring {
        std::unique_ptr<trace_ring> ring;
        const worker* owner; ///< null: it has ended
        std::uint64_t runtime;
        unsigned index;
    };

    os_mutex mutex_;                      ///< guards all below
    std::array<atomic<bool>, 2> on_{};    ///< read by anybody
    std::array<std::uint64_t, 2> from_{}; ///< in ticks
    std::size_t records_ = 0;             ///< of a ring
    std::vector<kept_ring> rings_;
    const std::unique_ptr<shared_trace_ring> outside_ = std::make_unique<shared_trace_ring>();
};

} // namespace weft::inline v0_1::detail
