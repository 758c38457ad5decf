// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/context.hpp>
#include <weft/detail/slot_guard.hpp>
#include <weft/detail/threads.hpp>

#include <asio/associated_cancellation_slot.hpp>
#include <asio/async_result.hpp>
#include <asio/deferred.hpp>
#include <asio/error.hpp>
#include <asio/error_code.hpp>

#include <type_traits>
#include <utility>

/// `bind`: any Asio operation under a context.

namespace weft::inline v0_1 {

namespace detail {

template <class Executor>
scheduler* scheduler_of(const Executor&) noexcept
{
    return nullptr;
}
inline scheduler* scheduler_of(const executor& ex) noexcept
{
    return &ex.sched();
}
template <class Executor>
scheduler* scheduler_of(const guarded_executor<Executor>& ex) noexcept
{
    return scheduler_of(ex.inner());
}

/// Stands in the context's list while the operation is in flight: until its handler is called, or dropped.
class bind_link final : public context_child {
public:
    bind_link(context_ref ctx, scheduler* s) : ctx_(std::move(ctx)), guard_(new slot_guard(s)) {}
    bind_link(const bind_link&) = delete;
    bind_link& operator=(const bind_link&) = delete;

    /// Adds a reference, the list's, if the context lives; else the operation is cancelled from the start.
    void begin() noexcept
    {
        context_life* l = ctx_.get()->life();
        if (!l) return;
        retain();
        if (l->link(*this)) return;
        guard_->cancel();
        refs_.fetch_sub(1, std::memory_order_relaxed); // not the last one: the caller's is left
    }
    /// The operation is done, or was dropped.
    void end() noexcept
    {
        if (leave()) release();
    }

    [[nodiscard]] slot_guard& guard() noexcept { return *guard_; }
    /// The code of an operation that was cancelled because of the context.
    [[nodiscard]] asio::error_code translated(const asio::error_code& ec) const noexcept
    {
        context_life* l = ctx_.get()->life();
        return ec == asio::error::operation_aborted && l && l->has_ended()
                   ? make_error_code(l->ended())
                   : ec;
    }

    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release(unsigned n = 1) noexcept
    {
        if (refs_.fetch_sub(n, std::memory_order_acq_rel) == n) delete this;
    }
    void add_owner() noexcept { owners_.fetch_add(1, std::memory_order_relaxed); }
    void drop_owner() noexcept
    {
        if (owners_.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
        guard_->close();
        release(leave() ? 2 : 1);
    }

private:
    ~bind_link() { guard_->release(); }

    /// True: it stood in the list, whose reference is the caller's now.
    [[nodiscard]] bool leave() noexcept
    {
        context_life* l = ctx_.get()->life();
        return l && l->unlink(*this);
    }
    bool hold() noexcept override { return true; }
    void life_ended(ending&) noexcept override
    {
        guard_->cancel();
        release();
    }

    const context_ref ctx_;
    slot_guard* const guard_;
    detail::atomic<unsigned> refs_{1};   ///< the owners' one, the list's
    detail::atomic<unsigned> owners_{1}; ///< handlers
};

/// A handler's hold on it.
class bind_ref {
public:
    explicit bind_ref(bind_link* l) noexcept : link_(l) {}
    bind_ref(const bind_ref& o) noexcept : link_(o.link_) { link_->add_owner(); }
    bind_ref& operator=(const bind_ref&) = delete;
    ~bind_ref() { link_->drop_owner(); }
    [[nodiscard]] bind_link* operator->() const noexcept { return link_; }

private:
    bind_link* const link_;
};

template <class Handler>
class bind_handler : public guarded_base<Handler> {
public:
    bind_handler(Handler h, const guard_ref& g, const bind_ref& l)
        : guarded_base<Handler>(std::move(h), g), link_(l)
    {
        auto outer = asio::get_associated_cancellation_slot(this->handler_);
        if (!outer.is_connected()) return;
        // It stays there until the next operation takes the slot, and does nothing when this one is over.
        outer.assign([g](asio::cancellation_type type) {
            if (type != asio::cancellation_type::none) (*g).cancel();
        });
    }

    template <class... Args>
    void operator()(Args&&... args)
    {
        link_->end();
        done(std::forward<Args>(args)...);
    }

private:
    void done() { this->finish(); }
    template <class First, class... Rest>
    void done(First&& first, Rest&&... rest)
    {
        if constexpr (std::is_same_v<std::decay_t<First>, asio::error_code>) {
            this->finish(link_->translated(first), std::forward<Rest>(rest)...);
        } else {
            this->finish(std::forward<First>(first), std::forward<Rest>(rest)...);
        }
    }

    bind_ref link_;
};

} // namespace detail

} // namespace weft::inline v0_1

template <class Handler, class Candidate>
struct asio::associated_executor<weft::detail::bind_handler<Handler>, Candidate>
    : weft::detail::guarded_executor_association<weft::detail::bind_handler<Handler>, Candidate> {};

namespace weft::inline v0_1 {

/// The operation `bind` returns.
template <class Op>
class [[nodiscard]] bound_operation {
    using signature = asio::completion_signature_of_t<Op>;

public:
    bound_operation(const context& ctx, Op op) : ctx_(ctx), op_(std::move(op)) {}

    template <class Token>
        requires asio::completion_token_for<Token, signature>
    auto operator()(Token&& token) &&
    {
        return asio::async_initiate<Token, signature>(
            [](auto handler, context ctx, Op op) {
                detail::scheduler* s = detail::scheduler_of(asio::get_associated_executor(handler));
                const detail::bind_ref link(new detail::bind_link(ctx.ref(), s));
                link->begin();
                const detail::guard_ref guard(link->guard(), link->guard().begin());
                const detail::guard_initiation scope(guard);
                std::move(op)(
                    detail::bind_handler<decltype(handler)>(std::move(handler), guard, link));
            },
            token, ctx_, std::move(op_));
    }

private:
    context ctx_;
    Op op_;
};

/// The Asio operation `op` (in its `asio::deferred` form), cancelled when `ctx` ends, from whatever thread. It is itself an
/// Asio operation with the same signature, for any token, in goroutines and elsewhere:
///
///     std::size_t n = co_await bind(ctx, socket.async_read_some(buffer));
///
/// A handler without an executor of its own runs on that of the operation's object, as it would without `bind`.
/// An operation that was cancelled for the context completes with the context's code (errc::canceled,
/// errc::deadline_exceeded) in place of operation_aborted; one that was done all the same is reported as done.
///
/// @throws misuse_error  a nil context.
template <class Context, class Op>
// As narrow as that, lest std::bind, found through the operation, fits better.
    requires(std::same_as<std::remove_cvref_t<Context>, context> &&
             asio::is_async_operation<Op>::value)
[[nodiscard]] bound_operation<std::decay_t<Op>> bind(Context&& ctx, Op&& op)
{
    detail::parent_node(ctx);
    return {ctx, std::forward<Op>(op)};
}

} // namespace weft::inline v0_1
