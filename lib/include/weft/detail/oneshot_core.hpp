// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/sync_object.hpp>

#include <optional>
#include <utility>

namespace weft::inline v0_1::detail {

/// What the two halves of a oneshot share.
///
/// Invariants, whenever the lock is free: a receiver waits only while nothing has come and the sender may still bring it;
/// who waits for the receiver's end waits only while that is there.
template <class T>
class oneshot_core final : public sync_object {
public:
    // --- locked
    bool receive_locked(std::optional<T>& into) noexcept
    {
        note_use();
        if (value_) {
            into.emplace(std::move(*value_));
            value_.reset();
            return true;
        }
        return !sending_;
    }
    [[nodiscard]] bool abandoned_locked() const noexcept
    {
        note_use();
        return !receiving_;
    }
    wait_queue& receivers() noexcept { return receivers_; }
    wait_queue& watchers() noexcept { return watchers_; }

    // --- unlocked
    enum class outcome { sent, nobody, again };
    outcome set(T& value) noexcept
    {
        return with_lock(*this, [&](wake_list& wakes) {
            note_use();
            if (!sending_) return outcome::again;
            sending_ = false;
            if (!receiving_) return outcome::nobody;
            if (waiter* w = receivers_.pop_claimed()) {
                static_cast<std::optional<T>*>(w->slot)->emplace(std::move(value));
                w->ok = true;
                wakes.push(w);
                release_all(receivers_, wakes); // there is no more for the others
            } else {
                value_.emplace(std::move(value));
            }
            return outcome::sent;
        });
    }
    void end_sender() noexcept
    {
        with_lock(*this, [this](wake_list& wakes) {
            sending_ = false;
            release_all(receivers_, wakes);
        });
    }
    void end_receiver() noexcept
    {
        std::optional<T> unseen; // goes when the lock is free
        with_lock(*this, [&](wake_list& wakes) {
            static_cast<void>(receive_locked(unseen));
            receiving_ = false;
            release_all(receivers_, wakes);
            release_all(watchers_, wakes);
        });
    }

private:
    // All guarded by lock.
    bool sending_ = true;   ///< a value may still come
    bool receiving_ = true; ///< the receiver is there
    std::optional<T> value_;
    wait_queue receivers_;
    wait_queue watchers_;
};

} // namespace weft::inline v0_1::detail
