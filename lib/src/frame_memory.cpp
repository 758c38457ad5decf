// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/frame_memory.hpp>

#include <new>

namespace weft::detail {

void* allocate_frame(std::size_t size)
{
    return ::operator new(size);
}

void free_frame(void* p, std::size_t size) noexcept
{
    ::operator delete(p, size);
}

} // namespace weft::detail
