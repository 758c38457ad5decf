// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/spinlock.hpp>

#include <cstddef>
#include <cstdint>

namespace weft::inline v0_1::detail {

/// One part of the list of all live goroutines. Each worker registers what it spawns in a shard of
/// its own, so that registration is one uncontended list operation.
struct alignas(cache_line) registry_shard {
    spinlock lock;
    intrusive_list<goroutine> live; ///< guarded by lock
    std::size_t count = 0;          ///< guarded by lock
    /// Where somebody who looks at all of them, a part at a time, goes on; guarded by lock. `goroutine_walk` is who.
    goroutine* cursor = nullptr;

    void add(goroutine& g) noexcept
    {
        lock.lock();
        live.push_back(&g);
        ++count;
        lock.unlock();
    }

    void remove(goroutine& g) noexcept
    {
        lock.lock();
        if (WEFT_UNLIKELY(cursor == &g)) cursor = intrusive_list<goroutine>::next(&g);
        live.remove(&g);
        --count;
        lock.unlock();
    }
};

} // namespace weft::inline v0_1::detail
