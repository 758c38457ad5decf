// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/goroutine.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/detail/threads.hpp>

#include <cstddef>

namespace weft::inline v0_1::detail {

/// A chain of goroutines linked through `goroutine::next_run`; the caller synchronises.
struct goroutine_chain {
    goroutine* head = nullptr;
    goroutine* tail = nullptr;
    std::size_t count = 0;

    [[nodiscard]] bool empty() const noexcept { return head == nullptr; }

    void push_back(goroutine* g) noexcept
    {
        g->next_run = nullptr;
        (head ? tail->next_run : head) = g;
        tail = g;
        ++count;
    }

    void append(goroutine_chain c) noexcept
    {
        if (c.empty()) return;
        (head ? tail->next_run : head) = c.head;
        tail = c.tail;
        count += c.count;
    }

    goroutine* pop_front() noexcept
    {
        goroutine* g = head;
        if (g) {
            head = g->next_run;
            --count;
        }
        return g;
    }
};

/// The FIFO of runnable goroutines, unbounded and intrusive. Any thread may use it; a worker's own
/// queue is touched by its owner, and rarely by a thief.
class run_queue {
public:
    void push(goroutine* g) noexcept
    {
        lock_.lock();
        chain_.push_back(g);
        size_.store(chain_.count, std::memory_order_relaxed);
        lock_.unlock();
    }

    void push(goroutine_chain c) noexcept
    {
        lock_.lock();
        chain_.append(c);
        size_.store(chain_.count, std::memory_order_relaxed);
        lock_.unlock();
    }

    goroutine* pop() noexcept
    {
        if (size() == 0) return nullptr;
        lock_.lock();
        goroutine* g = chain_.pop_front();
        if (chain_.count > 1) fetch_ahead(*chain_.head);
        size_.store(chain_.count, std::memory_order_relaxed);
        lock_.unlock();
        return g;
    }

    /// Takes up to `most` from the head, oldest first.
    goroutine_chain take(std::size_t most) noexcept
    {
        goroutine_chain taken;
        if (size() == 0) return taken;
        lock_.lock();
        while (taken.count < most) {
            goroutine* g = chain_.pop_front();
            if (!g) break;
            taken.push_back(g);
        }
        size_.store(chain_.count, std::memory_order_relaxed);
        lock_.unlock();
        return taken;
    }

    [[nodiscard]] std::size_t size() const noexcept
    {
        return size_.load(std::memory_order_relaxed);
    }

private:
    /// Thousands of goroutines do not fit into the near caches: while one runs, the next one's
    /// frame and the one after that's record are on their way.
    static void fetch_ahead(const goroutine& soon) noexcept
    {
        prefetch(soon.next_run);
        prefetch(reinterpret_cast<const char*>(soon.next_run) + cache_line);
        const auto* frame = reinterpret_cast<const char*>(soon.top_frame);
        for (const auto* line = frame; line != frame + std::size_t{4} * cache_line;
             line += cache_line) {
            prefetch(line);
        }
    }

    spinlock lock_;
    atomic<std::size_t> size_{0};
    goroutine_chain chain_;
};

} // namespace weft::inline v0_1::detail
