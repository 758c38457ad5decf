// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>

/// What threads do to each other, behind one set of names: in the model build (tests/model) each of these
/// operations is a point at which another thread may come in.

#if defined(WEFT_MODEL)

#    include <weft_model/threads.hpp>

#else

#    include <asio/steady_timer.hpp>

#    include <atomic>
#    include <chrono>
#    include <condition_variable>
#    include <cstdint>
#    include <functional>
#    include <mutex>
#    include <random>
#    include <thread>

namespace weft::inline v0_1::detail {

template <class T>
using atomic = std::atomic<T>;
using os_mutex = std::mutex;
using os_condition = std::condition_variable;
using os_thread = std::thread;
using os_timer = asio::steady_timer;

/// One turn of a loop that waits for another thread's few instructions.
inline void spin() noexcept
{
    cpu_pause();
}
inline void yield_thread() noexcept
{
    std::this_thread::yield();
}
inline void pause_thread(std::chrono::microseconds d)
{
    std::this_thread::sleep_for(d);
}

/// Orders objects that are locked together: by address (in a model by age, so that a schedule can be replayed).
class lock_order {
public:
    friend bool before(const lock_order& a, const lock_order& b) noexcept
    {
        return std::less<>()(&a, &b);
    }
};

/// A number that is another one in each run.
inline std::uint32_t chance()
{
    return std::random_device{}();
}

} // namespace weft::inline v0_1::detail

#endif
