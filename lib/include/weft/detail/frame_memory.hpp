// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

#include <array>
#include <cstddef>
#include <new>

/// Memory of coroutine frames.
///
/// Goroutines come and go by the hundred thousand. malloc gives the memory of a wave back to the system when it
/// is over and takes it anew, page fault by page fault, for the next one; that can cost several times as much as
/// all the rest of a goroutine. So frames are kept for a while: each thread has a stock of blocks by size, and
/// what is too much there goes in batches to a depot that all threads share. The depot holds a bounded amount;
/// beyond it, blocks go back to malloc.
///
/// Who may touch what: a stock belongs to its thread; the depot has a lock. A block may be freed by any thread.
/// Under a sanitizer frames come from plain `operator new`, so that it sees each one's life.

namespace weft::inline v0_1::detail {

#if defined(WEFT_ASAN) || defined(WEFT_TSAN)

inline void* allocate_frame(std::size_t size)
{
    return ::operator new(size);
}
inline void free_frame(void* p, std::size_t size) noexcept
{
    ::operator delete(p, size);
}
inline void forget_spare_frames() noexcept {}

#else

/// A free block.
struct spare_frame {
    spare_frame* next;
    spare_frame* next_batch; ///< of the first block of a batch in the depot
};

/// The sizes are those that malloc has (in glibc a multiple of 16, less 8 for itself), so no block has unused room.
struct frame_stock {
    static constexpr std::size_t grain = 16, smallest = 24, classes = 128,
                                 largest = smallest + (classes - 1) * grain;
    static constexpr unsigned batch = 32; ///< blocks that travel together

    struct shelf {
        spare_frame* head = nullptr;
        unsigned count = 0;
    };
    static constexpr std::size_t shelf_of(std::size_t size) noexcept
    {
        return size <= smallest ? 0 : (size - smallest + grain - 1) / grain;
    }
    static constexpr std::size_t block_size(std::size_t shelf) noexcept
    {
        return smallest + shelf * grain;
    }

    std::array<shelf, classes> shelves{};
    bool open = false; ///< the thread gives it back when it ends
};

WEFT_EXPORT extern constinit thread_local frame_stock this_thread_frames WEFT_FAST_THREAD_LOCAL;

WEFT_EXPORT void* restock_frames(std::size_t shelf);
WEFT_EXPORT void give_frames_back(std::size_t shelf, spare_frame* last) noexcept;
/// Deletes the calling thread's spare blocks and the depot's: the next frames cost an allocation each.
WEFT_EXPORT void forget_spare_frames() noexcept;

/// @throws std::bad_alloc
inline void* allocate_frame(std::size_t size)
{
    if (WEFT_UNLIKELY(size > frame_stock::largest)) return ::operator new(size);
    const std::size_t at = frame_stock::shelf_of(size);
    frame_stock::shelf& s = this_thread_frames.shelves[at];
    spare_frame* f = s.head;
    if (WEFT_UNLIKELY(!f)) return restock_frames(at);
    s.head = f->next;
    --s.count;
    return f;
}

inline void free_frame(void* p, std::size_t size) noexcept
{
    if (WEFT_UNLIKELY(size > frame_stock::largest)) {
        ::operator delete(p);
        return;
    }
    const std::size_t at = frame_stock::shelf_of(size);
    frame_stock& mine = this_thread_frames;
    frame_stock::shelf& s = mine.shelves[at];
    auto* f = static_cast<spare_frame*>(p);
    if (WEFT_UNLIKELY(!mine.open || s.count == 2 * frame_stock::batch))
        return give_frames_back(at, f);
    f->next = s.head;
    s.head = f;
    ++s.count;
}

#endif

} // namespace weft::inline v0_1::detail
