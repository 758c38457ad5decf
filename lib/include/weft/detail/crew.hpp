// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/spawn.hpp>
#include <weft/detail/spinlock.hpp>
#include <weft/go.hpp>
#include <weft/join_handle.hpp>
#include <weft/task.hpp>
#include <weft/wait_group.hpp>

#include <exception>
#include <memory>
#include <source_location>
#include <utility>

/// `crew`: the goroutines of one pattern.

namespace weft::inline v0_1::detail {

/// Goroutines that belong together: bound to one context, which ends when the first of them fails, and waited for together.
///
/// Unlike an errgroup it binds its members, and who waits for it does not leave without them. Shared by its owner and its
/// members: a runtime that ends unwinds them in any order.
class WEFT_EXPORT crew {
public:
    /// @throws misuse_error  "cannot create context from nil parent".
    explicit crew(const context& parent) : scope_(with_cancel_cause(parent)) {}
    crew(const crew&) = delete;
    crew& operator=(const crew&) = delete;

    [[nodiscard]] const context& ctx() const noexcept { return scope_.ctx; }

    /// Keeps the first exception, and ends the context with it as the cause.
    void fail(std::exception_ptr e) noexcept;
    /// Ends the context; that members end by it then is no failure.
    void cancel() noexcept;

    /// Being a member: the crew is not empty until the last of these goes. It lets go of the crew before it says so: who has
    /// waited for the members is not to leave the crew, and the functions in it, to one of them.
    class ticket {
    public:
        explicit ticket(std::shared_ptr<crew> c) : crew_(std::move(c)) { crew_->members_->add(); }
        ticket(ticket&&) noexcept = default;
        ticket& operator=(ticket&&) = delete;
        ~ticket()
        {
            if (!crew_) return;
            const std::shared_ptr<wait_group> members = crew_->members_;
            crew_.reset();
            members->done();
        }
        [[nodiscard]] crew* operator->() const noexcept { return crew_.get(); }

    private:
        std::shared_ptr<crew> crew_;
    };

    /// Starts a member that runs `f()`.
    template <class F>
    static void go(std::shared_ptr<crew> c, F f, const std::source_location& at)
    {
        using work = ticketed_call<ticket, F>;
        weft::go(member<work>, work{ticket(std::move(c)), std::move(f), {}}, at);
    }

    /// Runs `f()` bound to the context; what it throws is a failure.
    template <class F>
    static task<> run(crew& c, F f)
    {
        bound_function<F> bound(c.ctx(), std::move(f));
        try {
            co_await bound();
        } catch (...) {
            c.ended_by(std::current_exception());
        }
    }

    /// Waits for all members, whatever happens to the caller.
    static task<> wait(std::shared_ptr<crew> c);
    /// Waits for all members; rethrows the first failure. When the caller is interrupted, or `limit` ends, that is a failure.
    static task<> join(std::shared_ptr<crew> c, context limit = background());

private:
    template <class Work>
    static task<> member(Work w)
    {
        co_await run(*w.ticket.operator->(), std::ref(w.f));
    }

    /// An exception leaves a member.
    void ended_by(std::exception_ptr e) noexcept;
    [[nodiscard]] bool keep(std::exception_ptr& e) noexcept;
    [[nodiscard]] std::exception_ptr failure() noexcept;

    const cancellable<cancel_cause_function> scope_;
    const std::shared_ptr<wait_group> members_ = std::make_shared<wait_group>();
    spinlock lock_;
    std::exception_ptr failure_; ///< guarded by lock_; set once
    atomic<bool> cancelled_{false};
};

} // namespace weft::inline v0_1::detail
