// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/rw_mutex.hpp>

namespace weft::inline v0_1 {

using detail::waiter;
using detail::wake_list;

rw_mutex::~rw_mutex()
{
    orphan(waiting_writers_);
    orphan(waiting_readers_);
}

/// Locked. No writer holds it. True: somebody came in.
bool rw_mutex::admit_readers(wake_list& wakes) noexcept
{
    bool any = false;
    while (waiter* w = waiting_readers_.pop_claimed()) {
        if (const auto* g = w->whom.as_goroutine(); detail::is_observed() && g)
            note_contention(*g, owner_);
        ++readers_;
        w->ok = true;
        wakes.push(w);
        any = true;
    }
    return any;
}

/// Locked. Nobody holds it.
void rw_mutex::admit_writer(wake_list& wakes) noexcept
{
    if (waiter* w = waiting_writers_.pop_claimed()) {
        const detail::goroutine* g = w->whom.as_goroutine();
        if (detail::is_observed() && g) note_contention(*g, owner_);
        writer_ = true;
        owner_ = {g ? detail::key_of(*g) : 0, *static_cast<const std::source_location*>(w->slot)};
        w->ok = true;
        wakes.push(w);
    } else {
        admit_readers(wakes);
    }
}

/// Locked. A writer waits no longer, and has not come in.
void rw_mutex::writer_left_the_line(wake_list& wakes) noexcept
{
    if (!writer_ && !waiting_writers_.front_open()) admit_readers(wakes);
}

void rw_mutex::unlock()
{
    const bool was_held = detail::with_lock(*this, [this](wake_list& wakes) {
        note_use();
        if (!writer_) return false;
        writer_ = false;
        owner_.key = 0;
        if (!admit_readers(wakes)) admit_writer(wakes);
        return true;
    });
    if (!was_held) detail::throw_misuse("unlock of unlocked RWMutex");
}

} // namespace weft::inline v0_1
