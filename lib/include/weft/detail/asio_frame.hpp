// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/config.hpp>
#include <weft/executor.hpp>

#include <asio/awaitable.hpp>
#include <asio/version.hpp>

#include <new>
#include <utility>

/// The one header that touches Asio's internals. Names used and what for:
///
///  - `detail::awaitable_frame<T, Ex>`      base class of our promise, so a task *is* an Asio
///                                          awaitable;
///  - `detail::awaitable_frame_base<Ex>`    `after_suspend(fn, arg)`: runs `fn` once the coroutine
///                                          is fully suspended; `attach_thread` / `detach_thread`:
///                                          who pumps the frame; `push_frame` / `pop_frame`: a frame
///                                          on top of its caller's, and back, for generators;
///                                          `coro_` (protected), `destroy`: the coroutine behind it;
///  - `detail::awaitable_thread<Ex>`        owner of a stack of frames; moved into the goroutine
///                                          record while parked; `pump` (protected) resumes the top
///                                          frame until it is moved on;
///  - `detail::awaitable_thread_entry_point` result type that marks a bottom frame.
///
/// These have been stable from 1.30 to 1.38; a newer Asio is accepted, and the test suite is the
/// judge.
static_assert(ASIO_VERSION >= 103000, "weft needs Asio 1.30 or newer");

namespace weft::inline v0_1::detail {

using frame_base = asio::detail::awaitable_frame_base<executor>;
using asio_thread = asio::detail::awaitable_thread<executor>;
using entry_point = asio::detail::awaitable_thread_entry_point;
using entry_frame = asio::detail::awaitable_frame<entry_point, executor>;

/// An `asio_thread` on its way through one run of the goroutine.
class resumer : public asio_thread {
public:
    explicit resumer(asio_thread&& t) noexcept : asio_thread(std::move(t)) {}

    /// Runs the goroutine until it parks, is handed to an Asio operation, or ends.
    void run(frame_base& top)
    {
        top.attach_thread(this);
        this->pump();
    }

    /// Destroys the frames here and now (Asio's own destructor would post that).
    void unwind() noexcept { [[maybe_unused]] auto frames = std::move(this->bottom_of_stack_); }
};

/// Room for one `asio_thread`, engaged only while the goroutine is parked or queued.
class WEFT_EXPORT thread_slot {
public:
    thread_slot() = default;
    thread_slot(const thread_slot&) = delete;
    thread_slot& operator=(const thread_slot&) = delete;
    ~thread_slot() = default; // whoever takes the goroutine empties the slot first

    void put(asio_thread&& t) noexcept
    {
        ::new (static_cast<void*>(room_)) asio_thread(std::move(t));
    }

    /// Of one that is engaged.
    [[nodiscard]] const asio_thread& look() const noexcept
    {
        return *std::launder(reinterpret_cast<const asio_thread*>(room_));
    }

    [[nodiscard]] resumer take() noexcept
    {
        auto* t = std::launder(reinterpret_cast<asio_thread*>(room_));
        resumer r(std::move(*t));
        t->~asio_thread();
        return r;
    }

private:
    alignas(asio_thread) unsigned char room_[sizeof(asio_thread)];
};

} // namespace weft::inline v0_1::detail
