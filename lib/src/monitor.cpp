// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include "debug/watch_round.hpp"

#include <weft/debug/goroutines.hpp>
#include <weft/debug/lock_cycles.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/side_pool.hpp>
#include <weft/detail/solo.hpp>
#include <weft/detail/timekeeper.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <system_error>
#include <utility>

/// The monitor thread (Go: sysmon). It sees what workers cannot see of themselves: a slice that
/// keeps a queue waiting, and a program in which nothing can happen any more. Asleep while nothing
/// runs.

namespace weft::inline v0_1::detail {

using namespace std::chrono_literals;

void scheduler::wake_monitor() noexcept
{
    if (monitor_asleep_.exchange(false, std::memory_order_seq_cst)) {
        {
            std::lock_guard lock(monitor_mutex_);
        }
        monitor_wake_.notify_one();
    }
}

void scheduler::monitor_loop()
{
    constexpr clock::duration shortest = 50us, longest = 1ms, alone = 10ms;
    constexpr unsigned quiet_rounds = 4;
    constexpr clock::duration first_second_look = 10ms, longest_second_look = 1s;
    const bool single = workers_.size() == 1;
    clock::duration interval = single ? alone : shortest;
    struct glance {
        std::uint64_t slices = 0, ids = 0;
    };
    std::vector<glance> seen(workers_.size());
    clock::time_point seen_at = clock::now();
    unsigned quiet = 0;
    clock::duration second_look = first_second_look;
    std::chrono::steady_clock::time_point next_watch{};

    std::unique_lock lock(monitor_mutex_);
    while (!monitor_stop_) {
        if (quiet >= quiet_rounds) {
            monitor_asleep_.store(true, std::memory_order_seq_cst);
            const auto woken = [this] {
                return monitor_stop_ || !monitor_asleep_.load(std::memory_order_relaxed);
            };
            bool still_quiet = false;
            if (all_idle()) {
                if (whole_program
                        .load()) { // a thread or handler that was there before may be gone by now
                    still_quiet = !monitor_wake_.wait_for(lock, second_look, woken);
                } else if (const auto every = watch_interval(); every != clock::duration::zero()) {
                    monitor_wake_.wait_for(lock, every, woken);
                } else {
                    monitor_wake_.wait(lock, woken);
                }
            }
            monitor_asleep_.store(false, std::memory_order_relaxed);
            if (is_observed() || watch_interval() != clock::duration::zero()) {
                lock.unlock();
                watch_round(*this, next_watch);
                lock.lock();
                if (monitor_stop_) return;
            }
            if (still_quiet) {
                second_look = std::min(2 * second_look, longest_second_look);
                lock.unlock();
                exit_if_deadlocked();
                lock.lock();
                continue;
            }
            second_look = first_second_look;
            quiet = 0;
            interval = single ? alone : shortest;
            continue;
        }
        monitor_wake_.wait_for(lock, interval);
        if (monitor_stop_) return;
        lock.unlock();

        const bool watched = is_observed() || watch_interval() != clock::duration::zero();
        if (watched) watch_round(*this, next_watch);
        bool active = false, stuck = false;
        const clock::time_point now = clock::now();
        const bool due = timers_->overdue(nanos(now));
        const auto many = static_cast<std::uint64_t>( // so many starts are work, and not one slice
                              std::chrono::nanoseconds(now - seen_at).count()) /
                          worker::coarse_nanos;
        seen_at = now;
        for (std::size_t i = 0; i < workers_.size(); ++i) {
            worker& w = *workers_[i];
            const glance last = std::exchange(seen[i], {w.slices_.load(std::memory_order_relaxed),
                                                        w.next_id.load(std::memory_order_relaxed)});
            const bool one_slice = seen[i].slices == last.slices;
            const bool starts = seen[i].ids - last.ids > many;
            const auto state = w.state_.load(std::memory_order_relaxed);
            w.slow_.store(one_slice && !starts && state == worker::state::running,
                          std::memory_order_relaxed);
            if (state != worker::state::idle) {
                active = true;
                // One slice for a whole interval, and others wait behind it.
                if (one_slice && (due || w.queue_.size() != 0 || injected_.size() != 0)) {
                    if (starts && !due && enough_help()) help_.ask(false);
                    else if (!wake_worker(w) && !single) give_to_all(w);
                    stuck = true;
                }
            }
        }
        if (active && !single) look_at_help(now);
        quiet = active ? 0 : quiet + 1;
        // Who looks on wants to know in time.
        if (single) interval = watched ? longest : alone;
        else interval = stuck ? shortest : std::min(interval * 2, longest);
        if (quiet == quiet_rounds) exit_if_deadlocked();
        lock.lock();
    }
}

void scheduler::exit_if_deadlocked()
{
    const bool dead = deadlocked();
    leave_population(); // the look took locks
    if (!dead) return;
    std::cerr << "fatal error: all goroutines are asleep - deadlock!\n\n";
    const auto all = debug::goroutines();
    debug::print(std::cerr, all);
    for (const auto& cycle : debug::lock_cycles(all)) {
        std::cerr << '\n';
        debug::print_cycle(std::cerr, cycle);
    }
    std::cerr.flush();
    std::_Exit(2);
}

/// Changes whenever a goroutine ran or was woken from outside.
std::uint64_t scheduler::activity() const noexcept
{
    std::uint64_t n = injections_.load(std::memory_order_seq_cst);
    for (const auto& w : workers_) n += w->slices_.load(std::memory_order_relaxed);
    return n;
}

bool scheduler::all_idle() const noexcept
{
    return injected_.size() == 0 &&
           std::all_of(workers_.begin(), workers_.end(), [](const auto& w) {
               return w->state_.load(std::memory_order_seq_cst) == worker::state::idle;
           });
}

/// Nothing can happen any more: every goroutine waits for another one, Asio has nothing
/// outstanding, and no thread exists that weft does not know (such a thread might send or close).
bool scheduler::deadlocked() noexcept
{
    if (!whole_program.load() || !options.detect_deadlock || stopping() || !all_idle() ||
        external_work_.load() != 0 || without_worker_.load() != 0 || !timers_->empty()) {
        return false;
    }
    const std::uint64_t before = activity();
    bool any = false, all_wait = true;
    for (registry_shard* s : shards()) {
        s->lock.lock();
        for (goroutine* g = s->live.front(); g; g = intrusive_list<goroutine>::next(g)) {
            any = true;
            switch (g->reason.load(std::memory_order_relaxed)) {
            case wait_reason::running:
            case wait_reason::runnable:
            case wait_reason::contending:
            case wait_reason::asio_operation:
            case wait_reason::blocking_call:
            case wait_reason::pending: all_wait = false; break;
            default: break;
            }
        }
        s->lock.unlock();
    }
    if (!any || !all_wait) return false;
#if defined(__linux__)
    std::error_code ec;
    const std::uint64_t helpers = helper_threads.load();
    std::size_t threads = 0;
    for (std::filesystem::directory_iterator it("/proc/self/task", ec), end; !ec && it != end;
         it.increment(ec)) {
        ++threads;
    }
    // The caller of run(), this thread, the workers' threads, the side pool, those that only look.
    if (ec ||
        threads > 2 + workers_.size() + side_->threads() + static_cast<std::uint32_t>(helpers) ||
        helper_threads.load() != helpers) {
        return false;
    }
#endif
    // Nothing may have moved while all this was looked at, nor main have ended.
    return activity() == before && all_idle() && external_work_.load() == 0 &&
           without_worker_.load() == 0 && timers_->empty() && whole_program.load() && !stopping();
}

} // namespace weft::inline v0_1::detail
