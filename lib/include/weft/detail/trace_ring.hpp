// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/detail/threads.hpp>

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

/// The trace's memory: rings of records of fixed size.

namespace weft::inline v0_1::detail {

/// What a record says. "Here" is the ring it stands in.
enum class trace_kind : std::uint8_t {
    session,      ///< the first of a trace here; `a` the runtime, `b` the worker
    parked,       ///< the slice of `who` ended here: `a` the site, `b` whom it woke meanwhile, or 0
    ended,        ///< the same, with the goroutine
    opened,       ///< the slice of `who` had begun when the record before this was written
    began,        ///< `who` runs
    gone,         ///< `who` ended, and did not run here
    woken,        ///< `who` became runnable
    created,      ///< `who`, by the one that runs here; `a` the site
    named,        ///< `who`; `a` the text
    region_began, ///< of `who`; `a` the text, `b` the task or 0
    region_ended,
    task_began, ///< by `who`; `a` the text, `b` the task
    task_ended,
    logged, ///< by `who`; `a` the text, `b` the task or 0
    worker_on,
    worker_off,
    timers_began,
    timers_ended,
    stole, ///< `a` how many, `b` from which worker
};

/// One event. `ticks` is 0 where no clock was read: then it happened between those around it. A `began` of unknown time
/// is for a slice that was not seen to begin; or it was, by a `began` or `opened` before.
///
/// `who`, from the lowest bit: the goroutine's number in 44, its runtime's in 9, `trace_kind` in 6, `wait_reason` in 5.
struct trace_record {
    static constexpr unsigned words = 4;
    static constexpr std::uint64_t unknown_time = 1;

    std::uint64_t ticks, who, a, b;

    static constexpr unsigned id_bits = 44, runtime_bits = 9, kind_bits = 6;

    [[nodiscard]] static constexpr std::uint64_t pack(std::uint64_t id,
                                                      std::uint64_t runtime) noexcept
    {
        return (id & ((std::uint64_t{1} << id_bits) - 1)) |
               ((runtime & ((1u << runtime_bits) - 1)) << id_bits);
    }
    [[nodiscard]] static constexpr std::uint64_t tag(trace_kind k, unsigned reason = 0) noexcept
    {
        return std::uint64_t{static_cast<unsigned>(k)} << (id_bits + runtime_bits) |
               std::uint64_t{reason} << (id_bits + runtime_bits + kind_bits);
    }
    [[nodiscard]] std::uint64_t goroutine() const noexcept
    {
        return who & ((std::uint64_t{1} << (id_bits + runtime_bits)) - 1);
    }
    [[nodiscard]] trace_kind kind() const noexcept
    {
        return static_cast<trace_kind>((who >> (id_bits + runtime_bits)) & ((1u << kind_bits) - 1));
    }
    [[nodiscard]] unsigned reason() const noexcept
    {
        return static_cast<unsigned>(who >> (id_bits + runtime_bits + kind_bits));
    }
};

/// The latest records of one worker.
///
/// Who may touch what: whoever holds the worker writes; anybody may read, at any time, without stopping the writer:
/// `head_` counts what was written whole, and what the writer may have come round to meanwhile is thrown away. So no
/// record is ever seen in part. The state of the writer is the holder's alone.
///
/// One record a slice, written at its end: a slice begins with the record before it, which is the end of another
/// or says that the worker began to work. Where something else is to be told of a slice, `opened` comes first.
///
/// Reading the clock costs as much as a whole short slice. So while records come closer than `thick_nanos`, most of them
/// get no time. The monitor's beat bounds the error: the first record after a beat has one.
class WEFT_EXPORT trace_ring {
public:
    explicit trace_ring(std::size_t records)
        : mask_(std::bit_ceil(records) - 1),
          slots_(new slot[mask_ + 1]) // NOLINT(modernize-avoid-c-arrays)
    {
    }

    // --- the writer's

    struct writer {
        std::uint32_t session = 0;   ///< of the latest record; another one: a new trace
        std::uint32_t beat = 0;      ///< of the latest record with a time
        std::uint32_t spare = 0;     ///< so many more may go without a time
        std::uint32_t untimed = 0;   ///< so many went without one since
        std::uint64_t last_time = 0; ///< of the latest record with a time
        std::uint64_t woken = 0;     ///< by the slice that runs
        bool told = false;           ///< the slice that runs is `opened` or `began`
    } own;

    void put(std::uint64_t ticks, std::uint64_t who, std::uint64_t a, std::uint64_t b) noexcept
    {
        const std::uint64_t n = head_.load(std::memory_order_relaxed);
        slot& s = slots_[n & mask_];
        std::atomic_thread_fence(
            std::memory_order_release); // who sees what follows sees the earlier head
        s[0].store(ticks, std::memory_order_relaxed);
        s[1].store(who, std::memory_order_relaxed);
        s[2].store(a, std::memory_order_relaxed);
        s[3].store(b, std::memory_order_relaxed);
        head_.store(n + 1, std::memory_order_release);
    }

    /// Whose slice runs; read by those who want to know what is not written yet.
    atomic<std::uint64_t> running{0};

    // --- anybody's

    struct copy {
        std::vector<trace_record> records; ///< oldest first
        std::uint64_t lost = 0;            ///< older ones, ever
        std::uint64_t running = 0;         ///< 0: none, or not known
    };
    [[nodiscard]] copy read() const;
    [[nodiscard]] std::size_t capacity() const noexcept { return mask_ + 1; }

private:
    using slot = std::array<atomic<std::uint64_t>, trace_record::words>;

    /// The writer may be in the middle of one, and on some processors a later one may be seen first.
    static constexpr std::uint64_t in_the_making = 2;

    alignas(cache_line) atomic<std::uint64_t> head_{0};
    const std::uint64_t mask_;
    const std::unique_ptr<slot[]> slots_; // NOLINT(modernize-avoid-c-arrays)
};

/// The records of threads that hold no worker: of all of them, in one ring.
///
/// Each slot has a turn of its own, which its writer takes and gives back: odd while it is written. One that
/// finds its slot taken (the ring came round to a writer that does not run) drops its record and counts it.
class WEFT_EXPORT shared_trace_ring {
public:
    static constexpr std::size_t capacity = std::size_t{1} << 14;

    void put(const trace_record& r, std::uint32_t thread) noexcept;

    struct copy {
        struct entry {
            trace_record record;
            std::uint32_t thread;
        };
        std::vector<entry> records; ///< oldest first
        std::uint64_t lost = 0;
    };
    [[nodiscard]] copy read() const;

private:
    struct slot {
        atomic<std::uint64_t> turn{0}; ///< 2 * (1 + number of the record in it); odd: being written
        std::array<atomic<std::uint64_t>, trace_record::words + 1> words;
    };

    alignas(cache_line) atomic<std::uint64_t> next_{0};
    atomic<std::uint64_t> dropped_{0};
    std::unique_ptr<slot[]> slots_{new slot[capacity]}; // NOLINT(modernize-avoid-c-arrays)
};

} // namespace weft::inline v0_1::detail
