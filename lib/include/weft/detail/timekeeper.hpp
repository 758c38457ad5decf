// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/threads.hpp>
#include <weft/detail/timer_shard.hpp>

#include <asio/any_io_executor.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace weft::inline v0_1::detail {

class scheduler;

/// The time of a runtime: a wheel for each worker, and one `asio::steady_timer`, which wakes a thread when
/// all of them sleep.
///
/// Who notices that something is due: a worker that runs goroutines looks about every 20 us; one that is about
/// to go idle sets the Asio timer to the earliest moment; the monitor wakes another worker when all are
/// stuck in long slices. A thread that holds no worker sets the Asio timer itself. So a busy runtime makes no
/// system call for a timer, and an idle one sleeps until the moment comes.
class WEFT_EXPORT timekeeper {
public:
    timekeeper(scheduler& s, unsigned shards);
    ~timekeeper();
    timekeeper(const timekeeper&) = delete;
    timekeeper& operator=(const timekeeper&) = delete;

    /// The calling worker's shard; any for a thread that holds none.
    [[nodiscard]] timer_shard& shard() noexcept;

    /// Nothing is due before this moment.
    [[nodiscard]] std::int64_t earliest() const noexcept
    {
        std::int64_t first = timer_wheel::never;
        for (const timer_shard* s : shards_) first = std::min(first, s->earliest());
        return first;
    }
    [[nodiscard]] bool empty() const noexcept { return earliest() == timer_wheel::never; }

    /// How many timers, sleeps and deadlines wait.
    [[nodiscard]] std::size_t pending() const noexcept
    {
        std::size_t n = 0;
        for (timer_shard* s : shards_) n += s->size();
        return n;
    }

    /// Something is due at `now`, and nobody is at it.
    [[nodiscard]] bool overdue(std::int64_t now) const noexcept
    {
        return std::any_of(shards_.begin(), shards_.end(), [&](const timer_shard* s) {
            return s->earliest() <= now && !s->being_rung();
        });
    }

    /// Wakes what is due at `now`. After `rung::elsewhere` the caller need not `arm`: the other thread will. Who has rung
    /// anything itself is such another thread to somebody, perhaps: it gets `some` instead, looks again, or arms.
    rung ring(std::int64_t now) noexcept
    {
        rung worst = rung::all;
        bool rang = false;
        for (timer_shard* s : shards_) {
            if (s->earliest() > now) continue;
            const rung how = s->ring(now);
            rang |= how != rung::elsewhere;
            worst = std::max(worst, how);
        }
        return worst == rung::elsewhere && rang ? rung::some : worst;
    }

    /// Makes sure that some thread wakes up for the earliest timer. Called before a worker goes idle, and after a
    /// push by a thread that holds none.
    void arm() noexcept;

    /// The runtime is about to end: nobody wakes up for a timer any more.
    void disarm() noexcept;
    /// It has ended: what still waits never rings.
    void close() noexcept;

    /// Keeps the scheduler, unless it is being destroyed.
    [[nodiscard]] std::shared_ptr<scheduler> keep_alive() const noexcept;

private:
    void set_asio_timer();
    void on_asio_timer(std::uint64_t generation);

    scheduler& sched_;
    std::vector<timer_shard*> shards_;
    /// Written under mutex_. Who pushed a timer leaves it alone where some thread wakes up early enough; who
    /// clears it looks at the wheels again. Read-modify-writes on both sides: one of the two sees the other.
    atomic<std::int64_t> armed_for_{timer_wheel::never};
    os_mutex mutex_;
    std::optional<os_timer> asio_timer_; ///< guarded by mutex_, as all below; empty once closed
    std::uint64_t generation_ = 0;       ///< of the latest wait
};

/// The calling thread may be ringing timers, one of which ended a context: others must be able to ring meanwhile.
WEFT_EXPORT void about_to_call_the_user() noexcept;
/// What the calling thread rings; null: nothing, or others may, too.
[[nodiscard]] WEFT_EXPORT timer_shard*& rung_here() noexcept;

/// With the shard's lock held, where the caller cannot `arm` itself: a thread that is no worker of the runtime has
/// changed the wheel. It will call `arm_changed_timers`, when it holds no lock; a worker of another runtime does so
/// at its next look around.
WEFT_EXPORT void changed_timer(timer_shard& s) noexcept;
/// What the calling thread has changed so.
[[nodiscard]] WEFT_EXPORT std::shared_ptr<scheduler>& changed_here() noexcept;
/// Calls `arm` for what the thread changed meanwhile.
WEFT_EXPORT void arm_changed_timers() noexcept;

} // namespace weft::inline v0_1::detail
