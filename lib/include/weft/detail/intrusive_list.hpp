// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

namespace weft::inline v0_1::detail {

/// The two links a node carries to stand in one `intrusive_list`.
struct list_hook {
    list_hook() noexcept {} // NOLINT: the links mean something only while in a list

    list_hook* prev;
    list_hook* next;
};

/// A doubly linked list of nodes that own themselves. O(1) push, pop and removal from the middle;
/// never allocates. `T` derives from `list_hook`. The caller synchronises.
template <class T>
class intrusive_list {
public:
    [[nodiscard]] bool empty() const noexcept { return head_ == nullptr; }
    [[nodiscard]] T* front() const noexcept { return static_cast<T*>(head_); }
    [[nodiscard]] static T* next(T* node) noexcept
    {
        return static_cast<T*>(static_cast<list_hook*>(node)->next);
    }

    void push_back(T* node) noexcept
    {
        list_hook* h = node;
        h->next = nullptr;
        h->prev = tail_;
        (tail_ ? tail_->next : head_) = h;
        tail_ = h;
    }

    void push_front(T* node) noexcept
    {
        list_hook* h = node;
        h->prev = nullptr;
        h->next = head_;
        (head_ ? head_->prev : tail_) = h;
        head_ = h;
    }

    void remove(T* node) noexcept
    {
        list_hook* h = node;
        (h->prev ? h->prev->next : head_) = h->next;
        (h->next ? h->next->prev : tail_) = h->prev;
    }

    T* pop_front() noexcept
    {
        list_hook* h = head_;
        if (!h) return nullptr;
        head_ = h->next;
        (head_ ? head_->prev : tail_) = nullptr;
        return static_cast<T*>(h);
    }

private:
    list_hook* head_ = nullptr;
    list_hook* tail_ = nullptr;
};

} // namespace weft::inline v0_1::detail
