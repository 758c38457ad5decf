// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/detail/threads.hpp>
#include <weft/executor.hpp>

#include <asio/associated_allocator.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/execution.hpp>

#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>

/// Cancelling an Asio operation from any thread at any time.

namespace weft::inline v0_1::detail {

class scheduler;

/// While it lives, a thread from outside may use what a scheduler's pool holds. False: it may not any more.
class WEFT_EXPORT host_access {
public:
    explicit host_access(const std::weak_ptr<scheduler>& s) noexcept;
    host_access(const host_access&) = delete;
    host_access& operator=(const host_access&) = delete;
    ~host_access();
    explicit operator bool() const noexcept { return allowed_; }

private:
    const std::shared_ptr<scheduler> sched_;
    bool allowed_;
};

/// Asio's cancellation slots are not thread-safe: an emission must exclude the initiation of the operation, each
/// step of a composed operation (which sets the slot anew), and the completion. One guard serves all operations
/// of a goroutine, one after the other; each is a *generation*.
///
/// State table of `state_` (low bits; above them the generation):
///   idle  no operation is in flight.
///   held  one thread is at the slot: the initiation, a step, the completion, or an emission.
///   open  the operation is in flight, and nobody is at the slot.
///   idle -> held   `begin`, by the goroutine's thread.     held -> open   end of the initiation, step, emission.
///   open -> held   `take`, by a step or a canceller.       held -> idle   `finish`, by the completion.
/// Only steps wait: for each other, and for an emission. A canceller that finds the slot held goes; the holder emits.
///
/// The runtime whose goroutine it is, if there is one, may end at any time, and Asio's services with it: who emits from
/// outside enters the scheduler first, and an operation whose handler was dropped is closed (`close`).
///
/// `cancelled_` is for ever. A canceller sets it, then looks at the state; a holder opens the state, then looks at
/// it. Both are seq_cst, so one of the two sees the other.
class WEFT_EXPORT slot_guard {
public:
    using generation = std::uint64_t;

    /// `s`: whose pool the operations use; null: nobody knows.
    explicit slot_guard(scheduler* s);
    slot_guard(const slot_guard&) = delete;
    slot_guard& operator=(const slot_guard&) = delete;

    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept
    {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

    /// A new operation is about to be initiated by the calling thread, which holds the slot until `let_go`.
    [[nodiscard]] generation begin() noexcept;
    /// Takes the slot for the calling thread. False: it has it already, or the operation is over.
    [[nodiscard]] bool acquire(generation g) noexcept;
    void let_go(generation g) noexcept;
    /// The operation is complete: the slot is empty from now on.
    void finish(generation g) noexcept;

    /// Nobody will complete an operation any more: what is in flight was dropped.
    void close() noexcept;

    /// Cancels the operation in flight, and all later ones. From any thread.
    void cancel() noexcept;
    [[nodiscard]] bool cancelled() const noexcept
    {
        return cancelled_.load(std::memory_order_seq_cst);
    }

    [[nodiscard]] asio::cancellation_slot slot() noexcept { return signal_.slot(); }

    slot_guard* next_to_cancel = nullptr; ///< the canceller's

private:
    static constexpr std::uint64_t idle = 0, open = 1, held = 2, one_generation = 4;

    static std::uint64_t of(generation g, std::uint64_t kind) noexcept
    {
        return g * one_generation | kind;
    }
    [[nodiscard]] bool take(generation g) noexcept;
    bool give(generation g) noexcept;
    void emit() noexcept;

    const bool owned_; ///< by a scheduler's goroutine
    const std::weak_ptr<scheduler> sched_;
    atomic<unsigned> refs_{1};
    atomic<std::uint64_t> state_{idle};
    atomic<const void*> holder_{nullptr}; ///< a thread's own address; only compared with one's own
    atomic<bool> cancelled_{false};
    asio::cancellation_signal signal_; ///< whoever holds the slot
};

/// One counted reference, for one operation.
class guard_ref {
public:
    guard_ref(slot_guard& g, slot_guard::generation n) noexcept : guard_(&g), generation_(n)
    {
        g.retain();
    }
    guard_ref(const guard_ref& o) noexcept : guard_(o.guard_), generation_(o.generation_)
    {
        guard_->retain();
    }
    guard_ref& operator=(const guard_ref&) = delete;
    ~guard_ref() { guard_->release(); }

    [[nodiscard]] slot_guard& operator*() const noexcept { return *guard_; }
    [[nodiscard]] slot_guard::generation number() const noexcept { return generation_; }
    [[nodiscard]] bool acquire() const noexcept { return guard_->acquire(generation_); }
    void let_go() const noexcept { guard_->let_go(generation_); }
    friend bool operator==(const guard_ref& a, const guard_ref& b) noexcept
    {
        return a.guard_ == b.guard_ && a.generation_ == b.generation_;
    }

private:
    slot_guard* const guard_;
    const slot_guard::generation generation_;
};

/// Holds the slot for a scope.
class guard_step {
public:
    explicit guard_step(const guard_ref& g) noexcept : guard_(g), mine_(g.acquire()) {}
    guard_step(const guard_step&) = delete;
    guard_step& operator=(const guard_step&) = delete;
    ~guard_step()
    {
        if (mine_) guard_.let_go();
    }

private:
    const guard_ref guard_;
    const bool mine_;
};

/// Lets the slot go when the initiation is over.
class guard_initiation {
public:
    explicit guard_initiation(const guard_ref& g) noexcept : guard_(g) {}
    guard_initiation(const guard_initiation&) = delete;
    guard_initiation& operator=(const guard_initiation&) = delete;
    ~guard_initiation() { guard_.let_go(); }

private:
    const guard_ref& guard_;
};

/// A handler's executor, which holds the slot while it runs what belongs to the operation.
template <class Executor>
class guarded_executor {
public:
    guarded_executor(const Executor& ex, const guard_ref& g) noexcept : inner_(ex), guard_(g) {}
    guarded_executor(const guarded_executor&) = default;
    guarded_executor& operator=(const guarded_executor&) = delete;

    [[nodiscard]] const Executor& inner() const noexcept { return inner_; }

    template <class F>
    void execute(F&& f) const
    {
        inner_.execute([guard = guard_, f = std::decay_t<F>(std::forward<F>(f))]() mutable {
            const guard_step step(guard);
            std::move(f)();
        });
    }

    template <class Property>
        requires asio::can_query<const Executor&, const Property&>::value
    auto query(const Property& p) const
    {
        return asio::query(inner_, p);
    }
    template <class Property>
        requires asio::can_require<const Executor&, const Property&>::value
    auto require(const Property& p) const
    {
        return guarded_executor<std::decay_t<decltype(asio::require(inner_, p))>>(
            asio::require(inner_, p), guard_);
    }

    friend bool operator==(const guarded_executor& a, const guarded_executor& b) noexcept
    {
        return a.inner_ == b.inner_ && a.guard_ == b.guard_;
    }
    friend bool operator!=(const guarded_executor& a, const guarded_executor& b) noexcept
    {
        return !(a == b);
    }

private:
    Executor inner_;
    guard_ref guard_;
};

/// What the handlers of guarded operations have in common: who runs them, and the slot.
template <class Handler>
class guarded_base {
public:
    using allocator_type = asio::associated_allocator_t<Handler>;
    using cancellation_slot_type = asio::cancellation_slot;

    guarded_base(Handler h, const guard_ref& g) : handler_(std::move(h)), guard_(g) {}

    /// The handler's own executor, or that of the operation's I/O object, which Asio names in its place.
    template <class Candidate>
    using executor_for =
        guarded_executor<typename asio::associated_executor<Handler, Candidate>::type>;
    template <class Candidate>
    [[nodiscard]] executor_for<Candidate> get_executor(const Candidate& c) const noexcept
    {
        return {asio::associated_executor<Handler, Candidate>::get(handler_, c), guard_};
    }
    [[nodiscard]] allocator_type get_allocator() const noexcept
    {
        return asio::get_associated_allocator(handler_);
    }
    [[nodiscard]] cancellation_slot_type get_cancellation_slot() const noexcept
    {
        return (*guard_).slot();
    }

protected:
    template <class... Args>
    void finish(Args&&... args)
    {
        (*guard_).finish(guard_.number());
        std::move(handler_)(std::forward<Args>(args)...);
    }

    Handler handler_;
    guard_ref guard_;
};

/// The handler that resumes a goroutine.
template <class Handler>
class guarded_handler : public guarded_base<Handler> {
public:
    using guarded_base<Handler>::guarded_base;

    template <class... Args>
    void operator()(Args&&... args)
    {
        this->finish(std::forward<Args>(args)...);
    }
};

/// An Asio operation as a goroutine awaits it: with a guard it can be cancelled, without it is left alone.
template <class Op>
class guarded_operation {
    using signature = asio::completion_signature_of_t<Op>;

public:
    guarded_operation(Op&& op, slot_guard* guard) : op_(std::move(op)), guard_(guard) {}

    template <class Token>
        requires asio::completion_token_for<Token, signature>
    auto operator()(Token&& token) &&
    {
        return asio::async_initiate<Token, signature>(
            [](auto handler, Op op, slot_guard* guard) {
                if (!guard) {
                    std::move(op)(std::move(handler));
                    return;
                }
                const guard_ref ref(*guard, guard->begin());
                const guard_initiation scope(ref);
                std::move(op)(guarded_handler<decltype(handler)>(std::move(handler), ref));
            },
            token, std::move(op_), guard_);
    }

private:
    Op op_;
    slot_guard* guard_;
};

/// What Asio asks of such a handler; the specialisations below derive from it.
template <class Guarded, class Candidate>
struct guarded_executor_association {
    using type = typename Guarded::template executor_for<Candidate>;

    static type get(const Guarded& h) noexcept { return get(h, Candidate()); }
    static type get(const Guarded& h, const Candidate& c) noexcept { return h.get_executor(c); }
};

} // namespace weft::inline v0_1::detail

template <class Handler, class Candidate>
struct asio::associated_executor<weft::detail::guarded_handler<Handler>, Candidate>
    : weft::detail::guarded_executor_association<weft::detail::guarded_handler<Handler>,
                                                 Candidate> {};
