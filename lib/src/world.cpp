// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/scheduler.hpp>
#include <weft/detail/threads.hpp>
#include <weft/detail/world.hpp>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#if defined(__unix__) || defined(__APPLE__)
#    include <pthread.h>
#endif

namespace weft::inline v0_1::detail {

constinit std::atomic<std::uint64_t> helper_threads{0};

namespace {

struct world_list {
    os_mutex mutex;
    std::vector<scheduler*> all;
};

/// For those who may take no lock, debuggers among them (gdb/weft-gdb.py). One that finds no room is not seen by them.
constexpr std::size_t most_unlocked = 64;
constinit std::array<std::atomic<scheduler*>, most_unlocked> running_schedulers{};

constinit std::atomic<bool> forked_off{false};

constinit std::atomic<world_list*> list{nullptr}; // never destroyed: a dump may come late

/// In the child of a fork: somebody who is not here any more may have held the list's lock.
void after_fork() noexcept
{
    if (std::none_of(running_schedulers.begin(), running_schedulers.end(),
                     [](auto& s) { return s.load() != nullptr; }))
        return;
    forked_off = true;
    list = new world_list;
    helper_threads = 0;
}

world_list& the_world()
{
    static const bool once = [] {
        list = new world_list;
#if defined(__unix__) || defined(__APPLE__)
        pthread_atfork(nullptr, nullptr, after_fork);
#endif
        return true;
    }();
    static_cast<void>(once);
    return *list.load();
}

} // namespace

void join_world(scheduler& s)
{
    {
        std::lock_guard lock(the_world().mutex);
        the_world().all.push_back(&s);
    }
    for (auto& slot : running_schedulers) {
        scheduler* nobody = nullptr;
        if (slot.compare_exchange_strong(nobody, &s)) return;
    }
}

void leave_world(scheduler& s) noexcept
{
    for (auto& slot : running_schedulers) {
        scheduler* mine = &s;
        if (slot.compare_exchange_strong(mine, nullptr)) break;
    }
    std::lock_guard lock(the_world().mutex);
    std::erase(the_world().all, &s);
}

std::vector<std::shared_ptr<scheduler>> world()
{
    std::lock_guard lock(the_world().mutex);
    std::vector<std::shared_ptr<scheduler>> running;
    for (scheduler* s : the_world().all) {
        if (auto p = s->weak_from_this().lock()) running.push_back(std::move(p));
    }
    return running;
}

std::span<const std::atomic<scheduler*>> world_unlocked() noexcept
{
    return running_schedulers;
}

bool is_forked_off() noexcept
{
    return forked_off;
}

} // namespace weft::inline v0_1::detail
