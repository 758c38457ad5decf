// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/detached.hpp>
#include <weft/detail/sync_object.hpp>
#include <weft/error.hpp>
#include <weft/task.hpp>

#include <cstdint>
#include <utility>

/// `semaphore`: a number of permits, taken several at a time.

namespace weft::inline v0_1 {

class acquire_operation;

/// Permits that are given out strictly first in, first out: a large request keeps back the small ones behind it. One for
/// more than there are at all never succeeds, and keeps back nobody.
///
/// @par Thread safety  safe, from goroutines; `try_acquire` and `release` also from ordinary threads.
/// @par Ordering       a release happens-before the acquire that it makes possible.
/// @par Lifetime       it must outlive what uses it; destroyed while goroutines wait, they wait for ever.
/// @par Source         golang.org/x/sync/semaphore.
class WEFT_EXPORT semaphore : private detail::sync_object {
public:
    class permit;

    /// @throws misuse_error  "semaphore: negative size".
    explicit semaphore(std::int64_t size) : size_(size)
    {
        if (size < 0) detail::throw_misuse("semaphore: negative size");
    }
    ~semaphore()
    {
        orphan(line_);
        orphan(never_);
    }

    /// Waits until `n` permits are to be had, and takes them. Also a select case. With a context it gives up when that
    /// ends, also if it has ended before: `error` with its code; nothing is taken then.
    /// @throws misuse_error  "semaphore: negative number of permits", at once.
    [[nodiscard]] acquire_operation acquire(std::int64_t n = 1);
    template <detail::context_like Context>
    [[nodiscard]] auto acquire(const Context& ctx, std::int64_t n = 1);

    /// As acquire; gives them back at the end of a scope: `auto p = co_await s.hold(n);`
    [[nodiscard]] auto hold(std::int64_t n = 1);
    template <detail::context_like Context>
    [[nodiscard]] auto hold(const Context& ctx, std::int64_t n = 1);

    /// Takes them if they are there and nobody waits.
    /// @throws misuse_error  "semaphore: negative number of permits".
    [[nodiscard]] bool try_acquire(std::int64_t n = 1);

    /// @throws misuse_error  "semaphore: released more than held", "semaphore: negative number of permits"; nothing
    ///                       has changed then.
    void release(std::int64_t n = 1);

    /// How many there are in all.
    [[nodiscard]] std::int64_t size() const noexcept { return size_; }
    /// How many can be had just now.
    [[nodiscard]] std::int64_t available() noexcept
    {
        return detail::with_lock(*this, [this](auto&) { return size_ - held_; });
    }
    /// How many wait, counted up to 4,096; those that want more than there are among them.
    [[nodiscard]] std::size_t waiting() noexcept
    {
        constexpr std::size_t most = 4096;
        return detail::with_lock(*this, [this](auto&) {
            const std::size_t n = line_.count_open(most);
            return n + never_.count_open(most - n);
        });
    }

private:
    friend class acquire_operation;

    static void check(std::int64_t n)
    {
        if (WEFT_UNLIKELY(n < 0)) detail::throw_misuse("semaphore: negative number of permits");
    }

    // --- locked
    bool take(std::int64_t n) noexcept
    {
        note_use();
        if (size_ - held_ < n || WEFT_UNLIKELY(line_.front_open() != nullptr)) return false;
        held_ += n;
        return true;
    }
    void serve(detail::wake_list& wakes) noexcept;

    // Guarded by lock. Invariant, whenever that is free: there are not enough permits for the first in line.
    const std::int64_t size_;
    std::int64_t held_ = 0;
    detail::wait_queue line_;
    detail::wait_queue never_; ///< those that want more than there are
};

/// Permits held, given back at the end of the scope.
class [[nodiscard]] WEFT_EXPORT semaphore::permit {
public:
    permit() noexcept = default;
    /// Takes over what the caller has acquired.
    permit(semaphore& s, std::int64_t n) noexcept : semaphore_(&s), n_(n) {}
    permit(permit&& o) noexcept
        : semaphore_(std::exchange(o.semaphore_, nullptr)), n_(std::exchange(o.n_, 0))
    {
    }
    permit& operator=(permit o) noexcept
    {
        std::swap(semaphore_, o.semaphore_);
        std::swap(n_, o.n_);
        return *this;
    }
    ~permit() { give_back(); }

    /// Before the end of the scope; does nothing if they were given back already.
    void give_back()
    {
        if (semaphore* s = std::exchange(semaphore_, nullptr)) s->release(std::exchange(n_, 0));
    }
    [[nodiscard]] std::int64_t count() const noexcept { return n_; }

private:
    semaphore* semaphore_ = nullptr;
    std::int64_t n_ = 0;
};

/// The operation `semaphore::acquire` returns: `void(std::exception_ptr)`.
class [[nodiscard]] acquire_operation : public detail::asio_operation<acquire_operation> {
public:
    using result_type = void;
    static constexpr bool holds = true;

    acquire_operation(semaphore& s, std::int64_t n) noexcept : semaphore_(&s), n_(n) {}

    detail::waitable* target() const noexcept { return semaphore_; }
    bool attempt(detail::waiter& w, detail::wake_list&) noexcept
    {
        return w.ok = semaphore_->take(n_);
    }
    void enqueue(detail::waiter& w) noexcept
    {
        w.slot = &n_;
        line().push(w);
    }
    void dequeue(detail::waiter& w, detail::wake_list& wakes) noexcept
    {
        line().remove(w);
        semaphore_->serve(wakes); // it may have kept others back
    }
    void finish(detail::waiter&) noexcept {}
    detail::wait_reason reason() const noexcept { return detail::wait_reason::semaphore; }
    detail::kept_by_owner retain() const noexcept { return {}; }

protected:
    [[nodiscard]] semaphore::permit held() const noexcept { return {*semaphore_, n_}; }

private:
    detail::wait_queue& line() noexcept
    {
        return n_ > semaphore_->size_ ? semaphore_->never_ : semaphore_->line_;
    }

    semaphore* semaphore_;
    std::int64_t n_;
};

/// The operation `semaphore::hold` returns: `void(std::exception_ptr, semaphore::permit)`.
class [[nodiscard]] hold_operation : private acquire_operation,
                                     public detail::asio_operation<hold_operation> {
public:
    using result_type = semaphore::permit;
    using acquire_operation::acquire_operation;
    using acquire_operation::attempt;
    using acquire_operation::dequeue;
    using acquire_operation::enqueue;
    using acquire_operation::holds;
    using acquire_operation::reason;
    using acquire_operation::retain;
    using acquire_operation::target;
    using detail::asio_operation<hold_operation>::operator();

    semaphore::permit finish(detail::waiter&) noexcept { return held(); }
};

inline acquire_operation semaphore::acquire(std::int64_t n)
{
    check(n);
    return {*this, n};
}
template <detail::context_like Context>
auto semaphore::acquire(const Context& ctx, std::int64_t n)
{
    return context_operation<acquire_operation>(ctx, acquire(n));
}
inline auto semaphore::hold(std::int64_t n)
{
    check(n);
    return hold_operation(*this, n);
}
template <detail::context_like Context>
auto semaphore::hold(const Context& ctx, std::int64_t n)
{
    return context_operation<hold_operation>(ctx, hold(n));
}

inline bool semaphore::try_acquire(std::int64_t n)
{
    check(n);
    lock.lock();
    const bool taken = take(n);
    lock.unlock();
    return taken;
}

inline void semaphore::release(std::int64_t n)
{
    check(n);
    detail::wake_list wakes;
    lock.lock();
    note_use();
    const bool enough = n <= held_;
    if (WEFT_LIKELY(enough)) {
        held_ -= n;
        if (WEFT_UNLIKELY(!line_.empty())) serve(wakes);
    }
    lock.unlock();
    if (WEFT_UNLIKELY(!enough)) detail::throw_misuse("semaphore: released more than held");
    wakes.wake_all();
}

} // namespace weft::inline v0_1
