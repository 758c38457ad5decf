// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/context_node.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/timekeeper.hpp>

#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

/// A stack of its own, and what a thread of the system would keep for it.

namespace weft_model {

/// One of the model's threads. It lives for as long as the process, and runs one task after the other.
///
/// A switch costs a `_setjmp` and a `_longjmp`; `makecontext` is there for the first one alone.
class fibre {
public:
    /// `after` is called on its stack when a task has ended; it switches away.
    fibre(std::uint64_t id, void (*after)());
    fibre(const fibre&) = delete;
    fibre& operator=(const fibre&) = delete;
    ~fibre();

    std::uint64_t id;
    std::function<void()> task;     ///< empty: it has nothing to do
    bool (*ready)(void*) = nullptr; ///< what it is blocked on; null: it can run
    void* ready_arg = nullptr;
    bool yielded = false;
    std::uint64_t latest_step = 0; ///< when it was picked last

    [[nodiscard]] bool runnable() const { return task && (!ready || ready(ready_arg)); }

    /// Leaves `from` (null: the root, where main() runs) for `to` (null: the root).
    static void change(fibre* from, fibre* to);

private:
    struct exception_state { // what __cxa_get_globals points to
        void* caught = nullptr;
        unsigned uncaught = 0;
    };
    /// What belongs to the thread.
    struct belongings {
        std::jmp_buf at;
        weft::detail::thread_state thread;
        exception_state exceptions;
        std::shared_ptr<weft::detail::scheduler> unarmed;
        weft::detail::timer_shard* rung = nullptr;
        const weft::detail::ending* spreading = nullptr;
        void* fake_stack = nullptr;
    };

    static void body(unsigned high, unsigned low);
    static belongings& of(fibre* f);

    void (*after_)();
    bool started_ = false;
    std::unique_ptr<std::byte[]> stack_;
    belongings own_;
};

inline std::uint64_t id_of(const fibre& f) noexcept
{
    return f.id;
}
inline bool has_yielded(const fibre& f) noexcept
{
    return f.yielded;
}
inline void forget_yield(fibre& f) noexcept
{
    f.yielded = false;
}

} // namespace weft_model
