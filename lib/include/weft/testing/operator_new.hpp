// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <cstddef>
#include <cstdlib>
#include <new>

/// Replaces the program's operator new, so that `testing::fail_allocations` can make it fail. For one
/// source file of a test program. Under ThreadSanitizer, which brings its own, it does nothing.

#if !defined(WEFT_TSAN)

namespace weft::inline v0_1::testing::detail {

/// Counts an allocation of the calling thread; true: this one fails.
WEFT_EXPORT bool allocation_fails() noexcept;
/// Makes it known that it is asked.
WEFT_EXPORT bool allocations_are_counted() noexcept;

inline const bool counting_allocations = allocations_are_counted();

inline void* allocate(std::size_t size, std::size_t alignment)
{
    if (allocation_fails()) throw std::bad_alloc();
    if (size == 0) size = 1;
    void* p = alignment <= alignof(std::max_align_t)
                  ? std::malloc(size)
                  : std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
    if (!p) throw std::bad_alloc();
    return p;
}

} // namespace weft::inline v0_1::testing::detail

void* operator new(std::size_t size)
{
    return weft::testing::detail::allocate(size, 0);
}
void* operator new(std::size_t size, std::align_val_t alignment)
{
    return weft::testing::detail::allocate(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* p) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::align_val_t) noexcept
{
    std::free(p);
}
void operator delete(void* p, std::size_t, std::align_val_t) noexcept
{
    std::free(p);
}

#endif
