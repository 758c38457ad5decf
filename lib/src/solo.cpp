// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/solo.hpp>

#if defined(WEFT_SOLO)

#    include <chrono>
#    include <linux/membarrier.h>
#    include <mutex>
#    include <sys/syscall.h>
#    include <thread>
#    include <unistd.h>

namespace weft::inline v0_1::detail {

constinit thread_local thread_standing this_thread_standing;

namespace {

/// After a revocation nobody becomes solo for this long: two threads that take turns would
/// otherwise pay for a membarrier each time.
constexpr auto cool_down = std::chrono::milliseconds(1);

long membarrier(int command) noexcept
{
    return syscall(SYS_membarrier, command, 0, 0);
}

struct population {
    std::mutex mutex;
    unsigned members = 0; ///< guarded by mutex, as all below
    thread_standing* solo = nullptr;
    std::chrono::steady_clock::time_point not_before{};
    bool supported = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) == 0;
};

population& the_population()
{
    static auto* p = new population; // never destroyed: threads may end after static destruction
    return *p;
}

/// The mutex is held.
void revoke(population& p) noexcept
{
    thread_standing& owner = *p.solo;
    owner.solo.store(false, std::memory_order_seq_cst);
    barrier_everywhere();
    for (unsigned i = 0; owner.depth.load(std::memory_order_acquire) != 0; ++i) {
        i < 64 ? cpu_pause() : std::this_thread::yield();
    }
    p.solo = nullptr;
    p.not_before = std::chrono::steady_clock::now() + cool_down;
}

/// Leaves when the thread ends.
struct at_thread_exit {
    ~at_thread_exit() { leave_population(); }
};

} // namespace

void barrier_everywhere() noexcept
{
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

bool has_barrier_everywhere() noexcept
{
    return the_population().supported; // made known to the system at its construction
}

void join_population(bool alone_if_possible) noexcept
{
    thread_standing& me = this_thread_standing;
    if (!me.joined) {
        thread_local at_thread_exit leave_at_exit;
        static_cast<void>(leave_at_exit);
    }
    population& p = the_population();
    std::lock_guard lock(p.mutex);
    if (!me.joined) {
        me.joined = true;
        ++p.members;
        if (p.solo) revoke(p);
    }
    if (alone_if_possible && p.members == 1 && !p.solo && p.supported &&
        std::chrono::steady_clock::now() >= p.not_before) {
        p.solo = &me;
        me.solo.store(true, std::memory_order_relaxed);
    }
}

void leave_population() noexcept
{
    thread_standing& me = this_thread_standing;
    if (!me.joined) return;
    population& p = the_population();
    std::lock_guard lock(p.mutex);
    me.joined = false;
    --p.members;
    if (p.solo == &me) {
        me.solo.store(false, std::memory_order_relaxed);
        p.solo = nullptr;
    }
}

} // namespace weft::inline v0_1::detail

#endif
