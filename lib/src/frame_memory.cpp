// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/frame_memory.hpp>

#include <mutex>

#if !defined(WEFT_ASAN) && !defined(WEFT_TSAN)

namespace weft::inline v0_1::detail {

constinit thread_local frame_stock this_thread_frames;

namespace {

constexpr std::size_t most_in_depot = std::size_t{128} << 20; // bytes

struct frame_depot {
    std::mutex mutex;
    std::array<spare_frame*, frame_stock::classes> batches{}; ///< guarded by mutex
    std::size_t bytes = 0;                                    ///< guarded by mutex
};

frame_depot& depot()
{
    static auto* d = new frame_depot; // never destroyed: frames may be freed late
    return *d;
}

void delete_all(spare_frame* f) noexcept
{
    while (f) {
        spare_frame* next = f->next;
        ::operator delete(f);
        f = next;
    }
}

void delete_stock() noexcept
{
    for (auto& shelf : this_thread_frames.shelves) {
        delete_all(shelf.head);
        shelf = {};
    }
}

/// Empties the stock of a thread that ends.
struct closing_time {
    ~closing_time()
    {
        this_thread_frames.open = false;
        delete_stock();
    }
};

/// False: the thread is ending.
bool open_stock()
{
    thread_local closing_time at_end;
    static_cast<void>(at_end);
    thread_local bool opened = false;
    if (opened) return this_thread_frames.open;
    return opened = this_thread_frames.open = true;
}

} // namespace

void* restock_frames(std::size_t shelf)
{
    frame_depot& d = depot();
    if (this_thread_frames.open || open_stock()) {
        std::lock_guard lock(d.mutex);
        if (spare_frame* f = d.batches[shelf]) {
            d.batches[shelf] = f->next_batch;
            d.bytes -= frame_stock::batch * frame_stock::block_size(shelf);
            this_thread_frames.shelves[shelf] = {f->next, frame_stock::batch - 1};
            return f;
        }
    }
    return ::operator new(frame_stock::block_size(shelf));
}

/// The shelf is full, or closed: `last` and part of the rest go.
void give_frames_back(std::size_t shelf, spare_frame* last) noexcept
{
    frame_stock& mine = this_thread_frames;
    frame_stock::shelf& s = mine.shelves[shelf];
    if (!mine.open) {
        if (open_stock()) {
            last->next = nullptr;
            s = {last, 1};
        } else {
            ::operator delete(last);
        }
        return;
    }
    last->next = s.head;
    spare_frame* end = last; // of the batch that goes
    for (unsigned i = 1; i < frame_stock::batch; ++i) end = end->next;
    s.head = end->next;
    s.count -= frame_stock::batch - 1;
    end->next = nullptr;
    frame_depot& d = depot();
    {
        std::lock_guard lock(d.mutex);
        if (d.bytes < most_in_depot) {
            d.bytes += frame_stock::batch * frame_stock::block_size(shelf);
            last->next_batch = d.batches[shelf];
            d.batches[shelf] = last;
            return;
        }
    }
    delete_all(last);
}

void forget_spare_frames() noexcept
{
    delete_stock();
    frame_depot& d = depot();
    std::lock_guard lock(d.mutex);
    for (spare_frame*& batches : d.batches) {
        while (spare_frame* batch = batches) {
            batches = batch->next_batch;
            delete_all(batch);
        }
    }
    d.bytes = 0;
}

} // namespace weft::inline v0_1::detail

#endif
