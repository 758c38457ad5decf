// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/sync_object.hpp>

#include <cstdint>
#include <memory>
#include <utility>

namespace weft::inline v0_1::detail {

template <class T>
class watch_core;

/// What one receiver has seen.
template <class T>
struct watch_view {
    const std::shared_ptr<watch_core<T>> core;
    std::uint64_t seen; ///< guarded by the lock of `core`
};

/// The shared state of a watch. No value is copied or destroyed under the lock: only pointers change.
///
/// Invariant, whenever the lock is free: who waits has seen `version_`, and it is not closed.
template <class T>
class watch_core final : public sync_object, public std::enable_shared_from_this<watch_core<T>> {
public:
    using snapshot = std::shared_ptr<const T>;

    /// Where the value goes of one that waits.
    struct place {
        snapshot value;
        watch_view<T>* view;
    };

    explicit watch_core(snapshot first) noexcept : current_(std::move(first)) {}

    // --- locked
    bool changed_locked(place& into) noexcept
    {
        note_use();
        if (into.view->seen == version_) return closed_;
        give(into);
        return true;
    }
    wait_queue& waiters() noexcept { return waiters_; }

    // --- unlocked
    enum class outcome { done, overtaken, closed };

    /// Puts `next` in the place of the current value, which is left in `next`. With `only_after` only if that is
    /// still the version.
    outcome replace(snapshot& next, const std::uint64_t* only_after = nullptr) noexcept
    {
        return with_lock(*this, [&](wake_list& wakes) {
            note_use();
            if (closed_) return outcome::closed;
            if (only_after && *only_after != version_) return outcome::overtaken;
            current_.swap(next);
            ++version_;
            while (waiter* w = waiters_.pop_claimed()) {
                give(*static_cast<place*>(w->slot));
                w->ok = true;
                wakes.push(w);
            }
            return outcome::done;
        });
    }
    /// The current value and its version.
    std::pair<snapshot, std::uint64_t> look() noexcept
    {
        return with_lock(*this, [this](auto&) {
            note_use();
            return std::pair(current_, version_);
        });
    }
    /// As look, and `view` has seen it.
    snapshot see(watch_view<T>& view) noexcept
    {
        return with_lock(*this, [&](auto&) {
            note_use();
            view.seen = version_;
            return current_;
        });
    }
    [[nodiscard]] std::uint64_t seen(const watch_view<T>& view) noexcept
    {
        return with_lock(*this, [&](auto&) { return view.seen; });
    }
    /// False: it was closed before.
    bool close() noexcept
    {
        return with_lock(*this, [this](wake_list& wakes) {
            note_use();
            release_all(waiters_, wakes);
            return !std::exchange(closed_, true);
        });
    }
    [[nodiscard]] bool closed() noexcept
    {
        return with_lock(*this, [this](auto&) { return closed_; });
    }

private:
    void give(place& into) noexcept
    {
        into.value = current_;
        into.view->seen = version_;
    }

    // All guarded by lock.
    snapshot current_;
    std::uint64_t version_ = 1;
    bool closed_ = false;
    wait_queue waiters_;
};

} // namespace weft::inline v0_1::detail
