// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/threads.hpp>

#include <cstddef>
#include <vector>

namespace weft::inline v0_1::detail {

/// One blocking call; it lives in the frame of the goroutine that waits for it.
struct blocking_job {
    void (*run)(blocking_job*) noexcept = nullptr;
    void (*wake)(blocking_job*) noexcept = nullptr; ///< called after run; the job may be gone then
    blocking_job* next = nullptr;
};

/// Threads for blocking calls: grows with demand up to `most_threads`, then queues; a thread that
/// had nothing to do for a while ends.
class WEFT_EXPORT side_pool {
public:
    side_pool() = default;
    side_pool(const side_pool&) = delete;
    side_pool& operator=(const side_pool&) = delete;
    ~side_pool() { shutdown(); }

    void submit(blocking_job& job);
    /// Waits for the calls in progress; queued ones are run too.
    void shutdown() noexcept;
    [[nodiscard]] std::size_t threads() const noexcept;

private:
    static constexpr std::size_t most_threads = 256;

    void work();

    mutable os_mutex mutex_;
    os_condition wake_;
    os_condition ended_;
    blocking_job* head_ = nullptr; ///< guarded by mutex_, as all below
    blocking_job* tail_ = nullptr;
    std::size_t queued_ = 0;
    std::size_t idle_ = 0;
    std::size_t threads_ = 0;
    bool stop_ = false;
};

} // namespace weft::inline v0_1::detail
