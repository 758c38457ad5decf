// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/binding.hpp>

#include <weft/detail/conductor.hpp>
#include <weft/detail/goroutine.hpp>
#include <weft/detail/patience.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/slot_guard.hpp>
#include <weft/detail/threads.hpp>

#include <asio/error.hpp>
#include <asio/experimental/channel_error.hpp>
#include <asio/multiple_exceptions.hpp>
#include <asio/system_error.hpp>

#include <new>
#include <utility>

namespace weft::inline v0_1::detail {

// ---------------------------------------------------------------- binding

binding::binding(goroutine& g, const atomic<int>* ended, tied_to what, bubble_id bubble) noexcept
    : g_(g), to_(what), bubble_(bubble), ended_(ended)
{
    g.bound = this;
}

binding::~binding()
{
    if (to_ == tied_to::context) g_.bound = nullptr; // else the goroutine is gone
    if (slot_guard* guard = guard_.load(std::memory_order_relaxed)) {
        guard->close();
        guard->release();
    }
}

slot_guard* binding::guard()
{
    if (!ended_ || shields_ != 0 || to_ == tied_to::slot) return nullptr;
    slot_guard* guard = guard_.load(std::memory_order_relaxed);
    if (!guard) {
        guard = new slot_guard(g_.sched);
        guard_.store(guard, std::memory_order_seq_cst);
        if (must_end()) guard->cancel(); // the canceller may have looked before
    }
    return guard;
}

slot_guard* binding::retain_guard() const noexcept
{
    slot_guard* guard = guard_.load(std::memory_order_seq_cst);
    if (guard) guard->retain();
    return guard;
}

void binding::wait_for_interruption() noexcept
{
    patience p;
    for (;;) {
        auto expected = word::parked;
        if (word_.compare_exchange_weak(expected, word::running, std::memory_order_acquire) ||
            expected == word::running) {
            return;
        }
        p.wait();
    }
}

void binding::wait_for_withdrawal() noexcept
{
    patience p;
    while (word_.load(std::memory_order_acquire) == word::withdrawing) p.wait();
}

void binding::interrupt() noexcept
{
    goroutine& g = g_;
    const parked_operation& on = g.parked_on;
    word_.store(word::withdrawing, std::memory_order_seq_cst);
    const bool waits = is_waiting(g.reason.load(std::memory_order_seq_cst));
    const bool out = waits && shields_ == 0 && on && on.withdraw(false);
    if (out) interrupted_ = true;
    word_.store(word::parked, std::memory_order_release);
    // Unless it was taken out, the goroutine may be gone now.
    if (out) ready(g);
}

void binding::listen() noexcept
{
    static_cast<slot_binding&>(*this).listen();
}

void slot_binding::listen() noexcept
{
    // The present one: the goroutine may have reset it since.
    const asio::cancellation_state state = bound_goroutine().thread.look().get_cancellation_state();
    if (!listening_.exchange(true, std::memory_order_relaxed)) {
        retain();
        struct handler {
            slot_binding* self;
            explicit handler(slot_binding* s) noexcept : self(s) {}
            handler(const handler&) = delete;
            handler& operator=(const handler&) = delete;
            ~handler()
            {
                self->listening_.store(false, std::memory_order_relaxed);
                self->release();
            }
            void operator()(asio::cancellation_type) const noexcept { self->cancel(); }
        };
        state.slot().emplace<handler>(this);
    }
    if (ended_.load(std::memory_order_acquire) != 0)
        ended_.store(0, std::memory_order_seq_cst); // it may have been cleared
    if (!!state.cancelled()) ended_.store(1, std::memory_order_seq_cst);
}

void slot_binding::cancel() noexcept
{
    ended_.store(1, std::memory_order_seq_cst);
    if (claim()) interrupt();
}

void adopt(goroutine& g, const asio_thread& t) noexcept
{
    g.sched = &t.get_executor().sched();
    // It runs, and so must a dump find it, which need not wait for the slice that it began in. It is not the thread's
    // current one: Asio starts it inside of somebody else's slice, and its first await leads out of that.
    g.reason.store(wait_reason::running, std::memory_order_relaxed);
    g.since = g.sched->time();
    g.sched->enroll(g, std::source_location());
    if (conductor* c = g.sched->conducted_by(); WEFT_UNLIKELY(c != nullptr)) c->adopted();
    if (is_observed()) note_resumed(g);
    if (t.get_cancellation_state().slot().is_connected())
        new (std::nothrow) slot_binding(g); // the goroutine releases it
}

bool is_cancellation(const std::exception_ptr& e, const std::error_code& code) noexcept
{
    try {
        std::rethrow_exception(e);
    } catch (const std::system_error& x) {
        return (code && x.code() == code) || x.code() == asio::error::operation_aborted ||
               x.code() == asio::experimental::error::channel_cancelled;
    } catch (const asio::multiple_exceptions& x) {
        return is_cancellation(x.first_exception(), code);
    } catch (...) {
        return false;
    }
}

void throw_interrupted(const goroutine& g)
{
    if (g.bound->to() == binding::tied_to::slot)
        throw asio::system_error(asio::error::operation_aborted);
    throw error(g.bound->reason());
}

// ---------------------------------------------------------------- slot_guard

host_access::host_access(const std::weak_ptr<scheduler>& s) noexcept
    : sched_(s.lock()), allowed_(sched_ != nullptr)
{
    if (!sched_) return;
    sched_->enter_from_outside(); // before it looks whether the runtime ends
    allowed_ = sched_->embedded() || !sched_->stopping();
}

host_access::~host_access()
{
    if (sched_) sched_->leave_from_outside();
}

slot_guard::slot_guard(scheduler* s)
    : owned_(s != nullptr), sched_(s ? s->weak_from_this() : std::weak_ptr<scheduler>())
{
}

void slot_guard::close() noexcept
{
    const std::uint64_t s = state_.load(std::memory_order_acquire);
    if (s % one_generation != idle) finish(s / one_generation);
}

slot_guard::generation slot_guard::begin() noexcept
{
    const generation g = state_.load(std::memory_order_relaxed) / one_generation + 1;
    holder_.store(&this_thread_state(), std::memory_order_relaxed);
    state_.store(of(g, held), std::memory_order_seq_cst);
    return g;
}

bool slot_guard::acquire(generation g) noexcept
{
    patience p;
    for (;;) {
        std::uint64_t s = state_.load(std::memory_order_acquire);
        if (s / one_generation != g || s % one_generation == idle) return false;
        if (s % one_generation == held) {
            if (holder_.load(std::memory_order_relaxed) == &this_thread_state())
                return false; // from within
            p.wait();
        } else if (take(g)) {
            return true;
        }
    }
}

bool slot_guard::take(generation g) noexcept
{
    std::uint64_t s = of(g, open);
    if (!state_.compare_exchange_strong(s, of(g, held), std::memory_order_seq_cst)) return false;
    holder_.store(&this_thread_state(), std::memory_order_relaxed);
    return true;
}

bool slot_guard::give(generation g) noexcept
{
    std::uint64_t s = of(g, held);
    if (state_.load(std::memory_order_relaxed) != s)
        return false; // it is complete, or another one has begun
    holder_.store(nullptr, std::memory_order_relaxed);
    state_.store(of(g, open), std::memory_order_seq_cst);
    return true;
}

void slot_guard::let_go(generation g) noexcept
{
    if (state_.load(std::memory_order_relaxed) != of(g, held)) return;
    const bool already = cancelled(); // the step may have begun something new
    if (already) emit();
    if (give(g) && !already && cancelled()) cancel();
}

void slot_guard::finish(generation g) noexcept
{
    static_cast<void>(acquire(g)); // false: the caller is in a step, and holds it
    signal_.slot().clear();
    holder_.store(nullptr, std::memory_order_relaxed);
    state_.store(of(g, idle), std::memory_order_seq_cst);
}

void slot_guard::cancel() noexcept
{
    cancelled_.store(true, std::memory_order_seq_cst);
    const host_access pool(sched_);
    if (owned_ && !pool) return; // it goes, and the operation with it
    const std::uint64_t s = state_.load(std::memory_order_seq_cst);
    const generation g = s / one_generation;
    if (s % one_generation != open || !take(g))
        return; // whoever holds it will see that it is cancelled
    emit();
    give(g);
}

/// Every type at once: an operation takes the strongest it supports.
void slot_guard::emit() noexcept
{
    signal_.emit(asio::cancellation_type::all);
}

} // namespace weft::inline v0_1::detail
