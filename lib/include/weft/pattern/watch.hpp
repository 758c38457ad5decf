// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/detached.hpp>
#include <weft/detail/watch_core.hpp>
#include <weft/error.hpp>

#include <concepts>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

/// `watch`: the latest value, and those who want to know when it changes.

namespace weft::inline v0_1::pattern {

/// The operation `watch_receiver::changed` returns: `void(std::exception_ptr, std::shared_ptr<const T>)`.
template <class T>
class [[nodiscard]] watch_changed : public weft::detail::asio_operation<watch_changed<T>> {
public:
    using result_type = std::shared_ptr<const T>;

    explicit watch_changed(std::shared_ptr<weft::detail::watch_view<T>> view) noexcept
        : view_(std::move(view)), place_{nullptr, view_.get()}
    {
    }

    weft::detail::waitable* target() const noexcept { return view_->core.get(); }
    bool attempt(weft::detail::waiter& w, weft::detail::wake_list&) noexcept
    {
        return w.ok = view_->core->changed_locked(place_);
    }
    void enqueue(weft::detail::waiter& w) noexcept
    {
        w.slot = &place_;
        view_->core->waiters().push(w);
    }
    void dequeue(weft::detail::waiter& w) noexcept { view_->core->waiters().remove(w); }
    result_type finish(weft::detail::waiter&) noexcept { return std::move(place_.value); }
    weft::detail::wait_reason reason() const noexcept { return weft::detail::wait_reason::event; }
    weft::detail::kept_by_owner retain() const noexcept { return {}; }

private:
    std::shared_ptr<weft::detail::watch_view<T>> view_;
    typename weft::detail::watch_core<T>::place place_;
};

/// One who watches. A copy is another receiver, which has seen what this one has. Movable; empty after that, and then all but
/// destruction and assignment is misuse ("use of an empty watch_receiver").
///
/// @par Thread safety  safe, but for assignments and moves. Goroutines that wait on one receiver each get the next value.
template <class T>
class watch_receiver {
public:
    explicit watch_receiver(std::shared_ptr<weft::detail::watch_view<T>> view) noexcept
        : view_(std::move(view))
    {
    }
    watch_receiver(const watch_receiver& o) : view_(o.view_ ? o.copy_view() : nullptr) {}
    watch_receiver(watch_receiver&&) noexcept = default;
    watch_receiver& operator=(watch_receiver o) noexcept
    {
        view_.swap(o.view_);
        return *this;
    }
    ~watch_receiver() = default;

    /// Waits until there is a value that this receiver has not seen, and brings the latest: the values in between are
    /// missed. Also a select case. With a context it gives up when that ends: `error` with its code; nothing counts as seen
    /// then.
    ///
    ///     while (auto v = co_await config.changed()) use(*v);
    ///
    /// @return  null: the watch is closed, and its last value was seen.
    [[nodiscard]] watch_changed<T> changed() const
    {
        check();
        return watch_changed<T>(view_);
    }
    [[nodiscard]] auto changed(const context& ctx) const
    {
        return context_operation<watch_changed<T>>(ctx, changed());
    }

    /// The current value, which counts as seen.
    [[nodiscard]] std::shared_ptr<const T> get() const
    {
        check();
        return view_->core->see(*view_);
    }

private:
    using view_type = weft::detail::watch_view<T>;

    [[nodiscard]] std::shared_ptr<view_type> copy_view() const
    {
        return std::make_shared<view_type>(view_type{view_->core, view_->core->seen(*view_)});
    }
    void check() const
    {
        if (!view_) weft::detail::throw_misuse("use of an empty watch_receiver");
    }

    std::shared_ptr<view_type> view_;
};

/// A value that changes, for those who care for the latest alone: a configuration, a state, progress.
///
/// A handle: copies are the same watch. The last one to go closes it.
///
/// A value is shared by all who see it and never changes; it goes with the last one who holds it.
///
/// @par Thread safety  safe, also from ordinary threads.
/// @par Ordering       a `set` happens-before the return of each `get` and `changed` that sees it or a later one.
/// @par Complexity     `set`: one allocation, and the lock for as long as it takes to wake who waits.
template <class T>
class watch {
    static_assert(std::is_object_v<T>, "weft::pattern::watch<T>: T must be an object type");

public:
    using value_type = T;

    /// @throws std::bad_alloc
    explicit watch(T first = T())
    {
        auto core = std::make_shared<core_type>(make(std::move(first)));
        auto* c = core.get();
        handle_ = std::shared_ptr<core_type>(
            c, [core = std::move(core)](core_type* of) noexcept { of->close(); });
    }
    watch(const watch&) noexcept = default;            // no moves: a handle is never empty
    watch& operator=(const watch&) noexcept = default; // NOLINT

    /// A new value. Never waits.
    /// @throws misuse_error  "set of closed watch".
    void set(T value) const
    {
        auto next = make(std::move(value));
        if (handle_->replace(next) == outcome::closed) refuse();
    }

    /// Changes the value by `change(T&)`, which works on a copy; if it returns a bool, false leaves the value as it was.
    /// Nothing set at the same time is lost: then it is called again, on that. It must not wait.
    /// @return  whether the value was changed.
    /// @throws misuse_error  "set of closed watch"; and what `change` throws.
    template <std::invocable<T&> F>
        requires std::is_copy_constructible_v<T>
    bool update(F change) const
    {
        for (;;) {
            const auto [old, version] = handle_->look();
            T value(*old);
            if constexpr (std::is_convertible_v<std::invoke_result_t<F&, T&>, bool>) {
                if (!std::invoke(change, value)) return false;
            } else {
                std::invoke(change, value);
            }
            auto next = make(std::move(value));
            const outcome o = handle_->replace(next, &version);
            if (o == outcome::closed) refuse();
            if (o == outcome::done) return true;
        }
    }

    /// The current value. Also after `close`.
    [[nodiscard]] std::shared_ptr<const T> get() const noexcept { return handle_->look().first; }

    /// One who has seen nothing yet: its first `changed` brings the current value at once.
    /// @throws std::bad_alloc
    [[nodiscard]] watch_receiver<T> subscribe() const
    {
        using view = weft::detail::watch_view<T>;
        return watch_receiver<T>(std::make_shared<view>(view{handle_->shared_from_this(), 0}));
    }

    /// There will be no new value. Receivers get the last one, if they have not seen it, and then null.
    /// @throws misuse_error  "close of closed watch".
    void close() const
    {
        if (!handle_->close()) weft::detail::throw_misuse("close of closed watch");
    }
    [[nodiscard]] bool closed() const noexcept { return handle_->closed(); }

private:
    using core_type = weft::detail::watch_core<T>;
    using outcome = typename core_type::outcome;

    static std::shared_ptr<const T> make(T&& v) { return std::make_shared<const T>(std::move(v)); }
    [[noreturn]] static void refuse() { weft::detail::throw_misuse("set of closed watch"); }

    /// One for all handles; its end closes.
    std::shared_ptr<core_type> handle_;
};

} // namespace weft::inline v0_1::pattern
