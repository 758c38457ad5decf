// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/side_pool.hpp>
#include <weft/detail/threads.hpp>

#include <chrono>

namespace weft::inline v0_1::detail {

void side_pool::submit(blocking_job& job)
{
    std::unique_lock lock(mutex_);
    if (idle_ <= queued_ && threads_ < most_threads) {
        // May throw when the system has no thread left; then nothing was queued. Detached: shutdown
        // waits for the count, and a thread that ends by itself leaves nothing to join.
        os_thread(&side_pool::work, this).detach();
        ++threads_;
        ++idle_;
    }
    job.next = nullptr;
    (head_ ? tail_->next : head_) = &job;
    tail_ = &job;
    ++queued_;
    lock.unlock();
    wake_.notify_one();
}

void side_pool::work()
{
    constexpr auto patience = std::chrono::seconds(10);
    std::unique_lock lock(mutex_);
    for (;;) {
        while (!head_) {
            if (stop_ || (wake_.wait_for(lock, patience) == std::cv_status::timeout && !head_)) {
                --idle_;
                --threads_;
                ended_.notify_all(); // under the lock: after it, the pool may be gone
                return;
            }
        }
        blocking_job* job = head_;
        head_ = job->next;
        --queued_;
        --idle_;
        lock.unlock();
        job->run(job);
        lock.lock();
        ++idle_; // before the wake-up: the goroutine's next call finds this thread
        lock.unlock();
        job->wake(job);
        lock.lock();
    }
}

void side_pool::shutdown() noexcept
{
    std::unique_lock lock(mutex_);
    stop_ = true;
    wake_.notify_all();
    ended_.wait(lock, [this] { return threads_ == 0; });
}

std::size_t side_pool::threads() const noexcept
{
    std::lock_guard lock(mutex_);
    return threads_;
}

} // namespace weft::inline v0_1::detail
