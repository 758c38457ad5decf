// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/threads.hpp>
#include <weft/runtime_options.hpp>
#include <weft/semaphore.hpp>
#include <weft/task.hpp>
#include <weft/wait_group.hpp>

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <source_location>
#include <type_traits>
#include <utility>
#include <vector>

/// The machine under `errgroup` and `nursery`: goroutines that are counted, and whose exceptions are kept.

namespace weft::inline v0_1::detail {

/// Shared by the group, its members and those who wait for them; who lets go last destroys it.
///
/// A *member* is a goroutine of the group, from before it gets its slot until nothing is left of it. Invariants: there is
/// room in `failures_` for one of each member, so that keeping an exception cannot fail; `slots_` is not replaced while
/// there is a member, so that members need no reference to it.
class WEFT_EXPORT group_state {
public:
    struct failure {
        std::exception_ptr what;
        bool asked_for; ///< by a context: nobody has to see it
    };

    explicit group_state(const context& parent) : life_(with_cancel_cause(parent)) {}

    [[nodiscard]] const context& ctx() const noexcept { return life_.ctx; }
    void cancel(std::exception_ptr cause) const noexcept { life_.cancel(std::move(cause)); }

    // --- members
    enum class admission : unsigned char { refused, waits, admitted };

    /// Counts a member in. Where no slot is free: `waits`, and it has to acquire one; or `refused`, and it is not counted.
    [[nodiscard]] admission admit(bool may_wait);
    [[nodiscard]] acquire_operation slot() { return slots_->acquire(); }
    /// Counts it out.
    void leave(bool with_slot) noexcept;
    /// Keeps the exception with which the calling member ends; the first one cancels the context. False: nobody is left to
    /// fetch it, and somebody should.
    [[nodiscard]] bool failed(std::exception_ptr e) noexcept;
    [[nodiscard]] wait_group_operation all_left() noexcept { return members_.wait(); }

    // --- the group
    void set_limit(int n);
    /// The first exception, or null. It counts as seen then, as do all others.
    [[nodiscard]] std::exception_ptr first_failure() noexcept;
    /// The first one that is not what the context asked for, else as `first_failure`.
    [[nodiscard]] failure first_reason() noexcept;
    [[nodiscard]] std::vector<std::exception_ptr> failures();
    /// The group has gone: ends the context, and reports what nobody saw.
    void abandon() noexcept;

private:
    [[nodiscard]] bool asked_for(const std::exception_ptr& e) const noexcept;

    const cancellable<cancel_cause_function> life_;
    wait_group members_;
    os_mutex mutex_;
    // Guarded by mutex_:
    std::int64_t count_ = 0; ///< as `members_` counts, but for a moment
    std::unique_ptr<semaphore> slots_;
    std::vector<failure> failures_;
    std::size_t seen_ = 0; ///< so many of them
    bool abandoned_ = false;
    std::shared_ptr<const panic_policy> policy_; ///< of a runtime with a member that failed
};

/// Makes a goroutine a member for as long as it lives.
class WEFT_EXPORT group_ticket {
public:
    group_ticket(std::shared_ptr<group_state> s, bool has_slot) noexcept
        : state_(std::move(s)), has_slot_(has_slot)
    {
    }
    group_ticket(group_ticket&& o) noexcept = default;
    group_ticket& operator=(group_ticket&&) = delete;
    ~group_ticket()
    {
        if (state_) state_->leave(has_slot_);
    }

    void got_slot() noexcept { has_slot_ = true; }
    [[nodiscard]] group_state* operator->() const noexcept { return state_.get(); }

private:
    std::shared_ptr<group_state> state_;
    bool has_slot_;
};

template <class Work>
task<> group_member(Work w)
{
    try {
        if constexpr (Work::is_async) (void)co_await w();
        else (void)w();
    } catch (...) {
        if (!w.ticket->failed(std::current_exception())) throw; // as from any goroutine
    }
    co_return;
}

/// The argument rules are those of `go`.
template <class... Args>
void start_member(const char* what, const std::source_location& at, group_ticket ticket,
                  Args&&... args)
{
    start_arguments<Args&&...>::apply(
        what,
        [&]<class F, class... Rest>(scheduler& s, F&& f, Rest&&... rest) {
            using work = ticketed_call<group_ticket, std::decay_t<F>, std::decay_t<Rest>...>;
            start_goroutine(
                s, at, group_member<work>,
                work{std::move(ticket), std::forward<F>(f), {std::forward<Rest>(rest)...}});
        },
        std::forward<Args>(args)...);
}

} // namespace weft::inline v0_1::detail
