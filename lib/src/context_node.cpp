// Copyright (c) 2026 the weft authors
// SPDX-License-Identifier: BSL-1.0

#include <weft/detail/context_node.hpp>

#include <weft/detail/goroutine.hpp>
#include <weft/detail/patience.hpp>
#include <weft/detail/scheduler.hpp>
#include <weft/detail/slot_guard.hpp>
#include <weft/detail/timekeeper.hpp>

#include <utility>

namespace weft::inline v0_1::detail {

// ---------------------------------------------------------------- node

bool context_node::retain_if_held() noexcept
{
    std::size_t n = refs_.load(std::memory_order_relaxed);
    while (n != 0) {
        if (refs_.compare_exchange_weak(n, n + 1, std::memory_order_acquire,
                                        std::memory_order_relaxed)) {
            return true;
        }
    }
    return false;
}

void context_node::release(context_node* n) noexcept
{
    second_parent* others = nullptr;
    for (;;) {
        while (n && n->refs_.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            context_node* below = std::exchange(n->parent_, nullptr);
            if (second_parent* other = n->hand_over()) other->next = std::exchange(others, other);
            delete n; // may still need the one below: it is let go after
            n = below;
        }
        if (!others) return;
        second_parent* other = std::exchange(others, others->next);
        n = other->node;
        delete other;
    }
}

const void* context_node::find(const void* key) const noexcept
{
    for (const context_node* n = this; n; n = n->parent_) {
        if (const void* v = n->value(key)) return v;
    }
    return nullptr;
}

// ---------------------------------------------------------------- life

namespace {

/// A child of a context from outside ends from there.
bubble_id bubble_of(const context_node* parent, bool from_outside) noexcept
{
    if (from_outside) return 0;
    const context_life* above = parent ? parent->life() : nullptr;
    if (above) return above->bubble;
    return current_bubble();
}

} // namespace

const ending*& spreading_here() noexcept
{
    thread_local const ending* here = nullptr;
    return here;
}

/// Tells all descendants at its end.
class context_life::spreading {
public:
    explicit spreading(ending& all) noexcept : all_(all)
    {
        if (!spreading_here()) spreading_here() = &all_;
    }
    spreading(const spreading&) = delete;
    spreading& operator=(const spreading&) = delete;
    ~spreading()
    {
        while (context_child* c = all_.next.pop_front()) c->life_ended(all_);
        for (context_life* l = all_.ended; l; l = l->next_ended_) {
            l->spread_.store(true, std::memory_order_release);
            if (l->above_)
                l->above_->unlink(*l); // who ended that meanwhile has waited for this one
        }
        if (spreading_here() == &all_) spreading_here() = nullptr;
    }

private:
    ending& all_;
};

context_life::context_life(context_node* parent, std::optional<time_point> deadline,
                           bool from_outside) noexcept
    : context_node(parent, this),
      waitable(bubble_of(parent, from_outside)),
      deadline_(deadline),
      above_(parent ? parent->life() : nullptr)
{
}

context_life::~context_life()
{
    if (above_) above_->unlink(*this);
}

void context_life::begin() noexcept
{
    if (!above_ || above_->link(*this)) return;
    ending all;
    {
        const spreading scope(all);
        end_with(*above_, all);
    }
    finish(all);
}

void context_life::end(errc e, std::exception_ptr cause) noexcept
{
    if (!has_ended()) {
        ending all;
        {
            const spreading scope(all);
            end_this(e, cause, all);
        }
        finish(all);
    }
    // From within an ending: it may be the very one that is to be waited for.
    if (!spreading_here()) wait_until_spread();
}

void context_life::life_ended(ending& all) noexcept
{
    const bool by_another = !end_with(*above_, all);
    // Who is at it began here, since all above are ours, and waits, if at all, for somebody further down. Two that
    // end what a merged one stands under would wait for each other.
    if (by_another && spreading_here() == &all && !has_second_parent()) wait_until_spread();
    release(this);
}

void context_life::wait_until_spread() const noexcept
{
    patience p;
    while (!spread_.load(std::memory_order_acquire)) p.wait();
}

bool context_life::end_this(errc e, const std::exception_ptr& cause, ending& all) noexcept
{
    wake_list wakes;
    lock.lock();
    if (has_ended()) {
        lock.unlock();
        return false;
    }
    cause_ = cause;
    ended_.store(static_cast<int>(e), std::memory_order_seq_cst);
    release_all(waiters_, wakes);
    while (context_child* c = children_.pop_front()) {
        c->linked = false;
        if (c->hold()) all.next.push_back(c);
    }
    child_count_ = 0;
    lock.unlock();
    wakes.wake_all();
    on_end();
    retain();
    next_ended_ = std::exchange(all.ended, this);
    return true;
}

void context_life::finish(ending& all) noexcept
{
    for (context_life* l = all.ended; l; l = l->next_ended_) l->interrupt_bound();
    while (context_life* l = all.ended) {
        all.ended = l->next_ended_;
        if (l->stop_) { // made before the end, or not at all
            about_to_call_the_user();
            l->stop_->request_stop();
        }
        release(l);
    }
}

void context_life::interrupt_bound() noexcept
{
    constexpr unsigned most_at_once = 64; // one that is claimed cannot run until its turn
    for (bool more = true; more;) {
        intrusive_list<binding> claimed;
        slot_guard* guards = nullptr;
        unsigned n = 0;
        lock.lock();
        told_.store(static_cast<int>(ended()), std::memory_order_seq_cst);
        while (n++ < most_at_once) {
            binding* b = bound_.pop_front();
            if (!b) break;
            b->linked = false;
            if (slot_guard* g = b->retain_guard()) g->next_to_cancel = std::exchange(guards, g);
            if (b->claim()) claimed.push_back(b);
        }
        more = !bound_.empty();
        lock.unlock();
        while (binding* b = claimed.pop_front()) b->interrupt();
        while (slot_guard* g = guards) {
            guards = g->next_to_cancel;
            g->cancel();
            g->release();
        }
    }
}

std::exception_ptr context_life::cause() const
{
    const errc e = ended();
    if (e == errc()) return nullptr;
    return cause_ ? cause_ : std::make_exception_ptr(error(e));
}

std::stop_token context_life::stop_token()
{
    auto fresh = std::make_unique<std::stop_source>();
    std::stop_token t = fresh->get_token();
    lock.lock();
    const bool over = has_ended();
    if (stop_) {
        t = stop_->get_token();
    } else if (!over) {
        stop_.swap(fresh);
    }
    lock.unlock();
    if (over && fresh) fresh->request_stop();
    return t;
}

bool context_life::link(context_child& c) noexcept
{
    lock.lock();
    const bool alive = !has_ended();
    if (alive) {
        c.linked = true;
        children_.push_back(&c);
        ++child_count_;
    }
    lock.unlock();
    return alive;
}

bool context_life::unlink(context_child& c) noexcept
{
    lock.lock();
    const bool was = std::exchange(c.linked, false);
    if (was) {
        children_.remove(&c);
        --child_count_;
    }
    lock.unlock();
    return was;
}

std::size_t context_life::children() noexcept
{
    lock.lock();
    const std::size_t n = child_count_;
    lock.unlock();
    return n;
}

void context_life::bind(binding& b) noexcept
{
    lock.lock();
    if (told_.load(std::memory_order_relaxed) == 0) {
        b.linked = true;
        bound_.push_back(&b);
    }
    lock.unlock();
}

void context_life::unbind(binding& b) noexcept
{
    lock.lock();
    if (std::exchange(b.linked, false)) bound_.remove(&b);
    lock.unlock();
}

// ---------------------------------------------------------------- deadline

void timed_life::arm(std::int64_t now) noexcept
{
    // Nobody else knows the life but its parent, which may have ended it.
    if (has_ended()) return;
    bell_.want(nanos(*deadline()));
    if (!bell_.settle(now)) unwatched();
    if (has_ended()) on_end();
}

void timed_life::unwatched() noexcept
{
    if (clock::now() >= *deadline()) end(errc::deadline_exceeded, cause_);
    else end(errc::canceled, std::make_exception_ptr(error(errc::stopped)));
}

void timed_life::on_end() noexcept
{
    if (bell_.wanted() == timer_wheel::never) return;
    bell_.want(timer_wheel::never);
    bell_.settle(0);
}

// ---------------------------------------------------------------- binding

context_binding::context_binding(context_ref ctx) noexcept
    : binding(*this_thread_state().current,
              ctx.get()->life() ? &ctx.get()->life()->told_word() : nullptr, tied_to::context,
              ctx.get()->life() ? ctx.get()->life()->bubble : bubble_id{0}),
      ctx_(std::move(ctx))
{
    if (context_life* l = ctx_.get()->life()) l->bind(*this);
}

context_binding::~context_binding()
{
    if (context_life* l = ctx_.get()->life()) l->unbind(*this);
}

} // namespace weft::inline v0_1::detail
