// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0
#pragma once

#include <weft/clock.hpp>
#include <weft/detail/config.hpp>
#include <weft/detail/intrusive_list.hpp>
#include <weft/detail/threads.hpp>
#include <weft/error.hpp>

#include <asio/cancellation_state.hpp>

#include <cstdint>
#include <exception>

/// How a goroutine that was bound to a context, or to one of Asio's cancellation slots, is taken out
/// of what it waits for.

namespace weft::inline v0_1::detail {

struct goroutine;
class slot_guard;

/// The tie between a goroutine and its context; it lives in a frame of the goroutine's, and stands in the
/// context's list.
///
/// State table of `word_`:
///   running       the goroutine runs, is in a run queue, or belongs to an Asio operation.
///   parked        it waits for a weft operation.        running -> parked by itself, before it is published.
///   interrupting  a canceller has claimed it; the goroutine cannot resume, nor be destroyed.
///                 parked -> interrupting by the canceller.
///   withdrawing   the canceller is at its operation. interrupting -> withdrawing -> parked, all by the canceller.
///   parked -> running by whoever resumes the goroutine, once nobody interrupts.
///
/// What the goroutine waits for may go as soon as a waker has done with it: a waker says that the goroutine is woken
/// (its `reason`), then waits while anybody is `withdrawing`; a canceller says that it is, then looks whether the
/// goroutine was woken, and leaves the operation alone if so. Both in the one order of seq_cst. The waker has unlocked
/// what it woke the goroutine from, and a canceller wakes only whom it takes out of that, so neither waits for the other.
///
/// No interruption is missed: a goroutine that parks stores `parked`, then looks whether it must end; a
/// canceller says so, then looks for `parked`. Both in the one order of seq_cst.
///
/// For Asio's operations `guard_` does the same for the cancellation slot (detail/slot_guard.hpp).
class WEFT_EXPORT binding : public list_hook {
public:
    enum class tied_to : std::uint8_t { context, slot };

    /// `ended` holds the context's errc, 0 until its end has reached the goroutines.
    /// `bubble`: the context's.
    binding(goroutine& g, const atomic<int>* ended, tied_to what = tied_to::context,
            bubble_id bubble = 0) noexcept;
    binding(const binding&) = delete;
    binding& operator=(const binding&) = delete;
    ~binding();

    // --- the goroutine
    /// The context has ended, and nothing shields the goroutine from that.
    [[nodiscard]] bool must_end() const noexcept
    {
        return ended_ && shields_ == 0 && ended_->load(std::memory_order_seq_cst) != 0;
    }
    /// About to publish a wait. False: it must not wait; nobody else will touch it then.
    [[nodiscard]] bool begin_wait() noexcept
    {
        if (WEFT_UNLIKELY(to_ == tied_to::slot)) listen();
        word_.store(word::parked, std::memory_order_seq_cst);
        if (!must_end()) return true;
        auto expected = word::parked;
        if (!word_.compare_exchange_strong(expected, word::running, std::memory_order_acquire)) {
            return true; // a canceller is here already, and will take it out again
        }
        interrupted_ = true;
        return false;
    }
    /// Before the goroutine runs again, or is destroyed.
    void resume() noexcept
    {
        auto expected = word::parked;
        if (!word_.compare_exchange_strong(expected, word::running, std::memory_order_acquire)) {
            if (expected != word::running) wait_for_interruption();
        }
    }
    /// True once for each interrupted wait.
    [[nodiscard]] bool take_interruption() noexcept
    {
        const bool was = interrupted_;
        interrupted_ = false;
        return was;
    }
    [[nodiscard]] errc reason() const noexcept
    {
        return static_cast<errc>(ended_->load(std::memory_order_acquire));
    }
    [[nodiscard]] tied_to to() const noexcept { return to_; }
    /// A context that is not of the bubble `b` can end what it waits for.
    [[nodiscard]] bool reaches_out(bubble_id b) const noexcept
    {
        return to_ == tied_to::context && ended_ && shields_ == 0 && bubble_ != b;
    }
    void shield() noexcept { ++shields_; }
    void unshield() noexcept { --shields_; }
    /// What makes an Asio operation of this goroutine safe to cancel; null: it is not to be cancelled.
    slot_guard* guard();

    // --- the canceller
    /// Claims the goroutine if it is parked. With the list's lock held, after the context has ended.
    [[nodiscard]] bool claim() noexcept
    {
        auto expected = word::parked;
        return word_.compare_exchange_strong(expected, word::interrupting,
                                             std::memory_order_seq_cst);
    }
    /// The guard, if there is one, retained. With the list's lock held.
    [[nodiscard]] slot_guard* retain_guard() const noexcept;
    /// Takes the goroutine out of its operation, if nobody was faster. After `claim`, without a lock.
    void interrupt() noexcept;

    // --- the waker
    /// After the goroutine's `reason` says that it is woken, before it can run.
    void let_canceller_leave() noexcept
    {
        if (WEFT_UNLIKELY(word_.load(std::memory_order_seq_cst) == word::withdrawing))
            wait_for_withdrawal();
    }

    bool linked = false; ///< in the context's list; guarded by the context's lock

protected:
    [[nodiscard]] goroutine& bound_goroutine() const noexcept { return g_; }

private:
    enum class word : std::uint8_t { running, parked, interrupting, withdrawing };

    void wait_for_interruption() noexcept;
    void wait_for_withdrawal() noexcept;
    void listen() noexcept;

    goroutine& g_;
    const tied_to to_;
    const bubble_id bubble_;
    const atomic<int>* const ended_;
    atomic<word> word_{word::running};
    bool interrupted_ =
        false;             ///< written while parked by whoever withdrew it, read by the goroutine
    unsigned shields_ = 0; ///< changed only while running
    atomic<slot_guard*> guard_{nullptr};
};

/// The binding of a goroutine that asio::co_spawn started with a cancellation slot: Asio's combinators
/// (`a || b`) cancel through it. Asio's own operations use the slot as they always do; weft's are
/// interrupted with operation_aborted.
///
/// As with Asio, an emission and the goroutine must not meet in the first wait. From then on a handler
/// lies in the slot that may be called at any time; Asio takes it out with each operation of its own.
class WEFT_EXPORT slot_binding final : public binding {
public:
    explicit slot_binding(goroutine& g) noexcept : binding(g, &ended_, tied_to::slot) {}

    /// Before each wait; the goroutine is suspended.
    void listen() noexcept;

    void retain() noexcept { refs_.fetch_add(1, std::memory_order_relaxed); }
    void release() noexcept
    {
        if (refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) delete this;
    }

private:
    void cancel() noexcept;

    atomic<int> ended_{0};
    atomic<unsigned> refs_{1}; ///< the goroutine's, and the handlers' in the slot
    /// Its handler lies in the slot. An operation of Asio's that takes the slot destroys it, as does
    /// `reset_cancellation_state`, which makes another slot.
    atomic<bool> listening_{false};
};

/// Whether `e` has this code, or is how Asio's operations, and combinations of them, say that they were
/// cancelled.
[[nodiscard]] WEFT_EXPORT bool is_cancellation(const std::exception_ptr& e,
                                               const std::error_code& code = {}) noexcept;

/// Throws what ends a bound goroutine.
[[noreturn]] WEFT_EXPORT void throw_interrupted(const goroutine& g);

} // namespace weft::inline v0_1::detail
