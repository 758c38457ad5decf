// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

namespace weft::inline v0_1::detail {

/// A ring of at most `capacity` values in one array. The caller synchronises and never overfills
/// it.
template <class T>
class ring_buffer {
public:
    explicit ring_buffer(std::size_t capacity)
        : slots_(capacity ? std::allocator<T>().allocate(capacity) : nullptr), capacity_(capacity)
    {
    }
    ring_buffer(const ring_buffer&) = delete;
    ring_buffer& operator=(const ring_buffer&) = delete;

    ~ring_buffer()
    {
        while (size_) drop();
        if (slots_) std::allocator<T>().deallocate(slots_, capacity_);
    }

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
    [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
    [[nodiscard]] bool full() const noexcept { return size_ == capacity_; }

    void push(T&& value) noexcept
    {
        std::size_t tail = head_ + size_;
        if (tail >= capacity_) tail -= capacity_;
        std::construct_at(slots_ + tail, std::move(value));
        ++size_;
    }

    /// The oldest value; `drop` removes it after it was moved from.
    [[nodiscard]] T& front() noexcept { return slots_[head_]; }

    void drop() noexcept
    {
        std::destroy_at(slots_ + head_);
        if (++head_ == capacity_) head_ = 0;
        --size_;
    }

private:
    T* slots_;
    std::size_t capacity_;
    std::size_t head_ = 0;
    std::size_t size_ = 0;
};

} // namespace weft::inline v0_1::detail
