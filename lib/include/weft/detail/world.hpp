// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace weft::inline v0_1::detail {

class scheduler;

/// The list of the process's running schedulers, for dumps.
WEFT_EXPORT void join_world(scheduler& s);
WEFT_EXPORT void leave_world(scheduler& s) noexcept;
WEFT_EXPORT std::vector<std::shared_ptr<scheduler>> world();
/// The same without a lock, for those who may take none; empty ones among them. Nothing keeps them.
[[nodiscard]] WEFT_EXPORT std::span<const std::atomic<scheduler*>> world_unlocked() noexcept;
/// This process was forked from one with running schedulers: their threads are not here, and may have held any lock.
[[nodiscard]] WEFT_EXPORT bool is_forked_off() noexcept;
/// Threads of the library's that wake no goroutine: a deadlock can be told although they exist. The low half says how many
/// there are, the high half how many there ever were: whoever counts threads one by one, and finds the same word afterwards,
/// has counted those and no others among them.
WEFT_EXPORT extern constinit std::atomic<std::uint64_t> helper_threads;
/// The first object of such a thread's, and the last one to go. So a thread that is about to begin, or has just ended, is
/// taken for one that may wake somebody, and at worst a deadlock is told of later; never the other way round.
class helper_thread {
public:
    helper_thread() noexcept { helper_threads.fetch_add((std::uint64_t{1} << 32) + 1); }
    helper_thread(const helper_thread&) = delete;
    helper_thread& operator=(const helper_thread&) = delete;
    ~helper_thread() { helper_threads.fetch_sub(1); }
};
/// Keeps a stopped scheduler until nothing refers to it any more, and a while longer.
WEFT_EXPORT void keep_orphaned(std::shared_ptr<scheduler> s);
/// Frees those that nobody refers to any more, at once: for tests, when no other thread can be inside.
WEFT_EXPORT void free_orphaned();

} // namespace weft::inline v0_1::detail
